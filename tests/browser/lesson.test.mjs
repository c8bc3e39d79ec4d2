import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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

test("the time line shows what is where, to a mouse, to keys, and not where data is saved", () =>
  browse({}, async (context) => {
    const [address] = await lessons(context);
    const page = await openPlayer(context, address);
    await page.goto(`${address}?lang=ug-Arab`);
    await playing(page);
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    const board = page.locator(".board");
    assert.ok(await board.isHidden(), "nobody has asked for it");
    const slider = page.locator('input[data-act="seek"]');
    const { width, height } = await slider.boundingBox();
    const at = async (part) => {
      await slider.hover({ position: { x: width * part, y: height / 2 } });
      await board.waitFor({ state: "visible" });
      const box = await board.boundingBox();
      const place = await board.locator("span").first().evaluate((span) => span.style.backgroundPosition);
      return { middle: box.x + box.width / 2, place, time: await board.locator("span").last().textContent() };
    };
    const early = await at(0.3);
    const late = await at(0.7);
    assert.ok(late.middle - early.middle > width * 0.3, "it is where the mouse is");
    assert.notEqual(late.place, early.place);
    const length = await page.evaluate(() => window.__player.video.duration);
    const [minutes, seconds] = late.time.split(":").map(Number);
    assert.ok(Math.abs(minutes * 60 + seconds - length * 0.7) < 3, `${late.time} of ${length} s`);
    await page.waitForLoadState("networkidle").catch(() => undefined);
    await picture(page, "lesson-storyboard");
    const loaded = await board.locator("span").first().evaluate(async (span) => {
      const image = new Image();
      image.src = span.style.backgroundImage.slice(5, -2);
      await image.decode();
      return [image.naturalWidth % span.offsetWidth, image.naturalHeight % span.offsetHeight];
    });
    assert.deepEqual(loaded, [0, 0], "rows and columns of whole pictures");
    assert.ok(asked.some((path) => path.endsWith("/storyboard.jpg")));
    await page.mouse.move(0, 0);
    await board.waitFor({ state: "hidden" });
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await board.waitFor({ state: "visible" });
    await board.waitFor({ state: "hidden" });

    const saving = await context.newPage();
    await saving.goto(`${address}?saver=1`);
    await saving.locator("#player").waitFor({ state: "visible" });
    await saving.locator('input[data-act="seek"]').hover();
    await saving.waitForTimeout(300);
    assert.ok(await saving.locator(".board").isHidden(), "it costs what is to be saved");
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

test("a lesson is found by its words and taken home as a file", async () => {
  await browse({}, async (context) => {
    const page = await context.newPage();
    await page.goto("/lessons");
    await page.getByRole("searchbox").fill("葡萄 修剪");
    await page.keyboard.press("Enter");
    await page.locator('.lesson a[href^="/lessons/"]').first().waitFor();
    assert.equal(await page.locator(".lesson").count(), 1);
    await picture(page, "lessons.found.zh");
    await page.locator('.lesson a[href^="/lessons/"]').click();
    await page.getByText("下载", { exact: true }).click();
    const coming = page.waitForEvent("download");
    await page.locator(".files a").filter({ hasText: "240p" }).first().click();
    const download = await coming;
    assert.match(download.suggestedFilename(), /葡萄.*\.mp4$/);
    const file = readFileSync(await download.path());
    assert.equal(file.toString("latin1", 4, 8), "ftyp");
    assert.ok(file.length > 500_000, `${file.length} bytes`);
    await picture(page, "lesson.files.zh");
  });
});
