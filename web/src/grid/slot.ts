// A programme in the grid, in minutes of its day.

/** Programmes are moved by this many minutes. */
export const STEP = 5;
export const DAY = 24 * 60;

export interface Place {
  /** Column, from 0. */
  day: number;
  /** Minutes from midnight. */
  from: number;
  /** Later than `from`; over a day's minutes: the next morning. */
  to: number;
}

/** A programme that was taken hold of, moved by so much, stays within its week and day. */
export function moved(place: Place, days: number, minutes: number): Place {
  const day = Math.min(6, Math.max(0, place.day + days));
  const from = snap(Math.min(DAY - STEP, Math.max(0, place.from + minutes)));
  return { day, from, to: from + (place.to - place.from) };
}

/** Its end moved by so much: at least a step long, at most a day. */
export function stretched(place: Place, minutes: number): Place {
  const to = snap(place.to + minutes);
  return { ...place, to: Math.min(place.from + DAY, Math.max(place.from + STEP, to)) };
}

/** Which of `places` overlap another. */
export function overlapping(places: readonly Place[]): Set<number> {
  const on = (place: Place, minutes: number) => place.day * DAY + minutes;
  const spans = places.map((place, at) => ({ at, from: on(place, place.from), to: on(place, place.to) }));
  spans.sort((a, b) => a.from - b.from);
  const found = new Set<number>();
  let longest: (typeof spans)[number] | undefined;
  for (const span of spans) {
    if (longest !== undefined && span.from < longest.to) {
      found.add(span.at);
      found.add(longest.at);
    }
    if (longest === undefined || span.to > longest.to) longest = span;
  }
  return found;
}

/** `19:05`; the midnight that ends a day is `24:00`. */
export function clock(minutes: number): string {
  const within = minutes === DAY ? DAY : minutes % DAY;
  return `${two(Math.floor(within / 60))}:${two(within % 60)}`;
}

function snap(minutes: number): number {
  return Math.round(minutes / STEP) * STEP;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
