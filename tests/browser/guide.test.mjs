import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, DESKTOP, PHONE, picture } from "./demo.mjs";

test("the guide shows the present without being asked", () =>
  browse({ viewport: DESKTOP }, async (context) => {
    const page = await context.newPage();
    const answer = await page.goto("/guide?lang=zh-Hans");
    assert.ok((await answer.body()).length < 150_000, "the page is light");
    const now = page.locator('.guide li[aria-current="true"]').first();
    await now.waitFor({ state: "visible" });
    assert.ok(await now.evaluate((row) => row.getBoundingClientRect().top < innerHeight), "it is on the screen");
    await picture(page, "guide-zh-Hans");
  }));

test("the days before and after are one step away", () =>
  browse({ viewport: PHONE }, async (context) => {
    const page = await context.newPage();
    await page.goto("/guide?lang=ug-Arab");
    const today = await page.locator(".day").textContent();
    await page.locator('.days a[rel="next"]').click();
    await page.waitForURL(/date=/);
    assert.notEqual(await page.locator(".day").textContent(), today);
    await page.locator('.days a[rel="prev"]').click();
    await page.waitForFunction((text) => document.querySelector(".day")?.textContent === text, today);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, "nothing runs off the side");
    await picture(page, "guide-ug-Arab-phone");
  }));
