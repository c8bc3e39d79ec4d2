// What the viewer chose, kept for the next visit.

export interface Choices {
  /** Audio language; absent: the page's language, else the channel's. */
  audio?: string;
  /** Subtitle language or "off". */
  subtitles?: string;
  /** "auto", "audio" or the height of a rung. */
  quality?: string;
  /** 0 to 100. */
  volume?: number;
  muted?: boolean;
}

const KEY = "player-choices";

export function loadChoices(): Choices {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Choices;
  } catch {
    return {}; // No storage, or not ours: nothing was chosen.
  }
}

export function saveChoice(choice: Choices): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...loadChoices(), ...choice }));
  } catch {
    // Without storage a choice lasts as long as the page.
  }
}
