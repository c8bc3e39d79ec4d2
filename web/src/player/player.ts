// Brings session, engine, controls, status and beats together.
import { Beats, type Reading } from "./beats";
import { type Choices, loadChoices, saveChoice } from "./choices";
import { Controls } from "./controls";
import { type PlayerData, readData, type Text, texts } from "./data";
import { Display } from "./display";
import { canPlay, Engine } from "./engine";
import { openSession, takeToken } from "./session";
import type { Situation, Trouble } from "./status";

const SLOW_SHOWN_MS = 10_000;
/** Two tabs of one terminal close each other's sessions; they must not do so all the time. */
const REOPEN_AT_MOST_EVERY_MS = 60_000;
const LONGEST_WAIT_S = 10;

export class Player {
  private readonly data: PlayerData = readData();
  private readonly text: Text = texts(this.data);
  private readonly root = document.getElementById("player") as HTMLElement;
  private readonly video = this.root.querySelector("video") as HTMLVideoElement;
  private readonly choices: Choices = loadChoices();
  private readonly token = takeToken();
  private readonly engine: Engine;
  private readonly controls: Controls;
  private readonly beats: Beats;
  private readonly display: Display;

  private trouble: Trouble = null;
  private failures = 0;
  private retry = 0;
  private wanted = true;
  private started = false;
  private waiting = false;
  private slowUntil = 0;
  private openedAt = Number.NEGATIVE_INFINITY;
  private lastState = "";

  constructor() {
    const pageLang = document.documentElement.lang;
    const audio = [this.choices.audio, pageLang, ...this.data.audio];
    this.engine = new Engine(
      this.video,
      {
        changed: () => this.refresh(),
        slower: () => this.slower(),
        failed: (problem, again) => this.failed(problem, again),
      },
      {
        audio: audio.filter((lang): lang is string => lang !== undefined && this.data.audio.includes(lang)),
        subtitles: this.choices.subtitles ?? "off",
        quality: this.choices.quality ?? "auto",
      },
    );
    this.controls = new Controls(this.root, this.video, this.text, {
      toggle: () => this.toggle(),
      live: () => this.goLive(),
      seek: (seconds) => this.seek(seconds),
      mute: (muted) => this.mute(muted),
      volume: (percent) => this.volume(percent),
    });
    this.display = new Display(this.root, this.data, this.text, this.engine, {
      audio: (lang) => this.chooseAudio(lang),
      subtitles: (lang) => this.chooseSubtitles(lang),
      quality: (quality) => this.chooseQuality(quality),
    });
    this.beats = new Beats(
      () => this.reading(),
      () => this.sessionLost(),
    );
  }

  start(): void {
    this.root.hidden = false;
    this.video.volume = (this.choices.volume ?? 100) / 100;
    this.video.muted = this.choices.muted ?? false;
    this.listen();
    const engine = this.engine;
    Object.defineProperty(window, "__player", {
      value: {
        video: this.video,
        get hls() {
          return engine.hls;
        },
      },
    });
    if (canPlay()) void this.openAndLoad(-1);
    else this.playNatively();
    this.refresh();
  }

  private listen(): void {
    const on = (name: string, run: () => void) => this.video.addEventListener(name, run);
    on("playing", () => this.playing());
    on("waiting", () => this.setWaiting(true));
    on("pause", () => this.refresh());
    on("play", () => this.refresh());
    on("ended", () => {
      this.wanted = false;
      this.refresh();
    });
    on("volumechange", () => this.refresh());
    on("durationchange", () => this.refresh());
    on("seeked", () => this.beats.note());
    on("timeupdate", () => {
      if (this.waiting && !this.video.seeking && this.video.readyState > 2) this.setWaiting(false);
      else this.refresh();
    });
  }

  /** A browser without Media Source Extensions may know HLS itself. */
  private playNatively(): void {
    if (this.video.canPlayType("application/vnd.apple.mpegurl") === "") {
      this.trouble = { problem: "unsupported", seconds: 0 };
      return;
    }
    this.video.src = this.data.source;
    void this.play();
  }

  private async openAndLoad(position: number): Promise<void> {
    this.openedAt = performance.now();
    const session = await openSession(this.data, this.token);
    this.engine.load(session.playUrl, position);
    this.beats.begin(session);
    this.display.showCounted(session.counted);
    if (this.wanted) await this.play();
  }

