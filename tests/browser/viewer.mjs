// A viewer in Chromium.
import { chromium } from "playwright-core";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Opens the page of a channel and watches it: where the film stands, five times a second,
 * until whoever asks ends; undefined while it does not play. */
export async function* watch(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(url);
    await tab.locator("#player").waitFor({ state: "visible" });
    while (true) {
      await sleep(200);
      const position = await tab
        .evaluate(() => {
          const video = window.__player?.video;
          // A viewer would press the button.
          if (video?.paused) video.play().catch(() => {});
          return video?.currentTime;
        })
        .catch(() => undefined);
      yield position > 0 ? position : undefined;
    }
  } finally {
    await browser.close();
  }
}
