// The line of text that says how the player is.
import type { Text } from "./data";

export type Trouble = {
  problem: "offline" | "not-ready" | "gone" | "media" | "unsupported";
  seconds: number;
} | null;

/** What the line is made from. */
export interface Situation {
  trouble: Trouble;
  started: boolean;
  /** The viewer wants it to play. */
  wanted: boolean;
  waiting: boolean;
  ended: boolean;
  slow: boolean;
  /** Seconds behind the live edge; null: on demand. */
  behind: number | null;
}

/** Name of the state, for style and tests, and its text. */
export function describe(now: Situation, text: Text): { state: string; said: string } {
  if (now.trouble !== null) return describeTrouble(now.trouble, text);
  if (now.ended) return { state: "ended", said: text("script-ended") };
  if (!now.wanted) {
    const said = now.started ? text("script-paused") : text("script-press-play");
    return { state: "paused", said };
  }
  if (!now.started) return { state: "connecting", said: text("script-connecting") };
  if (now.waiting) return { state: "buffering", said: text("script-buffering") };
  if (now.slow) return { state: "slow", said: text("script-slow") };
  if (now.behind === null) return { state: "playing", said: text("script-playing") };
  if (now.behind > 10)
    return { state: "behind", said: text("script-behind", { seconds: Math.round(now.behind) }) };
  return { state: "live", said: text("script-live") };
}

function describeTrouble(trouble: NonNullable<Trouble>, text: Text): { state: string; said: string } {
  const values = { seconds: trouble.seconds };
  switch (trouble.problem) {
    case "offline":
      return { state: "offline", said: text("script-offline", values) };
    case "not-ready":
      return { state: "not-ready", said: text("script-not-ready", values) };
    case "gone":
      return { state: "error", said: text("script-tv-gone") };
    case "media":
      return { state: "error", said: text("script-media-error") };
    case "unsupported":
      return { state: "error", said: text("script-unsupported") };
  }
}
