// A lesson is taken along, played without a line, and counted when the line is back.
import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { browse, lessons, openPlayer, picture, playing } from "./demo.mjs";

const AMPLE = 180_000;

/** What the browser keeps on its shelf under keys that begin with `prefix`. */
const shelf = (page, prefix) =>
  page.evaluate(async (prefix) => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const db = await done(indexedDB.open("yuanjiao", 1));
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const all = await done(db.transaction("shelf").objectStore("shelf").getAll(range));
    db.close();
    return all;
  }, prefix);

/** Waits until what `look` finds is as `wanted` says. */
async function until(look, wanted, what) {
  for (const end = Date.now() + AMPLE; Date.now() < end; await new Promise((done) => setTimeout(done, 500))) {
    const found = await look();
    if (wanted(found)) return found;
  }
  throw new Error(`never: ${what}`);
}

/** The first lesson, on an enrolled screen that its service worker controls, taken along. */
async function takenAlong(context) {
  const [address] = await lessons(context);
  const page = await openPlayer(context, address);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: AMPLE });
  const panel = page.locator("[data-take]");
  await panel.waitFor({ timeout: AMPLE });
  await panel.locator("[data-size]").filter({ hasText: /\d [kMG]B/ }).waitFor({ timeout: AMPLE });
  const begun = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/api/v1/chains", { timeout: AMPLE });
  await panel.locator('[data-act="take"]').click();
  const answer = await begun;
  assert.equal(answer.status(), 201);
  await panel.locator('[data-act="remove"]').waitFor({ timeout: AMPLE });
  await until(() => shelf(page, "chain/"), (heads) => heads.length === 1, "a chain was begun");
  return { page, panel, address, asked: answer.request().postDataJSON(), chain: await answer.json() };
}

/** Paths below the caches whose names begin with `prefix`. */
const cached = (page, prefix) =>
  page.evaluate(async (prefix) => {
    const all = [];
    for (const name of (await caches.keys()).filter((name) => name.startsWith(prefix))) {
      for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
    }
    return all;
  }, prefix);

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** Holds the lines of a chain to its key and its anchor; what its beats say. */
async function verified(lines, { key, anchor, chain }) {
  assert.deepEqual(JSON.parse(lines[0]), { chain });
  const point = Buffer.from(key, "base64url");
  assert.equal(point.length, 65);
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  const publicKey = await webcrypto.subtle.importKey("raw", point, kind, false, ["verify"]);
  const beats = [];
  let before = anchor;
  for (const line of lines.slice(1)) {
    const { link, sig } = JSON.parse(line);
    const bytes = Buffer.from(sig, "base64url");
    const signed = { name: "ECDSA", hash: "SHA-256" };
    assert.ok(await webcrypto.subtle.verify(signed, publicKey, bytes, Buffer.from(link)), link);
    const { prev, beat } = JSON.parse(link);
    assert.equal(prev, sha256(before), "it names the one before");
    assert.equal(beat.nonce, undefined);
    before = link;
    beats.push(beat);
  }
  return beats;
}

