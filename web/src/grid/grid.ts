// A week of programmes that can be taken hold of, by pointer and by keyboard.
import { Panel } from "./panel";
import { clock, DAY, moved, overlapping, type Place, STEP, stretched } from "./slot";

/** Height of a minute, pixels. */
const SCALE = 0.8;
/** Programmes shorter than this are drawn so long, minutes. */
const LEAST = 14;
/** Where the evening begins: the grid opens there. */
const EVENING = 17 * 60;
/** The lower edge by which a programme is stretched, pixels. */
const EDGE = 8;

export interface Slot {
  readonly element: HTMLElement;
  /** Mark of its entry; null: it cannot be moved. */
  readonly mark: string | null;
  readonly weekly: boolean;
  readonly begun: boolean;
  place: Place;
  /** Where it stands in the schedule. */
  readonly stands: Place;
}

export class Grid {
  private readonly columns: HTMLElement[] = [];
  private readonly dates: string[] = [];
  private readonly slots: Slot[] = [];
  private readonly panel: Panel;

  constructor(
    private readonly list: HTMLElement,
    private readonly texts: Record<string, string>,
  ) {
    this.list.classList.add("grid");
    const help = document.createElement("p");
    help.className = "quiet";
    help.textContent = texts.help ?? "";
    this.list.before(help);
    this.panel = new Panel(this.list, texts, this.dates, (slot) => this.put(slot, slot.stands));
    for (const section of Array.from(this.list.querySelectorAll<HTMLElement>(".week-day")))
      this.addDay(section);
    this.mark(this.columns.map((_, day) => day));
    this.list.scrollTop = EVENING * SCALE;
  }

  private addDay(section: HTMLElement): void {
    const day = this.columns.length;
    const column = document.createElement("div");
    column.className = "column";
    column.style.height = `${DAY * SCALE}px`;
    this.dates.push(section.dataset.date ?? "");
    this.columns.push(column);
    for (const item of Array.from(section.querySelectorAll<HTMLElement>("li")))
      this.addSlot(item, day, column);
    section.querySelector("ol, p")?.remove();
    section.append(column);
  }

  private addSlot(item: HTMLElement, day: number, column: HTMLElement): void {
    const element = document.createElement("div");
    element.className = "slot";
    element.append(...Array.from(item.childNodes));
    const stands = { day, from: Number(item.dataset.from), to: Number(item.dataset.to) };
    const slot: Slot = {
      element,
      mark: item.dataset.mark ?? null,
      weekly: item.dataset.weekly !== undefined,
      begun: item.dataset.begun !== undefined,
      place: stands,
      stands,
    };
    this.slots.push(slot);
    column.append(element);
    this.draw(slot, stands);
    if (slot.begun) element.classList.add("past");
    const movable = slot.mark !== null && (slot.weekly || !slot.begun);
    if (!movable) return;
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    element.addEventListener("keydown", (event) => this.key(event, slot));
    element.addEventListener("pointerdown", (event) => this.grab(event, slot));
  }

  /** Puts a programme at a place, and marks what that changes. */
  private put(slot: Slot, place: Place): void {
    const before = slot.place.day;
    this.draw(slot, place);
    this.mark([before, place.day]);
  }

  private draw(slot: Slot, place: Place): void {
    slot.place = place;
    const { element } = slot;
    const column = this.columns[place.day];
    if (column !== undefined && element.parentElement !== column) {
      const focused = document.activeElement === element;
      column.append(element);
      if (focused) element.focus({ preventScroll: true });
    }
    element.style.top = `${place.from * SCALE}px`;
    element.style.height = `${Math.max(LEAST, Math.min(place.to, DAY) - place.from) * SCALE}px`;
    const time = element.querySelector("time");
    if (time !== null) time.textContent = clock(place.from);
    const is =
      place.day === slot.stands.day && place.from === slot.stands.from && place.to === slot.stands.to;
    element.classList.toggle("moved", !is);
  }

  /** Marks what overlaps, and what of these days is empty for too long. */
  private mark(days: readonly number[]): void {
    const clashes = overlapping(this.slots.map((slot) => slot.place));
    for (const [at, slot] of this.slots.entries()) {
      const clash = clashes.has(at);
      if (slot.element.classList.contains("clash") === clash) continue;
      slot.element.classList.toggle("clash", clash);
      slot.element.title = clash ? (this.texts.overlaps ?? "") : "";
    }
    const most = Number(this.list.dataset.most);
    for (const day of new Set(days)) {
      const column = this.columns[day];
      if (column === undefined) continue;
      for (const old of Array.from(column.querySelectorAll(".gap"))) old.remove();
      const own = this.slots.filter((slot) => slot.place.day === day);
      own.sort((a, b) => a.place.from - b.place.from);
      for (const [at, slot] of own.entries()) {
        const next = own[at + 1]?.place.from ?? DAY;
        if (next - slot.place.to > most && at + 1 < own.length) column.append(this.gap(slot.place.to, next));
      }
    }
  }

  private gap(from: number, to: number): HTMLElement {
    const gap = document.createElement("p");
    gap.className = "gap";
    gap.style.top = `${from * SCALE}px`;
    gap.style.height = `${(to - from) * SCALE}px`;
    gap.textContent = (this.texts.gap ?? "").replace("{minutes}", String(to - from));
    return gap;
  }

  private key(event: KeyboardEvent, slot: Slot): void {
    const rtl = document.documentElement.dir === "rtl";
    const sideways = { ArrowLeft: rtl ? 1 : -1, ArrowRight: rtl ? -1 : 1 }[event.key];
    const down = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
    if (event.key === "Enter" || event.key === " ") this.panel.open(slot, true);
    else if (event.key === "Escape") this.panel.leave();
    else if (sideways !== undefined) this.put(slot, moved(slot.place, sideways, 0));
    else if (down !== undefined) {
      this.put(slot, event.shiftKey ? stretched(slot.place, down) : moved(slot.place, 0, down));
    } else return;
    event.preventDefault();
    event.stopPropagation(); // The arrows of the page go from place to place.
    if (event.key !== "Escape") this.panel.open(slot, event.key === "Enter");
    slot.element.scrollIntoView({ block: "nearest" });
  }

  private grab(event: PointerEvent, slot: Slot): void {
    if (event.button !== 0) return;
    const { element } = slot;
    const box = element.getBoundingClientRect();
    const edge = event.clientY > box.bottom - EDGE;
    const begin = { x: event.clientX, y: event.clientY, place: slot.place };
    const follow = (now: PointerEvent) => {
      const minutes = (now.clientY - begin.y) / SCALE;
      if (edge) this.put(slot, stretched(begin.place, minutes));
      else this.put(slot, moved(begin.place, this.day(now.clientX) - begin.place.day, minutes));
    };
    // On the window: what is put into another day's column leaves the page for a moment,
    // and a pointer that was captured by it is lost.
    const over = () => {
      removeEventListener("pointermove", follow);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", leave);
    };
    const end = () => {
      over();
      if (element.classList.contains("moved")) this.panel.open(slot, false);
      else element.focus({ preventScroll: true });
    };
    const leave = () => {
      over();
      this.put(slot, slot.stands);
    };
    addEventListener("pointermove", follow);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", leave);
    event.preventDefault();
  }

  /** The day under a point. */
  private day(x: number): number {
    const found = this.columns.findIndex((column) => {
      const { left, right } = column.getBoundingClientRect();
      return x >= left && x < right;
    });
    return Math.max(0, found);
  }
}
