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

export function overlap(a: Place, b: Place): boolean {
  const at = (place: Place, minutes: number) => place.day * DAY + minutes;
  return at(a, a.from) < at(b, b.to) && at(b, b.from) < at(a, a.to);
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
