// Keeps parts of a page fresh: the page is fetched again and the parts that
// changed are put in place of the old ones. Focus stays where it was. Where the
// server tells of changes, the page looks at once; by time it looks all the same.

export function startRefresh(): void {
  const container = document.querySelector<HTMLElement>("[data-refresh]");
  if (container === null) return;
  const seconds = Number(container.dataset.refresh);
  const look = () => {
    if (document.visibilityState === "visible") void refresh(container);
  };
  setInterval(look, seconds * 1000);
  if (container.dataset.live !== undefined) listen(look);
}

/** Calls `look` when the server says that something changed, while the page is in sight. */
function listen(look: () => void): void {
  let source: EventSource | null = null;
  const turn = () => {
    if (document.visibilityState === "visible" && source === null) {
      source = new EventSource("/office/events");
      source.addEventListener("message", look);
      // What changed meanwhile was not told.
      look();
    } else if (document.visibilityState === "hidden" && source !== null) {
      source.close();
      source = null;
    }
  };
  document.addEventListener("visibilitychange", turn);
  turn();
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
  document.dispatchEvent(new Event("refreshed"));
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
