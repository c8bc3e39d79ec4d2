// Sizes and times as people read them.

/** Bytes, such as "1.4 GB". */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let n = bytes;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

/** Seconds, such as "4:05" or "1:20:00". */
export function time(seconds: number): string {
  const all = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

/** How fast something grows, over the last seconds. */
export class Rate {
  private seen: { at: number; bytes: number }[] = [];

  /** Notes `bytes` at `now` (ms); bytes a second, 0 while that cannot be told. */
  note(bytes: number, now: number): number {
    this.seen.push({ at: now, bytes });
    while (this.seen.length > 2 && now - (this.seen[0]?.at ?? now) > WINDOW) this.seen.shift();
    const first = this.seen[0];
    if (first === undefined || now - first.at < 500) return 0;
    return ((bytes - first.bytes) * 1000) / (now - first.at);
  }

  /** It stood still: what was before tells nothing. */
  forget(): void {
    this.seen = [];
  }
}

const WINDOW = 8000;
