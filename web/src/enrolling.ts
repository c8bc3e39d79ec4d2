// Remembers, in this tab and for a few minutes, that a person typed a code here.

const KEY = "enrolling";
const MINUTES = 10;

/** On the page that takes codes: notes when one is sent. */
export function startEnrolling(): void {
  if (location.pathname !== "/enrol") return;
  document.querySelector("form")?.addEventListener("submit", () => {
    try {
      sessionStorage.setItem(KEY, String(Date.now()));
    } catch {
      // Without storage there is no older token to be replaced either.
    }
  });
}

/** True if a code was sent from this tab just now. */
export function hasEnrolled(): boolean {
  const sent = Number(sessionStorage.getItem(KEY) ?? 0);
  return Date.now() - sent < MINUTES * 60_000;
}
