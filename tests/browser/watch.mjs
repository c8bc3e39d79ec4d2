// Watches the page of a channel in Chromium.
//   WATCH_URL the page, WATCH_SECONDS how long; told at the end as JSON:
//   { played, longest, stood } - seconds of film, the longest standstill, and how the player
//   was while it stood for more than three seconds, once for each second.
import { watch } from "./viewer.mjs";

const SECONDS = Number(process.env.WATCH_SECONDS);
const now = () => performance.now() / 1000;

const opened = now();
let first;
let [last, changed, longest] = [undefined, opened, 0];
let state;
const stood = new Map();
for await (const position of watch(process.env.WATCH_URL, (now) => (state = now))) {
  if (position !== undefined && first === undefined) first = { position, at: now() };
  if (first === undefined) {
    if (now() - opened > 30) throw new Error("no picture within 30 s");
    continue;
  }
  if (position !== undefined && position !== last) [last, changed] = [position, now()];
  const standing = now() - changed;
  longest = Math.max(longest, standing);
  if (standing > 3) stood.set(`${Math.floor(now() - opened)} s`, state);
  if (now() - first.at >= SECONDS) break;
}
console.log(JSON.stringify({ played: last - first.position, longest, stood: Object.fromEntries(stood) }));
