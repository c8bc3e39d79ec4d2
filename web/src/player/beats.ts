// Tells the server every ten seconds, and at every change, what plays.
import { type Beat, type Noted, Outbox, type Sink } from "./outbox";
import type { Session } from "./session";

/** What the player knows of itself at an instant. */
export type Reading = Pick<Beat, "pos_ms" | "rate" | "state" | "lang">;

const EVERY_MS = 10_000;
/** How long another session waits for what is left of the one before. */
const PATIENCE_MS = 1500;

export class Beats {
  private readonly boot = randomName();
  private readonly outbox: Outbox;
  private seq = 0;
  private url: string | null = null;
  private nonce = "";
  /** Takes the beats of what plays without a session. */
  private record: Sink | null = null;

  constructor(
    private readonly read: () => Reading,
    lost: () => void,
    unreachable: () => void,
  ) {
    this.outbox = new Outbox({
      accepted: (url, nonce) => {
        if (url === this.url) this.nonce = nonce;
      },
      gone: (url) => {
        if (url !== this.url) return;
        this.url = null;
        lost();
      },
      unreachable,
    });
    setInterval(() => this.note(), EVERY_MS);
    document.addEventListener("visibilitychange", () => this.note());
    addEventListener("pagehide", () => this.leave());
  }

  /** Beats that wait for the server. */
  get unsent(): number {
    return this.outbox.size;
  }

  /** Beats go to `session` from now on. */
  begin(session: Session): void {
    this.url = session.beatsUrl;
    this.nonce = session.nonce;
    this.record = session.record;
    this.note();
  }

  /** Something else will play: a last word of what played. */
  end(): void {
    this.note();
    this.url = null;
    this.record = null;
  }

  /**
   * Offers what waits, for a moment. Whoever opens a session does this first:
   * a terminal's next session closes the one before, and nothing is taken for
   * a closed one.
   */
  async settle(): Promise<void> {
    await Promise.race([this.outbox.flush(), new Promise((done) => setTimeout(done, PATIENCE_MS))]);
  }

  /** Something changed, or it is time. */
  note(): void {
    if (this.url !== null) this.add(this.url);
    else if (this.record !== null) void this.record.append(this.noted());
    void this.outbox.flush(); // Also what is left of another session.
  }

  private add(url: string): void {
    this.outbox.add(url, { ...this.noted(), nonce: this.nonce });
  }

  private noted(): Noted {
    this.seq += 1;
    return {
      seq: this.seq,
      boot: this.boot,
      mono_ms: Math.round(performance.now()),
      wall_ms: Date.now(),
      visible: document.visibilityState === "visible",
      ...this.read(),
    };
  }

  private leave(): void {
    if (this.url === null) return;
    this.add(this.url);
    this.outbox.leave(this.url);
  }
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
