// One item after another on one video: its session, its beats, and trying
// again until it plays. Pages add what is seen around it.
import { isHeld, openAnywhere } from "../taken/held";
import { Beats, type Reading } from "./beats";
import { wishesFor } from "./choices";
import type { Item } from "./data";
import { canPlay, Engine } from "./engine";
import { type Session, takeToken, uncounted } from "./session";
import { Standstill } from "./standstill";
import type { Situation, Trouble } from "./status";

export interface Hooks {
  /** Something shown may have changed. */
  changed(): void;
  opened(session: Session): void;
  /** The browser refuses to play, or to play with sound, until a person asks for it. */
  offer(what: "start" | "sound-on", shown: boolean): void;
  ended(): void;
  /** A request got no answer. */
  unreachable(): void;
}

type Again = "resume" | "reload" | "reopen";

const SLOW_SHOWN_MS = 10_000;
/** Two tabs of one terminal close each other's sessions; they must not do so all the time. */
const REOPEN_AT_MOST_EVERY_MS = 60_000;
const LONGEST_WAIT_S = 10;
const LOOK_EVERY_MS = 1000;

export class Playback {
  readonly engine: Engine;
  readonly token = takeToken();
  /** The viewer wants it to play. */
  wanted = true;
  item: Item | null = null;
  /** What is played once a person asks for it. */
  private offered: Item | null = null;

  private readonly beats: Beats;
  private readonly standstill = new Standstill();
  private trouble: Trouble = null;
  private failures = 0;
  private retry = 0;
  private again: Again | null = null;
  private started = false;
  private waiting = false;
  private slowUntil = 0;
  private opening = 0;
  private openedAt = Number.NEGATIVE_INFINITY;
  private lastState = "";
  /** Where it is to begin; -1: the start, or the live edge. */
  private begin = -1;

  /** `insist`: wait for a session rather than play uncounted. */
  constructor(
    readonly video: HTMLVideoElement,
    private readonly hooks: Hooks,
    private readonly insist: boolean,
  ) {
    this.engine = new Engine(
      video,
      {
        changed: () => this.refresh(),
        slower: () => this.slower(),
        unanswered: () => {
          if (this.waiting) void this.turnToHeld();
        },
        failed: (problem, again) => this.failed(problem, again),
      },
      { audio: [], subtitles: "off", quality: "auto" },
    );
    this.beats = new Beats(
      () => this.reading(),
      () => this.sessionLost(),
      () => hooks.unreachable(),
    );
    this.listen();
    this.expose();
  }

  /** Plays `item` from `position` seconds (-1: the start, or the live edge). */
  async open(item: Item, saver: boolean, position = -1): Promise<void> {
    if (this.item !== null) {
      this.beats.end();
      this.video.pause(); // What played must not be heard while the next one is opened.
    }
    clearTimeout(this.retry);
    this.item = item;
    this.begin = position;
    this.trouble = null;
    this.failures = 0;
    this.started = false;
    this.waiting = false;
    this.wanted = true;
    this.engine.wishes = wishesFor(item, saver);
    await this.load(item, position);
  }

  /** Has `item` ready for a person to start; nothing is fetched before. */
  offer(item: Item, saver: boolean): void {
    this.item = item;
    this.offered = item;
    this.wanted = false;
    this.engine.wishes = wishesFor(item, saver);
    this.hooks.offer("start", true);
    this.refresh();
  }

  /** Plays with sound, else without it and offers the sound, else offers to play. */
  async play(): Promise<void> {
    this.wanted = true;
    if (this.offered !== null) {
      this.hooks.offer("start", false);
      await this.load(this.offered, this.begin);
      return;
    }
    try {
      await this.video.play();
    } catch (error) {
      if ((error as DOMException).name !== "NotAllowedError") return; // Loading anew interrupts it.
      if (this.video.muted) {
        this.wanted = false;
        this.hooks.offer("start", true);
      } else {
        this.video.muted = true;
        this.hooks.offer("sound-on", true);
        await this.play();
      }
    }
    this.refresh();
  }

