// The lesson's page opens without a line as well: the service worker keeps it,
// with its files, as long as there is a cache of the lesson.

const PATIENCE_MS = 30_000;

/** Has the worker keep the page of `lesson` as it is now, or let it go. False: it could not. */
export async function settlePage(lesson: string): Promise<boolean> {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise<boolean>((done) => {
    port1.onmessage = (event) => done(event.data === true);
    setTimeout(() => done(false), PATIENCE_MS);
  });
  active?.postMessage({ settle: `/lessons/${lesson}` }, [port2]);
  const settled = await answered;
  port1.close();
  return settled;
}
