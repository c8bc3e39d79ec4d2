// The entry of the office's page of lessons: files are chosen or dropped, named,
// and sent one after the other, what belongs to a video before it.
import { isLesson, ROOM, Row, type Texts } from "./row";

const place = document.querySelector<HTMLElement>("[data-upload]");
if (place !== null) start(place, place.dataset as Texts);

function start(place: HTMLElement, texts: Texts): void {
  const input = place.querySelector<HTMLInputElement>("input[type=file]");
  const list = place.querySelector<HTMLElement>("[data-rows]");
  const button = place.querySelector<HTMLButtonElement>("[data-start]");
  if (input === null || list === null || button === null) return;
  let rows: Row[] = [];
  let begun = false;

  const turn = () => {
    rows = rows.filter((row) => row.element.isConnected);
    button.hidden = begun || !rows.some((row) => row.state === "waits");
    if (!begun || rows.some((row) => row.state === "runs")) return;
    const next = rows.find((row) => row.state === "waits");
    if (next === undefined) begun = false;
    else void next.go();
  };
  const add = (files: Iterable<File>) => {
    // A video is prepared as soon as it is whole: what belongs to it goes first.
    const sorted = [...files].sort((a, b) => Number(isLesson(a.name)) - Number(isLesson(b.name)));
    for (const file of sorted) {
      const row = new Row(file, texts, (go) => {
        begun ||= go;
        queueMicrotask(turn);
      });
      rows.push(row);
      list.append(row.element);
      for (const old of place.querySelectorAll<HTMLElement>("[data-name]")) {
        if (old.dataset.name === file.name) old.remove();
      }
    }
    turn();
  };
  input.addEventListener("change", () => {
    add(input.files ?? []);
    input.value = "";
  });
  button.addEventListener("click", () => {
    begun = true;
    turn();
  });
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    add(event.dataTransfer?.files ?? []);
  });
  // Who closes the page would have to choose the files again.
  addEventListener("beforeunload", (event) => {
    if (rows.some((row) => row.state === "runs")) event.preventDefault();
  });
  void unfinished(list, texts);
  place.hidden = false;
}

/** An upload as the server tells of it. */
interface Known {
  url: string;
  name: string;
  length: number;
  offset: number;
}

/** One's uploads; none while the server does not answer. */
async function known(): Promise<Known[]> {
  try {
    const answer = await fetch(ROOM);
    return answer.ok ? await answer.json() : [];
  } catch {
    return [];
  }
}

/** What was begun before, perhaps elsewhere: it goes on when its file is chosen again. */
async function unfinished(list: HTMLElement, texts: Texts): Promise<void> {
  for (const upload of (await known()).filter((u) => u.offset < u.length)) {
    const item = document.createElement("li");
    item.className = "card";
    item.dataset.name = upload.name;
    const said = document.createElement("p");
    const percent = String(Math.floor((upload.offset / upload.length) * 100));
    said.textContent = (texts.unfinished ?? "").replace("{name}", upload.name).replace("{percent}", percent);
    const bar = document.createElement("progress");
    bar.max = upload.length;
    bar.value = upload.offset;
    bar.setAttribute("aria-label", upload.name);
    const acts = document.createElement("div");
    acts.className = "acts";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = texts.remove ?? "";
    remove.addEventListener("click", async () => {
      const headers = { "Tus-Resumable": "1.0.0", "X-Form-Token": texts.token ?? "" };
      const answer = await fetch(upload.url, { method: "DELETE", headers }).catch(() => undefined);
      if (answer?.ok || answer?.status === 404) item.remove();
    });
    acts.append(remove);
    item.append(said, bar, acts);
    list.prepend(item);
  }
}
