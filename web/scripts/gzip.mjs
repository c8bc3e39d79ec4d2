// Puts a .gz beside every file of the build that compression makes smaller,
// so that the server never compresses anything itself.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url).pathname;

for (const name of readdirSync(dist)) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const plain = readFileSync(join(dist, name));
  const small = gzipSync(plain, { level: 9 });
  if (small.length < plain.length) writeFileSync(join(dist, `${name}.gz`), small);
}
