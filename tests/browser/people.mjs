// The office as its first administrator: whichever story comes first sets the
// county up, the others sign in.
import assert from "node:assert/strict";
import { picture, SETUP_CODE } from "./demo.mjs";

export const LOGIN = "aygul";
export const PASSWORD = "葡萄秋天修剪埋土好越冬";

/** Fills a form by its fields' names and sends it with the keyboard. */
export async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) await page.locator(`form:not(.acts form) [name="${name}"]`).fill(value);
  await page.keyboard.press("Enter");
}

/** True while nobody has set the county up. */
export async function isNew(page) {
  await page.goto("/office");
  return new URL(page.url()).pathname === "/setup";
}

/** Leaves `page` in the office, signed in as the administrator. */
export async function enterOffice(page) {
  if (await isNew(page)) await setUp(page);
  else if (new URL(page.url()).pathname === "/sign-in") await fill(page, { login: LOGIN, password: PASSWORD });
  await page.waitForURL((url) => url.pathname === "/office");
}

async function setUp(page) {
  assert.notEqual(SETUP_CODE, "", "this story needs the code of the first start, or a county of ours");
  const person = { name: "阿依古丽", login: LOGIN, password: PASSWORD, again: PASSWORD };
  await picture(page, "setup.zh");
  await fill(page, { code: "AAAA-BBBB-CCCC", ...person });
  await page.getByRole("alert").waitFor();
  if ((await page.locator("html").getAttribute("lang")) === "zh-Hans") assert.match(await page.getByRole("alert").innerText(), /代码不对/);
  await fill(page, { code: SETUP_CODE.toLowerCase(), password: PASSWORD, again: PASSWORD });
}

/** Fills the form for inviting somebody and sends it: the sheet with the code. */
export async function invite(page, name, login, role, scope) {
  await page.goto("/office/people");
  await page.locator('[name="role"]').selectOption(role);
  const value = await page.locator(`[name="scope"] option[value^="${scope}"]`).first().getAttribute("value");
  await page.locator('[name="scope"]').selectOption(value);
  await page.locator("#f-name").fill(name);
  await page.locator("#f-login").fill(login);
  await page.locator("#invite button").click();
  await page.locator(".one-time").waitFor();
}

/** Chooses a password with `code`: leaves `page` in the office. */
export async function join(page, code, password = PASSWORD) {
  await page.goto(`/code?code=${code}`);
  await fill(page, { password, again: password });
  await page.waitForURL((url) => url.pathname === "/office");
}
