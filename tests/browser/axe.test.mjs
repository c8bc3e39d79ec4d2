// Every page under axe-core: WCAG 2.2 A and AA, and its best practices; in
// three scripts, by day and by night, on a phone and on a desktop.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints } from "./axe.mjs";
import { browse, CHANNEL, lessons, SITE_ID } from "./demo.mjs";
import { enterOffice, invite, isNew } from "./people.mjs";

const LANGUAGES = ["zh-Hans", "ug-Arab", "mn-Mong"];

const OPEN = ["/", "/guide", `/channels/${CHANNEL}`, "/lessons", "/sites", `/sites/${SITE_ID}`, "/tv", "/offline", `/channels/${CHANNEL}/poster`];
const ENTRY = ["/no-such-page", "/guide?date=nonsense", "/sign-in", "/code?code=AAAA-BBBB-CCCC", "/enrol", "/bring"];
const OFFICE = [
  "/office",
  "/office/duty",
  "/office/studies",
  "/office/studies/person?name=x",
  "/office/figures",
  "/office/people",
  "/office/sites",
  `/office/sites/${SITE_ID}`,
  "/office/new-site",
  "/office/import/sites",
  "/office/townships",
  `/office/duty/${CHANNEL}`,
  "/office/asrun",
  `/office/asrun/${CHANNEL}`,
  "/office/schedule",
  "/office/schedule/national",
  `/office/schedule/${CHANNEL}/new`,
  `/office/schedule/${CHANNEL}/table`,
  `/office/schedule/${CHANNEL}/parts`,
  `/office/schedule/${CHANNEL}/parts/series/new`,
  "/office/holidays",
  "/office/lessons",
  "/office/lessons/safety-lecture",
  "/office/lessons/safety-lecture/review",
  "/office/channels",
  `/office/channels/${CHANNEL}`,
  "/office/new-channel",
  "/office/relays",
  "/office/relays/national",
  "/office/settings",
  "/office/api",
  "/office/audit",
  "/office/design",
  "/me",
];

async function visit(page, addresses, lang) {
  const all = [];
  for (const address of addresses) {
    await page.goto(`${address}${address.includes("?") ? "&" : "?"}lang=${lang}`);
    all.push(...(await complaints(page, `${address} in ${lang}:`)));
  }
  return all;
}

function nothing(found) {
  assert.equal(found.length, 0, `\n${found.join("\n")}\n`);
}

test("the page of the first start has no violation", { timeout: 120_000 }, () =>
  browse({}, async (context) => {
    const page = await context.newPage();
    if (!(await isNew(page))) return;
    for (const lang of LANGUAGES) nothing(await visit(page, ["/setup"], lang));
  }));

for (const lang of LANGUAGES) {
  test(`no open page has a violation in ${lang}`, { timeout: 240_000 }, () =>
    browse({}, async (context) => {
      const [lesson] = await lessons(context);
      const page = await context.newPage();
      nothing(await visit(page, [...OPEN, lesson, ...ENTRY], lang));
    }));

  test(`no page of the office has a violation in ${lang}`, { timeout: 240_000 }, () =>
    browse({}, async (context) => {
      const page = await context.newPage();
      await enterOffice(page);
      const found = await visit(page, OFFICE, lang);
      await invite(page, "گۈلنار", `axe.${lang}.${Date.now()}`, "operator", "site:");
      found.push(...(await complaints(page, `the sheet with a code in ${lang}:`)));
      nothing(found);
    }));
}
