// Arrow keys move the focus to the nearest control in that direction, so that
// a remote control reaches everything. Directions are those of the screen, in
// right-to-left pages too.

type Direction = "up" | "down" | "left" | "right";

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

const REACHABLE = "a[href], button:not([disabled]), summary, input:not([disabled]), select:not([disabled])";

/** How much dearer a step aside is than a step ahead. */
const ASIDE = 3;

export function startNavigation(): void {
  document.addEventListener("keydown", (event) => {
    const direction = ARROWS[event.key];
    const modified = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (direction === undefined || modified || event.defaultPrevented) return;
    const active = document.activeElement;
    if (active !== null && keepsArrows(active, direction)) return;
    const target = isPlace(active) ? nearest(active, direction) : first();
    if (target === null) return; // Nothing there: the page scrolls as always.
    event.preventDefault();
    target.focus();
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

/**
 * A text field needs left and right for its cursor, a list of choices up and
 * down. A slider needs one pair: the time line left and right, the volume,
 * which stands in a row of buttons, up and down. The other pair leads on.
 */
function keepsArrows(element: Element, direction: Direction): boolean {
  const sideways = direction === "left" || direction === "right";
  if (element instanceof HTMLSelectElement) return !sideways;
  if (!(element instanceof HTMLInputElement)) return false;
  return element.type === "range" ? sideways !== (element.dataset.arrows === "vertical") : sideways;
}

function isPlace(element: Element | null): element is HTMLElement {
  return element instanceof HTMLElement && element.matches(REACHABLE);
}

/** Where the focus starts: the first control of the page's own content. */
function first(): HTMLElement | null {
  const content = document.getElementById("content");
  return (content === null ? undefined : reachable(content)[0]) ?? reachable(document.body)[0] ?? null;
}

function reachable(root: HTMLElement): HTMLElement[] {
  const all = Array.from(root.querySelectorAll<HTMLElement>(REACHABLE));
  return all.filter((element) => element.getClientRects().length > 0 && !element.matches(".skip"));
}

function nearest(from: HTMLElement, direction: Direction): HTMLElement | null {
  const root = document.fullscreenElement instanceof HTMLElement ? document.fullscreenElement : document.body;
  const start = from.getBoundingClientRect();
  let best: HTMLElement | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of reachable(root)) {
    if (candidate === from) continue;
    const cost = distance(start, candidate.getBoundingClientRect(), direction);
    if (cost < least) {
      least = cost;
      best = candidate;
    }
  }
  return best;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Cost of going from one box to another; infinite if it does not lie that way. */
export function distance(from: Box, to: Box, direction: Direction): number {
  const vertical = direction === "up" || direction === "down";
  const ahead = {
    up: from.top - to.bottom,
    down: to.top - from.bottom,
    left: from.left - to.right,
    right: to.left - from.right,
  }[direction];
  // Boxes may touch or overlap by a little; the middle must lie ahead.
  const middle = (box: Box) => (vertical ? (box.top + box.bottom) / 2 : (box.left + box.right) / 2);
  const forward = direction === "down" || direction === "right" ? 1 : -1;
  const step = (middle(to) - middle(from)) * forward;
  const size = vertical ? from.bottom - from.top : from.right - from.left;
  if (step <= 0 || ahead < -size / 2) return Number.POSITIVE_INFINITY;
  const aside = vertical
    ? gap(from.left, from.right, to.left, to.right)
    : gap(from.top, from.bottom, to.top, to.bottom);
  // A control in the same row is meant by left and right, whatever lies nearer above or below it.
  return Math.max(0, ahead) + ASIDE * aside * (vertical ? 1 : 4) + step / 100;
}

/** Space between two spans of one line; zero where they overlap. */
function gap(a: number, b: number, c: number, d: number): number {
  return Math.max(0, c - b, a - d);
}
