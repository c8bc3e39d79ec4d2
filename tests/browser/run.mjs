// Runs every story against the demo server named by BASE_URL, SITE_ID,
// TERMINAL_TOKEN, CHANNEL and SETUP_CODE. A skipped test is a failed run.
import { readdirSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const here = new URL("./", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith(".test.mjs"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => here + name);

let [passed, bad] = [0, 0];
const stream = run({ files, concurrency: false, timeout: 1_200_000 });
stream.on("test:pass", (result) => {
  if (result.skip !== undefined || result.todo !== undefined) bad += 1;
  else passed += 1;
});
stream.on("test:fail", () => {
  bad += 1;
});
stream.compose(spec()).pipe(process.stdout);
stream.on("end", () => {
  if (bad > 0 || passed === 0) process.exitCode = 1;
});
