// An evening's lessons: put together with a few clicks, played one after another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints } from "./axe.mjs";
import { browse, DESKTOP, lessons, openPlayer, PHONE, picture, playing, TERMINAL_TOKEN, TV } from "./demo.mjs";
import { enterOffice } from "./people.mjs";

/** Names of the lessons on the page's list, in their order. */
const listed = async (page) => (await page.locator("[data-list]").getAttribute("data-list")).split(" ");

/** Puts the last two lessons of the list together; their names. */
async function putTogether(page) {
  await page.goto("/lessons?order=shortest");
  const buttons = page.locator(".lesson [data-evening]");
  await buttons.first().waitFor({ state: "visible" });
  const names = [];
  for (const at of [1, 0]) {
    names.push(await buttons.nth(at).getAttribute("data-evening"));
    await buttons.nth(at).click();
    assert.equal(await buttons.nth(at).getAttribute("aria-pressed"), "true");
  }
  return names;
}

test("lessons are put together and play one after another", { timeout: 180_000 }, () =>
  browse({ viewport: DESKTOP }, async (context) => {
    // As the site's own terminal: what it plays counts.
    const [lesson] = await lessons(context);
    const page = await openPlayer(context, lesson);
    const names = await putTogether(page);
    const bar = page.locator(".evening-bar a");
    assert.match(await bar.innerText(), /2/);
    await picture(page, "evening-chosen");
    await bar.click();
    assert.deepEqual(await listed(page), names);
    await playing(page);
    assert.equal(await page.locator(".counted").getAttribute("data-counted"), "true");
    await picture(page, "evening");
    assert.deepEqual(await complaints(page, "evening"), []);

    // What comes first is changed by a link, and the browser keeps it.
    await page.locator(".evening li").nth(1).locator(".moves a").first().click();
    const turned = [...names].reverse();
    assert.deepEqual(await listed(page), turned);
    await page.goto("/evening");
    await page.waitForURL(/lesson=/);
    assert.deepEqual(await listed(page), turned);

    await playing(page);
    const session = await page.evaluate(() => window.__player.hls.url);
    await page.evaluate(() => {
      const { video } = window.__player;
      video.currentTime = video.duration - 1;
    });
    await page.waitForFunction(() => location.hash === "#2", undefined, { timeout: 30_000 });
    await page.waitForFunction((before) => window.__player.hls?.url && window.__player.hls.url !== before, session);
    await playing(page);
    assert.match(await page.evaluate(() => window.__player.hls.url), new RegExp(`/lessons/${turned[1]}/`));
    assert.equal(await page.locator('.evening [aria-current="true"]').getAttribute("data-play"), "1");
    // After a power cut it goes on with the lesson that was on.
    await page.reload();
    await playing(page);
    assert.match(await page.evaluate(() => window.__player.hls.url), new RegExp(`/lessons/${turned[1]}/`));
  }));

test("the office keeps a list for everybody, a phone plays it, and the screen of the village", { timeout: 240_000 }, async () => {
  let kept;
  let names;
  await browse({ viewport: DESKTOP }, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    names = await putTogether(page);
    await page.locator(".evening-bar a").click();
    await page.locator("details.ways", { has: page.locator('[href^="/office/evenings"]') }).locator("summary").click();
    await page.locator('[href^="/office/evenings/new"]').click();
    await page.locator('[name="title.zh-Hans"]').fill("冬季学习之夜");
    await page.locator('[name="title.ug-Arab"]').fill("قىشلىق ئۆگىنىش كېچىلىكى");
    await picture(page, "office-evening.zh");
    await page.locator("form.place button.strong").click();
    await page.locator(".done").waitFor();
    await picture(page, "office-evenings.zh");
    await page.locator("a.card-link").first().click();
    kept = await page.locator('a[href^="/evening/"]').getAttribute("href");
  });
  await browse({ viewport: PHONE, locale: "ug" }, async (context) => {
    const page = await context.newPage();
    await page.goto(`${kept}?lang=ug-Arab`);
    await page.locator('[data-act="start"]').click();
    await playing(page);
    await picture(page, "evening-phone.ug-Arab");
    const [inner, wide] = await page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
    assert.ok(wide <= inner, `it is ${wide} px wide on a screen of ${inner}`);
    assert.deepEqual(await complaints(page, "evening"), []);
  });
  await browse({ viewport: TV }, async (context) => {
    const page = await context.newPage();
    await page.goto(`/tv?lang=ug-Arab&terminal=${encodeURIComponent(TERMINAL_TOKEN)}`);
    await playing(page);
    await page.keyboard.press("ContextMenu");
    const button = page.locator('[data-key^="evening "]').first();
    await button.waitFor();
    await picture(page, "evening-tv.ug-Arab");
    await button.focus();
    await page.keyboard.press("Enter");
    const plays = (id) => page.waitForFunction((id) => window.__player.hls?.url?.includes(`/lessons/${id}/`), id, { timeout: 30_000 });
    await plays(names[0]);
    await playing(page);
    await page.evaluate(() => {
      const { video } = window.__player;
      video.currentTime = video.duration - 1;
    });
    await plays(names[1]);
    await playing(page);
    // The power fails: the evening goes on where it was.
    await page.waitForTimeout(6000);
    await page.reload();
    await plays(names[1]);
    await playing(page);
  });
  await browse({ viewport: DESKTOP }, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    await page.goto(kept.replace("/evening/", "/office/evenings/"));
    await page.locator('form[action$="/remove"] button').click();
    await page.locator(".done").waitFor();
    assert.equal((await page.request.get(kept)).status(), 404);
  });
});
