// A lesson is taken along: its playlists and segments one after another into
// the lesson's cache. What is there already is not fetched again.
import type { Item } from "../player/data";
import { cacheOf, folderOf, indexOf } from "./folder";
import { settlePage } from "./page";
import {
  bringHome,
  chooseRung,
  nameOf,
  type Offer,
  type Part,
  readOffer,
  soundBits,
  type Variant,
  writeOffer,
} from "./playlists";

export interface Reports {
  /** So much of it is there, percent. */
  progress(percent: number): void;
  /** No answer: it is tried again. */
  waits(): void;
}

/** It is not on offer any more, or not as something that can be kept. */
export class Gone extends Error {}

/** The device has no room for it. */
export class NoRoom extends Error {}

interface Offered {
  readonly offer: Offer;
  readonly rung: Variant;
  /** Where its playlists are, as long as the session lasts. */
  readonly address: string;
}

/** A part with what it is in all, in bits. */
interface Weighed extends Part {
  readonly weight: number;
}

const PATIENCE_MS = 600_000;
const LONGEST_WAIT_S = 60;
/** Room that is left to others. */
const SPARE_BYTES = 20_000_000;
const PLAYLIST = { "content-type": "application/vnd.apple.mpegurl" };
/** What the subtitles of a language come to. */
const TEXT_BITS = 1000;

/** About how many bytes it takes; null: there is no answer. */
export async function sizeOf(item: Item, seconds: number, saver: boolean): Promise<number | null> {
  try {
    const { offer, rung } = await open(item, saver);
    const others = Math.max(0, item.audio.length - 1) * soundBits(offer);
    return Math.round(((rung.bits + others) * seconds) / 8);
  } catch {
    return null;
  }
}

/** True if there is room for `bytes`, as far as the browser tells. */
export async function hasRoom(bytes: number): Promise<boolean> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined || quota - (usage ?? 0) > bytes + SPARE_BYTES;
}

/** Takes `item` along; over a line that breaks it goes on until `signal` ends it. */
export async function take(item: Item, saver: boolean, reports: Reports, signal: AbortSignal): Promise<void> {
  let [fetched, waits] = [false, 0];
  for (;;) {
    try {
      return await takeOnce(item, saver, signal, (percent, fresh) => {
        fetched ||= fresh;
        reports.progress(percent);
      });
    } catch (error) {
      if ((error as DOMException).name === "QuotaExceededError") throw new NoRoom();
      if (error instanceof Gone || signal.aborted) throw error;
    }
    // A session that is over is opened anew at once; a line that is down is waited for.
    waits = fetched ? 0 : waits + 1;
    fetched = false;
    reports.waits();
    await pause(Math.min(2 ** waits, LONGEST_WAIT_S), signal);
  }
}

/** Whether something of it is there. */
export function isBegun(lesson: string): Promise<boolean> {
  return caches.has(cacheOf(lesson));
}

export async function remove(lesson: string): Promise<void> {
  await caches.delete(cacheOf(lesson));
  await settlePage(lesson);
}

async function takeOnce(
  item: Item,
  saver: boolean,
  signal: AbortSignal,
  came: (percent: number, fresh: boolean) => void,
): Promise<void> {
  const cache = await caches.open(cacheOf(item.id));
  const folder = folderOf(item.id);
  const { offer, rung, address } = await open(item, saver, signal);
  const keep = (path: string, text: string) => cache.put(path, new Response(text, { headers: PLAYLIST }));
  const parts: Weighed[] = [];
  const wanted = new Set([indexOf(item.id)]);
  for (const [uri, bits] of playlistsOf(offer, rung)) {
    const from = new URL(uri, address).href;
    const text = await get(from, (answer) => answer.text(), signal);
    const home = bringHome(text, from);
    await keep(folder + nameOf(uri), home.text);
    wanted.add(folder + nameOf(uri));
    parts.push(...home.parts.map((part) => ({ ...part, weight: Math.max(1, part.seconds * bits) })));
  }
  const present = new Set((await cache.keys()).map((request) => new URL(request.url).pathname));
  const all = parts.reduce((sum, part) => sum + part.weight, 0);
  let done = 0;
  for (const { from, to, weight } of parts) {
    const path = folder + to;
    wanted.add(path);
    if (!present.has(path)) await get(from, (answer) => cache.put(path, answer), signal);
    done += weight;
    came(Math.floor((done / all) * 100), !present.has(path));
  }
  if (!(await settlePage(item.id))) throw new Error("the page could not be kept");
  await keep(indexOf(item.id), writeOffer(offer, rung));
  // Of an earlier version of the lesson, or of another rung.
  for (const path of present) if (!wanted.has(path)) await cache.delete(path);
}

/** The playlists to take, each with its bits per second. */
function playlistsOf(offer: Offer, rung: Variant): Map<string, number> {
  const sound = soundBits(offer);
  const others = offer.media.map(({ tag, uri }): [string, number] => {
    return [uri, tag.includes("TYPE=SUBTITLES") ? TEXT_BITS : sound];
  });
  // A rung without a picture is one of the sounds.
  return new Map([[rung.uri, rung.height > 0 ? Math.max(rung.bits - sound, 1) : sound], ...others]);
}

async function open(item: Item, saver: boolean, signal?: AbortSignal): Promise<Offered> {
  const read = async (answer: Response) => ({ text: await answer.text(), address: answer.url });
  const { text, address } = await get(item.source, read, signal, [404, 410]);
  const offer = readOffer(text);
  const rung = chooseRung(offer, saver);
  if (rung === undefined) throw new Gone();
  return { offer, rung, address };
}

/** What `use` makes of the answer; `gone`: what says that there will be none. */
async function get<T>(
  address: string,
  use: (answer: Response) => Promise<T>,
  signal?: AbortSignal,
  gone: readonly number[] = [],
): Promise<T> {
  const abort = new AbortController();
  const end = () => abort.abort();
  const timer = setTimeout(end, PATIENCE_MS);
  signal?.addEventListener("abort", end);
  try {
    if (signal?.aborted) end();
    const answer = await fetch(address, { signal: abort.signal });
    if (gone.includes(answer.status)) throw new Gone();
    if (answer.status !== 200) throw new Error(`${answer.status} for ${address}`);
    return await use(answer);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/** Waits, at most until the line is back or `signal` ends it. */
function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, ended) => {
    setTimeout(done, seconds * 1000);
    addEventListener("online", () => done(), { once: true });
    signal.addEventListener("abort", () => ended(new Error("stopped")), { once: true });
  });
}
