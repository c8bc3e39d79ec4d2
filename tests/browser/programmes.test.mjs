// An editor's work from the code to the guide: in Chinese at a desk, in Uyghur on a phone.
import assert from "node:assert/strict";
import test from "node:test";
import { browse, CHANNEL, DESKTOP, PHONE, picture } from "./demo.mjs";
import { enterOffice, invite, join } from "./people.mjs";

/** A day on which nobody else plans anything. */
function dayIn(days) {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

const DESKS = [
  { lang: "zh-Hans", locale: "zh-CN", viewport: DESKTOP, title: "冬季修剪示范课", days: 40 },
  { lang: "ug-Arab", locale: "ug-CN", viewport: PHONE, title: "قىشلىق پۇتاش دەرسى", days: 47 },
];

for (const { lang, locale, viewport, title, days } of DESKS) {
  test(`an editor plans a lesson in ${lang}`, { timeout: 120_000 }, async () => {
    let code = "";
    await browse({}, async (context) => {
      const page = await context.newPage();
      await enterOffice(page);
      await invite(page, "编辑", `editor.${lang}.${Date.now()}`, "editor", "county");
      code = await page.locator(".one-time").innerText();
    });
    await browse({ locale, viewport }, async (context) => {
      const page = await context.newPage();
      await join(page, code);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
      await page.locator('.desks a[href="/office/schedule"]').click();
      await page.locator(`a[href="/office/schedule/${CHANNEL}"]`).click();
      await page.locator(`a[href="/office/schedule/${CHANNEL}/new"]`).click();
      const form = page.locator("form.place");
      await form.locator('[name="kind"][value="once"]').check();
      await form.locator('[name="date"]').fill(dayIn(days));
      await form.locator('[name="start"]').fill("20:00");
      await form.locator('[name="end"]').fill("20:30");
      await form.locator(`[name="title.${lang}"]`).fill(title);
      await form.locator("button").first().click();
      await page.getByRole("alert").waitFor();
      assert.equal(await form.locator(`[name="title.${lang}"]`).inputValue(), title, "what was typed is still there");
      await picture(page, `schedule-refused.${lang}`);
      await form.locator('[name="play"]').first().selectOption({ index: 1 });
      await form.locator("button").first().click();
      await page.getByRole("status").waitFor();
      await page.getByRole("link", { name: title }).waitFor();
      await picture(page, `schedule.${lang}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= viewport.width, `the page is ${wide} px wide`);
      // In force within two seconds; the page of the day is asked until it says so.
      let said = "";
      for (let n = 0; n < 20 && !said.includes(title); n += 1) {
        await page.waitForTimeout(500);
        said = await (await context.request.get(`/guide?date=${dayIn(days)}&hour=20&lang=${lang}`)).text();
      }
      assert.ok(said.includes(title), "the guide announces it");
      await page.locator(".done button").click();
      await page.waitForURL(`**/office/schedule/${CHANNEL}`);
      assert.equal(await page.getByRole("link", { name: title }).count(), 0, "undone");
    });
  });
}
