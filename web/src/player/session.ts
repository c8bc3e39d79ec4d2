// A playback session: opened at the API, so that viewing counts for a site.
import { hasEnrolled } from "../enrolling";
import type { Item } from "./data";
import type { Sink } from "./outbox";

export interface Session {
  readonly playUrl: string;
  /** Where beats go; null: nobody counts. */
  readonly beatsUrl: string | null;
  readonly nonce: string;
  /** It belongs to an enrolled terminal. */
  readonly counted: boolean;
  /** The terminal's enrolment was withdrawn. */
  readonly revoked: boolean;
  /** Takes the beats where no server does; null: nobody. */
  readonly record: Sink | null;
}

/** Why there is no session. */
export type Refused = "offline" | "not-ready" | "gone";

const TOKEN = "terminal-token";
const PATIENCE_MS = 8000;

/**
 * Takes the terminal's token out of the address into storage. A device that has
 * one keeps it unless it has just enrolled: a link must not turn a village's
 * screen into another site's.
 */
export function takeToken(): string | null {
  const address = new URL(location.href);
  const given = address.searchParams.get("terminal");
  try {
    const held = localStorage.getItem(TOKEN);
    if (given === null || (held !== null && held !== given && !hasEnrolled())) return held;
    localStorage.setItem(TOKEN, given);
    return given;
  } catch {
    return given;
  } finally {
    if (given !== null) {
      address.searchParams.delete("terminal");
      history.replaceState(history.state, "", address.pathname + address.search + address.hash);
    }
  }
}

/** A session of the terminal that holds `token`; where it holds none any more, of the public. */
export async function openSession(item: Item, token: string | null): Promise<Session | Refused> {
  // The office looks at what is not on offer: that is nobody's study.
  if (item.kind === "review") return uncounted(item);
  const first = await ask(item, token);
  if (first !== "unknown-terminal") return first;
  const open = await ask(item, null);
  if (open === "unknown-terminal") return "not-ready";
  return typeof open === "string" ? open : { ...open, revoked: true };
}

/** The playlist alone, which plays without the API and counts for nobody. */
export function uncounted(item: Item): Session {
  return { playUrl: item.source, beatsUrl: null, nonce: "", counted: false, revoked: false, record: null };
}

/** The text that says whether it counts for a site. */
export function countedText(
  session: Session,
): "script-counted" | "script-not-counted" | "script-taken-counted" {
  if (session.record !== null) return "script-taken-counted";
  return session.counted ? "script-counted" : "script-not-counted";
}

async function ask(item: Item, token: string | null): Promise<Session | Refused | "unknown-terminal"> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch("/api/v1/sessions", {
      method: "POST",
      headers,
      body: JSON.stringify({ [item.kind]: item.id }),
      signal: abort.signal,
    });
    if (answer.status === 401) return "unknown-terminal";
    if (answer.status === 404) return "gone";
    if (!answer.ok) return "not-ready";
    const body = (await answer.json()) as { play_url: string; beats_url: string; nonce: string };
    const counted = token !== null;
    const { play_url: playUrl, beats_url: beatsUrl, nonce } = body;
    return { playUrl, beatsUrl, nonce, counted, revoked: false, record: null };
  } catch {
    return "offline";
  } finally {
    clearTimeout(timer);
  }
}
