// The three menus of the player: sound, subtitles, picture. Plain buttons in a
// group, so that arrow keys reach them like everything else.

export interface Option {
  value: string;
  label: string;
  lang?: string;
}

export type MenuName = "audio" | "subtitles" | "quality";

export class Menu {
  private readonly button: HTMLButtonElement;
  private readonly list: HTMLElement;
  private shown = "";

  constructor(
    root: HTMLElement,
    name: MenuName,
    private readonly choose: (value: string) => void,
  ) {
    this.button = root.querySelector(`[data-menu="${name}"]`) as HTMLButtonElement;
    this.list = root.querySelector(`#menu-${name}`) as HTMLElement;
    this.button.addEventListener("click", () => this.toggle(root));
    this.list.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** Shows `options` with `chosen` marked; a menu without a choice hides. */
  show(options: readonly Option[], chosen: string, summary: string): void {
    const state = JSON.stringify([options, chosen, summary]);
    if (state === this.shown) return;
    this.shown = state;
    const focused = this.list.contains(document.activeElement);
    this.button.hidden = options.length < 2;
    (this.button.querySelector("b") as HTMLElement).textContent = summary;
    this.list.textContent = "";
    this.list.append(...options.map((option) => this.item(option, option.value === chosen)));
    if (focused) this.list.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
  }

  private item(option: Option, chosen: boolean): HTMLButtonElement {
    const item = document.createElement("button");
    item.type = "button";
    item.textContent = option.label;
    item.dataset.value = option.value;
    item.setAttribute("aria-pressed", String(chosen));
    if (option.lang !== undefined) item.lang = option.lang;
    item.addEventListener("click", () => {
      this.choose(option.value);
      this.close();
    });
    return item;
  }

  private toggle(root: HTMLElement): void {
    const opening = this.list.hidden;
    for (const other of root.querySelectorAll<HTMLElement>(".choices")) other.hidden = true;
    for (const other of root.querySelectorAll("[data-menu]")) other.setAttribute("aria-expanded", "false");
    if (!opening) return;
    this.list.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.list.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
  }

  private close(): void {
    this.list.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    this.button.focus();
  }
}
