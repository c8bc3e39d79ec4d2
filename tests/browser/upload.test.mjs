// Uploading lessons in the office: paused, over a line that breaks, on a page that was
// closed; what is there already is not sent twice.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { browse, DESKTOP, openPlayer, PHONE, picture, playing } from "./demo.mjs";
import { enterOffice } from "./people.mjs";

const folder = mkdtempSync(join(tmpdir(), "yuanjiao-upload-"));
after(() => rmSync(folder, { recursive: true }));

/** A video of its own that nobody has had before: a megabyte a second. */
function video(stem, seconds = 4) {
  const path = join(folder, `${stem}.mp4`);
  const made = spawnSync("ffmpeg", [
    "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", `mandelbrot=size=640x360:rate=25:start_scale=${2 + Math.random()}`,
    "-f", "lavfi", "-i", "sine=frequency=330", "-t", String(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
    "-b:v", "8M", "-minrate", "8M", "-maxrate", "8M", "-bufsize", "8M", "-x264-params", "nal-hrd=cbr", "-c:a", "aac", path,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  return path;
}

/** The page of lessons on a line that takes `bytes` a second. */
async function lessons(page, bytes) {
  await page.goto("/office/lessons");
  const line = await page.context().newCDPSession(page);
  await line.send("Network.enable");
  const is = (offline, up) =>
    line.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: up });
  await is(false, bytes);
  return { breaks: () => is(true, bytes), isThere: (up) => is(false, up) };
}

const choose = (page, files) => page.locator("[data-upload] input[type=file]").setInputFiles(files);
const row = (page, name) => page.locator("[data-rows] li", { hasText: name });
const act = (page, name, text) => row(page, name).getByRole("button", { name: text, exact: true }).click();
const says = (page, name, text) => row(page, name).getByRole("status").filter({ hasText: text }).waitFor();

test("an upload is paused, breaks off, goes on and becomes a lesson; it is not sent twice", async () => {
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    const stem = `cotton-${Date.now()}`;
    const film = video(stem);
    const subtitles = join(folder, `${stem}.zh-Hans.srt`);
    writeFileSync(subtitles, "1\n00:00:00,500 --> 00:00:03,000\n棉花打顶\n");
    const line = await lessons(page, 250_000);
    await choose(page, [film, subtitles]);
    await row(page, `${stem}.mp4`).getByRole("textbox").fill("棉花打顶");
    await picture(page, "upload.chosen");
    await page.getByRole("button", { name: "开始上传" }).click();
    await says(page, `${stem}.mp4`, /已上传 [1-9]\d?%，.*\/s，还要 0:/);
    await picture(page, "upload.running");
    await act(page, `${stem}.mp4`, "暂停");
    await says(page, `${stem}.mp4`, "已暂停");
    await act(page, `${stem}.mp4`, "继续");
    await says(page, `${stem}.mp4`, /还要 0:/);
    await line.breaks();
    await says(page, `${stem}.mp4`, "线路断了");
    await line.isThere(-1);
    await says(page, `${stem}.mp4`, "上传完成");
    assert.match(await row(page, `${stem}.zh-Hans.srt`).getByRole("status").innerText(), /上传完成/);
    const { lesson } = await waitForLesson(page, stem);
    assert.equal(lesson.titles["zh-Hans"], "棉花打顶");
    assert.deepEqual(lesson.subtitles, ["zh-Hans"]);

    await choose(page, [film]);
    await page.getByRole("button", { name: "开始上传" }).click();
    await page.getByRole("status").filter({ hasText: `这个文件已经是课程“${stem}”` }).waitFor();
    await page.getByRole("button", { name: "仍然上传" }).waitFor();
    await picture(page, "upload.known");
  });
});

async function waitForLesson(page, id) {
  for (let tries = 0; tries < 240; tries += 1) {
    const answer = await page.request.get(`/api/v1/lessons/${id}`);
    if (answer.ok()) return { lesson: await answer.json() };
    await page.waitForTimeout(500);
  }
  throw new Error(`${id} is no lesson`);
}

test("a page that was closed: the file is chosen again and goes on where it was", async () => {
  await browse({ viewport: PHONE, locale: "ug" }, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    const stem = `melon-${Date.now()}`;
    // More than sockets hold: else all of it may be at the server while the page is at a fifth.
    const film = video(stem, 16);
    await lessons(page, 1_600_000);
    await choose(page, [film]);
    await page.locator("[data-start]").click();
    await says(page, `${stem}.mp4`, /[2-9]\d%.*\/s/);
    page.on("dialog", (dialog) => dialog.accept());
    await page.close({ runBeforeUnload: false });

    const again = await context.newPage();
    const patches = [];
    again.on("request", (request) => {
      if (request.method() === "PATCH") patches.push(Number(request.headers()["upload-offset"]));
    });
    await lessons(again, -1);
    await row(again, `${stem}.mp4`).getByRole("progressbar").waitFor();
    await picture(again, "upload.unfinished.ug");
    await choose(again, [film]);
    assert.equal(await row(again, `${stem}.mp4`).count(), 1, "what was begun is the file that was chosen");
    await again.locator("[data-start]").click();
    await again.locator('[data-rows] [data-state="done"]').waitFor();
    assert.ok(patches.length > 0 && patches[0] > 0, `it went on at ${patches}`);
    await waitForLesson(again, stem);
  });
});

