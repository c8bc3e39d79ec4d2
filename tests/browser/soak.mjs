// Hours of a demo county with viewers that may not stall while things go wrong.
//   node soak.mjs          SOAK_MINUTES (120), YUANJIAO (the binary), SOAK_MEDIA (prepared media)
//
// Viewers are Chromium with the channel's page (hls.js), ffmpeg and mpv. What
// goes wrong: the schedule is edited every ten minutes, an upstream freezes, a
// relay's worker is killed, and twice the server is killed with SIGKILL; in a hundred
// minutes or more the upstreams are away for ten of them. No
// viewer may stand still for more than two seconds, but for the server's own
// downtime and what a player needs to find its way back after it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { watch } from "./viewer.mjs";

const MINUTES = Number(process.env.SOAK_MINUTES ?? 120);
const BINARY = process.env.YUANJIAO ?? new URL("../../target/debug/yuanjiao", import.meta.url).pathname;
const LONGEST_STALL_S = 2;
/** After the server is there again: the longest wait between two tries of a player, and its start. */
const FINDS_BACK_S = 25;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const seconds = () => performance.now() / 1000;
const begun = seconds();
const say = (text) => console.log(`${((seconds() - begun) / 60).toFixed(1).padStart(6)} min  ${text}`);

// The server and its viewers stand for machines of their own: what else this one
// is doing must not stop them. Only root may ask for that.
try {
  setPriority(-10);
} catch {
  say("priorities stay as they are: beside heavy work viewers may stand still for want of a processor");
}

const work = mkdtempSync(join(tmpdir(), "yuanjiao-soak-"));
const data = join(work, "data");
if (process.env.SOAK_MEDIA) cpSync(process.env.SOAK_MEDIA, join(data, "media"), { recursive: true });

/** Spans in which nobody can be served, in seconds. */
const downtimes = [];
const isDown = (at) => downtimes.some(({ from, to }) => at >= from && at <= (to ?? Number.POSITIVE_INFINITY) + FINDS_BACK_S);

async function freePort() {
  const socket = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => socket.once("listening", done));
  const { port } = socket.address();
  await new Promise((done) => socket.close(done));
  return port;
}

// ------------------------------------------------------------- the server

const port = await freePort();
const base = `http://127.0.0.1:${port}`;
let server;
let facts;

async function startServer() {
  const ready = join(work, `ready-${Date.now()}.json`);
  server = spawn(BINARY, ["demo", "--data", data, "--listen", `127.0.0.1:${port}`, "--ready-file", ready], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, RUST_LOG: "error" },
  });
  const mine = server;
  for (let tries = 0; tries < 3000; tries += 1) {
    assert.equal(mine.exitCode, null, "the server ended before it was ready");
    const up = await fetch(`${base}/readyz`).then((answer) => answer.ok, () => false);
    if (up) break;
    await sleep(100);
  }
  // The first start films and packages its lessons, which takes long beside other work.
  for (let tries = 0; tries < 9000 && facts === undefined; tries += 1) {
    assert.equal(mine.exitCode, null, "the server ended before it was ready");
    try {
      facts = JSON.parse(readFileSync(ready, "utf8"));
    } catch {
      await sleep(100);
    }
  }
  assert.ok(facts, "the demo was not ready within 15 minutes");
}

async function killServer() {
  const down = { from: seconds() };
  downtimes.push(down);
  const gone = new Promise((done) => server.once("exit", done));
  server.kill("SIGKILL");
  await gone;
  await startServer();
  down.to = seconds();
  say(`the server was killed; it was back after ${(down.to - down.from).toFixed(1)} s`);
}

/** Processes that the server started as `yuanjiao worker <kind>`. */
function workers(kind) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return all.filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const parent = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[1];
      return line[1] === "worker" && line[2] === kind && Number(parent) === server.pid;
    } catch {
      return false;
    }
  });
}

const memoryMb = (pid) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024);
const files = (pid) => readdirSync(`/proc/${pid}/fd`).length;
/** What the server and the largest of its relays' workers need. */
function needs() {
  const relays = workers("relay");
  const most = (figure) =>
    relays.reduce((sofar, pid) => {
      try {
        return Math.max(sofar, figure(pid));
      } catch {
        // It has ended meanwhile.
        return sofar;
      }
    }, 0);
  return `${memoryMb(server.pid)} MB, ${files(server.pid)} files; a relay's worker ${most(memoryMb)} MB, ${most(files)} files`;
}

