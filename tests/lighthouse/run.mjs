// Lighthouse on the pages that viewers see most, as it measures by itself: a
// phone of middling speed on a slow line. Reports lie in results/.
import { mkdirSync, writeFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const base = process.env.BASE_URL?.replace(/\/$/, "");
if (!base) throw new Error("BASE_URL is not set: run `make lighthouse`");
const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices"];

const home = await (await fetch(`${base}/lessons`)).text();
const lesson = home.match(/href="(\/lessons\/[a-z0-9-]+)"/)?.[1];
if (lesson === undefined) throw new Error("no lesson is ready yet");
const pages = { home: "/", guide: "/guide", channel: `/channels/${process.env.CHANNEL ?? "xiangtu"}`, lesson };
const results = new URL("./results/", import.meta.url).pathname;
mkdirSync(results, { recursive: true });

let failed = false;
for (const lang of (process.env.LANGUAGES ?? "zh-Hans ug-Arab").split(" ")) {
  for (const [name, path] of Object.entries(pages)) {
    const chrome = await launch({
      chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"],
    });
    try {
      const options = { port: chrome.port, output: "html", logLevel: "error", onlyCategories: CATEGORIES };
      const { lhr, report } = await lighthouse(`${base}${path}?lang=${lang}`, options);
      writeFileSync(`${results}${name}.${lang}.html`, report);
      const scores = CATEGORIES.map((id) => Math.round((lhr.categories[id].score ?? 0) * 100));
      const shown = (id) => lhr.audits[id]?.displayValue ?? "–";
      const times = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"].map(shown);
      console.log(`${name} in ${lang}: ${CATEGORIES.map((id, i) => `${id} ${scores[i]}`).join(", ")} (FCP, LCP, TBT, CLS: ${times.join(", ")})`);
      if (scores.every((score) => score >= LEAST)) continue;
      failed = true;
      for (const id of CATEGORIES) {
        for (const { id: audit, weight } of lhr.categories[id].auditRefs) {
          const { score, title, displayValue, details } = lhr.audits[audit];
          if (score !== null && score < 0.9 && weight > 0) {
            console.log(`  ${audit}: ${title} ${displayValue ?? ""} ${JSON.stringify(details?.items?.[0] ?? "").slice(0, 400)}`);
          }
        }
      }
    } finally {
      chrome.kill();
    }
  }
}
if (failed) {
  console.error(`expected ${LEAST} or more everywhere; see ${results}`);
  process.exitCode = 1;
}
