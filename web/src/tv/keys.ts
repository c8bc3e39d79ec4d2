// The keys of remote controls, as browsers of televisions, set-top boxes and
// computers name them.

export type NamedKey =
  | "up"
  | "down"
  | "left"
  | "right"
  | "next"
  | "previous"
  | "ok"
  | "back"
  | "menu"
  | "toggle"
  | "play"
  | "pause"
  | "forward"
  | "rewind";

export type Key = NamedKey | { digit: number };

const NAMES: Readonly<Record<string, Key>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
  ChannelUp: "next",
  PageUp: "next",
  MediaTrackNext: "next",
  ChannelDown: "previous",
  PageDown: "previous",
  MediaTrackPrevious: "previous",
  Enter: "ok",
  Accept: "ok",
  Select: "ok",
  " ": "ok",
  Escape: "back",
  Backspace: "back",
  GoBack: "back",
  BrowserBack: "back",
  ContextMenu: "menu",
  Menu: "menu",
  Guide: "menu",
  m: "menu",
  MediaPlayPause: "toggle",
  MediaPlay: "play",
  Play: "play",
  MediaPause: "pause",
  Pause: "pause",
  MediaFastForward: "forward",
  MediaRewind: "rewind",
};

/** Codes of set-top boxes whose browsers give no names. */
const CODES: Readonly<Record<number, Key>> = {
  33: "next",
  34: "previous",
  427: "next",
  428: "previous",
  461: "back",
  10009: "back",
  415: "play",
  19: "pause",
  412: "rewind",
  417: "forward",
};

export function keyOf(event: KeyboardEvent): Key | null {
  if (event.altKey || event.ctrlKey || event.metaKey) return null;
  if (/^[0-9]$/.test(event.key)) return { digit: Number(event.key) };
  const named = NAMES[event.key];
  if (named !== undefined) return named;
  return CODES[event.keyCode] ?? null;
}

/** A finger on the screen: swipes are arrows, a tap is OK. */
export function onTouch(area: HTMLElement, press: (key: Key) => void): void {
  let from: { x: number; y: number } | null = null;
  area.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, y: event.clientY };
  });
  area.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    from = null;
    const far = Math.min(innerWidth, innerHeight) / 8;
    if (Math.abs(x) < far && Math.abs(y) < far) press("ok");
    else if (Math.abs(x) > Math.abs(y)) press(x > 0 ? "right" : "left");
    else press(y > 0 ? "down" : "up");
  });
}
