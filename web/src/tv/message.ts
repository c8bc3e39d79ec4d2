// What is wrong, large and plain, and the small hint for what passes by itself.
import type { Text } from "../player/data";
import type { Situation } from "../player/status";
import type { ServerClock } from "./clock";
import { fill, find, make } from "./dom";
import type { Line } from "./line";

/** A picture that stands for less than this is no event. */
const HINT_AFTER_MS = 1500;

export class Message {
  private readonly root = find("message");
  private readonly hint = find("hint");
  private stoodAt: number | null = null;
  private passing = "";
  private passingTimer = 0;

  constructor(
    private readonly text: Text,
    private readonly clock: ServerClock,
    private readonly line: Line,
  ) {}

  /** The large message is on the screen. */
  get shown(): boolean {
    return !this.root.hidden;
  }

  /** Says something small for a moment, such as a number without a channel. */
  pass(words: string): void {
    this.passing = words;
    clearTimeout(this.passingTimer);
    this.passingTimer = window.setTimeout(() => {
      this.passing = "";
      this.say("hint", this.hint, "");
    }, 3000);
    this.say("hint", this.hint, words);
  }

  /** `empty`: there is no channel and no lesson. */
  show(now: Situation, empty: boolean): void {
    const stands = now.wanted && !now.ended && (!now.started || now.waiting);
    if (!stands) this.stoodAt = null;
    else this.stoodAt ??= performance.now();
    const { title, more } = this.large(now, stands, empty);
    const words = [title, ...more].join("\n");
    if (this.root.dataset.words !== words) {
      this.root.dataset.words = words;
      fill(this.root, make("h2", "", title), ...more.map((line) => make("p", "", line)));
      this.root.hidden = title === "";
    }
    this.say("hint", this.hint, title === "" ? this.small(now) : "");
  }

  private large(now: Situation, stands: boolean, empty: boolean): { title: string; more: string[] } {
    const { text, line } = this;
    const problem = now.trouble?.problem;
    if (line.state !== "up" && (stands || empty)) {
      const title = text(line.state === "down" ? "script-tv-line-title" : "script-tv-server-title");
      const more = [this.since(), this.trying()];
      if (line.state === "down") more.push(text("script-tv-check"));
      return { title, more };
    }
    if (empty) return { title: text("script-tv-no-channels"), more: [] };
    if (problem === "unsupported") return { title: text("script-unsupported"), more: [] };
    if (problem === "gone") return { title: text("script-tv-gone"), more: [] };
    const trying = text("script-not-ready", { seconds: now.trouble?.seconds ?? 0 });
    if (problem === "not-ready" && stands) return { title: text("script-tv-server-title"), more: [trying] };
    return { title: "", more: [] };
  }

  private since(): string {
    const minutes = Math.floor((performance.now() - this.line.since) / 60_000);
    const at = this.clock.at(this.line.since);
    // A terminal that never heard the server does not know the time.
    if (at === null) return this.text("script-tv-for", { minutes });
    return this.text("script-tv-since", { time: this.clock.time(at), minutes });
  }

  private trying(): string {
    const seconds = Math.ceil((this.line.next - performance.now()) / 1000);
    return seconds > 0 ? this.text("script-tv-trying", { seconds }) : this.text("script-tv-trying-now");
  }

  private small(now: Situation): string {
    if (this.passing !== "") return this.passing;
    if (this.line.state !== "up") return this.text("script-tv-line-hint");
    const long = this.stoodAt !== null && performance.now() - this.stoodAt > HINT_AFTER_MS;
    if (now.trouble?.problem === "media") return this.text("script-media-error");
    if (long) return this.text(now.started ? "script-buffering" : "script-connecting");
    return now.slow ? this.text("script-slow") : "";
  }

  private say(name: string, element: HTMLElement, words: string): void {
    if (element.dataset[name] === words) return;
    element.dataset[name] = words;
    element.textContent = words;
    element.hidden = words === "";
  }
}
