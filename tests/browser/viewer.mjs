// A viewer in Chromium.
import { chromium } from "playwright-core";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Opens the page of a channel and watches it: where the film stands, five times a second,
 * until whoever asks ends; undefined while it does not play. `why` is told what else the player
 * knows each time: it says why the film stands. */
export async function* watch(url, why = () => {}) {
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
      const { position, state } = await tab
        .evaluate(() => {
          const video = window.__player?.video;
          // A viewer would press the button.
          if (video?.paused) video.play().catch(() => {});
          if (!video) return {};
          const { buffered, readyState, paused, seeking, error } = video;
          const held = Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
          const hls = window.__player.hls;
          const loading = [hls?.mainForwardBufferInfo?.len, hls?.liveSyncPosition, hls?.latestLevelDetails?.edge];
          const said = document.querySelector("p.state")?.dataset.state;
          return {
            position: video.currentTime,
            state: { held, readyState, paused, seeking, error: error?.message, loading, said },
          };
        })
        .catch(() => ({}));
      why({ position, ...state });
      yield position > 0 ? position : undefined;
    }
  } finally {
    await browser.close();
  }
}
