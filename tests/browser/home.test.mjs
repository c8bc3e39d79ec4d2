import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, CHANNEL, PHONE, picture, TV } from "./demo.mjs";

const LANGUAGES = [
  ["zh-Hans", "ltr"],
  ["ug-Arab", "rtl"],
  ["en", "ltr"],
];

for (const [lang, dir] of LANGUAGES) {
  test(`the first page in ${lang} fits a phone and says its direction`, () =>
    browse({ viewport: PHONE, isMobile: true, hasTouch: true }, async (context) => {
      const page = await context.newPage();
      const answer = await page.goto(`/?lang=${lang}`);
      assert.equal(answer.status(), 200);
      assert.ok((await answer.body()).length < 150_000, "the page is light");
      const root = page.locator("html");
      assert.equal(await root.getAttribute("lang"), lang);
      assert.equal(await root.getAttribute("dir"), dir);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, "nothing runs off the side");
      await page.locator(`.card-link[href="/channels/${CHANNEL}"]`).waitFor();
      await picture(page, `home-${lang}-phone`);
    }));
}

test("the language chosen stays chosen", () =>
  browse({}, async (context) => {
    const page = await context.newPage();
    await page.goto("/");
    await page.locator('.languages a[hreflang="ug-Arab"]').click();
    await page.waitForURL(/lang=ug-Arab/);
    await page.goto("/guide");
    assert.equal(await page.locator("html").getAttribute("lang"), "ug-Arab");
  }));

test("every title says its language and direction", () =>
  browse({ viewport: TV }, async (context) => {
    const page = await context.newPage();
    await page.goto("/?lang=ug-Arab");
    const titles = page.locator(".channels bdi[lang][dir]");
    assert.ok((await titles.count()) > 0);
    for (const title of await titles.all()) {
      const [lang, dir] = [await title.getAttribute("lang"), await title.getAttribute("dir")];
      assert.equal(dir, lang.includes("Arab") ? "rtl" : "ltr", lang);
    }
    await picture(page, "home-ug-Arab-tv");
  }));