/** A tone of 9 s: quiet, silent, loud. */
function recording(stem) {
  const path = join(folder, `${stem}.mp3`);
  const volume = "volume=eval=frame:volume='if(lt(t,3),0.2,if(lt(t,6),0,0.8))'";
  const made = spawnSync("ffmpeg", [
    "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "sine=frequency=330:duration=9", "-af", volume, path,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  return path;
}

test("the time line of a lesson without a picture shows how loud it is", async () => {
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    const stem = `radio-${Date.now()}`;
    await lessons(page, -1);
    await choose(page, [recording(stem)]);
    await row(page, `${stem}.mp3`).getByRole("textbox").fill("农业广播");
    await page.getByRole("button", { name: "开始上传" }).click();
    await says(page, `${stem}.mp3`, "上传完成");
    await waitForLesson(page, stem);
    for (const [lang, viewport] of [["zh-Hans", DESKTOP], ["ug-Arab", PHONE]]) {
      const player = await openPlayer(context, `/lessons/${stem}`);
      await player.setViewportSize(viewport);
      await player.goto(`/lessons/${stem}?lang=${lang}`);
      await playing(player);
      await player.waitForFunction(() => window.__player.video.currentTime > 2);
      const heights = await player.locator(".wave .all").evaluate((path) =>
        Array.from(path.getAttribute("d").matchAll(/v([\d.]+)h/g), ([, tall]) => Number(tall) / 510),
      );
      const third = (n) => heights.slice((n * heights.length) / 3 + 2, ((n + 1) * heights.length) / 3 - 2);
      assert.ok(third(0).every((tall) => Math.abs(tall - 0.25) < 0.05), `quiet: ${third(0)}`);
      assert.ok(third(1).every((tall) => tall < 0.05), `silent: ${third(1)}`);
      assert.ok(third(2).every((tall) => tall > 0.95), `loud: ${third(2)}`);
      const boxes = await Promise.all(['.wave', 'input[data-act="seek"]'].map((at) => player.locator(at).boundingBox()));
      assert.ok(boxes[0].x >= boxes[1].x && boxes[0].width > boxes[1].width - 20, "it is where the slider is");
      const left = await player.locator(".wave").evaluate((svg) => Number.parseFloat(svg.style.getPropertyValue("--left")));
      assert.ok(left > 20 && left < 90, `${left} % are left after two of nine seconds`);
      await picture(player, `wave.${lang}`);
      await player.close();
    }
    // A film has none.
    const film = await page.evaluate(async () => (await (await fetch("/api/v1/lessons/safety-lecture")).json()).id);
    const other = await openPlayer(context, `/lessons/${film}`);
    await playing(other);
    assert.ok(await other.locator(".wave").isHidden());
  });
});

test("what is no lesson is refused in words", async () => {
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    await lessons(page, -1);
    const path = join(folder, "setup.exe");
    writeFileSync(path, "MZ");
    await choose(page, [path]);
    await page.getByRole("button", { name: "开始上传" }).click();
    await says(page, "setup.exe", "不是课程文件");
    await act(page, "setup.exe", "取消");
    assert.equal(await row(page, "setup.exe").count(), 0);
  });
});

test("documents are added on a lesson's page, seen and taken home, and taken out again", async () => {
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    const lesson = await page.evaluate(async () => (await (await fetch("/api/v1/lessons")).json()).items[0].id);
    const name = `修剪讲义-${Date.now()}.pdf`;
    const sheet = (n) => `${n} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 280]>>endobj\n`;
    const pdf = join(folder, name);
    writeFileSync(
      pdf,
      "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>endobj\n" +
        `${sheet(3)}${sheet(4)}trailer<</Root 1 0 R>>\n%%EOF\n`,
    );
    await page.goto(`/office/lessons/${lesson}`);
    await page.getByRole("link", { name: "资料", exact: true }).click();
    await choose(page, [pdf]);
    await page.getByRole("button", { name: "开始上传" }).click();
    await says(page, name, "上传完成");
    const there = page.locator(".documents-list li", { hasText: name });
    await there.getByText("2 页").waitFor({ timeout: 60_000 });
    await there.locator("img").evaluate((img) => img.complete || new Promise((done) => (img.onload = done)));
    await picture(page, "documents.office");

    await page.goto(`/lessons/${lesson}?lang=ug-Arab`);
    const link = page.locator(".documents-list a", { hasText: name });
    await picture(page, "documents.lesson");
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    assert.equal(download.suggestedFilename(), name);

    await page.goto(`/office/lessons/${lesson}/files?lang=zh-Hans`);
    await page.getByRole("combobox").selectOption(name);
    await page.getByRole("button", { name: "删除" }).click();
    await page.waitForURL(/done=/);
    assert.equal(await there.count(), 0);
  });
});
