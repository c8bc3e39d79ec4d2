import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE_URL, browse, lessons, picture, playing, SITE_ID, TERMINAL_TOKEN, TV, watch } from "./demo.mjs";

/** The screen as the enrolled terminal sees it. */
async function openScreen(context, lang = "zh-Hans") {
  const page = await context.newPage();
  await page.goto(`/tv?lang=${lang}&terminal=${encodeURIComponent(TERMINAL_TOKEN)}`);
  await playing(page);
  return page;
}

const channels = (page) =>
  page.evaluate(() => JSON.parse(document.getElementById("tv-data").textContent).channels.map((c) => c.number));

const shownNumber = (page) => page.locator("#banner .number").textContent();

/** Until the banner says `number`. */
const zapped = (page, number) =>
  page.waitForFunction((wanted) => document.querySelector("#banner .number")?.textContent === wanted, String(number));

/** Opens the menu, walks to the first lesson, and starts it. */
async function playLesson(page) {
  await page.keyboard.press("ContextMenu");
  await page.locator("#menu .items [aria-current]").waitFor();
  await page.keyboard.press((await page.locator("html").getAttribute("dir")) === "rtl" ? "ArrowLeft" : "ArrowRight");
  const key = await page.evaluate(() => document.activeElement.dataset.key);
  assert.ok(key?.startsWith("lesson "), `the arrow leads to a lesson, not to ${key}`);
  await page.keyboard.press("Enter");
  await page.locator("#banner .timeline").waitFor();
  await page.waitForFunction(() => Number.isFinite(window.__player.video.duration));
  await playing(page);
  return key.slice("lesson ".length);
}

/** A key of a remote control that no keyboard has. */
const press = (page, key) =>
  page.evaluate((name) => {
    document.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  }, key);

/** Ends the banner's stay. */
const rest = (page) => page.locator("#banner").waitFor({ state: "hidden", timeout: 15_000 });

test("an enrolled terminal plays at once, zaps by number and by arrow", () =>
  browse({ viewport: TV }, async (context) => {
    const page = await openScreen(context);
    assert.ok(!page.url().includes("terminal="), "the token leaves the address");
    const box = await page.locator("#picture").boundingBox();
    assert.deepEqual([box.width, box.height], [TV.width, TV.height], "the picture fills the screen");
    await page.locator('#banner [data-state="counted"]').waitFor();
    const numbers = await channels(page);
    assert.equal(await shownNumber(page), String(numbers[0]));
    await picture(page, "tv-banner");

    await page.keyboard.press("ArrowUp");
    await zapped(page, numbers[1]);
    await playing(page);
    await press(page, "ChannelDown");
    await zapped(page, numbers[0]);
    await playing(page);
    await page.keyboard.press(String(numbers[1]));
    assert.equal(await page.locator("#digits").textContent(), String(numbers[1]));
    await zapped(page, numbers[1]);
    await page.keyboard.press("9");
    await page.keyboard.press("7");
    await page.locator("#hint", { hasText: "97" }).waitFor();

    await rest(page);
    const steady = await watch(page, 8);
    assert.ok(steady.advanced > 7, `it advanced ${steady.advanced} s in 8 s`);
    await page.keyboard.press("Enter");
    await page.locator("#banner").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#menu").waitFor();
    await picture(page, "tv-menu");
    const small = await page.evaluate(() => {
      const texts = Array.from(document.querySelectorAll("#menu *")).filter((e) => e.childElementCount === 0);
      return Math.min(...texts.filter((e) => e.textContent !== "").map((e) => Number.parseFloat(getComputedStyle(e).fontSize)));
    });
    assert.ok(small >= 32, `the smallest text has ${small} px`);
    await page.keyboard.press("Backspace");
    await page.locator("#menu").waitFor({ state: "hidden" });

    await page.reload();
    await zapped(page, numbers[1]);
    await playing(page);
  }));

