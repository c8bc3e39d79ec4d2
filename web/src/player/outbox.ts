// Beats that the server has not yet acknowledged. An acknowledgement means
// that they are durable; until then they are kept, over hours without a line,
// a reload and a power cut.
import { shelf } from "../shelf";

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

/** A beat as it is made, before anything is known of the server. */
export type Noted = Omit<Beat, "nonce">;

/** Takes beats in their order. */
export interface Sink {
  append(beat: Noted): Promise<void>;
}

interface Kept {
  url: string;
  beat: Beat;
}

export interface Answers {
  accepted(url: string, nonce: string): void;
  /** The session is over: its evidence is closed. */
  gone(url: string): void;
  /** No answer came. */
  unreachable(): void;
}

/** Eight hours of beats; what is older is given up first. */
const MOST = 3000;
/** Beats of one request. */
const BATCH = 120;
const PATIENCE_MS = 10_000;
const PREFIX = "beat/";
const GONE = [404, 410];
/** The server understood and will never take them. */
const NEVER = [...GONE, 400, 413, 422];

export class Outbox {
  /** Waiting beats by their address, the oldest session first. */
  private readonly waiting = new Map<string, Beat[]>();
  private readonly kept: Promise<void>;
  private running: Promise<void> | null = null;

  constructor(private readonly answers: Answers) {
    this.kept = this.recall();
  }

  get size(): number {
    return Array.from(this.waiting.values()).reduce((sum, beats) => sum + beats.length, 0);
  }

  add(url: string, beat: Beat): void {
    this.waiting.set(url, [...(this.waiting.get(url) ?? []), beat]);
    void shelf.put(keyOf(url, beat), { url, beat } satisfies Kept);
    for (let over = this.size - MOST; over > 0; over -= 1) this.giveUpOldest();
  }

  /** Offers everything that waits, the present session first. */
  async flush(): Promise<void> {
    await this.kept;
    this.running ??= this.sendAll().finally(() => {
      this.running = null;
    });
    await this.running;
  }

  /** The page goes: one last request that outlives it. */
  leave(url: string): void {
    const beats = (this.waiting.get(url) ?? []).slice(-BATCH);
    void post(url, beats, { keepalive: true }).catch(() => undefined);
  }

  /** What an earlier run of this browser could not send. */
  private async recall(): Promise<void> {
    for (const { url, beat } of await shelf.all<Kept>(PREFIX)) {
      const known = this.waiting.get(url) ?? [];
      if (!known.some((other) => other.seq === beat.seq && other.boot === beat.boot)) {
        this.waiting.set(url, [...known, beat]);
      }
    }
  }

  private async sendAll(): Promise<void> {
    for (;;) {
      const url = Array.from(this.waiting.keys()).pop();
      if (url === undefined) return;
      const batch = (this.waiting.get(url) ?? []).slice(0, BATCH);
      if (!(await this.offer(url, batch))) return;
    }
  }

  /** True if the server has said what becomes of `batch`. */
  private async offer(url: string, batch: readonly Beat[]): Promise<boolean> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
    try {
      const answer = await post(url, batch, { signal: abort.signal });
      if (answer.ok) {
        const body = (await answer.json()) as { nonce: string };
        this.settle(url, batch);
        this.answers.accepted(url, body.nonce);
      } else if (NEVER.includes(answer.status)) {
        this.settle(url, batch); // They must not stand in the way of the next.
        if (GONE.includes(answer.status)) this.answers.gone(url);
      } else {
        return false; // Busy, or starting: later.
      }
      return true;
    } catch {
      this.answers.unreachable();
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private settle(url: string, batch: readonly Beat[]): void {
    const rest = (this.waiting.get(url) ?? []).filter((beat) => !batch.includes(beat));
    if (rest.length > 0) this.waiting.set(url, rest);
    else this.waiting.delete(url);
    void shelf.remove(batch.map((beat) => keyOf(url, beat)));
  }

  private giveUpOldest(): void {
    const [url] = this.waiting.keys();
    const oldest = url === undefined ? undefined : this.waiting.get(url)?.[0];
    if (url !== undefined && oldest !== undefined) this.settle(url, [oldest]);
  }
}

/** Keys sort by session, run and number. */
function keyOf(url: string, beat: Beat): string {
  return `${PREFIX}${url}/${beat.boot}/${String(beat.seq).padStart(9, "0")}`;
}

function post(url: string, beats: readonly Beat[], options: RequestInit): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(beats), ...options });
}
