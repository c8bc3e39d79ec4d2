// One after another, over all tabs of the browser.

const queues = new Map<string, Promise<unknown>>();

/** Runs `run` when nothing else runs under `name`, in the order of the calls. */
export function alone<T>(name: string, run: () => Promise<T>): Promise<T> {
  if (navigator.locks !== undefined) return navigator.locks.request(name, run);
  // A browser without locks: one after another in this tab at least.
  const mine = (queues.get(name) ?? Promise.resolve()).then(run);
  queues.set(
    name,
    mine.catch(() => undefined),
  );
  return mine;
}
