// A newer version of the server, taken over when nobody notices: where the
// picture changes or stands anyway, or before dawn.
import { lookForUpdate } from "../app";

/** A page that comes from an old copy must not reload for ever. */
const AGAIN_MS = 10 * 60_000;
const KEY = "updated";
const QUIET_HOUR = "04:";

export class Update {
  private wanted = "";

  constructor(private readonly version: string) {}

  /** The server's pages name this version now. */
  seen(version: string): void {
    if (version !== this.version && this.wanted === "") lookForUpdate();
    this.wanted = version === this.version ? "" : version;
  }

  /** True if the page should be loaded anew at a moment like this. */
  due(): boolean {
    return this.wanted !== "" && !this.triedLately();
  }

  /** The same while a channel plays: only before dawn. `time`: of day in the county. */
  dueAt(time: string): boolean {
    return time.startsWith(QUIET_HOUR) && this.due();
  }

  reload(): void {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ version: this.wanted, at: Date.now() }));
    } catch {
      // Without storage it may be tried again sooner.
    }
    location.reload();
  }

  private triedLately(): boolean {
    try {
      const last = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as {
        version: string;
        at: number;
      } | null;
      return last !== null && last.version === this.wanted && Date.now() - last.at < AGAIN_MS;
    } catch {
      return false;
    }
  }
}
