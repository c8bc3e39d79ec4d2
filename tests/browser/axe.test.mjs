// Every page under axe-core: WCAG 2.2 A and AA, and its best practices; in
// three scripts, by day and by night, on a phone and on a desktop.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { browse, CHANNEL, DESKTOP, lessons, PHONE, SITE_ID } from "./demo.mjs";
import { enterOffice, invite, isNew } from "./people.mjs";

const AXE = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const LANGUAGES = ["zh-Hans", "ug-Arab", "mn-Mong"];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const OPEN = ["/", "/guide", `/channels/${CHANNEL}`, "/lessons", "/sites", `/sites/${SITE_ID}`, "/tv", "/offline"];
const ENTRY = ["/no-such-page", "/guide?date=nonsense", "/sign-in", "/code?code=AAAA-BBBB-CCCC", "/enrol"];
const OFFICE = [
  "/office",
  "/office/duty",
  "/office/people",
  "/office/sites",
  `/office/sites/${SITE_ID}`,
  "/office/new-site",
  "/office/import/sites",
  "/office/townships",
  "/office/api",
  "/office/audit",
  "/office/design",
  "/me",
];

/** What axe finds: by day all rules, by night those of colour, on both screens. */
async function violations(page) {
  const found = [];
  for (const viewport of [DESKTOP, PHONE]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const options =
        colorScheme === "light" ? { runOnly: TAGS } : { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };
      const results = await page.evaluate((options) => window.axe.run(document, { ...options, resultTypes: ["violations"] }), options);
      for (const { id, help, nodes } of results.violations) {
        const at = nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} (${node.any[0]?.message ?? node.failureSummary})`);
        found.push(`${colorScheme}, ${viewport.width} px: ${id}: ${help}\n    ${at.join("\n    ")}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(DESKTOP);
  return found;
}

/** Complaints about the page that stands in `page`. */
async function complaints(page, name) {
  await page.evaluate(AXE);
  return (await violations(page)).map((found) => `${name} ${found}`);
}

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
