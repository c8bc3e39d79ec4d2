// The player of a channel's or a lesson's page: the playback, its controls,
// and what is said about it.
import { seal, startSealing } from "../taken/sealing";
import { type Choices, loadChoices, pictureQuality, saveChoice, saveQuality } from "./choices";
import { Controls } from "./controls";
import { type Item, type PlayerData, readData, type Text, texts } from "./data";
import { Display } from "./display";
import { Playback } from "./playback";

export class Player {
  private readonly text: Text;
  private readonly root = document.getElementById("player") as HTMLElement;
  private readonly video = this.root.querySelector("video") as HTMLVideoElement;
  private readonly choices: Choices = loadChoices();
  private readonly playback: Playback;
  private readonly controls: Controls;
  private readonly display: Display;

  /** `ended`: what was played is over. */
  constructor(
    private readonly data: PlayerData = readData(),
    ended: () => void = () => undefined,
  ) {
    this.text = texts(data);
    const { video, text } = this;
    this.playback = new Playback(
      video,
      {
        changed: () => this.show(),
        opened: (session) => this.display.showCounted(session),
        offer: (what, shown) => this.controls.offer(what, shown),
        ended: () => {
          void seal();
          ended();
        },
        unreachable: () => undefined,
      },
      false,
    );
    this.controls = new Controls(this.root, video, text, {
      toggle: () => this.playback.toggle(),
      live: () => this.playback.goLive(),
      seek: (seconds) => this.playback.seek(seconds),
      mute: (muted) => this.mute(muted),
      volume: (percent) => this.volume(percent),
      soundOnly: () => this.toggleSoundOnly(),
    });
    this.display = new Display(this.root, data, text, this.playback.engine, {
      audio: (lang) => {
        saveChoice({ audio: lang });
        this.playback.setAudio(lang);
      },
      subtitles: (lang) => {
        saveChoice({ subtitles: lang });
        this.playback.engine.setSubtitles(lang);
      },
      quality: (quality) => this.chooseQuality(quality),
    });
  }

  start(): void {
    startSealing();
    document.addEventListener("reachable", (event) => this.stay(event));
    this.root.hidden = false;
    this.video.volume = (this.choices.volume ?? 100) / 100;
    this.video.muted = this.choices.muted ?? false;
    const { saver } = this.data;
    this.showTimelineOf(this.data);
    if (this.waitsForAPerson()) this.playback.offer(this.data, saver);
    else void this.playback.open(this.data, saver);
  }

  /** Plays something else, from its start. */
  go(item: Item): void {
    this.showTimelineOf(item);
    void this.playback.open(item, this.data.saver);
  }

  /** What the time line shows: pictures, where data is not saved, or how loud it is. */
  private showTimelineOf(item: Item): void {
    this.controls.pictures(this.data.saver ? null : item.storyboard);
    this.controls.levels(item.waveform);
  }

  /**
   * A page must not spend what somebody pays for by the megabyte before he asks
   * for it: on a phone, and while data is saved. A site's own device starts at once.
   */
  private waitsForAPerson(): boolean {
    const phone = matchMedia("(max-width: 40rem)").matches;
    return this.playback.token === null && (phone || this.data.saver);
  }

  /** A fresher page is not worth what plays. */
  private stay(event: Event): void {
    const { trouble, started } = this.playback.situation();
    if (started || trouble === null) event.preventDefault();
  }

  private show(): void {
    this.controls.update(!this.playback.wanted);
    this.display.show(this.playback.situation());
  }

  private mute(muted: boolean): void {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 1;
    this.controls.offer("sound-on", false);
    saveChoice({ muted, volume: Math.round(this.video.volume * 100) });
    this.show();
  }

  private volume(percent: number): void {
    this.video.volume = percent / 100;
    this.mute(percent === 0);
  }

  private chooseQuality(quality: string): void {
    saveQuality(quality, this.data.saver);
    this.playback.setQuality(quality);
  }

  private toggleSoundOnly(): void {
    this.chooseQuality(this.playback.engine.soundOnly ? pictureQuality(this.data.saver) : "audio");
  }
}
