import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, CHANNEL, choose, DESKTOP, offered, openPlayer, picture, playing, watch } from "./demo.mjs";

const LONGEST_STALL_S = 1;

test("a channel plays, and goes on while language and quality change", () =>
  browse({ viewport: DESKTOP }, async (context) => {
    const page = await openPlayer(context, `/channels/${CHANNEL}`);
    assert.ok(!page.url().includes("terminal="), "the token leaves the address");
    await playing(page);
    await page.waitForTimeout(3000);

    const steady = await watch(page, 15);
    assert.ok(steady.advanced > 13.5, `it advanced ${steady.advanced} s in 15 s`);
    assert.ok(steady.longestStall <= LONGEST_STALL_S, `it stood still for ${steady.longestStall} s`);
    assert.ok(steady.frames > 0, "pictures were decoded");
    assert.equal(await page.locator(".counted").getAttribute("data-counted"), "true");
    await picture(page, "channel-playing");

    const audio = await offered(page, "audio");
    assert.ok(audio.values.length > 1, `more than one audio language: ${audio.values}`);
    const other = audio.values.find((lang) => lang !== audio.chosen);
    await choose(page, "audio", other);
    const switching = await watch(page, 8);
    assert.ok(switching.longestStall <= LONGEST_STALL_S, `another language: still for ${switching.longestStall} s`);
    assert.equal((await offered(page, "audio")).chosen, other);

    const heights = (await offered(page, "quality")).values.filter((value) => Number(value) > 0);
    for (const height of [heights[heights.length - 1], heights[0]]) {
      await choose(page, "quality", height);
      const changing = await watch(page, 10);
      assert.ok(changing.longestStall <= LONGEST_STALL_S, `${height}p: still for ${changing.longestStall} s`);
      await page.waitForFunction(
        (wanted) => window.__player.hls.levels[window.__player.hls.currentLevel]?.height === Number(wanted),
        height,
        { timeout: 20_000 },
      );
    }

    await page.reload();
    await playing(page);
    assert.equal((await offered(page, "audio")).chosen, other, "the language is remembered");
    assert.equal((await offered(page, "quality")).chosen, heights[0], "the quality is remembered");
  }));

test("sound alone plays on a line too thin for pictures", () =>
  browse({ viewport: DESKTOP }, async (context) => {
    const page = await openPlayer(context, `/channels/${CHANNEL}`);
    await playing(page);
    await choose(page, "quality", "audio");
    await page.waitForFunction(() => (window.__player.hls?.levels ?? []).length === 1);
    await playing(page);
    const heard = await watch(page, 6);
    assert.ok(heard.advanced > 4, `it advanced ${heard.advanced} s in 6 s`);
    assert.equal(heard.frames, 0, "no picture is decoded");
    await choose(page, "quality", "auto");
    await page.waitForFunction(() => (window.__player.hls?.levels ?? []).length > 1);
    await playing(page);
  }));

test("a channel that stands still with a film in hand begins anew", () =>
  browse({ viewport: DESKTOP }, async (context) => {
    const page = await openPlayer(context, `/channels/${CHANNEL}`);
    await playing(page);
    // As a decoder that waits for ever looks from outside: neither paused nor empty.
    await page.evaluate(() => {
      window.__player.video.playbackRate = 0;
    });
    const stood = await watch(page, 5);
    assert.equal(stood.advanced, 0, "it stands");
    await page.waitForFunction(
      () => document.querySelector("p.state")?.dataset.state === "error",
      undefined,
      { timeout: 20_000 },
    );
    await playing(page);
    const again = await watch(page, 5);
    assert.ok(again.advanced > 1, `it advanced ${again.advanced} s in 5 s`);
  }));
