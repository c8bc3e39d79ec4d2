import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, choose, lessons, offered, openPlayer, picture, playing, watch } from "./demo.mjs";

/** The first lesson that offers subtitles, playing. */
async function lessonWithSubtitles(context) {
  for (const address of await lessons(context)) {
    const page = await openPlayer(context, address);
    await playing(page);
    const { values } = await offered(page, "subtitles");
    if (values.length > 1) return { page, languages: values.filter((value) => value !== "off") };
    await page.close();
  }
  throw new Error("no lesson has subtitles");
}

test("a lesson plays, seeks, and remembers the subtitles", () =>
  browse({}, async (context) => {
    const { page, languages } = await lessonWithSubtitles(context);
    const steady = await watch(page, 5);
    assert.ok(steady.advanced > 4, `it advanced ${steady.advanced} s in 5 s`);

    const length = await page.evaluate(() => window.__player.video.duration);
    const target = Math.floor(length / 2);
    await page.locator('input[data-act="seek"]').evaluate((slider, value) => {
      slider.value = String(value);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      slider.dispatchEvent(new Event("change", { bubbles: true }));
    }, target);
    await page.waitForFunction((at) => window.__player.video.currentTime > at + 0.5, target, { timeout: 20_000 });
    await picture(page, "lesson-after-seek");

    await choose(page, "subtitles", languages[0]);
    const shown = () =>
      page.evaluate(() => Array.from(window.__player.video.textTracks).some((track) => track.mode === "showing"));
    assert.ok(await shown(), "subtitles are shown");
    await page.reload();
    await playing(page);
    assert.equal((await offered(page, "subtitles")).chosen, languages[0], "the choice is remembered");
    assert.ok(await shown(), "and shown again");
  }));

test("the time line runs left to right in a right-to-left page", () =>
  browse({}, async (context) => {
    const [address] = await lessons(context);
    const page = await context.newPage();
    await page.goto(`${address}?lang=ug-Arab`);
    await page.locator("#player").waitFor({ state: "visible" });
    const direction = await page.locator('input[data-act="seek"]').evaluate((slider) => getComputedStyle(slider).direction);
    assert.equal(direction, "ltr");
    await picture(page, "lesson-ug-Arab");
  }));
