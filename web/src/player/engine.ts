// hls.js, tuned for villages: three target durations behind the live edge,
// natural speed, retries for ever, sound alone on a very bad line.
import Hls, { type ErrorData, type HlsConfig, type MediaPlaylist } from "hls.js";

export interface Wishes {
  /** Audio languages, most wanted first. */
  audio: readonly string[];
  /** Subtitle language or "off". */
  subtitles: string;
  /** "auto", "audio", "low" (the lowest rung) or the height of a rung. */
  quality: string;
}

export interface Reports {
  /** Tracks and rungs are known, or another one plays. */
  changed(): void;
  /** The automatic choice went down a rung. */
  slower(): void;
  /** Something had no answer; it is asked for again, for a while. */
  unanswered(): void;
  /** It failed; `again` says what to try. */
  failed(problem: "offline" | "not-ready" | "media", again: "resume" | "reload" | "reopen"): void;
}

const REOPEN = [401, 403, 404, 410];

const TUNING: Partial<HlsConfig> = {
  enableWorker: false,
  liveSyncDurationCount: 3,
  maxLiveSyncPlaybackRate: 1,
  backBufferLength: 30,
  maxBufferLength: 30,
  capLevelToPlayerSize: true,
  abrEwmaDefaultEstimate: 600_000,
  renderTextTracksNatively: true,
};

