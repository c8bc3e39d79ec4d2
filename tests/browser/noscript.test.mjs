import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, CHANNEL, lessons, picture, SITE_ID } from "./demo.mjs";

test("without script every page still says and links what it should", () =>
  browse({ javaScriptEnabled: false }, async (context) => {
    const [lesson] = await lessons(context);
    const page = await context.newPage();

    await page.goto("/?lang=zh-Hans");
    assert.ok((await page.locator(`a[href="/channels/${CHANNEL}"]`).count()) > 0);
    assert.ok((await page.locator(".channels bdi").count()) > 0, "titles are there");
    await picture(page, "noscript-home");

    for (const [address, source] of [
      [`/channels/${CHANNEL}`, `/channels/${CHANNEL}/index.m3u8`],
      [lesson, `${lesson}/index.m3u8`],
    ]) {
      await page.goto(address);
      assert.notEqual((await page.locator("h1").textContent()).trim(), "");
      const video = page.locator("video.plain");
      assert.equal(await video.getAttribute("src"), source);
      assert.ok(await video.isVisible(), "a plain player is shown");
      assert.ok(!(await page.locator("#player").isVisible()), "the scripted player is not");
      assert.equal(await page.locator(`.ways a[href="${source}"]`).count(), 1);
    }
    await picture(page, "noscript-lesson");

    for (const address of ["/guide", "/lessons", "/sites", `/sites/${SITE_ID}`]) {
      const answer = await page.goto(address);
      assert.equal(answer.status(), 200, address);
      assert.equal(await page.locator("h1").count(), 1, address);
    }
  }));

test("an address that leads nowhere says what to do", () =>
  browse({}, async (context) => {
    const page = await context.newPage();
    const answer = await page.goto("/channels/no-such-channel?lang=en");
    assert.equal(answer.status(), 404);
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    await page.locator('main a[href="/"]').waitFor();
  }));
