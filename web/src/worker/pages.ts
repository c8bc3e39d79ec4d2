// Which pages are kept. The list says what is, and a lesson that was taken along
// adds its own: nothing of the office, of signing in or of a session can come in
// by being forgotten.
import { keepAssets, neededBy } from "./files";
import { isTakenPage } from "./taken";

export const PAGES = "pages";
/** What is shown in place of a page that was not kept. */
export const OFFLINE = "/offline";

const KEPT = ["/", "/guide", "/tv", OFFLINE];
const PUBLIC = /^\/(guide|tv|offline|lessons(\/[\w-]+)?|channels\/[\w-]+|sites(\/[\w-]+)?)?$/;
const FRESH_MS = 5 * 60_000;
/** Choices that a page carries in its address once. */
const CHOICES = ["lang", "saver"];

/** A public page, for which the shell stands in. */
export function isPage(url: URL): boolean {
  return PUBLIC.test(url.pathname);
}

/** A page of which the last copy is kept; a guide of another day is another page. */
export function isKeptPath(url: URL): boolean {
  return KEPT.includes(url.pathname) && (url.pathname === "/tv" || saysNoMore(url));
}

/** The same, or the page of a lesson that was taken along. */
export async function isKept(url: URL): Promise<boolean> {
  return isKeptPath(url) || (saysNoMore(url) && (await isTakenPage(url)));
}

/** The address carries nothing but choices. */
function saysNoMore(url: URL): boolean {
  return Array.from(url.searchParams.keys()).every((name) => CHOICES.includes(name));
}

export function isHtml(request: Request): boolean {
  return (request.headers.get("accept") ?? "").startsWith("text/html");
}

/** Keeps an answer, if it is one to keep. */
export async function store(url: URL, answer: Response): Promise<void> {
  if (mayKeep(answer) && (await isKept(url))) await put(url.pathname, answer);
  // In another language, or without pictures: so is what is shown offline.
  if (CHOICES.some((name) => url.searchParams.has(name))) {
    const cache = await caches.open(PAGES);
    const others = (await cache.keys()).map((request) => new URL(request.url).pathname);
    await Promise.all([...others, OFFLINE].filter((path) => path !== url.pathname).map(refetch));
  }
}

/** A copy to be written anew: pages that fetch themselves every few seconds must not wear the disk out. */
export async function isStale(path: string): Promise<boolean> {
  const kept = await (await caches.open(PAGES)).match(path, { ignoreVary: true });
  const made = Date.parse(kept?.headers.get("date") ?? "");
  return !(Date.now() - made < FRESH_MS);
}

/** Fetches a page anew and keeps it with its files. False: there is no answer to keep. */
export async function refetch(path: string): Promise<boolean> {
  try {
    const answer = await fetch(path, { cache: "no-store", headers: { accept: "text/html" } });
    if (!mayKeep(answer)) return false;
    await put(path, answer);
    return true;
  } catch {
    return false;
  }
}

/** The page of a lesson is kept as it is now if the lesson was taken along; else it goes. */
export async function settle(path: string): Promise<boolean> {
  if (await isTakenPage(new URL(path, location.origin))) return refetch(path);
  return (await caches.open(PAGES)).delete(path, { ignoreVary: true });
}

async function put(path: string, answer: Response): Promise<void> {
  const copy = answer.clone();
  await keepAssets(neededBy(await answer.text()));
  await (await caches.open(PAGES)).put(path, copy);
}

function mayKeep(answer: Response): boolean {
  const cache = answer.headers.get("cache-control") ?? "";
  const type = answer.headers.get("content-type") ?? "";
  return answer.status === 200 && type.startsWith("text/html") && !cache.includes("no-store");
}