// ------------------------------------------------------------ the viewers

class Viewer {
  longest = 0;
  stalls = [];
  watched = 0;
  restarts = 0;
  constructor(name) {
    this.name = name;
  }
  /** The position was read; `undefined` while there is none. */
  see(position, now = seconds()) {
    if (this.at === undefined || isDown(now)) {
      // Not watching yet, or nobody can: what counts begins after it.
      [this.position, this.at, this.seen] = [position, position === undefined ? undefined : now, now];
      return;
    }
    this.watched += now - this.seen;
    this.seen = now;
    if (position !== undefined && position !== this.position) {
      [this.position, this.at] = [position, now];
      this.reported = false;
    }
    const still = now - this.at;
    this.longest = Math.max(this.longest, still);
    if (still > LONGEST_STALL_S && !this.reported) {
      this.reported = true;
      this.stalls.push({ minute: (this.at - begun) / 60 });
      say(`${this.name} stands still at ${this.position}`);
    }
  }
  forget() {
    this.at = undefined;
  }
}

let over = false;
const url = () => `${base}/channels/${process.env.SOAK_CHANNEL ?? facts.channel}/index.m3u8?terminal=${facts.terminal_token}`;

/** A program that plays; started again if the server's downtime ended it. */
async function program(viewer, start) {
  while (!over) {
    const child = start();
    const gone = new Promise((done) => child.process.once("exit", done));
    let running = true;
    gone.then(() => {
      running = false;
    });
    while (running && !over) {
      await sleep(200);
      viewer.see(await child.position());
    }
    if (over) {
      child.process.kill("SIGKILL");
      return;
    }
    const excused = isDown(seconds());
    say(`${viewer.name} ended${excused ? " with the server" : " by itself"}; it is started again`);
    viewer.restarts += 1;
    if (!excused) viewer.stalls.push({ minute: (seconds() - begun) / 60 });
    viewer.forget();
    await sleep(1000);
  }
}

function ffmpeg() {
  // At the speed of the clock, as a viewer: progress is told every half second.
  const process = spawn(
    "ffmpeg",
    ["-nostdin", "-loglevel", "error", "-readrate", "1", "-live_start_index", "-4", "-i", url(), "-map", "0:v:0", "-map", "0:a:0",
      "-c", "copy", "-f", "null", "-progress", "pipe:1", "-stats_period", "0.25", "-"],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  let position;
  process.stdout.on("data", (text) => {
    const told = [...String(text).matchAll(/total_size=N\/A|out_time_us=(\d+)/g)].at(-1)?.[1];
    if (told) position = Number(told) / 1e6;
  });
  return { process, position: async () => position };
}

let sockets = 0;
function mpv() {
  sockets += 1;
  const path = join(work, `mpv-${sockets}`);
  const process = spawn("mpv", ["--no-terminal", "--vo=null", "--ao=null", "--hls-bitrate=400000", `--input-ipc-server=${path}`, url()], {
    stdio: "ignore",
  });
  let position;
  let socket;
  const ask = () => {
    if (socket === undefined || socket.destroyed) {
      socket = connect(path);
      socket.on("error", () => socket.destroy());
      socket.on("data", (text) => {
        for (const line of String(text).split("\n").filter(Boolean)) {
          try {
            const answer = JSON.parse(line);
            if (answer.request_id === 1 && typeof answer.data === "number") position = answer.data;
          } catch {
            // Half a line: the next answer says as much.
          }
        }
      });
    }
    socket.write(`${JSON.stringify({ command: ["get_property", "time-pos"], request_id: 1 })}\n`, () => {});
  };
  return {
    process,
    position: async () => {
      ask();
      return position;
    },
  };
}

async function page(viewer) {
  const channel = process.env.SOAK_CHANNEL ?? facts.channel;
  for await (const position of watch(`${base}/channels/${channel}?terminal=${encodeURIComponent(facts.terminal_token)}`)) {
    viewer.see(position);
    if (over) return;
  }
}

// --------------------------------------------------------- what goes wrong

function editSchedule() {
  const folder = join(data, "schedules");
  const name = readdirSync(folder).find((file) => file === `${facts.channel}.toml`);
  const at = new Date(Date.now() + 3 * 3600_000 + 8 * 3600_000);
  const [date, time] = at.toISOString().split("T");
  const lesson = /play = \["([^"]+)"/.exec(readFileSync(join(folder, name), "utf8"))?.[1];
  const entry = `\n[[once]]\ndate = ${date}\nstart = "${time.slice(0, 8)}"\nplay = ["${lesson}"]\n`;
  appendFileSync(join(folder, name), entry);
  say("the schedule was edited");
}

