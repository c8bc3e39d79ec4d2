// Lessons that were taken along: what lies below /taken/LESSON/ is answered from
// that lesson's cache alone, with a line or without.

const FOLDER = /^\/taken\/([\w-]+)\//;
const PAGE = /^\/lessons\/([\w-]+)$/;

/** Named as the page that fills it does. */
function cacheOf(lesson: string): string {
  return `taken-${lesson}`;
}

/** A part of a lesson that was taken along. */
export function isTaken(url: URL): boolean {
  return FOLDER.test(url.pathname);
}

/** The page of a lesson of which there is a cache. */
export async function isTakenPage(url: URL): Promise<boolean> {
  const lesson = PAGE.exec(url.pathname)?.[1];
  return lesson !== undefined && (await caches.has(cacheOf(lesson)));
}

/** What is kept of it, or the part of that which is asked for (RFC 9110 section 14). */
export async function taken(request: Request, url: URL): Promise<Response> {
  const lesson = FOLDER.exec(url.pathname)?.[1] ?? "";
  const kept = await caches.match(url.pathname, { cacheName: cacheOf(lesson), ignoreVary: true });
  if (kept === undefined) return new Response(null, { status: 404 });
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (range === null || range[0] === "bytes=-") return kept;
  const bytes = await kept.blob();
  const [first, last] = [range[1] ?? "", range[2] ?? ""];
  // Without a first byte it is so many from the end.
  const from = first === "" ? Math.max(0, bytes.size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? bytes.size : Math.min(Number(last) + 1, bytes.size);
  if (from >= to)
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${bytes.size}` } });
  const headers = new Headers(kept.headers);
  headers.set("content-length", String(to - from));
  headers.set("content-range", `bytes ${from}-${to - 1}/${bytes.size}`);
  return new Response(bytes.slice(from, to), { status: 206, headers });
}
