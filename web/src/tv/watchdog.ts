// A picture that falls behind catches up. A picture that stands although the server answers: loaded anew, then opened
// anew. A screen in a village hall has nobody who would press reload.
import type { Playback } from "../player/playback";

const PATIENCE_MS = 30_000;
/** Further behind the live edge it has stood too often. */
const BEHIND_S = 40;

export class Watchdog {
  private position = -1;
  private movedAt = performance.now();
  private tries = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly playback: Playback,
  ) {}

  /** Looks; to be called while the line is up. */
  look(): void {
    const now = performance.now();
    const { video, playback } = this;
    const rests = !playback.wanted || video.ended || playback.item === null;
    if (rests || video.currentTime !== this.position) {
      this.position = video.currentTime;
      this.movedAt = now;
      if (rests || video.readyState <= 2) return;
      this.tries = 0;
      if ((playback.situation().behind ?? 0) > BEHIND_S) playback.goLive();
      return;
    }
    if (now - this.movedAt < PATIENCE_MS) return;
    this.movedAt = now;
    this.tries += 1;
    playback.restart(this.tries === 1 ? "reload" : "reopen");
  }
}
