// Asks what is to become of a programme that was moved, and sends it.
import type { Slot } from "./grid";
import { clock } from "./slot";

export class Panel {
  private readonly root = document.createElement("div");
  private readonly said = document.createElement("p");
  private readonly acts = document.createElement("div");
  private slot: Slot | null = null;

  constructor(
    list: HTMLElement,
    private readonly texts: Record<string, string>,
    private readonly dates: readonly string[],
    private readonly back: (slot: Slot) => void,
  ) {
    this.root.className = "panel card";
    this.root.hidden = true;
    this.root.setAttribute("role", "group");
    this.said.setAttribute("role", "status");
    this.acts.className = "acts";
    this.root.append(this.said, this.acts);
    list.after(this.root);
  }

  /** Asks about `slot`; with `focus`, the first answer is at hand. */
  open(slot: Slot, focus: boolean): void {
    if (this.slot !== null && this.slot !== slot) this.back(this.slot);
    this.slot = slot;
    const { place } = slot;
    const said = (this.texts.moving ?? "")
      .replace("{date}", this.dates[place.day] ?? "")
      .replace("{from}", clock(place.from))
      .replace("{to}", clock(place.to));
    if (this.said.textContent !== said) this.said.textContent = said;
    if (this.acts.dataset.of !== slot.element.textContent || this.root.hidden) this.offer(slot);
    this.root.hidden = false;
    if (focus) this.acts.querySelector("button")?.focus();
  }

  /** Puts what was moved back. */
  leave(): void {
    const { slot } = this;
    this.slot = null;
    this.root.hidden = true;
    if (slot === null) return;
    this.back(slot);
    slot.element.focus({ preventScroll: true });
  }

  private offer(slot: Slot): void {
    const choices: [string | undefined, string][] = slot.weekly
      ? [
          [this.texts.week, "week"],
          [this.texts.day, "day"],
        ]
      : [[this.texts.save, "day"]];
    const possible = slot.begun ? choices.filter(([, scope]) => scope === "week") : choices;
    this.acts.dataset.of = slot.element.textContent ?? "";
    this.acts.textContent = "";
    for (const [text, scope] of possible) this.button(text ?? scope, () => this.send(scope), scope);
    this.button(this.texts.cancel ?? "", () => this.leave(), "");
  }

  private button(text: string, run: () => void, scope: string): void {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    if (scope !== "") button.dataset.scope = scope;
    button.addEventListener("click", run);
    button.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.leave();
    });
    this.acts.append(button);
  }

  private send(scope: string): void {
    const { slot } = this;
    if (slot === null || slot.mark === null) return;
    const form = document.createElement("form");
    form.method = "post";
    form.action = `${this.texts.room}/${slot.mark}/move`;
    const fields = {
      token: this.texts.token ?? "",
      scope,
      was: this.dates[slot.stands.day] ?? "",
      date: this.dates[slot.place.day] ?? "",
      start: clock(slot.place.from),
      end: clock(slot.place.to),
    };
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  }
}
