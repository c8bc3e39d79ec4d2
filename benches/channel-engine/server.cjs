// Eyevinn's Channel Engine with channels that play one lesson after the other.
//   node server.cjs PORT CHANNELS LESSON-URL...
// LESSON-URL is the multivariant playlist of a lesson on demand.

// The web framework that the engine is written for sets a property that Node.js
// has since given a getter. (Later ones of the framework refuse the engine's handlers.)
const { IncomingMessage } = require("node:http");
Object.defineProperty(IncomingMessage.prototype, "closed", { writable: true, configurable: true });

const ChannelEngine = require("eyevinn-channel-engine");

const [port, count, ...lessons] = process.argv.slice(2);
const ids = Array.from({ length: Number(count) }, (_, n) => `c${n}`);

/** Each channel begins with another lesson. */
const next = Object.fromEntries(ids.map((id, n) => [id, n % lessons.length]));

const assets = {
  async getNextVod({ playlistId }) {
    const n = next[playlistId];
    next[playlistId] = (n + 1) % lessons.length;
    return { id: n, title: `Lesson ${n}`, uri: lessons[n] };
  },
};

const codecs = "avc1.4d401f,mp4a.40.2";
const profile = [
  { bw: 1564000, codecs, resolution: [1280, 720] },
  { bw: 864000, codecs, resolution: [854, 480] },
  { bw: 364000, codecs, resolution: [428, 240] },
];
const audioTracks = [{ language: "en", name: "English", default: true }];

const channels = { getChannels: () => ids.map((id) => ({ id, profile, audioTracks })) };

const engine = new ChannelEngine(assets, {
  heartbeat: "/",
  averageSegmentDuration: 3840,
  channelManager: channels,
  useDemuxedAudio: true,
});
engine.start();
engine.listen(Number(port));
