// One file on its way: what is shown of it, and what can be done with it.
import { DetailedError, Upload } from "tus-js-client";
import { Rate, size, time } from "./figures";
import { sumOf } from "./sum";

/** What the page says, by the names of its `data-` attributes. */
export type Texts = Record<string, string>;

export const ROOM = "/api/v1/uploads";
/** For the better part of an hour a line that is down is tried again; then somebody presses the button. */
const DELAYS = [0, 1, 2, 4, 8, 15, ...Array<number>(100).fill(30)].map((s) => s * 1000);

/** Nothing moves for so long (ms): the line hangs, which a browser never finds out by itself. */
const HANGS = 20_000;

type State = "waits" | "runs" | "paused" | "done" | "refused";

export class Row {
  readonly element: HTMLLIElement;
  state: State = "waits";
  private readonly title: HTMLInputElement | undefined;
  private readonly bar = document.createElement("progress");
  private readonly said = document.createElement("p");
  private readonly acts = document.createElement("div");
  private readonly rate = new Rate();
  private upload: Upload | undefined;
  private stop = new AbortController();
  private again = false;
  /** The server did not know who asks: he may have signed in meanwhile. */
  private signedOut = false;
  /** When something moved last. */
  private moved = 0;
  private watch: ReturnType<typeof setInterval> | undefined;

  /** `turn` is called when the state changed: the next file may go; `true`: somebody wants it to. */
  constructor(
    readonly file: File,
    private readonly texts: Texts,
    private readonly turn: (go: boolean) => void,
  ) {
    this.element = document.createElement("li");
    this.element.className = "card";
    const name = document.createElement("p");
    const bdi = document.createElement("bdi");
    bdi.textContent = file.name;
    const bytes = document.createElement("bdi");
    bytes.dir = "ltr";
    bytes.className = "quiet";
    bytes.textContent = size(file.size);
    name.append(bdi, " ", bytes);
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.said.setAttribute("role", "status");
    this.acts.className = "acts";
    this.element.append(name);
    if (isLesson(file.name)) {
      const label = document.createElement("label");
      this.title = document.createElement("input");
      this.title.value = file.name.replace(/\.[^.]*$/, "");
      this.title.dir = "auto";
      label.append(texts.name ?? "", " ", this.title);
      this.element.append(label);
    }
    this.element.append(this.bar, this.said, this.acts);
    this.is("waits", texts.waits ?? "");
  }

  /** Goes on, or begins. */
  async go(): Promise<void> {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.is("runs", "");
    if (this.title !== undefined) this.title.readOnly = true;
    if (this.signedOut) {
      this.texts.token = (await formToken(signal)) ?? this.texts.token ?? "";
      if (signal.aborted) return;
      this.signedOut = false;
    }
    if (this.upload !== undefined) {
      this.upload.options.headers = this.headers();
      this.restart();
      return;
    }
    try {
      const sum = await sumOf(this.file, (done) => this.shows("checking", done, {}), signal);
      this.begin(sum);
    } catch {
      if (!signal.aborted) this.is("refused", this.texts.unreadable ?? "");
    }
  }

  private headers(): Record<string, string> {
    return { "X-Form-Token": this.texts.token ?? "" };
  }

  private begin(sum: string): void {
    // A document of a lesson begins with the lesson's name.
    const before = this.texts.documentOf === undefined ? "" : `${this.texts.documentOf}.`;
    const metadata: Record<string, string> = { filename: before + this.file.name, sha256: sum };
    const title = this.title?.value.trim();
    if (title) metadata[`title-${this.texts.lang}`] = title;
    if (this.again) metadata.again = "1";
    this.upload = new Upload(this.file, {
      endpoint: ROOM,
      metadata,
      headers: this.headers(),
      retryDelays: DELAYS,
      // The server finds it again by what is in it: another browser may go on as well.
      storeFingerprintForResuming: false,
      onShouldRetry: (error) => {
        const response = error instanceof DetailedError ? error.originalResponse : null;
        const status = response?.getStatus() ?? 0;
        // It goes on elsewhere than we thought: that is asked again.
        const moved = status === 409 && response?.getHeader("Upload-Offset") != null;
        const worthIt = moved || status === 423 || status === 0 || (status >= 500 && status !== 507);
        if (worthIt) this.says("line");
        return worthIt;
      },
      onProgress: (sent, all) => {
        this.moved = performance.now();
        const rate = this.rate.note(sent, performance.now());
        const left = rate > 0 ? time((all - sent) / rate) : "–";
        this.shows("progress", sent / all, { rate: `${size(rate)}/s`, left });
      },
      onSuccess: () => this.is("done", this.texts.done ?? ""),
      onError: (error) => this.failed(error),
    });
    this.moved = performance.now();
    this.upload.start();
  }

