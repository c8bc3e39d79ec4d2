// The screen stays on, and the pointer leaves when nobody moves it.

const POINTER_MS = 3000;

export function stayAwake(): void {
  const hold = async () => {
    try {
      if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen");
    } catch {
      // Not allowed here: the system's own settings decide.
    }
  };
  document.addEventListener("visibilitychange", () => void hold());
  void hold();
}

export function hidePointer(): void {
  let timer = 0;
  addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    document.body.classList.add("pointer");
    clearTimeout(timer);
    timer = window.setTimeout(() => document.body.classList.remove("pointer"), POINTER_MS);
  });
}
