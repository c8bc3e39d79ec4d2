// The server's clock. A terminal's own may be years off after a power cut;
// only its steady clock is trusted, and the answer that was quickest on its way.

/** An older measurement gives way to a slower one: clocks drift. */
const STALE_MS = 10 * 60_000;

interface Best {
  /** Server time minus steady time, ms. */
  delta: number;
  roundTrip: number;
  at: number;
  /** The terminal's clock minus its steady clock: it jumps when the machine slept. */
  own: number;
}

export class ServerClock {
  private best: Best | null = null;

  /** `offset`: the county's offset from UTC, seconds. */
  constructor(private offset: number) {}

  /** A page that was just made says `now`; the first answer knows better. */
  seed(now: number): void {
    const at = performance.now();
    this.best = { delta: now - at, roundTrip: Number.POSITIVE_INFINITY, at, own: Date.now() - at };
  }

  /** An answer that says `now` (ms of the epoch), asked and got at these steady instants. */
  take(now: number, offset: number, asked: number, got: number): void {
    this.offset = offset;
    const roundTrip = got - asked;
    const best = this.best;
    const own = Date.now() - got;
    const slept = best !== null && Math.abs(own - best.own) > 2000;
    if (best !== null && !slept && roundTrip > best.roundTrip && got - best.at < STALE_MS) return;
    this.best = { delta: now + roundTrip / 2 - got, roundTrip, at: got, own };
  }

  /** The server's time, ms of the epoch; null: never heard of. */
  now(): number | null {
    return this.best === null ? null : this.at(performance.now());
  }

  /** The server's time at a steady instant of this page. */
  at(steady: number): number | null {
    return this.best === null ? null : steady + this.best.delta;
  }

  /** Time of day in the county, `19:31`. */
  time(ms: number): string {
    return new Date(ms + this.offset * 1000).toISOString().slice(11, 16);
  }
}
