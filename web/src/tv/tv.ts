// The village's screen: what is on, zapping, lessons, and going on by itself.
import { pictureQuality, saveChoice, saveQuality, wishedQuality } from "../player/choices";
import { type Text, texts } from "../player/data";
import { Playback } from "../player/playback";
import { countedText, type Session } from "../player/session";
import { saveData, savesData } from "../saver";
import { hidePointer, stayAwake } from "./awake";
import { Banner, type Note } from "./banner";
import { ServerClock } from "./clock";
import { type Channel, type Evening, fetchTv, isOld, type Lesson, type TvData } from "./data";
import { Digits } from "./digits";
import { find } from "./dom";
import { onTouch } from "./keys";
import { Line } from "./line";
import { Menu } from "./menu";
import { Message } from "./message";
import { keepPlace, lastPlace, type Place } from "./place";
import { Remote } from "./remote";
import { Update } from "./update";

/** Whoever leafs through channels opens none of those in between. */
const ZAP_MS = 300;
const KEEP_PLACE_S = 5;
const FRESH_S = 120;
const BEHIND_S = 40;

export class Tv {
  private readonly text: Text;
  private readonly clock: ServerClock;
  private readonly line: Line;
  private readonly playback: Playback;
  private readonly banner: Banner;
  private readonly menu: Menu;
  private readonly message: Message;
  private readonly update: Update;
  private readonly video = find("picture") as HTMLVideoElement;

  private item: Channel | Lesson | null = null;
  private place: Place = { channel: null, lesson: null, at: 0 };
  private note: Note | null = null;
  private saver = savesData();
  /** What the browser wants a person's word for. */
  private readonly offers = new Set<string>();
  private zapTimer = 0;
  private seconds = 0;

  constructor(private data: TvData) {
    this.text = texts(data);
    this.clock = new ServerClock(data.offset_s);
    if (!isOld()) this.clock.seed(Date.parse(data.now));
    this.line = new Line(this.clock, { changed: () => this.show(), back: () => void this.lineBack() });
    this.playback = new Playback(
      this.video,
      {
        changed: () => this.show(),
        opened: (session) => this.opened(session),
        offer: (what, shown) => this.offer(what, shown),
        ended: () => this.ended(),
        unreachable: () => this.line.suspect(),
      },
      true,
    );
    this.update = new Update(data.version);
    this.message = new Message(this.text, this.clock, this.line);
    this.banner = new Banner(this.text, this.clock, () => this.openMenu());
    this.menu = new Menu(this.text, this.clock, {
      item: (item) => this.chooseItem(item),
      evening: (evening) => this.chooseEvening(evening),
      audio: (lang) =>
        this.chosen(
          () => saveChoice({ audio: lang }),
          () => this.playback.setAudio(lang),
        ),
      subtitles: (lang) =>
        this.chosen(
          () => saveChoice({ subtitles: lang }),
          () => this.playback.engine.setSubtitles(lang),
        ),
      saver: (on) => this.setSaver(on),
      soundOnly: (on) => this.setQuality(on ? "audio" : pictureQuality(this.saver)),
      closed: () => {
        if (this.video.ended) this.toChannel();
      },
    });
  }

  async start(): Promise<void> {
    const digits = new Digits((number) => this.zapTo(number));
    const remote = new Remote(this, digits);
    remote.listen();
    onTouch(this.video, (key) => remote.press(key));
    document.addEventListener("click", () => this.allowSound());
    stayAwake();
    hidePointer();
    this.line.start();
    // Where nobody knows the time, the page's age is the best guess.
    this.place = await lastPlace(this.clock.now() ?? Date.parse(this.data.now));
    setInterval(() => this.tick(), 1000);
    this.resume();
  }

  get isLesson(): boolean {
    return this.item?.kind === "lesson";
  }

  get menuShown(): boolean {
    return this.menu.shown;
  }

  get bannerShown(): boolean {
    return this.banner.shown;
  }

  openMenu(): void {
    this.banner.hide();
    this.menu.open(this.data, this.present());
  }

  closeMenu(): void {
    this.menu.close();
  }

