// Digits of the remote control gather to a channel's number.
import { find } from "./dom";

const GATHER_MS = 1500;
const MOST = 4;

export class Digits {
  private readonly root = find("digits");
  private typed = "";
  private timer = 0;

  constructor(private readonly done: (number: number) => void) {}

  press(digit: number): void {
    this.typed = (this.typed + String(digit)).slice(-MOST);
    this.root.textContent = this.typed;
    this.root.hidden = false;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.finish(), GATHER_MS);
  }

  /** OK ends the waiting. False: nothing was typed. */
  finish(): boolean {
    if (this.typed === "") return false;
    const number = Number(this.typed);
    this.clear();
    this.done(number);
    return true;
  }

  clear(): void {
    clearTimeout(this.timer);
    this.typed = "";
    this.root.hidden = true;
  }
}
