// Shows how the player is and what can be chosen.
import type { PlayerData, Text } from "./data";
import type { Engine } from "./engine";
import { Menu, type MenuName, type Option } from "./menus";
import { countedText, type Session } from "./session";
import { describe, type Situation } from "./status";

export class Display {
  private readonly menus: Record<MenuName, Menu>;

  constructor(
    private readonly root: HTMLElement,
    private readonly data: PlayerData,
    private readonly text: Text,
    private readonly engine: Engine,
    choose: Record<MenuName, (value: string) => void>,
  ) {
    this.menus = {
      audio: new Menu(root, "audio", choose.audio),
      subtitles: new Menu(root, "subtitles", choose.subtitles),
      quality: new Menu(root, "quality", choose.quality),
    };
  }

  show(situation: Situation): void {
    const { state, said } = describe(situation, this.text);
    const line = this.find(".state");
    line.dataset.state = state;
    if (line.textContent !== said) line.textContent = said;
    this.root.classList.toggle("sound", this.engine.soundOnly);
    this.find(".sound-only").hidden = !this.engine.soundOnly;
    this.showAudio();
    this.showSubtitles();
    this.showQuality();
  }

  /** Whether this viewing counts for a site. */
  showCounted(session: Session): void {
    const note = this.find(".counted");
    note.hidden = false;
    note.textContent = this.text(countedText(session));
    note.dataset.counted = String(session.counted);
  }

  private showAudio(): void {
    const { audio, audioLanguages } = this.engine;
    const options = audioLanguages.map((lang) => this.language(lang));
    this.menus.audio.show(options, audio, this.language(audio).label);
  }

  private showSubtitles(): void {
    const { engine } = this;
    const off: Option = { value: "off", label: this.text("script-off") };
    const options = [off, ...engine.subtitleLanguages.map((lang) => this.language(lang))];
    const chosen = options.find((option) => option.value === engine.wishes.subtitles) ?? off;
    this.menus.subtitles.show(engine.soundOnly ? [] : options, chosen.value, chosen.label);
  }

  private showQuality(): void {
    const { engine, text } = this;
    const { quality } = engine.wishes;
    const { height } = engine;
    const auto = quality === "auto" && height > 0 ? text("script-auto-now", { height }) : text("script-auto");
    const sound: Option = { value: "audio", label: text("script-audio-only") };
    const low: Option = { value: "low", label: text("script-data-saver") };
    const options: Option[] = [{ value: "auto", label: auto }];
    if (this.data.saver) options.unshift(low);
    for (const rung of engine.heights) options.push({ value: String(rung), label: `${rung}p` });
    if (engine.audioLanguages.length > 0) options.push(sound);
    const summary =
      { auto: text("script-auto"), audio: sound.label, low: low.label }[quality] ?? `${quality}p`;
    this.menus.quality.show(options, quality, summary);
    const button = this.find('[data-act="sound-only"]');
    button.hidden = engine.audioLanguages.length === 0;
    button.setAttribute("aria-pressed", String(engine.soundOnly));
  }

  private language(lang: string): Option {
    return { value: lang, label: this.data.names[lang] ?? lang, lang };
  }

  private find(selector: string): HTMLElement {
    return this.root.querySelector(selector) as HTMLElement;
  }
}
