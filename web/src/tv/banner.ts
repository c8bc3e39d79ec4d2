// The banner at the foot: which channel, what is on and what follows; or the
// lesson with its time line. It leaves by itself.
import { clock as length } from "../player/controls";
import type { Text } from "../player/data";
import type { ServerClock } from "./clock";
import { type Channel, type Lesson, onAt, type Programme, type Said } from "./data";
import { fill, find, ltr, make, said } from "./dom";

const SHOWN_MS = 6000;

/** What stands small below: whether it counts. */
export interface Note {
  text: string;
  state: "counted" | "open" | "revoked";
}

export class Banner {
  private readonly root = find("banner");
  private timer = 0;

  constructor(
    private readonly text: Text,
    private readonly clock: ServerClock,
    private readonly openMenu: () => void,
  ) {}

  get shown(): boolean {
    return !this.root.hidden;
  }

  hide(): void {
    clearTimeout(this.timer);
    this.root.hidden = true;
  }

  channel(channel: Channel, note: Note | null): void {
    const now = this.clock.now();
    const { on, next } = onAt(channel, now);
    const body = make("div", "body", this.head(channel.name));
    if (on === null && now !== null) body.append(make("p", "on", this.text("script-tv-nothing")));
    if (on !== null) body.append(this.programme(on, "on"), ...this.progress(on, now));
    if (next !== null) body.append(this.programme(next, "next"));
    this.put(ltr(String(channel.number), "number"), body, note, this.text("script-tv-menu-hint"));
    this.stay(SHOWN_MS);
  }

  /** `stays`: paused, so that it can be read. */
  lesson(
    lesson: Lesson,
    at: number,
    duration: number,
    state: string,
    note: Note | null,
    stays: boolean,
  ): void {
    const bar = this.bar(at, duration);
    const line = make("div", "timeline", ltr(length(at)), bar, ltr(length(duration)));
    line.dir = "ltr"; // Time runs from left to right on every screen.
    const body = make("div", "body", this.head(lesson.name), make("p", "next", state), line);
    this.put(null, body, note, this.text("script-tv-lesson-keys"));
    if (stays) clearTimeout(this.timer);
    else this.stay(SHOWN_MS);
  }

  /** The lesson has gone on to `at` seconds. */
  move(at: number): void {
    const line = this.root.querySelector(".timeline");
    const bar = line?.querySelector("progress");
    if (line?.firstElementChild == null || bar == null) return;
    line.firstElementChild.textContent = length(at);
    bar.value = Math.min(at, bar.max);
  }

  private head(name: Said): HTMLElement {
    const now = this.clock.now();
    const time = ltr(now === null ? "" : this.clock.time(now), "time");
    return make("p", "head", make("strong", "name", said(name)), time);
  }

  private programme(programme: Programme, name: "on" | "next"): HTMLElement {
    const label = this.text(name === "on" ? "script-tv-now" : "script-tv-next");
    const span = `${this.clock.time(Date.parse(programme.start))}–${this.clock.time(Date.parse(programme.end))}`;
    const title = make("span", "title", said(programme.title));
    return make("p", name, make("span", "label", label), ltr(span, "span"), title);
  }

  private progress(on: Programme, now: number | null): Node[] {
    if (now === null) return [];
    const start = Date.parse(on.start);
    const bar = this.bar(now - start, Date.parse(on.end) - start);
    return [bar];
  }

  private bar(value: number, max: number): HTMLProgressElement {
    const bar = make("progress", "");
    bar.dir = "ltr";
    bar.max = Math.max(1, max);
    bar.value = Math.min(Math.max(0, value), bar.max);
    return bar;
  }

  private put(number: HTMLElement | null, body: HTMLElement, note: Note | null, keys: string): void {
    const menu = make("button", "to-menu", keys);
    menu.type = "button";
    menu.tabIndex = -1;
    menu.addEventListener("click", () => this.openMenu());
    const foot = make("p", "foot");
    if (note !== null) {
      const words = make("small", "", note.text);
      words.dataset.state = note.state;
      foot.append(words);
    }
    foot.append(menu);
    body.append(foot);
    fill(this.root, ...(number === null ? [body] : [number, body]));
    this.root.hidden = false;
  }

  private stay(ms: number): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.hide(), ms);
  }
}