  /** Plays with sound, else without it and offers the sound, else offers to play. */
  private async play(): Promise<void> {
    this.wanted = true;
    try {
      await this.video.play();
    } catch (error) {
      if ((error as DOMException).name !== "NotAllowedError") return; // Loading anew interrupts it.
      if (this.video.muted) {
        this.wanted = false;
        this.controls.offer("start", true);
      } else {
        this.video.muted = true;
        this.controls.offer("sound-on", true);
        await this.play();
      }
    }
    this.refresh();
  }

  private playing(): void {
    if (!this.started) this.started = true;
    this.trouble = null;
    this.controls.offer("start", false);
    setTimeout(() => {
      if (this.trouble === null) this.failures = 0;
    }, LONGEST_WAIT_S * 1000);
    this.setWaiting(false);
  }

  private setWaiting(waiting: boolean): void {
    this.waiting = waiting;
    this.refresh();
  }

  private toggle(): void {
    if (this.wanted && !this.video.paused) {
      this.wanted = false;
      this.video.pause();
      this.refresh();
    } else {
      void this.play();
    }
  }

  private goLive(): void {
    const edge = this.engine.hls?.liveSyncPosition;
    if (edge !== null && edge !== undefined) this.video.currentTime = edge;
    void this.play();
  }

  private seek(seconds: number): void {
    const end = Number.isFinite(this.video.duration) ? this.video.duration : seconds;
    this.video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, end - 0.5));
    this.refresh();
  }

  private mute(muted: boolean): void {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 1;
    this.controls.offer("sound-on", false);
    saveChoice({ muted, volume: Math.round(this.video.volume * 100) });
    this.refresh();
  }

  private volume(percent: number): void {
    this.video.volume = percent / 100;
    this.mute(percent === 0);
  }

  private chooseAudio(lang: string): void {
    saveChoice({ audio: lang });
    this.engine.setAudio(lang);
    this.beats.note();
    this.continueIfWanted();
  }

  private chooseSubtitles(lang: string): void {
    saveChoice({ subtitles: lang });
    this.engine.setSubtitles(lang);
  }

  private chooseQuality(quality: string): void {
    saveChoice({ quality });
    this.engine.setQuality(quality);
    this.continueIfWanted();
    this.refresh();
  }

  /** Loading something else pauses the video. */
  private continueIfWanted(): void {
    if (this.wanted && this.video.paused) void this.play();
  }

  private slower(): void {
    this.slowUntil = performance.now() + SLOW_SHOWN_MS;
  }

  private failed(problem: "offline" | "not-ready" | "media", again: "resume" | "reload" | "reopen"): void {
    this.failures += 1;
    const seconds = Math.min(2 ** (this.failures - 1), LONGEST_WAIT_S);
    this.trouble = { problem, seconds };
    this.refresh();
    clearTimeout(this.retry);
    this.retry = window.setTimeout(() => {
      const position = this.position();
      if (again === "reopen") void this.openAndLoad(position);
      else if (again === "reload") this.engine.reload(position);
      else this.engine.resume();
      this.continueIfWanted();
    }, seconds * 1000);
  }

  private sessionLost(): void {
    const wait = Math.max(0, this.openedAt + REOPEN_AT_MOST_EVERY_MS - performance.now());
    setTimeout(() => void this.openAndLoad(this.position()), wait);
  }

  /** Where to go on after loading anew; -1: at the live edge. */
  private position(): number {
    return this.data.kind === "lesson" && this.started ? this.video.currentTime : -1;
  }

  private reading(): Reading {
    const { video, engine } = this;
    const date = this.data.kind === "channel" ? engine.hls?.playingDate?.getTime() : undefined;
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
    this.controls.update(!this.wanted);
    this.display.show(this.situation());
    const state = `${this.beatState()} ${this.engine.audio}`;
    if (state !== this.lastState) {
      this.lastState = state;
      this.beats.note();
    }
  }

  private situation(): Situation {
    const edge = this.engine.hls?.liveSyncPosition ?? this.video.currentTime;
    return {
      trouble: this.trouble,
      started: this.started,
      wanted: this.wanted,
      waiting: this.waiting,
      ended: this.video.ended,
      slow: performance.now() < this.slowUntil,
      behind: this.data.kind === "channel" ? edge - this.video.currentTime : null,
    };
  }
}