test("the clock is the server's, whatever the terminal's says", () =>
  browse({ viewport: TV, timezoneId: "America/New_York" }, async (context) => {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() - 5 * 365 * 86_400_000; // A battery that is empty.
    });
    await page.goto("/tv?lang=en");
    await playing(page);
    const { now, offset_s: offset } = await (await fetch(`${BASE_URL}/api/v1/time`)).json();
    assert.match(now, /\.\d{3}Z$/);
    await rest(page);
    await page.keyboard.press("Enter");
    const banner = await page.locator("#banner").evaluate((root) => ({
      time: root.querySelector(".time").textContent,
      state: root.querySelector("small").dataset.state,
      note: root.querySelector("small").textContent,
    }));
    const county = (ms) => new Date(ms + offset * 1000).toISOString().slice(11, 16);
    const right = [0, 10_000].map((later) => county(Date.parse(now) + later));
    assert.ok(right.includes(banner.time), `${banner.time} is none of ${right}`);
    assert.equal(banner.state, "open");
    assert.match(banner.note, /\/enrol/);
  }));

test("a lesson pauses, seeks and goes on after a power cut", () =>
  browse({ viewport: TV }, async (context) => {
    await lessons(context);
    const page = await openScreen(context, "ug-Arab");
    const lesson = await playLesson(page);
    assert.equal(await page.locator("#banner .timeline").evaluate((line) => getComputedStyle(line).direction), "ltr");
    const before = await page.evaluate(() => window.__player.video.currentTime);
    for (let press = 0; press < 3; press += 1) await page.keyboard.press("ArrowRight");
    await page.waitForFunction((at) => window.__player.video.currentTime > at + 28, before);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => window.__player.video.paused);
    await picture(page, "tv-lesson-ug-Arab");
    await page.keyboard.press("MediaPlayPause");
    await playing(page);
    await page.waitForTimeout(1000);
    const at = await page.evaluate(() => window.__player.video.currentTime);
    await page.close(); // As if the plug were drawn: the screen opens anew.

    const again = await context.newPage();
    await again.goto("/tv");
    await playing(again);
    await again.waitForFunction((from) => window.__player.video.currentTime > from - 10, at);
    await again.keyboard.press("Enter");
    const title = await again.locator("#banner .name").textContent();
    const own = await again.evaluate(
      (id) => JSON.parse(document.getElementById("tv-data").textContent).lessons.find((l) => l.id === id).name.text,
      lesson,
    );
    assert.equal(title, own);
    await again.keyboard.press("Escape");
    await again.keyboard.press("Escape");
    await again.locator("#banner .number").waitFor({ timeout: 20_000 });
  }));

test("a line that is down is said plainly, and what was watched arrives later", () =>
  browse({ viewport: TV }, async (context) => {
    const page = await openScreen(context, "en");
    await page.waitForFunction(() => window.__player.unsent === 0);
    await context.setOffline(true);
    await page.locator("#message").waitFor({ timeout: 90_000 });
    const said = await page.locator("#message").innerText();
    assert.match(said, /line to the server is down/i);
    assert.match(said, /Since \d\d:\d\d/);
    assert.match(said, /goes on by itself/);
    await picture(page, "tv-line-down");
    const waiting = await page.evaluate(() => window.__player.unsent);
    assert.ok(waiting > 0, "beats wait");

    await page.reload(); // The power fails while the line is down.
    await page.locator("#message").waitFor({ timeout: 20_000 });
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    await page.waitForFunction((before) => window.__player.unsent >= before, waiting);
    await picture(page, "tv-shell");

    const answers = [];
    page.on("response", (answer) => {
      if (answer.url().endsWith("/beats")) answers.push(answer.status());
    });
    await context.setOffline(false);
    await page.locator("#message").waitFor({ state: "hidden", timeout: 60_000 });
    await playing(page);
    await page.waitForFunction(() => window.__player.unsent === 0, undefined, { timeout: 60_000 });
    assert.equal(answers[0], 200, "the session before the cut was still open: its beats were taken");
    const steady = await watch(page, 6);
    assert.ok(steady.advanced > 5, `it advanced ${steady.advanced} s in 6 s`);
    const html = await (await fetch(`${BASE_URL}/sites/${SITE_ID}?lang=en`)).text();
    assert.match(html, /data-session=/);
  }));

test("a token that was withdrawn is said plainly", () =>
  browse({ viewport: TV }, async (context) => {
    const page = await context.newPage();
    await page.goto("/tv?lang=en&terminal=withdrawn-long-ago");
    await playing(page);
    await page.locator('#banner [data-state="revoked"]', { hasText: "/enrol" }).waitFor();
    await picture(page, "tv-revoked");
  }));
