// What each key of the remote control does.
import type { Digits } from "./digits";
import { type Key, keyOf, type NamedKey } from "./keys";

/** What the keys move. */
export interface Screen {
  readonly isLesson: boolean;
  readonly menuShown: boolean;
  readonly bannerShown: boolean;
  openMenu(): void;
  closeMenu(): void;
  showBanner(): void;
  hideBanner(): void;
  zapBy(step: 1 | -1): void;
  toChannel(): void;
  /** Null: the other of the two. */
  setPlaying(playing: boolean | null): void;
  seekBy(seconds: number): void;
  allowSound(): boolean;
}

const SEEK_S = 10;
const MENU_S_OWN: readonly Key[] = ["up", "down", "left", "right", "ok"];

export class Remote {
  constructor(
    private readonly screen: Screen,
    private readonly digits: Digits,
  ) {}

  listen(): void {
    document.addEventListener("keydown", (event) => {
      const key = keyOf(event);
      if (key === null || (event.repeat && key === "ok")) return;
      if (this.press(key)) event.preventDefault();
    });
  }

  /** False: not for us, the menu's buttons know what to do. */
  press(key: Key): boolean {
    const { screen, digits } = this;
    const allowed = screen.allowSound();
    if (screen.menuShown && MENU_S_OWN.includes(key)) return false;
    if (typeof key === "object") {
      if (screen.menuShown) screen.closeMenu();
      digits.press(key.digit);
      return true;
    }
    if (screen.menuShown) {
      screen.closeMenu();
      if (key === "back" || key === "menu") return true;
    }
    if (key === "ok" && (digits.finish() || allowed)) return true;
    digits.clear();
    if (screen.isLesson) this.inLesson(key);
    else this.onChannel(key);
    return true;
  }

  private onChannel(key: NamedKey): void {
    const { screen } = this;
    const does: Partial<Record<NamedKey, () => void>> = {
      up: () => screen.zapBy(1),
      next: () => screen.zapBy(1),
      down: () => screen.zapBy(-1),
      previous: () => screen.zapBy(-1),
      ok: () => (screen.bannerShown ? screen.openMenu() : screen.showBanner()),
      left: () => screen.openMenu(),
      menu: () => screen.openMenu(),
      back: () => screen.hideBanner(),
    };
    // A channel goes on: there is nothing to pause, and nowhere to seek.
    (does[key] ?? (() => screen.showBanner()))();
  }

  private inLesson(key: NamedKey): void {
    const { screen } = this;
    const does: Partial<Record<NamedKey, () => void>> = {
      ok: () => screen.setPlaying(null),
      toggle: () => screen.setPlaying(null),
      play: () => screen.setPlaying(true),
      pause: () => screen.setPlaying(false),
      left: () => screen.seekBy(-SEEK_S),
      rewind: () => screen.seekBy(-SEEK_S),
      right: () => screen.seekBy(SEEK_S),
      forward: () => screen.seekBy(SEEK_S),
      next: () => screen.zapBy(1),
      previous: () => screen.zapBy(-1),
      back: () => (screen.bannerShown ? screen.hideBanner() : screen.toChannel()),
    };
    (does[key] ?? (() => screen.openMenu()))();
  }
}
