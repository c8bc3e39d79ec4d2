// The SHA-256 of a file, counted beside the page.

/** Hexadecimal digits; `tell` hears how much is done, 0 to 1. Ends with an error if the file cannot be read. */
export function sumOf(file: File, tell: (done: number) => void, stop: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./hash.ts", import.meta.url), { type: "module" });
    const end = (then: () => void) => {
      worker.terminate();
      then();
    };
    stop.addEventListener("abort", () => end(() => reject(new Error("stopped"))));
    worker.addEventListener("error", () => end(() => reject(new Error("no worker"))));
    worker.addEventListener(
      "message",
      ({ data }: MessageEvent<{ done?: number; sum?: string; failed?: boolean }>) => {
        if (data.done !== undefined) tell(data.done);
        const { sum } = data;
        if (sum !== undefined) end(() => resolve(sum));
        if (data.failed) end(() => reject(new Error("unreadable")));
      },
    );
    worker.postMessage(file);
  });
}
