// A lesson's review in the office: watched there without a session, withdrawn with a
// reason, put on offer again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE_URL, browse, PHONE, picture } from "./demo.mjs";
import { enterOffice } from "./people.mjs";

const LESSON = "safety-lecture";

test("a lesson is watched in the office, withdrawn and put on offer again", async () => {
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    const sessions = [];
    page.on("request", (request) => {
      if (request.url().includes("/api/v1/sessions")) sessions.push(request.url());
    });
    await page.goto(`/office/lessons/${LESSON}`);
    await page.getByRole("link", { name: "审核与历史" }).click();
    await page.getByRole("heading", { name: "已发布" }).waitFor();
    await page.waitForFunction(() => document.querySelector("#player video").currentTime > 2, undefined, { timeout: 60_000 });
    assert.ok(await page.locator("#player video").evaluate((video) => video.videoWidth > 0));
    assert.deepEqual(sessions, [], "who reviews does not study");
    await picture(page, "review.zh");
    await page.goto(`/office/lessons/${LESSON}/review?lang=mn-Mong`);
    await picture(page, "review.mn");
    await page.goto(`/office/lessons/${LESSON}/review?lang=zh-Hans`);

    await page.getByRole("button", { name: "撤回" }).click();
    await page.getByRole("alert").filter({ hasText: "请填写原因" }).waitFor();
    await page.getByRole("textbox").fill("片尾的日期写错了");
    await page.getByRole("button", { name: "撤回" }).click();
    await page.getByRole("heading", { name: "已撤回" }).waitFor();
    await page.getByRole("cell", { name: "片尾的日期写错了" }).waitFor();
    const status = async () => (await fetch(`${BASE_URL}/lessons/${LESSON}`)).status;
    assert.equal(await status(), 404);
    await page.goto("/office/lessons");
    await page.getByRole("heading", { name: "未发布的课程：1 个" }).waitFor();
    await picture(page, "lessons-held.zh");
    await page.setViewportSize(PHONE);
    await page.goto(`/office/lessons/${LESSON}/review?lang=ug-Arab`);
    await picture(page, "review.phone.ug");
    await page.getByRole("button", { name: "ئېلان قىلىش" }).click();
    await page.getByRole("heading", { name: "ئېلان قىلىندى" }).waitFor();
    assert.equal(await status(), 200);
  });
});