async function freezeUpstream(length = 25) {
  const stations = workers("broadcast");
  assert.ok(stations.length > 0, "there is an upstream to freeze");
  for (const pid of stations) process.kill(Number(pid), "SIGSTOP");
  say(`the upstreams stand still for ${length} s`);
  await sleep(length * 1000);
  for (const pid of stations) {
    try {
      process.kill(Number(pid), "SIGCONT");
    } catch {
      // It was ended meanwhile.
    }
  }
}

/** Other things go on meanwhile. */
function awayForTenMinutes() {
  freezeUpstream(600).then(() => say("the upstreams are there again"));
}

function killWorker() {
  const relays = workers("relay");
  assert.ok(relays.length > 0, "there is a relay's worker to kill");
  for (const pid of relays) process.kill(Number(pid), "SIGKILL");
  say("the relays' workers were killed");
}

// -------------------------------------------------------------------- run

process.on("exit", () => {
  server?.kill("SIGKILL");
  rmSync(work, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

await startServer();
say(`the demo is ready at ${base}`);
const viewers = [new Viewer("chromium"), new Viewer("ffmpeg"), new Viewer("mpv")];
const watching = [page(viewers[0]), program(viewers[1], ffmpeg), program(viewers[2], mpv)];

const watchingSince = seconds();
const end = watchingSince + MINUTES * 60;
const part = (n) => watchingSince + (MINUTES * 60 * n) / 12;
const events = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => [part(n), editSchedule]),
  [part(1.5), () => freezeUpstream()],
  [part(2.5), killWorker],
  [part(3.5), killServer],
  [part(5.5), () => freezeUpstream()],
  [part(6.5), killWorker],
  [part(8.5), killServer],
  ...(MINUTES >= 100 ? [[part(9.2), awayForTenMinutes]] : []),
  [part(10.5), () => freezeUpstream()],
].sort((a, b) => a[0] - b[0]);
const figures = [];
let nextFigure = watchingSince + 120;
while (seconds() < end) {
  await sleep(500);
  if (events.length > 0 && seconds() >= events[0][0]) await events.shift()[1]();
  if (seconds() >= nextFigure) {
    nextFigure += 300;
    figures.push(needs());
    say(`server: ${figures.at(-1)}; longest stalls: ${viewers.map((v) => `${v.name} ${v.longest.toFixed(1)} s`).join(", ")}`);
  }
}
over = true;
await Promise.all(watching);
server.kill("SIGTERM");
await new Promise((done) => server.once("exit", done));

console.log("\nviewer     minutes   longest stall   stalls over 2 s   begun anew");
for (const v of viewers) {
  console.log(
    `${v.name.padEnd(10)} ${(v.watched / 60).toFixed(1).padStart(7)} ${v.longest.toFixed(1).padStart(13)} s ${String(v.stalls.length).padStart(17)} ${String(v.restarts).padStart(12)}`,
  );
}
console.log(`downtimes: ${downtimes.map(({ from, to }) => `${(to - from).toFixed(1)} s`).join(", ")}`);
console.log(`needed first: ${figures[0]}\nneeded last:  ${figures.at(-1)}`);
for (const v of viewers) {
  assert.ok(v.watched > MINUTES * 60 * 0.8, `${v.name} watched for ${v.watched} s`);
  assert.equal(v.stalls.length, 0, `${v.name} stalled at minutes ${v.stalls.map((s) => s.minute.toFixed(1))}`);
}
