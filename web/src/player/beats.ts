// Tells the server every ten seconds, and at every change, what plays.
import { BATCH, type Beat, leftOver, Queue } from "./queue";
import type { Session } from "./session";

/** What the player knows of itself at an instant. */
export type Reading = Pick<Beat, "pos_ms" | "rate" | "state" | "lang">;

const EVERY_MS = 10_000;

/** The server understood and will never take them. */
const NEVER = [400, 413, 422];

export class Beats {
  private readonly boot = randomName();
  private seq = 0;
  private queue: Queue | null = null;
  private nonce = "";
  private sending = false;
  private again = false;

  constructor(
    private readonly read: () => Reading,
    private readonly lost: () => void,
  ) {
    setInterval(() => this.note(), EVERY_MS);
    document.addEventListener("visibilitychange", () => this.note());
    addEventListener("pagehide", () => this.leave());
    void sendLeftOver();
  }

  /** Beats go to `session` from now on. */
  begin(session: Session): void {
    this.queue = session.beatsUrl === null ? null : new Queue(session.beatsUrl);
    this.nonce = session.nonce;
    this.note();
  }

  /** Something changed, or it is time. */
  note(): void {
    if (this.queue === null) return;
    this.add(this.queue);
    void this.send();
  }

  private add(queue: Queue): void {
    this.seq += 1;
    queue.add({
      seq: this.seq,
      boot: this.boot,
      mono_ms: Math.round(performance.now()),
      wall_ms: Date.now(),
      visible: document.visibilityState === "visible",
      nonce: this.nonce,
      ...this.read(),
    });
  }

  private async send(): Promise<void> {
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    do {
      this.again = false;
      await this.sendOnce();
    } while (this.again);
    this.sending = false;
  }

  private async sendOnce(): Promise<void> {
    const queue = this.queue;
    if (queue === null) return;
    const beats = queue.next();
    if (beats.length === 0) return;
    try {
      const answer = await post(queue.url, beats);
      if (queue !== this.queue) return;
      if (answer.status === 404 || answer.status === 410) {
        this.queue = null;
        this.lost();
      } else if (answer.ok) {
        const body = (await answer.json()) as { accepted_through: number; nonce: string };
        queue.accepted(body.accepted_through);
        this.nonce = body.nonce;
        if (beats.length === BATCH) this.again = true;
      } else if (NEVER.includes(answer.status)) {
        queue.accepted(beats[beats.length - 1]?.seq ?? 0); // They must not stand in the way of the next.
      }
    } catch {
      // The line is down: the beats are kept and go with the next.
    }
  }

  private leave(): void {
    if (this.queue === null) return;
    this.add(this.queue);
    void post(this.queue.url, this.queue.next().slice(-BATCH), true).catch(() => undefined);
  }
}

function post(url: string, beats: readonly Beat[], keepalive = false): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(beats), keepalive });
}

async function sendLeftOver(): Promise<void> {
  const parcel = leftOver();
  if (parcel === null) return;
  for (let from = 0; from < parcel.beats.length; from += BATCH) {
    const answer = await post(parcel.url, parcel.beats.slice(from, from + BATCH)).catch(() => null);
    if (answer === null || !answer.ok) return; // The session is gone: so is its evidence.
  }
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