  toggle(): void {
    if (this.wanted && !this.video.paused) {
      this.wanted = false;
      this.video.pause();
      this.refresh();
    } else {
      void this.play();
    }
  }

  goLive(): void {
    const edge = this.engine.hls?.liveSyncPosition;
    if (edge !== null && edge !== undefined) this.video.currentTime = edge;
    void this.play();
  }

  seek(seconds: number): void {
    const end = Number.isFinite(this.video.duration) ? this.video.duration : seconds;
    this.video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, end - 0.5));
    this.refresh();
  }

  setAudio(lang: string): void {
    this.engine.setAudio(lang);
    this.beats.note();
    this.continueIfWanted();
  }

  setQuality(quality: string): void {
    this.engine.setQuality(quality);
    this.continueIfWanted();
    this.refresh();
  }

  /** The line is back: what waits is offered, and what failed is tried at once. */
  async lineBack(): Promise<void> {
    const before = this.opening;
    await this.beats.settle();
    if (before !== this.opening) return; // The session was over, another is being opened.
    if (this.again === null && !this.waiting) return;
    // A channel has gone on meanwhile: so does the viewer.
    if (this.again !== "reopen" && this.item?.kind === "channel") this.again = "reload";
    this.tryAgain();
  }

  /** Where to go on after loading anew; -1: at the live edge. */
  position(): number {
    if (this.item?.kind !== "lesson") return -1;
    return this.started ? this.video.currentTime : this.begin;
  }

  situation(): Situation {
    const edge = this.engine.hls?.liveSyncPosition ?? this.video.currentTime;
    return {
      trouble: this.trouble,
      started: this.started,
      wanted: this.wanted,
      waiting: this.waiting,
      ended: this.video.ended,
      slow: performance.now() < this.slowUntil,
      behind: this.item?.kind === "channel" ? edge - this.video.currentTime : null,
    };
  }

  private async load(item: Item, position: number): Promise<void> {
    this.offered = null;
    this.refresh();
    if (canPlay()) await this.openAndLoad(position);
    else this.playNatively(item);
  }

  private listen(): void {
    const on = (name: string, run: () => void) => this.video.addEventListener(name, run);
    on("playing", () => this.playing());
    on("waiting", () => this.setWaiting(true));
    on("loadedmetadata", () => this.continueIfWanted());
    on("pause", () => this.refresh());
    on("play", () => this.refresh());
    on("ended", () => {
      this.wanted = false;
      this.refresh();
      this.hooks.ended();
    });
    on("volumechange", () => this.refresh());
    on("durationchange", () => this.refresh());
    on("seeked", () => this.beats.note());
    on("timeupdate", () => {
      if (this.waiting && !this.video.seeking && this.video.readyState > 2) this.setWaiting(false);
      else this.refresh();
    });
    setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  private look(): void {
    const { buffered, currentTime, ended, paused } = this.video;
    // Other trouble has its own way out.
    const well = this.trouble === null || this.trouble.problem === "media";
    const stands = this.standstill.look({
      at: performance.now() / 1000,
      position: currentTime,
      plays: well && this.wanted && !ended && !paused && this.engine.hls !== null,
      // Before it has begun, playlists come first.
      fetching: this.engine.fetching || !this.started,
      tries: this.failures,
      held: Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)] as const),
    });
    if (stands) this.failed("media", this.failures === 0 ? "reload" : "reopen");
  }

  /** For who looks from outside, such as a person at the browser's console. */
  private expose(): void {
    const { video, engine, beats } = this;
    const value = {
      video,
      get hls() {
        return engine.hls;
      },
      get unsent() {
        return beats.unsent;
      },
    };
    Object.defineProperty(window, "__player", { value });
  }

  /** A browser without Media Source Extensions may know HLS itself. */
  private playNatively(item: Item): void {
    if (this.video.canPlayType("application/vnd.apple.mpegurl") === "") {
      this.trouble = { problem: "unsupported", seconds: 0 };
      this.refresh();
      return;
    }
    this.video.src = item.source;
    void this.play();
  }

  private async openAndLoad(position: number): Promise<void> {
    const item = this.item;
    if (item === null) return;
    this.opening += 1;
    const mine = this.opening;
    this.openedAt = performance.now();
    this.again = null;
    await this.beats.settle();
    if (mine !== this.opening) return;
    const answer = await openAnywhere(item, this.token);
    if (mine !== this.opening) return;
    if (typeof answer === "string" && this.insist) {
      if (answer === "offline") this.hooks.unreachable();
      this.failed(answer, "reopen");
      return;
    }
    const session = typeof answer === "string" ? uncounted(item) : answer;
    this.engine.load(session.playUrl, position);
    this.beats.begin(session);
    this.hooks.opened(session);
    if (this.wanted) await this.play();
  }

  private playing(): void {
    this.started = true;
    this.trouble = null;
    this.again = null;
    this.hooks.offer("start", false);
    setTimeout(() => {
      if (this.trouble === null) this.failures = 0;
    }, LONGEST_WAIT_S * 1000);
    this.setWaiting(false);
  }

  private setWaiting(waiting: boolean): void {
    this.waiting = waiting;
    this.refresh();
  }

  /** Loading something else pauses the video. */
  private continueIfWanted(): void {
    if (this.wanted && this.video.paused) void this.play();
  }

  private slower(): void {
    this.slowUntil = performance.now() + SLOW_SHOWN_MS;
  }

  private failed(problem: NonNullable<Trouble>["problem"], again: Again): void {
    if (problem === "offline") {
      this.hooks.unreachable();
      void this.turnToHeld();
    }
    this.failures += 1;
    const seconds = Math.min(2 ** (this.failures - 1), LONGEST_WAIT_S);
    this.trouble = { problem, seconds };
    this.again = again;
    this.refresh();
    clearTimeout(this.retry);
    this.retry = window.setTimeout(() => this.tryAgain(), seconds * 1000);
  }

  /** What was taken along goes on without a line; on one that is only slow, not all the time. */
  private async turnToHeld(): Promise<void> {
    const { item, opening } = this;
    const early = performance.now() < this.openedAt + REOPEN_AT_MOST_EVERY_MS;
    if (item?.kind !== "lesson" || (early && navigator.onLine) || !(await isHeld(item.id))) return;
    if (opening === this.opening) void this.openAndLoad(this.position());
  }

  private tryAgain(): void {
    clearTimeout(this.retry);
    const [again, position] = [this.again, this.position()];
    this.again = null;
    if (again === "reopen") void this.openAndLoad(position);
    else if (again === "reload") this.engine.reload(position);
    else this.engine.resume();
    this.continueIfWanted();
  }

  private sessionLost(): void {
    const mine = this.opening;
    const wait = Math.max(0, this.openedAt + REOPEN_AT_MOST_EVERY_MS - performance.now());
    if (wait === 0) void this.openAndLoad(this.position());
    else {
      setTimeout(() => {
        if (mine === this.opening) void this.openAndLoad(this.position());
      }, wait);
    }
  }

  private reading(): Reading {
    const { video, engine } = this;
    const date = this.item?.kind === "channel" ? engine.hls?.playingDate?.getTime() : undefined;
    return {
      pos_ms: Math.round(date ?? video.currentTime * 1000),
      rate: video.playbackRate,
      state: this.beatState(),
      lang: engine.audio,
    };
  }

  private beatState(): Reading["state"] {
    if (this.video.ended) return "ended";
    if (!this.wanted) return "paused";
    return this.started && !this.waiting && !this.video.paused ? "playing" : "stalled";
  }

  /** Brings everything shown in line, and tells the server of a change. */
  private refresh(): void {
    this.hooks.changed();
    const state = `${this.beatState()} ${this.engine.audio}`;
    if (state !== this.lastState) {
      this.lastState = state;
      this.beats.note();
    }
  }
}
