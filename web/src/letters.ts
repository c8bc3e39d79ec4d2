// Chinese letters for devices that have none. A device that has some keeps
// its own: the fonts of a page would be a megabyte on a slow line.

/** A letter every Chinese font has. */
const HAN = "\u6c49";
/** No font has this one: it is drawn as the box for what is missing. */
const NOBODYS = "\u{EFFFD}";

export function fetchMissingLetters(): void {
  const address = document.querySelector<HTMLElement>("[data-han]")?.dataset.han;
  if (address === undefined || draws(HAN)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  document.head.append(link);
}

/**
 * True if the device draws `letter` otherwise than what it lacks. Browsers
 * that write a number into the box are taken to have the letter: nothing is
 * fetched then, as nothing was before.
 */
function draws(letter: string): boolean {
  const [mine, none] = [drawn(letter), drawn(NOBODYS)];
  return mine === null || none === null || mine.some((shade, at) => shade !== none[at]);
}

function drawn(letter: string): Uint8ClampedArray | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 24;
  const pen = canvas.getContext("2d");
  if (pen === null) return null;
  pen.font = "16px sans-serif";
  pen.textBaseline = "top";
  pen.fillText(letter, 2, 2);
  return pen.getImageData(0, 0, 24, 24).data;
}
