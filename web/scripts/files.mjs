// Writes into the built service worker which files this build has, and what
// each of them needs: it keeps those and lets older ones go.
import { readFileSync, writeFileSync } from "node:fs";

const dist = new URL("../dist/", import.meta.url).pathname;
const chunks = JSON.parse(readFileSync(`${dist}manifest.json`, "utf8"));
const files = {};

/** A file, what it imports, and what its styles show. */
function closure(key, seen = new Set()) {
  const chunk = chunks[key];
  if (chunk === undefined || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const file of [...(chunk.css ?? []), ...(chunk.assets ?? [])]) seen.add(file);
  for (const imported of chunk.imports ?? []) closure(imported, seen);
  return seen;
}

for (const [key, chunk] of Object.entries(chunks)) {
  if (chunk.file !== "sw.js") files[chunk.file] = Array.from(closure(key)).sort();
}
const worker = readFileSync(`${dist}sw.js`, "utf8");
if (!worker.includes("__FILES__")) throw new Error("dist/sw.js has no place for the list of files");
writeFileSync(
  `${dist}sw.js`,
  worker.replace("__FILES__", () => `(${JSON.stringify(files)})`),
);
