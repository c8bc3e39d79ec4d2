// Reminders of programmes: a notification just before one begins, while a page
// of the site is open. (For all other times there is the calendar.)

const KEY = "reminders";
const EARLY_MS = 2 * 60_000;
const EVERY_MS = 20_000;

interface Reminder {
  id: string;
  at: number;
  title: string;
  text: string;
  url: string;
}

function kept(): Reminder[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Reminder[];
  } catch {
    return [];
  }
}

function keep(reminders: readonly Reminder[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(reminders));
  } catch {
    // Without storage nothing is remembered.
  }
}

export function startReminders(): void {
  offerAll();
  document.addEventListener("refreshed", offerAll);
  if (kept().length === 0) return;
  look();
  setInterval(look, EVERY_MS);
}

function offerAll(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>("[data-remind][hidden]");
  for (const button of Array.from(buttons)) offer(button);
}

function offer(button: HTMLButtonElement): void {
  const { remind = "", at = "", title = "", text = "", url = "", set = "", blocked = "" } = button.dataset;
  if (!("Notification" in window)) return;
  button.hidden = false;
  const told = (said: string) => {
    button.textContent = said;
    button.disabled = true;
  };
  if (kept().some((reminder) => reminder.id === remind)) told(set);
  button.addEventListener("click", () => {
    void Notification.requestPermission().then((permission) => {
      if (permission !== "granted") {
        told(blocked);
        return;
      }
      if (kept().length === 0) setInterval(look, EVERY_MS);
      keep([...kept(), { id: remind, at: Date.parse(at), title, text, url }]);
      told(set);
    });
  });
}

function look(): void {
  const now = Date.now();
  const due = kept().filter((reminder) => reminder.at - EARLY_MS <= now);
  if (due.length === 0) return;
  keep(kept().filter((reminder) => reminder.at - EARLY_MS > now));
  for (const { id, title, text, url, at } of due) {
    if (at + EARLY_MS > now) void show(id, title, text, url);
  }
}

/** By the service worker where there is one: phones show no other. */
async function show(id: string, title: string, text: string, url: string): Promise<void> {
  const options: NotificationOptions = { body: text, tag: id, icon: "/assets/icon-192.png", data: url };
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration !== undefined) await registration.showNotification(title, options);
  else new Notification(title, options).addEventListener("click", () => location.assign(url));
}
