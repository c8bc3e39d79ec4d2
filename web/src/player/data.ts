// What the server tells the player in the page.

/** Small pictures of a lesson in rows, in one file. */
export interface Board {
  readonly href: string;
  readonly columns: number;
  readonly count: number;
  /** Of each, pixels. */
  readonly width: number;
  readonly height: number;
  /** How much of the lesson each stands for, milliseconds. */
  readonly interval_ms: number;
}

/** A channel or a lesson, as far as playing it goes. */
export interface Item {
  readonly kind: "channel" | "lesson" | "review";
  readonly id: string;
  /** Playlist that plays without the API. */
  readonly source: string;
  readonly audio: readonly string[];
  readonly subtitles: readonly string[];
  /** Of a lesson, seconds. */
  readonly duration?: number;
  readonly storyboard?: Board | null;
  /** How loud what has no picture is in each of equal stretches, two hex digits each. */
  readonly waveform?: string | null;
}

export interface PlayerData extends Item {
  /** Data is saved: the smallest picture, unless another is chosen. */
  readonly saver: boolean;
  /** Languages' names in their own scripts. */
  readonly names: Readonly<Record<string, string>>;
  readonly texts: Readonly<Record<string, string>>;
}

export type Text = (key: string, values?: Readonly<Record<string, number | string>>) => string;

export function readData(): PlayerData {
  const block = document.getElementById("player-data");
  return JSON.parse(block?.textContent ?? "{}") as PlayerData;
}

/** Texts of the page's language; `{name}` is filled from `values`. */
export function texts(data: { readonly texts: Readonly<Record<string, string>> }): Text {
  return (key, values = {}) =>
    (data.texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
