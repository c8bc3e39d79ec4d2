// Chains are sealed when the server answers: it says what is new in each, and what
// is held goes on with another as soon as there is one.
import { takeToken } from "../player/session";
import { alone } from "./alone";
import { type Head, renewChain, settle, textOf, waiting } from "./chain";
import { canTake, heldLessons } from "./held";

const PATIENCE_MS = 30_000;
/** A line that has only just come back does not carry yet. */
const AGAIN_MS = 60_000;
/** Slower than this, bytes a millisecond, no line is. */
const SLOWEST = 1;
/** The server will not take the text, however often it is sent. */
const NEVER = [400, 413, 422];

let running: Promise<void> | null = null;
let again = 0;

/** Seals now, and whenever the line may be back. */
export function startSealing(): void {
  const now = () => void seal();
  now();
  addEventListener("online", now);
  document.addEventListener("reachable", now);
}

/** Offers the server what waits. Two tabs must not offer the same. */
export function seal(): Promise<void> {
  if (!canTake()) return Promise.resolve();
  running ??= alone("sealing", sealAll)
    .catch(() => undefined)
    .finally(() => {
      running = null;
      document.dispatchEvent(new Event("chains"));
    });
  return running;
}

async function sealAll(): Promise<void> {
  clearTimeout(again);
  for (const head of await waiting()) {
    if (await send(head)) continue;
    again = window.setTimeout(() => void seal(), AGAIN_MS);
    return;
  }
  const token = takeToken();
  if (token === null) return;
  for (const lesson of await heldLessons()) await renewChain(lesson, token);
}

/** False if there was no answer: then there is none for the next either. */
async function send(head: Head): Promise<boolean> {
  const body = await textOf(head);
  if (body === null) return true;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS + body.length / SLOWEST);
  try {
    const answer = await fetch("/api/v1/chains/seal", {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body,
      signal: abort.signal,
    });
    if (NEVER.includes(answer.status)) return true;
    if (answer.status !== 200) return false; // Busy, or starting: later.
    const { chains } = (await answer.json()) as { chains: readonly { chain: string }[] };
    if (chains.some(({ chain }) => chain === head.chain)) await settle(head);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