export class Engine {
  hls: Hls | null = null;
  wishes: Wishes;
  /** A segment is on its way. */
  fetching = false;
  private url = "";
  private mediaErrorAt = Number.NEGATIVE_INFINITY;
  private level = -1;
  /** Playlists of the audio languages, for playing sound alone. */
  private sounds = new Map<string, string>();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly reports: Reports,
    wishes: Wishes,
  ) {
    this.wishes = wishes;
  }

  /** Plays `url`, from `position` seconds (-1: the start, or the live edge). */
  load(url: string, position = -1): void {
    this.url = url;
    this.sounds.clear(); // Their addresses belong to the session before.
    this.open(url, position);
  }

  /** Loads anew what was loaded last. */
  reload(position: number): void {
    this.open(this.url, position);
  }

  resume(): void {
    this.hls?.startLoad();
  }

  /** The audio language that plays. */
  get audio(): string {
    if (this.soundOnly) return this.soundLanguage() ?? "";
    const track = this.hls?.audioTracks[this.hls.audioTrack];
    return track?.lang ?? this.wishes.audio[0] ?? "";
  }

  get audioLanguages(): string[] {
    return Array.from(this.sounds.keys());
  }

  get subtitleLanguages(): string[] {
    return (this.hls?.subtitleTracks ?? []).map((track) => track.lang ?? "").filter((lang) => lang !== "");
  }

  /** Heights of the rungs, largest first. */
  get heights(): number[] {
    const heights = (this.hls?.levels ?? []).map((level) => level.height).filter((height) => height > 0);
    return Array.from(new Set(heights)).sort((a, b) => b - a);
  }

  /** Height of the picture that plays; 0: none. */
  get height(): number {
    const hls = this.hls;
    return hls?.levels[hls.currentLevel]?.height ?? 0;
  }

  get soundOnly(): boolean {
    return this.wishes.quality === "audio" && this.sounds.size > 0;
  }

  setAudio(lang: string): void {
    this.wishes = { ...this.wishes, audio: [lang, ...this.wishes.audio.filter((l) => l !== lang)] };
    if (this.soundOnly) this.reload(this.position());
    else this.applyAudio();
  }

  setSubtitles(lang: string): void {
    this.wishes = { ...this.wishes, subtitles: lang };
    this.applySubtitles();
  }

  setQuality(quality: string): void {
    const before = this.soundOnly;
    this.wishes = { ...this.wishes, quality };
    if (before !== this.soundOnly) this.reload(this.position());
    else if (this.hls !== null) this.hls.nextLevel = this.rung(this.hls);
  }

  private position(): number {
    const live = this.hls?.latestLevelDetails?.live ?? false;
    return live ? -1 : this.video.currentTime;
  }

  private open(url: string, position: number): void {
    this.hls?.destroy();
    const sound = this.soundOnly ? this.sounds.get(this.soundLanguage() ?? "") : undefined;
    const first = this.wishes.audio[0];
    const hls = new Hls({
      ...TUNING,
      startPosition: position,
      ...(first === undefined ? {} : { audioPreference: { lang: first } }),
      ...(this.wishes.subtitles === "off" ? {} : { subtitlePreference: { lang: this.wishes.subtitles } }),
    });
    this.hls = hls;
    this.level = -1;
    this.fetching = false;
    const fetching = (now: boolean) => () => {
      if (hls === this.hls) this.fetching = now;
    };
    hls.on(Hls.Events.FRAG_LOADING, fetching(true));
    hls.on(Hls.Events.FRAG_LOADED, fetching(false));
    hls.on(Hls.Events.FRAG_LOAD_EMERGENCY_ABORTED, fetching(false));
    hls.on(Hls.Events.MANIFEST_PARSED, (_, data) => {
      this.parsed(hls, sound === undefined ? data.audioTracks : null);
    });
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => this.applyAudio());
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => this.applySubtitles());
    hls.on(Hls.Events.AUDIO_TRACK_SWITCHED, () => this.reports.changed());
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, data) => this.switched(hls, data.level));
    hls.on(Hls.Events.ERROR, (_, data) => this.erred(hls, data));
    hls.attachMedia(this.video);
    hls.loadSource(sound ?? url);
  }

  /** `tracks`: all audio of the playlist; null while sound alone plays. */
  private parsed(hls: Hls, tracks: readonly MediaPlaylist[] | null): void {
    if (tracks !== null) {
      this.sounds = new Map(tracks.map((track) => [track.lang ?? "", track.url]));
      // Sound alone was chosen on an earlier visit; only now is its playlist known.
      if (this.soundOnly) {
        const position = hls.config.startPosition;
        queueMicrotask(() => this.open(this.url, position)); // hls.js is still in its own event.
        return;
      }
      const rung = this.rung(hls);
      if (rung >= 0) {
        hls.startLevel = rung;
        hls.loadLevel = rung;
      }
      this.applyAudio();
      this.applySubtitles();
    }
    this.reports.changed();
  }

  private soundLanguage(): string | undefined {
    return this.wishes.audio.find((lang) => this.sounds.has(lang)) ?? this.sounds.keys().next().value;
  }

  private applyAudio(): void {
    const hls = this.hls;
    if (hls === null || this.soundOnly) return;
    const wanted = this.wishes.audio.find((lang) => hls.audioTracks.some((track) => track.lang === lang));
    const index = hls.audioTracks.findIndex((track) => track.lang === wanted);
    if (index >= 0 && index !== hls.audioTrack) hls.audioTrack = index;
    this.reports.changed();
  }

  private applySubtitles(): void {
    const hls = this.hls;
    if (hls === null) return;
    const index = hls.subtitleTracks.findIndex((track) => track.lang === this.wishes.subtitles);
    hls.subtitleDisplay = index >= 0;
    if (index !== hls.subtitleTrack) hls.subtitleTrack = index;
    this.reports.changed();
  }

  /** Index of the wished rung, or of the next lower one; -1: automatic. */
  private rung(hls: Hls): number {
    const low = this.wishes.quality === "low";
    const wished = low ? 0 : Number(this.wishes.quality);
    if (!low && !(wished > 0)) return -1;
    const fitting = hls.levels.map((level, index) => ({ height: level.height, index }));
    fitting.sort((a, b) => b.height - a.height);
    return (fitting.find((level) => level.height <= wished) ?? fitting[fitting.length - 1])?.index ?? -1;
  }

  private switched(hls: Hls, level: number): void {
    const before = hls.levels[this.level]?.height ?? 0;
    const after = hls.levels[level]?.height ?? 0;
    this.level = level;
    if (hls.autoLevelEnabled && after < before) this.reports.slower();
    this.reports.changed();
  }

  private erred(hls: Hls, data: ErrorData): void {
    if (hls !== this.hls) return;
    // What the line broke off is asked for again.
    const again = data.type === Hls.ErrorTypes.NETWORK_ERROR && !data.fatal;
    if (data.frag !== undefined && !again) this.fetching = false;
    const code = data.response?.code ?? 0;
    if (again && code === 0) this.reports.unanswered();
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
      // What a bad line left of a broadcast breaks again when it is played again: go on behind it.
      const live = hls.latestLevelDetails?.live ?? false;
      const anew = live || performance.now() - this.mediaErrorAt < 10_000;
      this.mediaErrorAt = performance.now();
      if (!anew) hls.recoverMediaError();
      this.reports.failed("media", anew ? "reload" : "resume");
    } else if (REOPEN.includes(code)) {
      this.reports.failed("not-ready", "reopen");
    } else if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
      const whole = hls.levels.length === 0;
      this.reports.failed(code >= 500 ? "not-ready" : "offline", whole ? "reload" : "resume");
    } else {
      this.reports.failed("media", "reload");
    }
  }
}

export function canPlay(): boolean {
  return Hls.isSupported();
}
