// What is played without a line: a chain for each lesson that was taken along.
// The server begins it; each beat becomes a link that names the link before by
// its hash and is signed by this browser. Sealed at the server, it is over.
import type { Noted, Sink } from "../player/outbox";
import { shelf } from "../shelf";
import { alone } from "./alone";
import { sha256 } from "./bytes";
import { versionOf } from "./folder";
import { keyPair, publicKey, sign } from "./keys";

/** Where a chain stands. */
export interface Head {
  readonly chain: string;
  readonly lesson: string;
  /** Of the lesson, as it was held then. */
  readonly version: string | undefined;
  /** Of the last link; of the anchor while there is none. */
  readonly hash: string;
  readonly links: number;
  /** Those that the server has sealed. */
  readonly sealed: number;
  /** About what the others are worth. */
  readonly played_ms: number;
  /** When it was begun, by the device's clock. */
  readonly begun_ms: number;
  readonly last: Pick<Noted, "boot" | "mono_ms" | "state" | "visible"> | null;
}

/** A link as it is sent. */
interface Link {
  readonly link: string;
  readonly sig: string;
}

/** The server takes 16 MB of a chain: eighty hours of playing. */
const MOST = 30_000;
/** After so long without a beat nobody knows what played. */
const LONGEST_MS = 45_000;
const PATIENCE_MS = 20_000;
const HEADS = "chain/";

/** Takes the beats of `lesson`; where no chain was begun they are nobody's. */
export class Chain implements Sink {
  constructor(private readonly lesson: string) {}

  /** Ends when the link is on disk. */
  append(beat: Noted): Promise<void> {
    return alone(HEADS + this.lesson, () => append(this.lesson, beat));
  }
}

async function append(lesson: string, beat: Noted): Promise<void> {
  const [head, pair] = [await headOf(lesson), await keyPair()];
  if (head === null || pair === null || head.links >= MOST || saysNothing(head, beat)) return;
  const { lang, ...rest } = beat;
  // The text is made once: what is signed is sent.
  const link = JSON.stringify({ prev: head.hash, beat: lang === "" ? rest : beat });
  const made: Link = { link, sig: await sign(pair, link) };
  const { boot, mono_ms, state, visible } = beat;
  const next: Head = {
    ...head,
    hash: await sha256(link),
    links: head.links + 1,
    played_ms: head.played_ms + playedSince(head.last, beat),
    last: { boot, mono_ms, state, visible },
  };
  await shelf.putAll([
    [keyOf(head.chain, next.links), made],
    [HEADS + lesson, next],
  ]);
  document.dispatchEvent(new Event("chains"));
}

/** What stands and stood: a screen left on overnight must not fill the chain. */
function saysNothing({ last }: Head, beat: Noted): boolean {
  if (beat.state === "playing") return false;
  return last === null || last.boot !== beat.boot || last.state === beat.state;
}

function playedSince(last: Head["last"], beat: Noted): number {
  if (last === null || last.boot !== beat.boot || last.state !== "playing" || !last.visible) return 0;
  const ms = beat.mono_ms - last.mono_ms;
  return ms > 0 && ms <= LONGEST_MS ? ms : 0;
}

export function headOf(lesson: string): Promise<Head | null> {
  return shelf.get<Head>(HEADS + lesson);
}

/** Chains in which something was played. */
export async function waiting(): Promise<Head[]> {
  return (await shelf.all<Head>(HEADS)).filter((head) => head.played_ms > 0);
}

/** Unused for so long it is begun anew: it is believed no further back than its beginning. */
const STALE_MS = 24 * 3_600_000;

/** True if another chain can take its place, where `version` is held: nothing in it waits. */
function isSpent(head: Head, version: string | undefined): boolean {
  if (head.links > head.sealed) return false;
  const stale = Math.abs(Date.now() - head.begun_ms) > STALE_MS;
  return head.links > 0 || stale || head.version !== version;
}

/**
 * Has `lesson` go on with a chain that the server has just begun, where there is none or it is
 * spent. The old one stays until then: without an answer it goes on. False: there is none.
 */
export async function renewChain(lesson: string, token: string): Promise<boolean> {
  const pair = await keyPair();
  const old = await headOf(lesson);
  const version = await versionOf(lesson).catch(() => undefined);
  if (pair === null || (old !== null && !isSpent(old, version))) return old !== null;
  const begun = await begin(lesson, version, token, await publicKey(pair));
  if (begun === null) return old !== null;
  const { chain, anchor } = begun;
  const hash = await sha256(anchor);
  const head: Head = {
    chain,
    lesson,
    version,
    hash,
    links: 0,
    sealed: 0,
    played_ms: 0,
    begun_ms: Date.now(),
    last: null,
  };
  await alone(HEADS + lesson, async () => {
    const now = await headOf(lesson);
    // Something was played meanwhile: that chain goes on.
    if (now !== null && !isSpent(now, version)) return;
    await shelf.put(HEADS + lesson, head);
    if (now === null) return;
    await shelf.remove(Array.from({ length: now.links }, (_, n) => keyOf(now.chain, n + 1)));
  });
  return true;
}

async function begin(
  lesson: string,
  version: string | undefined,
  token: string,
  key: string,
): Promise<{ chain: string; anchor: string } | null> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch("/api/v1/chains", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ lesson, version, key, wall_ms: Date.now() }),
      signal: abort.signal,
    });
    return answer.status === 201 ? ((await answer.json()) as { chain: string; anchor: string }) : null;
  } catch {
    return null; // Without a line: another time.
  } finally {
    clearTimeout(timer);
  }
}

/** The chain with all its links, a line each; null where they cannot be read. */
export async function textOf({ chain, links }: Head): Promise<string | null> {
  const read = await shelf.all<Link>(`link/${chain}/`);
  // Sent without its end it would be sealed without it.
  if (read.length < links) return null;
  return [{ chain }, ...read].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** The server has said what becomes of the links that `sent` had; what came since still waits. */
export function settle(sent: Head): Promise<void> {
  return alone(HEADS + sent.lesson, async () => {
    const head = await headOf(sent.lesson);
    if (head?.chain !== sent.chain) return;
    const played_ms = Math.max(0, head.played_ms - sent.played_ms);
    await shelf.put(HEADS + sent.lesson, { ...head, sealed: sent.links, played_ms } satisfies Head);
  });
}

/** Keys sort by number. */
function keyOf(chain: string, n: number): string {
  return `link/${chain}/${String(n).padStart(9, "0")}`;
}
