// The player's own controls: buttons, sliders, full screen.
import type { Board, Text } from "./data";
import { Storyboard } from "./storyboard";
import { Waveform } from "./waveform";

export interface Actions {
  toggle(): void;
  live(): void;
  seek(seconds: number): void;
  mute(muted: boolean): void;
  volume(percent: number): void;
  soundOnly(): void;
}

const SEEK_STEP_S = 10;
const IDLE_MS = 4000;

export class Controls {
  private dragging = false;
  private readonly board: Storyboard | null;
  private readonly wave: Waveform | null;

  constructor(
    private readonly root: HTMLElement,
    private readonly video: HTMLVideoElement,
    private readonly text: Text,
    private readonly actions: Actions,
  ) {
    this.click("play", () => actions.toggle());
    this.click("start", () => actions.toggle());
    this.click("live", () => actions.live());
    this.click("mute", () => actions.mute(!video.muted));
    this.click("sound-on", () => actions.mute(false));
    this.click("sound-only", () => actions.soundOnly());
    this.click("fullscreen", () => void this.toggleFullscreen());
    video.addEventListener("click", () => actions.toggle());
    this.slider("volume")?.addEventListener("input", (event) => {
      actions.volume(Number((event.target as HTMLInputElement).value));
    });
    const seek = this.slider("seek");
    this.board = seek === null ? null : new Storyboard(seek);
    this.wave = seek === null ? null : new Waveform(seek);
    this.bindTimeline();
    this.bindFullscreen();
    this.bindMediaKeys();
  }

  /** Brings labels and sliders in line with the video. */
  update(paused: boolean): void {
    const { video, text } = this;
    this.label("play", paused ? text("script-play") : text("script-pause"), paused ? "paused" : "playing");
    this.label("mute", video.muted ? text("script-unmute") : text("script-mute"), video.muted ? "off" : "on");
    const full = document.fullscreenElement === this.root;
    this.label(
      "fullscreen",
      full ? text("script-exit-fullscreen") : text("script-fullscreen"),
      full ? "on" : "off",
    );
    const volume = this.slider("volume");
    if (volume !== null) volume.value = String(video.muted ? 0 : Math.round(video.volume * 100));
    this.updateTimeline();
  }

  /** The pictures of what plays. */
  pictures(board: Board | null | undefined): void {
    this.board?.set(board);
  }

  /** How loud what plays is, if it has no picture. */
  levels(levels: string | null | undefined): void {
    this.wave?.set(levels);
  }

  /** Shows or hides one of the large buttons over the picture. */
  offer(act: "start" | "sound-on", shown: boolean): void {
    const button = this.button(act);
    if (button.hidden !== shown) return;
    const focused = document.activeElement === button;
    button.hidden = !shown;
    if (focused && !shown) this.button("play").focus();
  }

  private updateTimeline(): void {
    const seek = this.slider("seek");
    const length = this.video.duration;
    if (seek === null || !Number.isFinite(length)) return;
    seek.max = String(Math.floor(length));
    if (!this.dragging) seek.value = String(Math.floor(this.video.currentTime));
    this.wave?.played(Number(seek.value) / Math.max(length, 1));
    const now = clock(Number(seek.value));
    seek.setAttribute("aria-valuetext", now);
    this.time("now", now);
    this.time("end", clock(length));
  }

  private bindTimeline(): void {
    const { board } = this;
    const seek = this.slider("seek");
    if (seek === null || board === null) return;
    seek.addEventListener("input", () => {
      this.dragging = true;
      this.updateTimeline();
      board.show(Number(seek.value), clock(Number(seek.value)));
    });
    seek.addEventListener("change", () => {
      this.dragging = false;
      this.actions.seek(Number(seek.value));
      board.leave();
    });
    seek.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -SEEK_STEP_S, ArrowRight: SEEK_STEP_S }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const to = Math.min(Math.max(this.video.currentTime + step, 0), Number(seek.max));
      this.actions.seek(to);
      board.show(to, clock(to));
      board.leave();
    });
    seek.addEventListener("pointermove", (event) => {
      const { left, width } = seek.getBoundingClientRect();
      const at = ((event.clientX - left) / width) * Number(seek.max);
      if (!this.dragging && event.pointerType === "mouse") board.show(at, clock(at));
    });
    seek.addEventListener("pointerleave", () => {
      if (!this.dragging) board.hide();
    });
  }

  private bindFullscreen(): void {
    let idle = 0;
    const wake = () => {
      this.root.classList.remove("idle");
      clearTimeout(idle);
      idle = window.setTimeout(() => this.root.classList.add("idle"), IDLE_MS);
    };
    for (const kind of ["keydown", "pointermove", "pointerdown"]) this.root.addEventListener(kind, wake);
    document.addEventListener("fullscreenchange", () => {
      this.root.classList.toggle("full", document.fullscreenElement === this.root);
      this.update(this.video.paused);
      wake();
    });
  }

  /** The play key of a remote control or keyboard. */
  private bindMediaKeys(): void {
    document.addEventListener("keydown", (event) => {
      if (event.key === "MediaPlayPause" || event.key === "MediaPlay" || event.key === "MediaPause") {
        event.preventDefault();
        this.actions.toggle();
      }
    });
  }

  private async toggleFullscreen(): Promise<void> {
    try {
      if (document.fullscreenElement === null) await this.root.requestFullscreen();
      else await document.exitFullscreen();
    } catch {
      // The browser does not allow it; the picture stays where it is.
    }
  }

  private click(act: string, run: () => void): void {
    this.root.querySelector(`button[data-act="${act}"]`)?.addEventListener("click", run);
  }

  private button(act: string): HTMLButtonElement {
    return this.root.querySelector(`button[data-act="${act}"]`) as HTMLButtonElement;
  }

  private slider(act: string): HTMLInputElement | null {
    return this.root.querySelector(`input[data-act="${act}"]`);
  }

  private label(act: string, label: string, state: string): void {
    const button = this.button(act);
    if (button.textContent !== label) button.textContent = label;
    button.dataset.on = state;
  }

  private time(name: string, value: string): void {
    const place = this.root.querySelector(`[data-time="${name}"]`);
    if (place !== null && place.textContent !== value) place.textContent = value;
  }
}

/** Minutes and seconds, with hours where there are any. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
