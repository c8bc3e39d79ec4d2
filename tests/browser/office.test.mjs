import assert from "node:assert/strict";
import test from "node:test";
import { browse, DESKTOP, PHONE, picture, playing, TV } from "./demo.mjs";
import { enterOffice, fill } from "./people.mjs";

/** Nothing of the page reaches over its edge. */
async function fits(page) {
  const [inner, wide] = await page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
  assert.ok(wide <= inner, `${page.url()} is ${wide} px wide on a screen of ${inner}`);
}

test("from the first start to an operator with a phone", { timeout: 180_000 }, async () => {
  const sheet = {};
  await browse({ viewport: DESKTOP }, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    assert.match(await page.locator("h1").innerText(), /您好，阿依古丽/);
    await picture(page, "office.zh");

    await page.getByRole("link", { name: "人员" }).first().click();
    await page.locator('[name="role"]').selectOption("operator");
    const site = await page.locator('[name="scope"] option[value^="site:"]').first().getAttribute("value");
    await page.locator('[name="scope"]').selectOption(site);
    await page.locator("#f-name").fill("گۈلنار");
    await page.locator("#f-login").fill("13999000001");
    await picture(page, "people.zh");
    await page.getByRole("button", { name: "邀请并生成代码" }).click();
    sheet.code = await page.locator(".one-time").innerText();
    assert.match(sheet.code, /^[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$/);
    await page.locator(".square svg").waitFor();
    await picture(page, "invited.zh");
    await page.goto("/office/sites");
    await picture(page, "sites.zh");
    await page.locator('td a[href^="/office/sites/"]').first().click();
    await page.locator("#f-name").fill("村文化室电视");
    await page.locator("#f-device").selectOption("tv");
    await picture(page, "office-site.zh");
    await page.getByRole("button", { name: "生成代码" }).click();
    sheet.device = await page.locator(".one-time").innerText();
    await page.goto("/office/audit");
    assert.ok((await page.locator(".log tbody tr").count()) >= 3);
    await picture(page, "audit.zh");
  });

  await browse({ viewport: PHONE, locale: "ug-CN" }, async (context) => {
    const page = await context.newPage();
    await page.goto(`/code?code=${sheet.code}`);
    assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
    await fits(page);
    await picture(page, "code.ug.phone");
    await fill(page, { password: "short", again: "short" });
    assert.match(page.url(), /\/code/, "the browser itself asks for ten characters");
    await fill(page, { password: "ئۈزۈمنى كۈزدە پۇتايمىز", again: "ئۈزۈمنى كۈزدە پۇتايمىز" });
    await page.waitForURL("**/office");
    await fits(page);
    await page.goto("/me");
    await fits(page);
    await picture(page, "me.ug.phone");
    await page.locator('form[action="/sign-out"] button').click();
    await page.waitForURL((url) => url.pathname === "/");
    await page.goto("/me");
    await page.waitForURL("**/sign-in?next=/me");
    await fill(page, { login: "13999000001", password: "ئۈزۈمنى كۈزدە پۇتايمىز" });
    await page.waitForURL("**/me");
  });

  await browse({ viewport: TV }, async (context) => {
    const page = await context.newPage();
    await page.goto(`/enrol?code=${sheet.device}`);
    await picture(page, "enrol.zh.tv");
    await page.locator('form[action="/enrol"] button').click();
    await page.waitForURL(/\/tv$/);
    await playing(page);
    await page.locator('#banner [data-state="counted"]').filter({ hasText: "计入站点" }).waitFor();
    await page.goto("/sign-in?lang=ug-Arab");
    await picture(page, "sign-in.ug.tv");
    await fits(page);
    await fill(page, { login: "aygul", password: "not the password" });
    await page.getByRole("alert").waitFor();
  });
});
