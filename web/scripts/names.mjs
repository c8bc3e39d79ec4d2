// Cuts, out of each script's font, the letters of the languages' own names.
// Every page lists the languages; without this a first visit in Chinese would
// fetch the whole Arabic and Mongolian fonts for five words at its foot.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import subset from "subset-font";

const root = new URL("../", import.meta.url).pathname;
const out = `${root}styles/names/`;

const SCRIPTS = {
  arabic: [
    /[\u0600-\u06ff]+/g,
    "@fontsource/noto-sans-arabic/files/noto-sans-arabic-arabic-400-normal.woff2",
  ],
  mongolian: [
    /[\u1800-\u18af]+/g,
    "@fontsource/noto-sans-mongolian/files/noto-sans-mongolian-mongolian-400-normal.woff2",
  ],
};

/** The second word of each row of the table in the server's own list. */
const list = readFileSync(`${root}../src/base/lang.rs`, "utf8");
const names = Array.from(
  list.matchAll(/^ {4}\("[A-Za-z-]+", "([^"]+)", "[a-z]{3}"\),$/gm),
  (row) => row[1],
).join(" ");
if (names === "") throw new Error('src/base/lang.rs: expected rows such as ("en", "English", "eng")');

mkdirSync(out, { recursive: true });
for (const [script, [letters, font]] of Object.entries(SCRIPTS)) {
  const text = (names.match(letters) ?? []).join(" ");
  const whole = readFileSync(`${root}node_modules/${font}`);
  writeFileSync(`${out}${script}.woff2`, await subset(whole, text, { targetFormat: "woff2" }));
}
