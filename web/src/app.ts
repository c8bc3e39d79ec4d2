// The site as an app: a service worker keeps its shell, and a page that came
// from there goes on by itself when the server answers again.

const EVERY_MS = 5000;

/** `itself`: the page goes on without being loaded anew. */
export function startApp(itself = false): void {
  // Only over TLS, or on the server itself: elsewhere browsers have no service workers.
  navigator.serviceWorker?.register("/sw.js").catch(() => undefined);
  const waits = document.querySelector(".as-of:not([hidden]), [data-offline]") !== null;
  if (waits && !itself && location.pathname !== "/offline") waitForServer();
}

/** A newer version of the server brings a newer worker: look for it now. */
export function lookForUpdate(): void {
  void navigator.serviceWorker
    ?.getRegistration()
    .then((registration) => registration?.update())
    .catch(() => undefined);
}

function waitForServer(): void {
  const ask = () => {
    fetch("/api/v1/time", { cache: "no-store" })
      .then((answer) => {
        if (answer.ok) goOn();
      })
      .catch(() => undefined);
  };
  const timer = setInterval(ask, EVERY_MS);
  addEventListener("online", ask);
  const goOn = () => {
    clearInterval(timer);
    removeEventListener("online", ask);
    if (document.dispatchEvent(new Event("reachable", { cancelable: true }))) location.reload();
    // Something plays: the page is brought up to date when it is opened again.
    else for (const note of document.querySelectorAll<HTMLElement>(".as-of")) note.hidden = true;
  };
}
