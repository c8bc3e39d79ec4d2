// The service worker: keeps the shell of the site, so that a screen or a phone
// without a line says what is wrong in the person's language and goes on by
// itself. Lessons that were taken along are answered by it; other media, the API
// and the office never pass through it.
import { hashed, keepAssets, tidyAssets } from "./files";
import { isHtml, isKept, isKeptPath, isPage, isStale, OFFLINE, PAGES, refetch, settle, store } from "./pages";
import { isTaken, taken } from "./taken";

declare const self: ServiceWorkerGlobalScope;

/** Longer than this nobody looks at an empty screen, if there is a copy. */
const WAIT_MS = 4000;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request, url));
  else if (isTaken(url)) event.respondWith(taken(request, url));
  else if (request.mode === "navigate" && isPage(url)) event.respondWith(page(event, url));
  else if (isKeptPath(url) && isHtml(request)) event.respondWith(refresh(event, url));
});

/** A new version brings the pages that were kept, as they are now, with their files. */
async function install(): Promise<void> {
  const kept = (await (await caches.open(PAGES)).keys()).map((request) => new URL(request.url));
  const windows = await self.clients.matchAll({ includeUncontrolled: true, type: "window" });
  const open = windows.map((client) => new URL(client.url));
  const all = [...kept, ...open];
  const wanted = await Promise.all(all.map(isKept));
  const paths = new Set(all.filter((_, n) => wanted[n]).map((url) => url.pathname));
  paths.delete(OFFLINE);
  if (!(await refetch(OFFLINE))) throw new Error("the shell could not be fetched");
  await Promise.all(Array.from(paths, (path) => refetch(path)));
  await self.skipWaiting();
}

/** What runs goes on: its files are loaded; only what comes is of the new version. */
async function activate(): Promise<void> {
  await tidyAssets();
  await self.clients.claim();
}

async function asset(request: Request, url: URL): Promise<Response> {
  const name = url.pathname.slice("/assets/".length);
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept !== undefined && hashed(name)) return kept;
  try {
    const answer = await fetch(request);
    if (answer.ok) await keepAssets([name], answer.clone());
    return answer;
  } catch (error) {
    if (kept !== undefined) return kept;
    throw error;
  }
}

async function page(event: FetchEvent, url: URL): Promise<Response> {
  const network = fetch(event.request).then((answer) => {
    event.waitUntil(store(url, answer.clone()));
    return answer;
  });
  const copy = await copyOf(url);
  if (copy === null) return network.catch(async () => (await offline()) ?? Response.error());
  const patience = new Promise<null>((done) => setTimeout(() => done(null), WAIT_MS));
  const answer = await Promise.race([network.catch(() => null), patience]);
  event.waitUntil(network.catch(() => undefined)); // It may still come, for the next time.
  return answer === null || answer.status >= 500 ? copy : answer;
}

/** A page fetches itself again: the copy is brought up to date with it. */
async function refresh(event: FetchEvent, url: URL): Promise<Response> {
  const answer = await fetch(event.request);
  if (await isStale(url.pathname)) event.waitUntil(store(url, answer.clone()));
  return answer;
}

/** The copy of a page, which says of when it is. */
async function copyOf(url: URL): Promise<Response | null> {
  if (!(await isKept(url))) return null;
  const kept = await (await caches.open(PAGES)).match(url.pathname, { ignoreVary: true });
  if (kept === undefined) return null;
  const text = (await kept.text()).replace('class="as-of" hidden', 'class="as-of"');
  return new Response(text, { headers: headersOf(kept) });
}

async function offline(): Promise<Response | null> {
  const kept = await (await caches.open(PAGES)).match(OFFLINE, { ignoreVary: true });
  return kept === undefined ? null : new Response(await kept.blob(), { headers: headersOf(kept) });
}

/** The body is unpacked and may be changed. */
function headersOf(kept: Response): Headers {
  const headers = new Headers(kept.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  return headers;
}

/** A lesson was taken along, or is no more: so is its page. */
self.addEventListener("message", (event) => {
  const path: unknown = event.data?.settle;
  if (typeof path !== "string") return;
  const settled = settle(path).catch(() => false);
  event.waitUntil(settled.then((done) => event.ports[0]?.postMessage(done)));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(String(event.notification.data)));
});