test("a lesson taken along plays without a line, and counts when the line is back", () =>
  browse({ acceptDownloads: true }, async (context) => {
    const { page, panel, address, asked, chain } = await takenAlong(context);
    const id = address.split("/").pop();
    assert.equal(asked.lesson, id);
    await picture(page, "lesson-taken.zh");
    const held = await cached(page, "taken-");
    assert.ok(held.includes(`/taken/${id}/index.m3u8`), String(held));
    assert.ok(held.some((path) => path.includes(`/seg/lesson.${id}.${asked.version}/`)), `${asked.version} is held`);
    assert.match(chain.anchor.trim().split("\n").pop(), new RegExp(`^${asked.version}[0-9a-f]{52}$`), "all of its hash");
    assert.ok(held.some((path) => path.endsWith(".m4s")) && held.some((path) => path.endsWith(".vtt") || path.endsWith(".mp4")));
    const key = await page.evaluate(
      () =>
        new Promise((done) => {
          indexedDB.open("yuanjiao", 1).onsuccess = ({ target: { result: db } }) => {
            db.transaction("shelf").objectStore("shelf").get("key/chains").onsuccess = (event) =>
              crypto.subtle.exportKey("pkcs8", event.target.result.privateKey).then(() => done("exported"), () => done("kept"));
          };
        }),
    );
    assert.equal(key, "kept", "nobody can take the key out of the browser");

    const range = await page.evaluate(async (path) => {
      const part = await fetch(path, { headers: { range: "bytes=2-5" } });
      return [part.status, (await part.arrayBuffer()).byteLength, part.headers.get("content-range")];
    }, held.find((path) => path.endsWith(".m4s")));
    assert.deepEqual(range.slice(0, 2), [206, 4]);
    assert.match(range[2], /^bytes 2-5\/\d+$/);
    assert.equal(await page.evaluate(async () => (await fetch("/taken/no-such-lesson/index.m3u8")).status), 404);

    // Watched over the line, it goes the usual way.
    await playing(page);
    assert.deepEqual(await shelf(page, "link/"), []);

    await context.setOffline(true);
    await page.reload();
    await page.locator(".as-of").waitFor();
    await playing(page);
    assert.match(await page.evaluate(() => window.__player.hls.url), new RegExp(`/taken/${id}/index\\.m3u8$`));
    const early = await until(() => shelf(page, "link/"), (links) => links.length > 0, "a first link");
    await until(
      () => page.evaluate(() => window.__player.video.currentTime),
      (seconds) => seconds >= 27,
      "27 s were played without a line",
    );
    const later = await until(() => shelf(page, "link/"), (links) => links.length >= early.length + 2, "more links");
    assert.ok(later.length > early.length);
    // A person pauses it: what stands adds no links.
    await page.locator('#player [data-act="play"]').click();
    await until(
      async () => JSON.parse((await shelf(page, "link/")).at(-1).link).beat.state,
      (state) => state === "paused",
      "the pause was noted",
    );
    const record = panel.locator("[data-record]");
    await record.waitFor();
    assert.match(await record.innerText(), /1/);
    await picture(page, "lesson-offline.zh");

    const coming = page.waitForEvent("download");
    await record.locator('[data-act="save"]').click();
    const download = await coming;
    assert.match(download.suggestedFilename(), /^[\w-]+-\d{4}-\d\d-\d\d\.yjchain$/);
    const lines = readFileSync(await download.path(), "utf8").trimEnd().split("\n");
    const links = await shelf(page, "link/");
    assert.equal(lines.length, links.length + 1);
    const beats = await verified(lines, { ...chain, key: asked.key });
    assert.ok(beats.some((beat) => beat.state === "playing" && beat.pos_ms > 15_000));
    assert.equal(new Set(beats.map((beat) => beat.boot)).size, 1);

    const sealing = page.waitForResponse(
      (answer) => new URL(answer.url()).pathname === "/api/v1/chains/seal" && answer.status() === 200,
      { timeout: AMPLE },
    );
    await context.setOffline(false);
    const { chains } = await (await sealing).json();
    assert.equal(chains.length, 1);
    assert.equal(chains[0].chain, chain.chain);
    assert.equal(chains[0].refused, null);
    assert.ok(chains[0].sealed_s > 15, `${chains[0].sealed_s} s were sealed`);
    await record.waitFor({ state: "hidden", timeout: AMPLE });
    assert.deepEqual(await shelf(page, "link/"), [], "nothing waits");
    const [next] = await until(() => shelf(page, "chain/"), (heads) => heads.length === 1, "another chain");
    assert.notEqual(next.chain, chain.chain);
    assert.equal(next.links, 0);
    // What plays was not interrupted by a page that is fresher.
    assert.ok((await page.evaluate(() => window.__player.video.currentTime)) > 20);

    await panel.locator('[data-act="remove"]').click();
    await panel.locator('[data-act="take"]').waitFor();
    assert.deepEqual(await cached(page, "taken-"), []);
    assert.ok(!(await cached(page, "pages")).includes(address));
  }));

test("what was taken along is offered by keys, from right to left, and to enrolled screens alone", () =>
  browse({}, async (context) => {
    const [address] = await lessons(context);
    const stranger = await context.newPage();
    await stranger.goto(address);
    await stranger.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: AMPLE });
    await stranger.waitForTimeout(1000);
    assert.ok(await stranger.locator("[data-take]").isHidden());
    await stranger.close();

    const page = await openPlayer(context, address);
    await page.goto(`${address}?lang=ug-Arab`);
    const panel = page.locator("[data-take]");
    await panel.waitFor({ timeout: AMPLE });
    const take = panel.locator('[data-act="take"]');
    await take.focus();
    await page.keyboard.press("Enter");
    await panel.locator('[data-act="remove"]').waitFor({ timeout: AMPLE });
    const focused = await page.evaluate(() => document.activeElement?.dataset.act);
    assert.equal(focused, "remove", "the focus stays in the panel");
    const { direction, x, right, edge } = await panel.evaluate((section) => {
      const box = section.querySelector("h2").getBoundingClientRect();
      const { direction } = getComputedStyle(section);
      return { direction, x: box.x, right: box.right, edge: section.getBoundingClientRect().right };
    });
    assert.equal(direction, "rtl");
    assert.ok(edge - right < 2 && x < right, "it begins at the right");
    await picture(page, "lesson-taken-ug-Arab");

    // A chain that was begun for an earlier version, and in which nothing is, gives way.
    const [head] = await until(() => shelf(page, "chain/"), (heads) => heads.length === 1, "a chain was begun");
    await page.evaluate(
      (head) =>
        new Promise((done) => {
          indexedDB.open("yuanjiao", 1).onsuccess = ({ target: { result: db } }) => {
            const transaction = db.transaction("shelf", "readwrite");
            transaction.objectStore("shelf").put({ ...head, version: "0123456789ab" }, `chain/${head.lesson}`);
            transaction.oncomplete = () => done(db.close());
          };
        }),
      head,
    );
    await page.reload();
    const anew = await until(() => shelf(page, "chain/"), ([{ chain }]) => chain !== head.chain, "it is begun anew");
    assert.deepEqual([anew.length, anew[0].version], [1, head.version]);
  }));
