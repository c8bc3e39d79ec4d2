// Where the screen was, for the next power-on.
import { shelf } from "../shelf";

export interface Place {
  /** The channel that is on, or was before the lesson. */
  channel: string | null;
  /** `rest`: the lessons that follow it, of an evening. */
  lesson: { id: string; position: number; rest?: readonly string[] } | null;
  /** When it was noted, ms of the epoch. */
  at: number;
}

const KEY = "place";
/** A lesson of yesterday is not what today's people came for. */
const DAY_MS = 24 * 3600_000;
const PATIENCE_MS = 1500;

export async function lastPlace(now: number): Promise<Place> {
  const nothing: Place = { channel: null, lesson: null, at: now };
  const patience = new Promise<null>((done) => setTimeout(() => done(null), PATIENCE_MS));
  const place = (await Promise.race([shelf.get<Place>(KEY), patience])) ?? nothing;
  return now - place.at < DAY_MS ? place : { ...place, lesson: null };
}

export function keepPlace(place: Place): Promise<void> {
  return shelf.put(KEY, place);
}
