// The running demo these tests look at, and the browser they look with.
import { mkdirSync } from "node:fs";
import { after } from "node:test";
import { chromium } from "playwright-core";

const required = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: expected a value of the running demo server`);
  return value;
};

export const BASE_URL = required("BASE_URL").replace(/\/$/, "");
export const SITE_ID = required("SITE_ID");
export const TERMINAL_TOKEN = required("TERMINAL_TOKEN");
/** The code of the first start; empty where the county has been set up. */
export const SETUP_CODE = process.env.SETUP_CODE ?? "";
export const CHANNEL = process.env.CHANNEL ?? "xiangtu";

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };
export const TV = { width: 1920, height: 1080 };

const RESULTS = new URL("./results/", import.meta.url).pathname;

function launch(env) {
  return chromium.launch({
    env: { ...process.env, ...env },
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** The browser that a file's stories share: each has a context, that is a profile, of its own. */
let shared;
if (process.env.NODE_TEST_CONTEXT) after(async () => (await shared)?.close());

/** Runs `story` with a profile of its own, with `env` around its browser; scripts of a page must not fail in it. */
export async function browse({ env, ...options }, story) {
  const own = env !== undefined || !process.env.NODE_TEST_CONTEXT;
  const browser = own ? await launch(env) : await (shared ??= launch());
  const failures = [];
  let context;
  try {
    context = await browser.newContext({ baseURL: BASE_URL, viewport: DESKTOP, locale: "zh-CN", ...options });
    context.on("weberror", (error) => failures.push(error.error().message));
    context.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) failures.push(message.text());
    });
    await story(context);
  } finally {
    await (own ? browser : context)?.close();
  }
  if (failures.length > 0) throw new Error(`scripts failed: ${failures.join("; ")}`);
}

export async function picture(page, name) {
  mkdirSync(RESULTS, { recursive: true });
  await page.screenshot({ path: `${RESULTS}${name}.png` });
}

/** Opens a page with a player as the enrolled terminal. */
export async function openPlayer(context, path) {
  const page = await context.newPage();
  await page.goto(`${path}?terminal=${encodeURIComponent(TERMINAL_TOKEN)}`);
  await page.locator("#player").waitFor({ state: "visible" });
  return page;
}

/** Waits until the picture moves. */
export async function playing(page, timeout = 60_000) {
  await page.waitForFunction(
    () => {
      const video = window.__player?.video;
      return video !== undefined && !video.paused && video.currentTime > 0 && video.readyState > 2;
    },
    undefined,
    { timeout, polling: 200 },
  );
}

/**
 * Watches the player for `seconds`: how far it went, the longest time it stood
 * still, and the frames it decoded meanwhile.
 */
export function watch(page, seconds) {
  return page.evaluate(async (seconds) => {
    const { video } = window.__player;
    const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
    const begin = { at: performance.now(), position: video.currentTime, frames: frames() };
    let [position, movedAt, longest] = [begin.position, begin.at, 0];
    while (performance.now() - begin.at < seconds * 1000) {
      await new Promise((done) => setTimeout(done, 50));
      const now = performance.now();
      if (video.currentTime !== position) {
        position = video.currentTime;
        movedAt = now;
      }
      longest = Math.max(longest, now - movedAt);
    }
    return { advanced: position - begin.position, longestStall: longest / 1000, frames: frames() - begin.frames };
  }, seconds);
}

/** Opens one of the player's menus and takes the choice with `value`. */
export async function choose(page, menu, value) {
  const button = page.locator(`[data-menu="${menu}"]`);
  if ((await button.getAttribute("aria-expanded")) !== "true") await button.click();
  await page.locator(`#menu-${menu} [data-value="${value}"]`).click();
}

/** The values a menu offers, and the chosen one. */
export function offered(page, menu) {
  return page.locator(`#menu-${menu} button`).evaluateAll((items) => ({
    values: items.map((item) => item.dataset.value),
    chosen: items.find((item) => item.getAttribute("aria-pressed") === "true")?.dataset.value,
  }));
}

/** Addresses of the lessons; waits while the first are being prepared. */
export async function lessons(context) {
  const page = await context.newPage();
  for (let tries = 0; tries < 90; tries += 1) {
    await page.goto("/lessons");
    const links = await page.locator('.lesson a[href^="/lessons/"]').evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    if (links.length > 0) {
      await page.close();
      return links;
    }
    await page.waitForTimeout(2000);
  }
  throw new Error("no lesson was ready within three minutes");
}
