// What the server tells the screen in its page. The page is asked for again now
// and then: there is one place that says what is on.
import type { Item } from "../player/data";

/** A text in its language, which may run the other way than the page. */
export interface Said {
  readonly text: string;
  readonly lang: string;
  readonly dir: "ltr" | "rtl";
}

export interface Programme {
  readonly start: string;
  readonly end: string;
  readonly title: Said;
}

export interface Channel extends Item {
  readonly kind: "channel";
  readonly number: number;
  readonly name: Said;
  readonly now: Programme | null;
  readonly next: readonly Programme[];
}

export interface Lesson extends Item {
  readonly kind: "lesson";
  readonly name: Said;
  readonly duration_s: number;
  /** Address of its picture; empty: none. */
  readonly poster: string;
}

/** Lessons that the office has put together, one after another. */
export interface Evening {
  readonly kind: "evening";
  readonly id: number;
  readonly name: Said;
  /** Identifiers, in their order. */
  readonly lessons: readonly string[];
  readonly duration_s: number;
}

export interface TvData {
  /** Address of this script in the server's build: another one is an update. */
  readonly version: string;
  /** When the page was made. */
  readonly now: string;
  /** The county's offset from UTC then, seconds. */
  readonly offset_s: number;
  readonly channels: readonly Channel[];
  readonly lessons: readonly Lesson[];
  /** Absent in a page that was kept before there were any. */
  readonly evenings?: readonly Evening[];
  readonly names: Readonly<Record<string, string>>;
  readonly texts: Readonly<Record<string, string>>;
}

export function readTv(page: Document = document): TvData | null {
  const block = page.getElementById("tv-data");
  return block === null ? null : (JSON.parse(block.textContent ?? "null") as TvData | null);
}

/** The page as it is now; null: no answer, or another page. */
export async function fetchTv(): Promise<TvData | null> {
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return null;
    return readTv(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    return null;
  }
}

/** The page is an old copy, kept for when the server cannot be reached. */
export function isOld(): boolean {
  return document.querySelector(".as-of:not([hidden])") !== null;
}

/** What is on at `now` (ms of the epoch; null: the time is not known, nor what is on), and what follows. */
export function onAt(channel: Channel, now: number | null): { on: Programme | null; next: Programme | null } {
  if (now === null) return { on: null, next: null };
  const all = channel.now === null ? channel.next : [channel.now, ...channel.next];
  const on = all.find((p) => Date.parse(p.start) <= now && now < Date.parse(p.end)) ?? null;
  const next = all.find((p) => Date.parse(p.start) > now) ?? null;
  return { on, next };
}
