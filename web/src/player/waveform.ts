// How loud what has no picture is over its length, behind the time line.

const SVG = "http://www.w3.org/2000/svg";
const LOUDEST = 255;
/** Of a bar, in parts of its place. */
const WIDTH = 0.7;

export class Waveform {
  private readonly place = document.createElementNS(SVG, "svg");

  /** Behind the `slider` of the time line. */
  constructor(slider: HTMLInputElement) {
    // What it shows is to be heard.
    this.place.setAttribute("aria-hidden", "true");
    this.place.setAttribute("class", "wave");
    this.place.setAttribute("preserveAspectRatio", "none");
    slider.before(this.place);
    this.set(null);
  }

  /** Two hex digits for each of equal stretches. */
  set(levels: string | null | undefined): void {
    const heights = (levels?.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
    const bars = heights.map((height, n) => bar(n, height)).join("");
    this.place.setAttribute("viewBox", `0 -${LOUDEST} ${Math.max(heights.length, 1)} ${2 * LOUDEST}`);
    this.place.replaceChildren(path("all", bars), path("played", bars));
    this.place.toggleAttribute("hidden", heights.length === 0);
  }

  /** As much has been played, of 1. */
  played(part: number): void {
    this.place.style.setProperty("--left", `${((1 - part) * 100).toFixed(2)}%`);
  }
}

function bar(n: number, height: number): string {
  const tall = Math.max(height, LOUDEST / 50);
  return `M${n} ${-tall}h${WIDTH}v${2 * tall}h${-WIDTH}z`;
}

function path(name: string, bars: string): SVGPathElement {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", name);
  made.setAttribute("d", bars);
  return made;
}
