// A film that stands although there is something to play, or nothing is even
// asked for: no browser and no library tells of it, so it is looked for. A picture
// that a bad line broke in the right place can leave a decoder waiting for ever.

/** What is seen of the player at one moment; times in seconds. */
export interface Look {
  at: number;
  position: number;
  /** It should be playing, and is not at its end. */
  plays: boolean;
  /** What the browser has in hand, as [from, to]. */
  held: readonly (readonly [number, number])[];
  /** More is on its way: on a slow line it is waited for, however long. */
  fetching: boolean;
  /** It was begun anew so often without playing for a while. */
  tries: number;
}

/** How long it may stand when no line is to blame; after each try twice as long, for slow devices. */
const PATIENCE_S = 5;
const MOST_DOUBLED = 3;
/** Looks further apart are taken for this: whoever closed the lid was not waiting. */
const LONGEST_LOOK_S = 2;
/** Less than this in hand is waited for. */
const ENOUGH_S = 1;

export class Standstill {
  private last: Look | null = null;
  private stood = 0;

  /** True if it is to be begun anew; it is told so once, then waited for as long again. */
  look(now: Look): boolean {
    const last = this.last;
    this.last = now;
    const inHand = now.held.some(([, to]) => to > now.position + ENOUGH_S);
    const waits = !inHand && now.fetching;
    if (last === null || !now.plays || waits || now.position !== last.position) {
      this.stood = 0;
      return false;
    }
    this.stood += Math.min(now.at - last.at, LONGEST_LOOK_S);
    if (this.stood < PATIENCE_S * 2 ** Math.min(now.tries, MOST_DOUBLED)) return false;
    this.stood = 0;
    return true;
  }
}
