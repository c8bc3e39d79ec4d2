// How long a viewer waits: from opening a channel's page to its first picture (zap
// time), and from a live segment's end to its place in the playlist. Against a demo:
//   scripts/with-demo.sh node tests/browser/zap.mjs
import { BASE_URL, browse, openPlayer, playing, TERMINAL_TOKEN } from "./demo.mjs";

const ZAPS = 24;
const WATCHED_S = 60;
const sorted = (values) => [...values].sort((a, b) => a - b);
const row = (name, values) => {
  const all = sorted(values);
  const at = (part) => Math.round(all[Math.min(all.length - 1, Math.floor(part * all.length))]);
  console.log(`${name.padEnd(34)} ${String(all.length).padStart(4)} ${[0.5, 0.95, 1].map((p) => `${at(p)} ms`.padStart(9)).join(" ")}`);
};

/** Milliseconds from the start of the navigation to the first picture of the page's video. */
function firstPicture() {
  const watched = new WeakSet();
  const look = () => {
    for (const video of document.querySelectorAll("video")) {
      if (watched.has(video)) continue;
      watched.add(video);
      video.requestVideoFrameCallback((now) => (window.__firstPicture ??= now));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
}

async function zaps(context, channels) {
  await context.addInitScript(firstPicture);
  const page = await openPlayer(context, `/channels/${channels[0]}`);
  await playing(page);
  const times = [];
  for (let n = 1; n <= ZAPS; n += 1) {
    await page.waitForTimeout(1500);
    await page.goto(`/channels/${channels[n % channels.length]}`);
    await page.waitForFunction(() => window.__firstPicture !== undefined, undefined, { polling: 50, timeout: 30_000 });
    times.push(await page.evaluate(() => window.__firstPicture));
  }
  return times;
}

/** Milliseconds from the end of each new segment to when it is listed. */
async function listings(channel) {
  const address = `${BASE_URL}/channels/${channel}/index.m3u8?terminal=${TERMINAL_TOKEN}`;
  const get = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return { url: answer.url, text: await answer.text() };
  };
  const top = await get(address);
  const media = new URL(top.text.split("\n").find((line) => line.startsWith("v")), top.url);
  const times = [];
  let last;
  for (const end = Date.now() + WATCHED_S * 1000; Date.now() < end; ) {
    const { text } = await get(media);
    const now = Date.now();
    let [date, length, newest] = [0, 0, undefined];
    for (const line of text.split("\n")) {
      if (line.startsWith("#EXT-X-PROGRAM-DATE-TIME:")) date = Date.parse(line.slice(25));
      else if (line.startsWith("#EXTINF:")) length = Number.parseFloat(line.slice(8)) * 1000;
      else if (line !== "" && !line.startsWith("#")) {
        date += length;
        newest = line;
      }
    }
    if (newest !== last) {
      if (last !== undefined) times.push(now - date);
      last = newest;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  return times;
}

const channels = (await (await fetch(`${BASE_URL}/channels.m3u`)).text()).match(/\/channels\/[^/?.]+(?=\/)/g).map((path) => path.slice(10));
console.log(`${"".padEnd(34)} ${"n".padStart(4)} ${["median", "95 %", "longest"].map((name) => name.padStart(9)).join(" ")}`);
await browse({}, async (context) => row("page opened to first picture", await zaps(context, [...new Set(channels)])));
for (const channel of ["national", "regional"]) row(`segment's end to playlist, ${channel}`, await listings(channel));
