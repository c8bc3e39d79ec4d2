// What the viewer chose, kept for the next visit.
import type { Item } from "./data";
import type { Wishes } from "./engine";

export interface Choices {
  /** Audio language; absent: the page's language, else the channel's. */
  audio?: string;
  /** Subtitle language or "off". */
  subtitles?: string;
  /** "auto" or the height of a rung. */
  quality?: string;
  /** The same while data is saved, where "low" is the lowest rung. */
  saverQuality?: string;
  /** Sound without a picture, whatever the quality. */
  soundOnly?: boolean;
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

/** Remembers a quality of the menu; one for saving data is apart from the other. */
export function saveQuality(quality: string, saver: boolean): void {
  if (quality === "audio") saveChoice({ soundOnly: true });
  else saveChoice({ soundOnly: false, ...(saver ? { saverQuality: quality } : { quality }) });
}

/** "audio", "low", "auto" or the height of a rung. */
export function wishedQuality(saver: boolean, choices = loadChoices()): string {
  return choices.soundOnly === true ? "audio" : pictureQuality(saver, choices);
}

/** The quality of the picture, where there is one. */
export function pictureQuality(saver: boolean, choices = loadChoices()): string {
  return saver ? (choices.saverQuality ?? "low") : (choices.quality ?? "auto");
}

/** What the viewer wants of `item`. */
export function wishesFor(item: Item, saver: boolean): Wishes {
  const choices = loadChoices();
  const audio = [choices.audio, document.documentElement.lang, ...item.audio];
  return {
    audio: audio.filter((lang): lang is string => lang !== undefined && item.audio.includes(lang)),
    subtitles: choices.subtitles ?? "off",
    quality: wishedQuality(saver, choices),
  };
}
