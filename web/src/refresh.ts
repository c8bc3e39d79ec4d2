// Keeps parts of a page fresh: the page is fetched again and the parts that
// changed are put in place of the old ones. Focus stays where it was.

export function startRefresh(): void {
  const container = document.querySelector<HTMLElement>("[data-refresh]");
  if (container === null) return;
  const seconds = Number(container.dataset.refresh);
  setInterval(() => {
    if (document.visibilityState === "visible") void refresh(container);
  }, seconds * 1000);
}

async function refresh(container: HTMLElement): Promise<void> {
  let text: string;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // The line is down: what is shown stays, the next round tries again.
  }
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-refresh]");
  if (fresh === null) return;
  const focused = addressOfFocus(container);
  if (names(container) === names(fresh)) {
    for (const part of fresh.querySelectorAll<HTMLElement>("[data-part]")) {
      const old = container.querySelector(`[data-part="${part.dataset.part}"]`);
      if (old !== null && old.innerHTML !== part.innerHTML) old.replaceWith(document.adoptNode(part));
    }
  } else {
    container.textContent = "";
    container.append(...Array.from(fresh.childNodes, (node) => document.adoptNode(node)));
  }
  if (focused !== null && addressOfFocus(container) !== focused) {
    container.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

function names(container: Element): string {
  const parts = container.querySelectorAll<HTMLElement>("[data-part]");
  return Array.from(parts, (part) => part.dataset.part).join(" ");
}

function addressOfFocus(container: Element): string | null {
  const active = document.activeElement;
  return active !== null && container.contains(active) ? active.getAttribute("href") : null;
}