  hideBanner(): void {
    this.banner.hide();
  }

  showBanner(): void {
    if (this.item === null) return;
    if (this.item.kind === "channel") {
      this.banner.channel(this.item, this.note);
      return;
    }
    const length = Number.isFinite(this.video.duration) ? this.video.duration : this.item.duration_s;
    const paused = !this.playback.wanted;
    const state = this.text(paused ? "script-paused" : "script-playing");
    this.banner.lesson(this.item, Math.max(0, this.playback.position()), length, state, this.note, paused);
  }

  /** To the next channel by number, upwards or downwards. */
  zapBy(step: 1 | -1): void {
    const all = [...this.data.channels].sort((a, b) => a.number - b.number);
    if (all.length === 0) return;
    const at = all.findIndex((channel) => channel.id === this.place.channel);
    const next = all[(Math.max(0, at) + (this.isLesson ? 0 : step) + all.length) % all.length];
    if (next !== undefined) this.watch(next);
  }

  /** Back from a lesson to the channel that was on. */
  toChannel(): void {
    const channels = this.data.channels;
    const channel = channels.find((c) => c.id === this.place.channel) ?? channels[0];
    if (channel !== undefined) this.watch(channel);
    else this.openMenu();
  }

  setPlaying(playing: boolean | null): void {
    if (playing === null || playing !== this.playback.wanted) this.playback.toggle();
    this.keepLesson();
    this.showBanner();
  }

  seekBy(seconds: number): void {
    this.playback.seek(this.video.currentTime + seconds);
    this.keepLesson();
    this.showBanner();
  }

  /** Any key is a person's word: now the browser allows the sound. */
  allowSound(): boolean {
    if (this.offers.size === 0) return false;
    this.offers.clear();
    find("offer").hidden = true;
    this.video.muted = false;
    void this.playback.play();
    return true;
  }

  private offer(what: string, shown: boolean): void {
    if (shown) this.offers.add(what);
    else this.offers.delete(what);
    find("offer").hidden = this.offers.size === 0;
  }

  private resume(): void {
    const { lesson } = this.place;
    const found = this.data.lessons.find((l) => l.id === lesson?.id);
    if (lesson !== null && found !== undefined) this.teach(found, lesson.position, lesson.rest);
    else this.toChannel();
  }

  private zapTo(number: number): void {
    const channel = this.data.channels.find((c) => c.number === number);
    if (channel !== undefined) this.watch(channel);
    else this.message.pass(this.text("script-tv-no-number", { number }));
  }

  private watch(channel: Channel): void {
    this.menu.close();
    const same = this.item === channel && !this.video.ended;
    this.item = channel;
    this.keep({ channel: channel.id, lesson: null });
    this.banner.channel(channel, this.note);
    if (!same) this.openSoon(channel, -1);
  }

  /** `rest`: what comes after it. */
  private teach(lesson: Lesson, position: number, rest: readonly string[] = []): void {
    this.menu.close();
    this.item = lesson;
    this.keep({ lesson: { id: lesson.id, position: Math.max(0, position), rest } });
    this.openSoon(lesson, position);
    this.showBanner();
  }

  private chooseItem(item: Channel | Lesson): void {
    this.video.pause(); // A lesson that has ended must not lead back to its channel.
    if (item.kind === "channel") this.watch(item);
    else if (this.item !== item || this.video.ended) this.teach(item, 0);
    else this.closeMenu();
  }

  private chooseEvening(evening: Evening): void {
    this.video.pause();
    if (!this.teachNext(evening.lessons)) this.closeMenu();
  }

  /** The first of these that there is; false: there is none. */
  private teachNext(lessons: readonly string[]): boolean {
    const known = lessons.map((id) => this.data.lessons.find((lesson) => lesson.id === id));
    const [first, ...rest] = known.filter((lesson) => lesson !== undefined);
    if (first === undefined) return false;
    const following = rest.map((lesson) => lesson.id);
    this.teach(first, 0, following);
    return true;
  }

