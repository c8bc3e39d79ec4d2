// The picture of the place in the time line that somebody points at.
import type { Board } from "./data";

const GONE_AFTER_MS = 1500;

export class Storyboard {
  private readonly place = document.createElement("p");
  private readonly picture = document.createElement("span");
  private readonly time = document.createElement("span");
  private board: Board | null = null;
  private gone = 0;

  /** Beside the `slider` of the time line. */
  constructor(private readonly slider: HTMLInputElement) {
    // What it shows, the slider says.
    this.place.setAttribute("aria-hidden", "true");
    this.place.className = "board";
    this.place.hidden = true;
    this.time.dir = "ltr";
    this.place.append(this.picture, this.time);
    slider.after(this.place);
  }

  set(board: Board | null | undefined): void {
    this.board = board ?? null;
    this.picture.style.backgroundImage = "";
    this.hide();
  }

  /** The picture at `seconds`, with what the time is called. */
  show(seconds: number, time: string): void {
    const { board, slider, place } = this;
    const length = Number(slider.max);
    if (board === null || !(length > 0)) return;
    clearTimeout(this.gone);
    const n = Math.min(Math.max(Math.floor((seconds * 1000) / board.interval_ms), 0), board.count - 1);
    const { style } = this.picture;
    // Not asked for before somebody looks: it costs a slow line something.
    if (style.backgroundImage === "") style.backgroundImage = `url("${board.href}")`;
    style.width = `${board.width}px`;
    style.height = `${board.height}px`;
    const [row, column] = [Math.floor(n / board.columns), n % board.columns];
    style.backgroundPosition = `${-column * board.width}px ${-row * board.height}px`;
    this.time.textContent = time;
    place.hidden = false;
    const half = place.offsetWidth / 2;
    const at = (Math.min(Math.max(seconds, 0), length) / length) * slider.offsetWidth;
    const inside = Math.min(Math.max(at, half), Math.max(slider.offsetWidth - half, half));
    place.style.left = `${slider.offsetLeft + inside - half}px`;
  }

  /** Is gone after a moment. */
  leave(): void {
    clearTimeout(this.gone);
    this.gone = window.setTimeout(() => this.hide(), GONE_AFTER_MS);
  }

  hide(): void {
    clearTimeout(this.gone);
    this.place.hidden = true;
  }
}
