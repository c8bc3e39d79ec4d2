// Watches the page of a channel in Chromium.
//   WATCH_URL the page, WATCH_SECONDS how long; told at the end as JSON:
//   { played, longest } - seconds of film, and the longest standstill.
import { watch } from "./viewer.mjs";

const SECONDS = Number(process.env.WATCH_SECONDS);
const now = () => performance.now() / 1000;

const opened = now();
let first;
let [last, changed, longest] = [undefined, opened, 0];
for await (const position of watch(process.env.WATCH_URL)) {
  if (position !== undefined && first === undefined) first = { position, at: now() };
  if (first === undefined) {
    if (now() - opened > 30) throw new Error("no picture within 30 s");
    continue;
  }
  if (position !== undefined && position !== last) [last, changed] = [position, now()];
  longest = Math.max(longest, now() - changed);
  if (now() - first.at >= SECONDS) break;
}
console.log(JSON.stringify({ played: last - first.position, longest }));
