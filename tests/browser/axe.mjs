// axe-core: WCAG 2.2 A and AA, and its best practices, by day and by night, on a
// phone and on a desktop.
import { readFileSync } from "node:fs";
import { DESKTOP, PHONE } from "./demo.mjs";

const AXE = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

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
export async function complaints(page, name) {
  await page.evaluate(AXE);
  return (await violations(page)).map((found) => `${name} ${found}`);
}
