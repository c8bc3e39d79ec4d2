// Where a lesson lies that was taken along: in a cache of its own, from which the
// service worker answers what is below /taken/LESSON/.

export const PREFIX = "taken-";

export function cacheOf(lesson: string): string {
  return PREFIX + lesson;
}

export function folderOf(lesson: string): string {
  return `/taken/${lesson}/`;
}

/** Written last: where it is, all is there. */
export function indexOf(lesson: string): string {
  return `${folderOf(lesson)}index.m3u8`;
}

/** Segments are of a version: their addresses name the lesson and the beginning of its content hash. */
const SEGMENT = /\/seg\/lesson\.[^./]+\.([0-9a-f]{12})\//;

/** The version that is held, which may be on offer no longer; undefined: nothing is. */
export async function versionOf(lesson: string): Promise<string | undefined> {
  if (!(await caches.has(cacheOf(lesson)))) return undefined;
  const requests = await (await caches.open(cacheOf(lesson))).keys();
  const versions = requests.map((request) => SEGMENT.exec(new URL(request.url).pathname)?.[1]);
  return versions.find((version) => version !== undefined);
}
