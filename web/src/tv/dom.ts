// Small help with elements.
import type { Said } from "./data";

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
  ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name !== "") element.className = name;
  element.append(...content);
  return element;
}

/** A text in its own language and direction. */
export function said(text: Said): HTMLElement {
  const element = make("bdi", "", text.text);
  element.lang = text.lang;
  element.dir = text.dir;
  return element;
}

/** Numbers and times run from left to right everywhere. */
export function ltr(text: string, name = ""): HTMLElement {
  const element = make("bdi", name, text);
  element.dir = "ltr";
  return element;
}

export function fill(parent: Element, ...content: Node[]): void {
  parent.textContent = "";
  parent.append(...content);
}

export function find(id: string): HTMLElement {
  return document.getElementById(id) as HTMLElement;
}
