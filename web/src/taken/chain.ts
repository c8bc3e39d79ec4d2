// What is played without a line: a chain for each lesson that was taken along.
// The server begins it; each beat becomes a link that names the link before by
// its hash and is signed by this browser. Sealed at the server, it is over.
import type { Noted, Sink } from "../player/outbox";
import { shelf } from "../shelf";
import { alone } from "./alone";
import { sha256 } from "./bytes";
import { keyPair, publicKey, sign } from "./keys";

/** Where a chain stands. */
export interface Head {
  readonly chain: string;
  readonly lesson: string;
  /** Of the last link; of the anchor while there is none. */
  readonly hash: string;
  readonly links: number;
  /** About what its links are worth. */
  readonly played_ms: number;
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

/** Begins a chain for `lesson` at the server, unless there is one. Without a line: another time. */
export async function beginChain(lesson: string, token: string): Promise<void> {
  const pair = await keyPair();
  if (pair === null || (await headOf(lesson)) !== null) return;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch("/api/v1/chains", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ lesson, key: await publicKey(pair), wall_ms: Date.now() }),
      signal: abort.signal,
    });
    if (answer.status !== 201) return;
    const { chain, anchor } = (await answer.json()) as { chain: string; anchor: string };
    const head: Head = { chain, lesson, hash: await sha256(anchor), links: 0, played_ms: 0, last: null };
    await alone(HEADS + lesson, async () => {
      if ((await headOf(lesson)) === null) await shelf.put(HEADS + lesson, head);
    });
  } catch {
    // No answer.
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

/** The server has said what becomes of the chain: its links go. */
export function forget({ chain, lesson }: Head): Promise<void> {
  return alone(HEADS + lesson, async () => {
    const head = await headOf(lesson);
    if (head?.chain !== chain) return;
    const links = Array.from({ length: head.links }, (_, n) => keyOf(chain, n + 1));
    await shelf.remove([HEADS + lesson, ...links]);
  });
}

/** Keys sort by number. */
function keyOf(chain: string, n: number): string {
  return `link/${chain}/${String(n).padStart(9, "0")}`;
}