  private openSoon(item: Channel | Lesson, position: number): void {
    clearTimeout(this.zapTimer);
    const wait = this.playback.item === null ? 0 : ZAP_MS;
    this.zapTimer = window.setTimeout(() => {
      if (this.update.due()) void this.reload();
      else void this.playback.open(item, this.saver, position);
    }, wait);
  }

  private opened(session: Session): void {
    // Letters from left to right, whatever stands around them.
    const address = `\u2066${location.host}/enrol\u2069`;
    if (session.counted) this.note = { text: this.text(countedText(session)), state: "counted" };
    else if (session.revoked)
      this.note = { text: this.text("script-tv-revoked", { address }), state: "revoked" };
    else this.note = { text: this.text("script-tv-enrol", { address }), state: "open" };
    if (this.banner.shown || session.revoked) this.showBanner();
  }

  private ended(): void {
    if (this.teachNext(this.place.lesson?.rest ?? [])) return;
    this.keep({ lesson: null });
    if (this.update.due()) void this.reload();
    else this.openMenu();
  }

  private async lineBack(): Promise<void> {
    if (this.message.shown && this.update.due()) return this.reload();
    await this.playback.lineBack();
    await this.freshen();
    // Where the picture stood, an update that came meanwhile disturbs nobody.
    if (this.message.shown && this.update.due()) await this.reload();
  }

  private async freshen(): Promise<void> {
    const fresh = await fetchTv();
    if (fresh === null) return;
    this.data = fresh;
    this.update.seen(fresh.version);
    const all: readonly (Channel | Lesson)[] = [...fresh.channels, ...fresh.lessons];
    const same = all.find((other) => other.kind === this.item?.kind && other.id === this.item.id);
    if (same === undefined) this.toChannel();
    else this.item = same;
    this.menu.draw(fresh, this.present());
  }

  private async reload(): Promise<void> {
    await keepPlace(this.place);
    this.update.reload();
  }

  private tick(): void {
    this.seconds += 1;
    this.show();
    if (this.seconds % KEEP_PLACE_S === 0) this.keepLesson();
    if (this.banner.shown && this.isLesson) this.banner.move(Math.max(0, this.playback.position()));
    const now = this.clock.now();
    if (now !== null && this.item?.kind === "channel" && this.update.dueAt(this.clock.time(now)))
      void this.reload();
    if (this.line.state !== "up") return;
    this.catchUp();
    if (this.seconds % FRESH_S === 0) setTimeout(() => void this.freshen(), Math.random() * 30_000);
  }

  /** A picture that has stood too often is far behind the live edge. */
  private catchUp(): void {
    const plays = this.playback.wanted && this.video.readyState > 2;
    if (plays && (this.playback.situation().behind ?? 0) > BEHIND_S) this.playback.goLive();
  }

  private show(): void {
    if (this.playback === undefined || this.message === undefined) return; // Still being built.
    find("sound-only").hidden = !this.playback.engine.soundOnly;
    this.message.show(this.playback.situation(), this.item === null);
  }

  private keepLesson(): void {
    if (this.item?.kind !== "lesson" || this.video.ended) return;
    const position = this.playback.position();
    const rest = this.place.lesson?.rest ?? [];
    if (position >= 0) this.keep({ lesson: { id: this.item.id, position, rest } });
  }

  private keep(change: Partial<Place>): void {
    this.place = { ...this.place, ...change, at: this.clock.now() ?? this.place.at };
    void keepPlace(this.place);
  }

  private present() {
    const item = this.item === null ? "" : `${this.item.kind} ${this.item.id}`;
    return { item, engine: this.playback.engine, saver: this.saver };
  }

  private setSaver(on: boolean): void {
    this.saver = on;
    saveData(on);
    this.chosen(
      () => undefined,
      () => this.playback.setQuality(wishedQuality(on)),
    );
  }

  private setQuality(quality: string): void {
    this.chosen(
      () => saveQuality(quality, this.saver),
      () => this.playback.setQuality(quality),
    );
  }

  private chosen(remember: () => void, apply: () => void): void {
    remember();
    apply();
    this.menu.draw(this.data, this.present());
  }
}
