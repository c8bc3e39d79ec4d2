// The line to the server: whether it answers. It is asked when something had
// no answer, and each minute anyway; each answer sets the clock as well.
import type { ServerClock } from "./clock";

export type LineState = "up" | "down" | "busy";

const QUIET_MS = 60_000;
const PATIENCE_MS = 5000;
/** Questions before the first minute is over, for a good clock. */
const FIRST = 4;
/** Questions without an answer before the line is called down. */
const DOUBT = 2;
const LONGEST_S = 8;

export class Line {
  state: LineState = "up";
  /** Steady instant at which it was last known to be good, while it is not. */
  since = 0;
  /** Steady instant of the next question. */
  next = 0;

  private good = performance.now();
  private bad = 0;
  private asked = 0;
  private asking = false;
  private timer = 0;

  constructor(
    private readonly clock: ServerClock,
    private readonly hooks: { changed(): void; back(): void },
  ) {
    addEventListener("offline", () => this.suspect());
    addEventListener("online", () => this.ask());
  }

  start(): void {
    this.ask();
  }

  /** Something had no answer. */
  suspect(): void {
    if (this.state === "up" && this.bad === 0) this.ask();
  }

  private ask(): void {
    clearTimeout(this.timer);
    if (!this.asking) void this.question();
  }

  private async question(): Promise<void> {
    this.asking = true;
    const status = await this.probe();
    this.asking = false;
    this.asked += 1;
    if (status !== null && status < 500) this.heard();
    else this.missed(status === null ? "down" : "busy");
  }

  private heard(): void {
    const before = this.state;
    this.good = performance.now();
    this.bad = 0;
    this.state = "up";
    this.plan(this.asked < FIRST ? 300 : QUIET_MS);
    if (before !== "up") this.hooks.back();
    this.hooks.changed();
  }

  private missed(state: LineState): void {
    this.bad += 1;
    if (this.bad >= DOUBT || navigator.onLine === false) {
      if (this.state === "up") this.since = this.good;
      this.state = state;
    }
    this.plan(Math.min(this.bad, LONGEST_S) * 1000);
    this.hooks.changed();
  }

  private plan(ms: number): void {
    this.next = performance.now() + ms;
    this.timer = window.setTimeout(() => this.ask(), ms);
  }

  /** The status of the answer; null: none came. */
  private async probe(): Promise<number | null> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
    const asked = performance.now();
    try {
      const answer = await fetch("/api/v1/time", { cache: "no-store", signal: abort.signal });
      const got = performance.now();
      if (answer.ok) {
        const said = (await answer.json()) as { now: string; offset_s: number };
        this.clock.take(Date.parse(said.now), said.offset_s, asked, got);
      }
      return answer.status;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}
