// A group study on a phone: begun with one button, ended with a headcount, seen on the site's
// page and among the figures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, PHONE, picture, SITE_ID } from "./demo.mjs";
import { enterOffice } from "./people.mjs";

test("a group study is begun in two taps and ended with a headcount", async () => {
  await browse({ viewport: PHONE }, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    await page.getByRole("link", { name: "集中学习" }).first().click();
    await page.getByRole("heading", { level: 2, name: "开始集中学习" }).waitFor();
    await picture(page, "studies.phone.zh");
    // What is on air stands there as the topic; of several sites one is chosen.
    assert.notEqual(await page.locator('[name="topic"]').inputValue(), "");
    await page.locator('select[name="site"]').selectOption(SITE_ID);
    await page.getByRole("button", { name: "立即开始" }).click();

    const running = page.locator("[data-study]");
    await running.waitFor();
    await picture(page, "studies-running.phone.zh");
    await running.locator('[name="headcount"]').fill("23");
    await running.getByText("补充信息").click();
    await running.locator('[name="roster"]').fill("艾力\n古丽");
    await running.getByRole("button", { name: "结束并记录" }).click();

    await page.getByText("没有可核实的播放").waitFor();
    // A photo as a phone makes it: what is sent is smaller, and is shown.
    const photo = await page.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 4000, height: 3000 });
      const draw = canvas.getContext("2d");
      for (let n = 0; n < 3000; n += 1) {
        draw.fillStyle = `hsl(${(n * 47) % 360} 60% 50%)`;
        draw.fillRect((n * 7919) % 4000, (n * 104729) % 3000, 90, 90);
      }
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.98));
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    });
    await page.locator('[name="paper"]').setInputFiles({ name: "IMG_1.jpg", mimeType: "image/jpeg", buffer: Buffer.from(photo) });
    await page.waitForFunction((size) => document.querySelector('[name="paper"]').files[0]?.size < size / 2, photo.length);
    await page.locator('form[action$="/papers"] button').click();
    const shown = page.locator(".papers img");
    await shown.waitFor();
    await page.waitForFunction(() => document.querySelector(".papers img").naturalWidth === 2000);
    await picture(page, "study.phone.zh");
    await page.goto("/office/studies/person?name=%E5%8F%A4%E4%B8%BD&lang=zh-Hans");
    await page.locator(".people li").waitFor();
    await picture(page, "person.phone.zh");
    await page.getByRole("button", { name: "全部删除" }).or(page.locator('form[method="post"] button.strong')).first().click();
    await page.waitForURL(/erased=1/);
    await page.goto("/office/studies/person?name=%E5%8F%A4%E4%B8%BD&lang=ug-Arab");
    await page.locator(".empty").waitFor();
    await picture(page, "person.phone.ug");
    await page.goto(`/sites/${SITE_ID}?lang=ug-Arab`);
    assert.match(await page.locator('[data-total="studies"]').innerText(), /1/);
    await picture(page, "site-studies.phone.ug");
    await page.goto("/office/studies?lang=ug-Arab");
    await picture(page, "studies.phone.ug");
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto("/office/figures?lang=zh-Hans");
    assert.equal(await page.locator(`[data-site="${SITE_ID}"] td`).first().innerText(), "1");
    await picture(page, "figures.zh");
    await page.goto("/office/figures?lang=ug-Arab");
    await picture(page, "figures.ug");
    await page.goto("/office/figures?lang=mn-Mong");
    await picture(page, "figures.mn");
  });
});
