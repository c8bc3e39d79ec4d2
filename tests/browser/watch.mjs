// A viewer in Chromium: opens a channel's page and watches.
//   WATCH_URL the page, WATCH_SECONDS how long; told at the end as JSON:
//   { seconds, played, longest } - of watching, of film, and the longest standstill.
import { chromium } from "playwright-core";

const SECONDS = Number(process.env.WATCH_SECONDS);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const now = () => performance.now() / 1000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
});
try {
  const tab = await browser.newPage();
  await tab.goto(process.env.WATCH_URL);
  await tab.locator("#player").waitFor({ state: "visible" });
  const position = () =>
    tab.evaluate(() => {
      const video = window.__player?.video;
      // A viewer would press the button.
      if (video?.paused) video.play().catch(() => {});
      return video?.currentTime ?? 0;
    });
  let first = 0;
  for (let tries = 0; tries < 300 && first === 0; tries += 1) {
    await sleep(100);
    first = await position();
  }
  if (first === 0) throw new Error("no picture within 30 s");
  console.error("it plays");
  const begun = now();
  let [last, changed, longest] = [first, begun, 0];
  while (now() - begun < SECONDS) {
    await sleep(200);
    const at = await position();
    if (at !== last) [last, changed] = [at, now()];
    longest = Math.max(longest, now() - changed);
  }
  console.log(JSON.stringify({ seconds: now() - begun, played: last - first, longest }));
} finally {
  await browser.close();
}
