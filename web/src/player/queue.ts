// Beats that the server has not yet acknowledged. An acknowledgement means
// that they are durable; until then they are kept, across a reload too.

export interface Beat {
  seq: number;
  boot: string;
  mono_ms: number;
  wall_ms: number;
  pos_ms: number;
  rate: number;
  state: "playing" | "paused" | "stalled" | "ended";
  visible: boolean;
  nonce: string;
  lang: string;
}

export interface Parcel {
  url: string;
  beats: Beat[];
}

/** An hour and a half of beats; what is older is given up first. */
const MOST = 540;
/** Beats of one request. */
export const BATCH = 120;
const KEY = "unsent-beats";

export class Queue {
  private beats: Beat[] = [];

  constructor(readonly url: string) {}

  add(beat: Beat): void {
    this.beats.push(beat);
    if (this.beats.length > MOST) this.beats.splice(0, this.beats.length - MOST);
    this.keep();
  }

  accepted(through: number): void {
    this.beats = this.beats.filter((beat) => beat.seq > through);
    this.keep();
  }

  next(): readonly Beat[] {
    return this.beats.slice(0, BATCH);
  }

  private keep(): void {
    try {
      if (this.beats.length === 0) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, JSON.stringify({ url: this.url, beats: this.beats } satisfies Parcel));
    } catch {
      // Without storage beats last as long as the page.
    }
  }
}

/** What an earlier page of this tab could not send. */
export function leftOver(): Parcel | null {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return text === null ? null : (JSON.parse(text) as Parcel);
  } catch {
    return null;
  }
}
