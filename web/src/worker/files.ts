// The files of the build: hashed by their content, so a kept one is right for ever.

/** Each file of this build, and what it needs; written into the built worker. */
declare const __FILES__: Readonly<Record<string, readonly string[]>>;

const FILES = __FILES__;
const ASSETS = "assets";

export function hashed(name: string): boolean {
  return FILES[name] !== undefined;
}

/** Keeps `names` and what they need; `given` is the one file of `names` where it is at hand. */
export async function keepAssets(names: readonly string[], given?: Response): Promise<void> {
  const cache = await caches.open(ASSETS);
  if (given !== undefined && names[0] !== undefined) {
    await cache.put(`/assets/${names[0]}`, given);
    return;
  }
  const missing = names.map(async (name) => {
    const address = `/assets/${name}`;
    if ((await cache.match(address, { ignoreVary: true })) === undefined) await cache.add(address);
  });
  await Promise.all(missing);
}

/** The files a page needs, with what these need in turn. */
export function neededBy(html: string): string[] {
  // Letters of the Arabic script come with us; a page without them needs no font.
  const arabic = /<html lang="(ug|kk-Arab|ky-Arab)/.test(html);
  const named = Array.from(html.matchAll(/\/assets\/([\w.-]+)/g), (match) => match[1] ?? "");
  const all = new Set(named.flatMap((name) => FILES[name] ?? []));
  return Array.from(all).filter((name) => arabic || !name.endsWith(".woff2"));
}

/** Files of older versions go. */
export async function tidyAssets(): Promise<void> {
  const cache = await caches.open(ASSETS);
  for (const request of await cache.keys()) {
    const name = new URL(request.url).pathname.slice("/assets/".length);
    const plain = /^(logo|icon-[\w-]+)\.(svg|png)$/.test(name);
    if (!hashed(name) && !plain) await cache.delete(request);
  }
}
