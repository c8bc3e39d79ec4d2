// The part of a lesson's page where it is taken along, and where what was
// played without a line is saved as a file.
import { type PlayerData, readData } from "../player/data";
import { takeToken } from "../player/session";
import { size } from "../upload/figures";
import { renewChain, textOf, waiting } from "./chain";
import { canTake, isHeld } from "./held";
import { hasRoom, isBegun, NoRoom, remove, sizeOf, take } from "./take";

/** What a lesson of it is at the moment. */
type State = "none" | "begun" | "taking" | "held";

type Act = "take" | "stop" | "remove" | "save";

const SHOWN: Readonly<Record<State, readonly Act[]>> = {
  none: ["take"],
  begun: ["take", "remove"],
  taking: ["stop"],
  held: ["remove"],
};

/** Shows the panel where the device is enrolled and its browser can keep a lesson. */
export function startTaking(): void {
  const place = document.querySelector<HTMLElement>("[data-take]");
  const token = takeToken();
  if (place === null || token === null || !canTake()) return;
  // Without a worker nothing is answered from what was taken.
  void navigator.serviceWorker.ready.then(() => new Panel(place, token, readData()).start());
}

class Panel {
  private state: State = "none";
  private bytes: number | null = null;
  private stopped = new AbortController();
  private readonly bar: HTMLProgressElement;

  constructor(
    private readonly place: HTMLElement,
    private readonly token: string,
    private readonly lesson: PlayerData,
  ) {
    this.bar = this.find("progress");
  }

  async start(): Promise<void> {
    this.on("take", () => this.take());
    this.on("stop", async () => this.stopped.abort());
    this.on("remove", () => this.remove());
    this.on("save", () => this.save());
    document.addEventListener("chains", () => void this.showWaiting());
    this.find("[data-address]").textContent = `${location.host}/bring`;
    await this.look();
    await this.showWaiting();
    this.place.hidden = false;
    if (this.state === "held") return;
    this.bytes = await sizeOf(this.lesson, this.lesson.duration ?? 0, this.lesson.saver);
    this.show();
  }

  /** What there is of the lesson. */
  private async look(said?: string): Promise<void> {
    const { id } = this.lesson;
    this.state = (await isHeld(id)) ? "held" : (await isBegun(id)) ? "begun" : "none";
    this.show(said);
  }

  private async take(): Promise<void> {
    const { bytes, lesson } = this;
    if (this.state === "none" && bytes !== null && !(await hasRoom(bytes))) {
      this.show(this.noRoom());
      return;
    }
    // Whether the browser may drop it when the disk is full; some ask a person first.
    void navigator.storage?.persist?.().catch(() => false);
    this.stopped = new AbortController();
    this.state = "taking";
    this.bar.value = 0;
    this.show();
    const { signal } = this.stopped;
    const reports = {
      progress: (percent: number) => this.progress(percent),
      waits: () => this.show(this.said("waits")),
    };
    try {
      await take(lesson, lesson.saver, reports, signal);
      // Without a chain it plays, and counts for nobody.
      const counts = await renewChain(lesson.id, this.token);
      await this.look(counts ? undefined : this.said("failed"));
    } catch (error) {
      const why = error instanceof NoRoom ? this.noRoom() : this.said("failed");
      await this.look(signal.aborted ? undefined : why);
    }
  }

  private async remove(): Promise<void> {
    await remove(this.lesson.id);
    await this.look();
  }

  /** All that waits, as a file for a stick. */
  private async save(): Promise<void> {
    const heads = await waiting();
    const texts = await Promise.all(heads.map(textOf));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([texts.join("")], { type: "text/plain" }));
    // Sticks carry those of several villages: each has a name of its own.
    link.download = `${heads[0]?.chain.slice(0, 8)}-${new Date().toISOString().slice(0, 10)}.yjchain`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  private async showWaiting(): Promise<void> {
    const played = (await waiting()).reduce((sum, head) => sum + head.played_ms, 0);
    const minutes = Math.ceil(played / 60_000);
    this.find("[data-record]").hidden = minutes === 0;
    this.find("[data-minutes]").textContent = this.said("played").replace("{minutes}", String(minutes));
  }

  private progress(percent: number): void {
    this.bar.value = percent;
    this.show();
  }

  private show(said?: string): void {
    const { state, bytes } = this;
    const focused = this.place.querySelector(":focus");
    for (const act of ["take", "stop", "remove"] as const)
      this.button(act).hidden = !SHOWN[state].includes(act);
    this.bar.hidden = state !== "taking";
    const percent = this.find("[data-percent]");
    percent.hidden = this.bar.hidden;
    percent.textContent = this.said("progress").replace("{percent}", String(this.bar.value));
    this.find("[data-size]").textContent = bytes === null ? "" : size(bytes);
    this.find("[data-label]").textContent = this.said(state === "begun" ? "goOn" : "takeText");
    const line = this.find("[data-said]");
    line.textContent = said ?? (state === "held" ? this.said("here") : "");
    line.hidden = line.textContent === "";
    // Who works with keys stays where he was.
    if (focused !== null && focused.closest("[hidden]") !== null) this.firstButton()?.focus();
  }

  private noRoom(): string {
    // Letters from left to right, whatever stands around them.
    return this.said("noRoom").replace("{wanted}", `\u2066${size(this.bytes ?? 0)}\u2069`);
  }

  private said(name: string): string {
    return this.place.dataset[name] ?? "";
  }

  private on(act: Act, run: () => Promise<void>): void {
    this.button(act).addEventListener("click", () => void run());
  }

  private button(act: Act): HTMLButtonElement {
    return this.find(`button[data-act="${act}"]`);
  }

  private firstButton(): HTMLElement | null {
    return this.place.querySelector("button:not([hidden])");
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.place.querySelector(selector) as E;
  }
}
