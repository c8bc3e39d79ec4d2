// Signing in with a second factor, on a phone, right to left.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { complaints } from "./axe.mjs";
import { browse, PHONE, picture } from "./demo.mjs";
import { enterOffice, fill, invite, join, PASSWORD } from "./people.mjs";

/** The six digits of RFC 6238 for a secret in base32, `away` half minutes from now. */
function digits(secret, away) {
  const five = Array.from(secret, (c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(five.match(/.{8}/g).map((eight) => Number.parseInt(eight, 2)));
  const step = Buffer.alloc(8);
  step.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + away));
  const hash = createHmac("sha1", key).update(step).digest();
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("a second factor is turned on and asked for", { timeout: 180_000 }, async () => {
  const login = `second.${Date.now()}`;
  let code = "";
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    await invite(page, "گۈلنار", login, "operator", "site:");
    code = await page.locator(".one-time").innerText();
  });
  await browse({ viewport: PHONE, locale: "ug-CN" }, async (context) => {
    const page = await context.newPage();
    const good = async (name) => {
      const found = await complaints(page, name);
      assert.equal(found.length, 0, found.join("\n"));
      await page.setViewportSize(PHONE);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= PHONE.width, `${name} is wider than the phone`);
      await picture(page, `${name}.ug.phone`);
    };
    await join(page, code);
    await page.goto("/me");
    await page.locator("#second-factor [name=current]").fill(PASSWORD);
    await page.locator("#second-factor button").click();
    const secret = (await page.locator(".secret").innerText()).replaceAll(" ", "");
    await good("second-begin");
    await page.locator("#f-code").fill(digits(secret, -1));
    await page.keyboard.press("Enter");
    const recovery = await page.locator("li code").first().innerText();
    await good("second-recovery");
    await page.goto("/me");
    await good("second-on");
    await page.locator('form[action="/sign-out"] button').click();
    await page.goto("/sign-in?next=/me");
    await fill(page, { login, password: PASSWORD });
    await page.locator("#f-code").waitFor();
    await good("second-step");
    await page.goto("/office");
    assert.equal(new URL(page.url()).pathname, "/sign-in", "the password alone opens nothing");
    await fill(page, { login, password: PASSWORD });
    await page.locator("#f-code").fill(digits(secret, 0));
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/office");
    await page.goto("/me");
    await page.locator('form[action="/sign-out"] button').click();
    await page.goto("/sign-in");
    await fill(page, { login, password: PASSWORD });
    await page.locator("summary").last().click();
    await page.locator("#f-recovery").fill(recovery.toLowerCase());
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/office");
  });
});
