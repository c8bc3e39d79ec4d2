// Lessons that were taken along.
import type { Item } from "../player/data";
import { openSession, type Refused, type Session } from "../player/session";
import { Chain, headOf } from "./chain";
import { cacheOf, indexOf, PREFIX } from "./folder";

/** The browser has all that it takes; without TLS it has not. */
export function canTake(): boolean {
  return isSecureContext && "caches" in window && "serviceWorker" in navigator && crypto.subtle !== undefined;
}

export async function isHeld(lesson: string): Promise<boolean> {
  if (!canTake()) return false;
  const options = { cacheName: cacheOf(lesson), ignoreVary: true };
  return (await caches.match(indexOf(lesson), options).catch(() => undefined)) !== undefined;
}

export async function heldLessons(): Promise<string[]> {
  const names = await caches.keys().catch(() => []);
  const begun = names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  const held = await Promise.all(begun.map(isHeld));
  return begun.filter((_, n) => held[n]);
}

/** A session at the server; where that does not answer, of the lesson that was taken along. */
export async function openAnywhere(item: Item, token: string | null): Promise<Session | Refused> {
  const answer = await openSession(item, token);
  // A cache on the way answers by itself where the server does not.
  const away = answer === "offline" || answer === "not-ready";
  if (!away || item.kind !== "lesson" || !(await isHeld(item.id))) return answer;
  const counted = (await headOf(item.id)) !== null;
  const record = counted ? new Chain(item.id) : null;
  return { playUrl: indexOf(item.id), beatsUrl: null, nonce: "", counted, revoked: false, record };
}
