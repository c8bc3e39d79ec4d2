// Whether data is saved: a cookie, since the server leaves pictures out of its
// pages by it.

export function savesData(): boolean {
  return /(?:^|;\s*)saver=1(?:;|$)/.test(document.cookie);
}

export function saveData(on: boolean): void {
  // biome-ignore lint/suspicious/noDocumentCookie: browsers of set-top boxes have no Cookie Store.
  document.cookie = `saver=${on ? 1 : 0}; Path=/; Max-Age=31536000; SameSite=Lax`;
}
