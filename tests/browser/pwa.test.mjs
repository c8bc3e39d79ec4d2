import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE_URL, browse, CHANNEL, picture, PHONE, playing } from "./demo.mjs";

/** The service worker controls the page and has kept `path`. */
async function controlled(page, path) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.waitForFunction(async (wanted) => (await caches.match(wanted)) !== undefined, path, { polling: 500 });
}

const kept = (page) =>
  page.evaluate(async () => {
    const all = [];
    for (const name of await caches.keys()) {
      for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
    }
    return all;
  });

test("the manifest names the app in each language, with icons that exist", async () => {
  for (const [lang, dir] of [["zh-Hans", "ltr"], ["ug-Arab", "rtl"], ["kk-Cyrl", "ltr"]]) {
    const answer = await fetch(`${BASE_URL}/manifest.webmanifest?lang=${lang}`);
    assert.match(answer.headers.get("content-type"), /manifest\+json/);
    const app = await answer.json();
    assert.deepEqual([app.lang, app.dir, app.display, app.start_url], [lang, dir, "standalone", "/"]);
    assert.ok(app.name.length > 0 && app.short_name.length > 0);
    assert.deepEqual(app.shortcuts.map((s) => s.url), ["/guide", "/lessons"]);
    for (const [size, purpose] of [["192x192", "any"], ["512x512", "any"], ["512x512", "maskable"]]) {
      assert.ok(app.icons.some((i) => i.sizes === size && i.purpose === purpose), `${size} ${purpose}`);
    }
    for (const icon of app.icons) {
      const bytes = new DataView(await (await fetch(BASE_URL + icon.src)).arrayBuffer());
      const size = [bytes.getUint32(16), bytes.getUint32(20)].join("x"); // PNG, IHDR.
      assert.equal(size, icon.sizes, icon.src);
    }
  }
  const worker = await fetch(`${BASE_URL}/sw.js`);
  assert.equal(worker.headers.get("cache-control"), "no-cache");
  assert.match(worker.headers.get("content-type"), /javascript/);
});

test("offline the last pages open as what they are, others say what can be done", () =>
  browse({ viewport: PHONE }, async (context) => {
    const page = await context.newPage();
    await page.goto("/?lang=ug-Arab");
    await controlled(page, "/");
    await page.goto("/guide");
    await controlled(page, "/guide");
    await context.setOffline(true);

    await page.goto("/");
    await page.locator(".as-of").waitFor();
    assert.match(await page.locator(".as-of").innerText(), /\d\d:\d\d/);
    assert.ok((await page.locator(".channels .card").count()) > 0);
    await picture(page, "offline-home-ug-Arab");
    await page.goto("/guide");
    await page.locator(".as-of").waitFor();

    await page.goto("/lessons");
    await page.locator("[data-offline] h1").waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "ug-Arab");
    assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
    const painted = await page.locator("[data-offline]").evaluate((e) => getComputedStyle(e).borderTopStyle);
    assert.equal(painted, "dashed", "with its style");
    await picture(page, "offline-ug-Arab");

    await context.setOffline(false);
    await page.locator(".lessons").waitFor({ timeout: 20_000 });
  }));

test("the office, sign-in and media are never kept", () =>
  browse({}, async (context) => {
    const page = await context.newPage();
    await page.goto("/?lang=en");
    await controlled(page, "/");
    for (const address of ["/office", "/sign-in", "/setup", "/code", "/enrol", "/me", `/channels/${CHANNEL}`]) {
      await page.goto(address);
    }
    await playing(page);
    await page.waitForTimeout(3000);
    const all = await kept(page);
    assert.ok(all.includes("/") && all.includes("/offline"), String(all));
    const others = all.filter((path) => !["/", "/offline"].includes(path) && !path.startsWith("/assets/"));
    assert.deepEqual(others, []);
    await context.setOffline(true);
    await assert.rejects(page.goto("/sign-in"), "the browser's own page, none of ours");
  }));

test("data is saved, with script and without", async () => {
  for (const javaScriptEnabled of [false, true]) {
    await browse({ javaScriptEnabled }, async (context) => {
      const page = await context.newPage();
      await page.goto("/lessons");
      assert.ok((await page.locator(".poster img").count()) > 0);
      await page.locator(".saver a").click();
      await page.waitForURL(/saver=1/);
      assert.equal(await page.locator(".poster img").count(), 0);
      await page.goto("/");
      assert.equal(await page.locator(".poster img").count(), 0, "it is remembered");
      if (javaScriptEnabled) {
        // Nothing is fetched before somebody asks for it.
        await page.goto(`/channels/${CHANNEL}`);
        await page.waitForTimeout(2000);
        assert.equal(await page.evaluate(() => window.__player.hls), null);
        await page.locator('[data-act="start"]').click();
        await playing(page);
        await page.waitForTimeout(8000);
        const { level, heights } = await page.evaluate(() => {
          const { hls } = window.__player;
          return { level: hls.levels[hls.currentLevel].height, heights: hls.levels.map((l) => l.height) };
        });
        assert.equal(level, Math.min(...heights), "the lowest rung, and it stays");
        await page.locator('[data-act="sound-only"]').click();
        await page.waitForFunction(() => (window.__player.hls?.levels ?? []).length === 1);
        await page.reload();
        await page.locator('[data-act="start"]').click();
        await playing(page);
        assert.equal(await page.locator('[data-act="sound-only"]').getAttribute("aria-pressed"), "true");
      }
      await page.locator(".saver a").click();
      await page.waitForURL(/saver=0/);
      await page.goto("/lessons");
      assert.ok((await page.locator(".poster img").count()) > 0);
    });
  }
});
