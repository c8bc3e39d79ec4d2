// A playback session: opened at the API, so that viewing counts for a site.
// Without the API the player still plays, uncounted.
import type { PlayerData } from "./data";

export interface Session {
  readonly playUrl: string;
  /** Where beats go; null: nobody counts. */
  readonly beatsUrl: string | null;
  readonly nonce: string;
  /** It belongs to an enrolled terminal. */
  readonly counted: boolean;
}

const TOKEN = "terminal-token";
const PATIENCE_MS = 8000;

/** Takes the terminal's token out of the address into storage. */
export function takeToken(): string | null {
  const address = new URL(location.href);
  const given = address.searchParams.get("terminal");
  try {
    if (given !== null) localStorage.setItem(TOKEN, given);
    return given ?? localStorage.getItem(TOKEN);
  } catch {
    return given;
  } finally {
    if (given !== null) {
      address.searchParams.delete("terminal");
      history.replaceState(history.state, "", address.pathname + address.search + address.hash);
    }
  }
}

export async function openSession(data: PlayerData, token: string | null): Promise<Session> {
  try {
    if (token !== null) {
      const counted = await ask(data, token);
      if (counted !== null) return counted;
    }
    const open = await ask(data, null);
    if (open !== null) return open;
  } catch {
    // No line or no answer: fall through to the plain playlist.
  }
  return { playUrl: data.source, beatsUrl: null, nonce: "", counted: false };
}

/** Null: the server refused. */
async function ask(data: PlayerData, token: string | null): Promise<Session | null> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch("/api/v1/sessions", {
      method: "POST",
      headers,
      body: JSON.stringify({ [data.kind]: data.id }),
      signal: abort.signal,
    });
    if (!answer.ok) return null;
    const body = (await answer.json()) as { play_url: string; beats_url: string; nonce: string };
    return { playUrl: body.play_url, beatsUrl: body.beats_url, nonce: body.nonce, counted: token !== null };
  } finally {
    clearTimeout(timer);
  }
}