  /** Goes on from what the server has. */
  private restart(): void {
    this.rate.forget();
    this.moved = performance.now();
    const upload = this.upload;
    // What hung is ended first.
    upload?.abort().then(() => {
      if (this.state === "runs") upload.start();
    });
  }

  private looks(): void {
    // At the end the server reads all of it once more.
    const patience = this.bar.value < 1 ? HANGS : 6 * HANGS;
    if (this.upload === undefined || performance.now() - this.moved < patience) return;
    this.says("line");
    this.restart();
  }

  private readonly offline = () => this.says("line");
  private readonly online = () => this.restart();

  private failed(error: Error | DetailedError): void {
    const response = error instanceof DetailedError ? error.originalResponse : null;
    const status = response?.getStatus() ?? 0;
    for (const [header, key] of [
      ["X-Lesson", "there"],
      ["X-Replaces", "replaces"],
    ] as const) {
      const lesson = response?.getHeader(header);
      if (!lesson) continue;
      this.upload = undefined;
      this.is("refused", (this.texts[key] ?? "").replace("{lesson}", lesson), true);
      return;
    }
    const begun = status === 409 ? response?.getHeader("Location") : undefined;
    if (begun && this.upload !== undefined) {
      // By another page, or before this one was told.
      this.upload.url = begun;
      this.restart();
      return;
    }
    // Too many at once, or too much for a day.
    const key = status === 429 && response?.getHeader("Retry-After") ? "day" : REASONS[status];
    this.signedOut = status === 401 || status === 403;
    if (key === undefined || this.signedOut) {
      // Nothing is wrong with the file: what is there stays there.
      this.is("paused", this.texts[key ?? "down"] ?? "");
    } else {
      this.upload = undefined;
      this.is("refused", this.texts[key] ?? "");
    }
  }

  pause(): void {
    this.stop.abort();
    void this.upload?.abort();
    this.is("paused", (this.texts.paused ?? "").replace("{percent}", percent(this.bar.value)));
  }

  /** Ends it; what is at the server is removed. */
  async remove(): Promise<void> {
    this.stop.abort();
    this.is("done", "");
    this.element.remove();
    // A server that is not there removes it by itself, later.
    await this.upload?.abort(true).catch(() => undefined);
    this.turn(false);
  }

  private shows(key: string, done: number, more: Record<string, string>): void {
    this.bar.value = done;
    let text = (this.texts[key] ?? "").replace("{percent}", percent(done));
    for (const [name, value] of Object.entries(more)) text = text.replace(`{${name}}`, value);
    this.said.textContent = text;
  }

  private says(key: string): void {
    this.rate.forget();
    this.said.textContent = this.texts[key] ?? "";
  }

  private is(state: State, text: string, known = false): void {
    clearInterval(this.watch);
    removeEventListener("offline", this.offline);
    removeEventListener("online", this.online);
    if (state === "runs") {
      this.watch = setInterval(() => this.looks(), 1000);
      addEventListener("offline", this.offline);
      addEventListener("online", this.online);
    }
    this.state = state;
    this.element.dataset.state = state;
    this.said.textContent = text;
    if (state === "done") this.bar.value = 1;
    this.acts.textContent = "";
    const button = (key: string, act: () => void) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = this.texts[key] ?? "";
      made.addEventListener("click", act);
      this.acts.append(made);
    };
    const wait = () => {
      this.is("waits", this.texts.waits ?? "");
      this.turn(true);
    };
    if (state === "runs") button("pause", () => this.pause());
    if (state === "paused") button("resume", wait);
    if (state === "refused") {
      button(known ? "again" : "retry", () => {
        this.again ||= known;
        wait();
      });
    }
    if (state !== "done") button("remove", () => void this.remove());
    if (state !== "waits") this.turn(false);
  }
}

const REASONS: Record<number, string> = {
  400: "kind",
  401: "signIn",
  403: "signIn",
  409: "taken",
  413: "large",
  422: "changed",
  429: "many",
  507: "room",
};

/** The token of whoever is signed in now; none: nobody is, or the line is down. */
async function formToken(signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector<HTMLElement>("[data-upload]")?.dataset.token;
  } catch {
    return undefined;
  }
}

function percent(part: number): string {
  return String(Math.floor(part * 100));
}

/** A lesson's own file; others, such as sound with a language in its name, belong to one. */
export function isLesson(name: string): boolean {
  const sound = /^(.*)\.(m4a|mp3|wav|wma|aac|ogg|flac)$/i.exec(name);
  if (sound !== null) return !/\.[a-z]{2,3}(-[a-z0-9]+)*$/i.test(sound[1] ?? "");
  return !/\.(zip|srt|vtt|ass|ssa|toml|pdf|pptx?|docx?|xlsx?|od[pts]|rtf|txt|jpe?g|png)$/i.test(name);
}
