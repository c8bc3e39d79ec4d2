// The menu: channels with what is on, lessons, and the choices. Buttons that
// the arrows of the remote control reach.
import { clock as length } from "../player/controls";
import type { Text } from "../player/data";
import type { Engine } from "../player/engine";
import type { ServerClock } from "./clock";
import { type Channel, type Evening, type Lesson, onAt, type TvData } from "./data";
import { fill, find, ltr, make, said } from "./dom";

export interface Choose {
  item(item: Channel | Lesson): void;
  evening(evening: Evening): void;
  audio(lang: string): void;
  subtitles(lang: string): void;
  saver(on: boolean): void;
  soundOnly(on: boolean): void;
  closed(): void;
}

/** What is chosen at present. */
export interface Chosen {
  item: string;
  engine: Engine;
  saver: boolean;
}

const IDLE_MS = 90_000;

export class Menu {
  private readonly root = find("menu");
  private timer = 0;

  constructor(
    private readonly text: Text,
    private readonly clock: ServerClock,
    private readonly choose: Choose,
  ) {
    this.root.addEventListener("keydown", () => this.wake());
    this.root.addEventListener("pointerdown", () => this.wake());
  }

  get shown(): boolean {
    return !this.root.hidden;
  }

  open(data: TvData, chosen: Chosen): void {
    this.root.hidden = false;
    this.draw(data, chosen);
    const focus = this.root.querySelector<HTMLElement>('.items [aria-current="true"]');
    (focus ?? this.root.querySelector<HTMLElement>(".items button"))?.focus();
    this.wake();
  }

  close(): void {
    if (!this.shown) return;
    clearTimeout(this.timer);
    this.root.hidden = true;
    this.root.textContent = "";
    this.choose.closed();
  }

  /** Brings what it shows up to date; the focus stays where it is. */
  draw(data: TvData, chosen: Chosen): void {
    if (!this.shown) return;
    const focused = this.focusedKey();
    const scrolled = Array.from(this.root.querySelectorAll(".items"), (list) => list.scrollTop);
    const [channels, lessons] = [this.channels(data, chosen), this.lessons(data, chosen)];
    fill(this.root, this.head(), channels, lessons, this.settings(data, chosen));
    const lists = this.root.querySelectorAll(".items");
    lists.forEach((list, n) => {
      list.scrollTop = scrolled[n] ?? 0;
    });
    if (focused !== "") this.root.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  private focusedKey(): string {
    const active = document.activeElement;
    return active instanceof HTMLElement && this.root.contains(active) ? (active.dataset.key ?? "") : "";
  }

  private head(): HTMLElement {
    const now = this.clock.now();
    const close = this.button("close", make("span", "", "✕"), () => this.close());
    close.classList.add("close");
    return make("header", "", ltr(now === null ? "" : this.clock.time(now), "time"), close);
  }

  private channels(data: TvData, chosen: Chosen): HTMLElement {
    const items = data.channels.map((channel) => {
      const now = this.clock.now();
      const { on } = onAt(channel, now);
      const nothing = now === null ? "" : this.text("script-tv-nothing");
      const what = on === null ? nothing : said(on.title);
      const words = make("span", "words", make("b", "", said(channel.name)), make("span", "what", what));
      return this.item(channel, chosen, ltr(String(channel.number), "number"), words);
    });
    return this.list("channels", this.text("script-tv-channels"), items);
  }

  private lessons(data: TvData, chosen: Chosen): HTMLElement {
    const items = data.lessons.map((lesson) => {
      const picture = make("span", "poster");
      if (lesson.poster !== "" && !chosen.saver) {
        const image = make("img", "");
        image.loading = "lazy";
        image.alt = "";
        image.src = lesson.poster;
        picture.append(image);
      }
      picture.append(ltr(length(lesson.duration_s), "length"));
      return this.item(lesson, chosen, picture, make("span", "words", said(lesson.name)));
    });
    items.unshift(...(data.evenings ?? []).map((evening) => this.evening(evening)));
    if (items.length === 0) items.push(make("li", "none", this.text("script-tv-no-lessons")));
    return this.list("lessons", this.text("script-tv-lessons"), items);
  }

  /** Several lessons in a row. */
  private evening(evening: Evening): HTMLElement {
    const picture = make("span", "poster", make("span", "several", `▶ ${evening.lessons.length}`));
    picture.append(ltr(length(evening.duration_s), "length"));
    const button = this.button(`evening ${evening.id}`, picture, () => this.choose.evening(evening));
    button.append(make("span", "words", said(evening.name)));
    return make("li", "", button);
  }

  private list(name: string, title: string, items: HTMLElement[]): HTMLElement {
    return make("section", name, make("h2", "", title), make("ul", "items", ...items));
  }

  private item(item: Channel | Lesson, chosen: Chosen, ...content: Node[]): HTMLElement {
    const key = `${item.kind} ${item.id}`;
    const button = this.button(key, content[0] ?? "", () => this.choose.item(item));
    button.append(...content.slice(1));
    if (key === chosen.item) button.setAttribute("aria-current", "true");
    return make("li", "", button);
  }

  private settings(data: TvData, chosen: Chosen): HTMLElement {
    const { engine, saver } = chosen;
    const { text, choose } = this;
    const name = (lang: string) => data.names[lang] ?? lang;
    const sound = engine.audioLanguages.map((lang) =>
      this.pill(`audio ${lang}`, name(lang), lang === engine.audio, () => choose.audio(lang), lang),
    );
    const off = this.pill("subtitles off", text("script-off"), engine.wishes.subtitles === "off", () =>
      choose.subtitles("off"),
    );
    const subtitles = engine.subtitleLanguages.map((lang) => {
      const on = lang === engine.wishes.subtitles;
      return this.pill(`subtitles ${lang}`, name(lang), on, () => choose.subtitles(lang), lang);
    });
    const only = engine.soundOnly;
    const switches = [
      this.pill("saver", text("script-tv-saver"), saver, () => choose.saver(!saver)),
      this.pill("sound-only", text("script-tv-sound-only"), only, () => choose.soundOnly(!only)),
    ];
    const rows = [
      this.row(text("script-tv-sound"), sound),
      this.row(text("script-tv-subtitles"), subtitles.length > 0 ? [off, ...subtitles] : []),
      this.row(text("script-tv-settings"), switches),
    ];
    return make("footer", "", ...rows.filter((row): row is HTMLElement => row !== null));
  }

  private row(label: string, pills: HTMLElement[]): HTMLElement | null {
    return pills.length === 0 ? null : make("p", "row", make("span", "label", label), ...pills);
  }

  private pill(key: string, label: string, on: boolean, press: () => void, lang = ""): HTMLElement {
    const button = this.button(key, make("span", "", label), press);
    button.setAttribute("aria-pressed", String(on));
    if (lang !== "") button.lang = lang;
    return button;
  }

  private button(key: string, content: Node | string, press: () => void): HTMLButtonElement {
    const button = make("button", "", content);
    button.type = "button";
    button.dataset.key = key;
    button.addEventListener("click", press);
    return button;
  }

  /** Nobody presses anything: the picture is what they want. */
  private wake(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.close(), IDLE_MS);
  }
}
