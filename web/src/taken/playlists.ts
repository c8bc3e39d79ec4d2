// What of a lesson's playlists is taken along, and how these read when they lie
// beside what they name.

/** A line of a multivariant playlist that names another playlist (RFC 8216 section 4.3.4). */
interface Named {
  readonly tag: string;
  readonly uri: string;
}

export interface Variant extends Named {
  /** Of the picture; 0: there is none. */
  readonly height: number;
  /** Bits per second, all that plays together. */
  readonly bits: number;
}

export interface Offer {
  /** What stands before all others. */
  readonly head: readonly string[];
  readonly media: readonly Named[];
  readonly variants: readonly Variant[];
}

/** A file that a media playlist names. */
export interface Part {
  readonly from: string;
  /** Where it lies, from the folder of the lesson. */
  readonly to: string;
  readonly seconds: number;
}

/** Enough lines to read what stands on a slide. */
const LINES = 480;

export function readOffer(text: string): Offer {
  const lines = text.split("\n").map((line) => line.trim());
  const variants = lines.flatMap((tag, n) => {
    if (!tag.startsWith("#EXT-X-STREAM-INF:")) return [];
    const number = (pattern: RegExp) => Number(pattern.exec(tag)?.[1] ?? 0);
    const bits = number(/AVERAGE-BANDWIDTH=(\d+)/) || number(/[:,]BANDWIDTH=(\d+)/);
    return [{ tag, uri: lines[n + 1] ?? "", height: number(/RESOLUTION=\d+x(\d+)/), bits }];
  });
  const media = lines.flatMap((tag) => {
    const uri = /^#EXT-X-MEDIA:.*URI="([^"]+)"/.exec(tag)?.[1];
    return uri === undefined ? [] : [{ tag, uri }];
  });
  const head = lines.filter((line) => /^#EXT(M3U|-X-VERSION|-X-INDEPENDENT-SEGMENTS)/.test(line));
  return { head, media, variants };
}

/** The rung to take: the best that is small enough, the smallest while data is saved, else the sound. */
export function chooseRung({ variants }: Offer, saver: boolean): Variant | undefined {
  const pictures = variants.filter((variant) => variant.height > 0).sort((a, b) => a.height - b.height);
  const fitting = saver ? [] : pictures.filter((variant) => variant.height <= LINES);
  return fitting.pop() ?? pictures[0] ?? variants[0];
}

/** Bits per second of the sound of one language. */
export function soundBits({ variants }: Offer): number {
  return variants.find((variant) => variant.height === 0)?.bits ?? 0;
}

/** The name under which a playlist lies in the folder of the lesson. */
export function nameOf(uri: string): string {
  return uri.replace(/[?#].*$/, "").replace(/^.*\//, "");
}

/** The multivariant playlist of what is held. */
export function writeOffer({ head, media }: Offer, rung: Variant): string {
  const named = media.map(({ tag, uri }) => tag.replace(`URI="${uri}"`, `URI="${nameOf(uri)}"`));
  return [...head, ...named, rung.tag, nameOf(rung.uri), ""].join("\n");
}

/** A media playlist from `address`, as it reads in the folder of the lesson, and what it names. */
export function bringHome(text: string, address: string): { text: string; parts: Part[] } {
  const parts: Part[] = [];
  let seconds = 0;
  const home = (uri: string) => {
    const from = new URL(uri, address);
    // The rest of the address is the session's: another brings the same bytes.
    const to = /\/(seg\/.+)$/.exec(from.pathname)?.[1];
    if (to === undefined) throw new Error(`expected a segment below seg/, got ${uri}`);
    parts.push({ from: from.href, to, seconds });
    seconds = 0;
    return to;
  };
  const lines = text.split("\n").map((line) => {
    const map = /^#EXT-X-MAP:.*URI="([^"]+)"/.exec(line)?.[1];
    if (map !== undefined) return line.replace(map, home(map));
    const length = /^#EXTINF:([\d.]+)/.exec(line)?.[1];
    if (length !== undefined) seconds = Number(length);
    return line === "" || line.startsWith("#") ? line : home(line.trim());
  });
  return { text: lines.join("\n"), parts };
}
