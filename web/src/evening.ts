// The lessons that somebody puts together for an evening: kept by this browser,
// shown by /evening, whose address is the list.
const KEY = "evening";
const MOST = 40;

function kept(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter((id): id is string => typeof id === "string") : [];
  } catch {
    return []; // No storage, or not ours.
  }
}

function keep(list: readonly string[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Without storage there is nothing to put together; the page says so by its empty list.
  }
}

/** The page that shows this list, or an empty one. */
function address(list: readonly string[]): string {
  if (list.length === 0) return "/evening";
  const query = new URLSearchParams(list.map((id) => ["lesson", id]));
  query.append("mine", "1");
  return `/evening?${query}`;
}

function show(): void {
  const list = kept();
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-evening]")) {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(list.includes(button.dataset.evening ?? "")));
  }
  for (const bar of document.querySelectorAll<HTMLElement>(".evening-bar")) {
    // Where lessons are; elsewhere it would lie over what somebody does.
    bar.hidden = list.length === 0 || document.querySelector("[data-evening]") === null;
    const link = bar.querySelector("a");
    const count = bar.querySelector("b");
    if (link !== null) link.href = address(list);
    if (count !== null) count.textContent = String(list.length);
  }
}

/** Lessons can be put on the list, and the list that was changed on its page is kept. */
export function startEvening(): void {
  const page = document.querySelector<HTMLElement>("[data-list][data-mine]");
  if (page !== null) {
    const list = (page.dataset.list ?? "").split(" ").filter((id) => id !== "");
    // Whoever comes without a list sees his own.
    if (list.length === 0 && location.search === "" && kept().length > 0) {
      location.replace(address(kept()));
      return;
    }
    if (list.length > 0 || location.search !== "") keep(list);
  }
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("[data-evening]");
    const id = button?.dataset.evening;
    if (id === undefined) return;
    const list = kept();
    keep(list.includes(id) ? list.filter((other) => other !== id) : [...list, id].slice(-MOST));
    show();
  });
  // Going back shows a page as it was left; the list may have changed meanwhile.
  window.addEventListener("pageshow", show);
  show();
}
