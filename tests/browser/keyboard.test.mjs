import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, CHANNEL, picture, playing, TV } from "./demo.mjs";

/** Presses `key` until the focus is on `selector`. */
async function walk(page, keys, selector) {
  for (let step = 0; step < 40; step += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press(keys[step % keys.length]);
  }
  throw new Error(`the arrows never reached ${selector}`);
}

for (const lang of ["zh-Hans", "ug-Arab"]) {
  test(`a remote control finds a channel and starts it, in ${lang}`, () =>
    browse({ viewport: TV }, async (context) => {
      const page = await context.newPage();
      await page.goto(`/?lang=${lang}`);
      const forward = lang === "ug-Arab" ? "ArrowLeft" : "ArrowRight";
      await walk(page, ["ArrowDown", forward, forward, "ArrowUp"], `.card-link[href="/channels/${CHANNEL}"]`);
      await picture(page, `keyboard-${lang}`);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**/channels/${CHANNEL}`);
      await page.locator("#player").waitFor({ state: "visible" });
      await playing(page);

      await walk(page, ["ArrowDown"], '[data-act="play"]');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => window.__player.video.paused);
      await page.keyboard.press("Enter");
      await playing(page);

      await walk(page, [forward], ".buttons button:not([data-act=play])");
      const visible = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none");
      assert.ok(visible, "the focus can be seen");
    }));
}
