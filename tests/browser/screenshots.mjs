// Takes every page into docs/screenshots, with an index: `make screenshots`.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { browse, CHANNEL, DESKTOP, lessons, PHONE, playing, SITE_ID, TV } from "./demo.mjs";
import { enterOffice, invite, isNew } from "./people.mjs";

const OUT = new URL("../../docs/screenshots/", import.meta.url).pathname;
const LANGUAGES = ["zh-Hans", "ug-Arab", "mn-Mong", "en"];
/** Screen, and how much smaller its picture is kept. */
const SCREENS = { desktop: [DESKTOP, 1], phone: [PHONE, 1], tv: [TV, 0.7] };
const QUALITY = 62;

const taken = [];

/** A picture of the page as it stands, in the browser's own WebP. */
async function take(page, name, lang, screen) {
  const [viewport, scale] = SCREENS[screen];
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(300);
  const cdp = await page.context().newCDPSession(page);
  const { x, y } = await page.evaluate(() => ({ x: window.scrollX, y: window.scrollY }));
  const { data } = await cdp.send("Page.captureScreenshot", {
    format: "webp",
    quality: QUALITY,
    clip: { x, y, ...viewport, scale },
  });
  await cdp.detach();
  const file = `${name}.${lang}${screen === "desktop" ? "" : `.${screen}`}.webp`;
  writeFileSync(OUT + file, Buffer.from(data, "base64"));
  taken.push({ name, lang, screen, file });
}

const on = (address, lang) => `${address}${address.includes("?") ? "&" : "?"}lang=${lang}`;

async function shoot(page, pages, lang, screen) {
  await page.setViewportSize(SCREENS[screen][0]);
  for (const [name, address] of Object.entries(pages)) {
    await page.goto(on(address, lang));
    if (name === "screen") await page.waitForTimeout(4000);
    // A phone asks before it plays: that is what its picture shows.
    if (["channel", "lesson"].includes(name) && screen !== "phone") await playing(page, 15_000).catch(() => console.error(`${name}: nothing plays`));
    await take(page, name, lang, screen);
  }
}

function index() {
  const names = [...new Set(taken.map((picture) => picture.name))];
  const cell = (name, lang) => {
    const pictures = taken.filter((picture) => picture.name === name && picture.lang === lang);
    const image = ({ file, screen }) =>
      `<a href="${file}"><img src="${file}" alt="${name}, ${lang}, ${screen}" width="${screen === "phone" ? 90 : 240}"></a>`;
    return pictures.map(image).join(" ");
  };
  const rows = names.map((name) => `| ${name} | ${LANGUAGES.map((lang) => cell(name, lang)).join(" | ")} |`);
  const head = `| page | ${LANGUAGES.join(" | ")} |\n|---|${LANGUAGES.map(() => "---|").join("")}`;
  const text = `# Screenshots\n\nEvery page of the demo county in four languages: on a desktop (1280 × 800), and what viewers see most also on a phone (390 × 844) and a television (1920 × 1080). \`make screenshots\` takes them again; look at each before you keep it.\n\n${head}\n${rows.join("\n")}\n`;
  writeFileSync(`${OUT}README.md`, text);
}

mkdirSync(OUT, { recursive: true });
for (const file of readdirSync(OUT)) if (file.endsWith(".webp")) rmSync(OUT + file);

await browse({}, async (context) => {
  const all = await lessons(context);
  const lesson = all.find((address) => address.endsWith("pruning")) ?? all[0];
  const seen = { home: "/", guide: "/guide", channel: `/channels/${CHANNEL}`, lesson };
  const page = await context.newPage();
  const fresh = await isNew(page);
  const open = {
    ...seen,
    lessons: "/lessons",
    sites: "/sites",
    site: `/sites/${SITE_ID}`,
    error: "/no-such-page",
    offline: "/offline",
    "sign-in": "/sign-in",
    code: "/code?code=AAAA-BBBB-CCCC",
    enrol: "/enrol",
    poster: `/channels/${CHANNEL}/poster`,
  };
  if (fresh) {
    for (const lang of LANGUAGES) await shoot(page, { setup: "/setup" }, lang, "desktop");
    await enterOffice(page);
    await context.clearCookies();
  }
  for (const lang of LANGUAGES) {
    await shoot(page, open, lang, "desktop");
    for (const screen of ["phone", "tv"]) await shoot(page, seen, lang, screen);
    await shoot(page, { screen: "/tv" }, lang, "tv");
  }
  await page.setViewportSize(DESKTOP);
  await page.goto(on("/", "zh-Hans"));
  await enterOffice(page);
  const office = {
    office: "/office",
    duty: "/office/duty",
    "duty-channel": `/office/duty/${CHANNEL}`,
    schedules: "/office/schedule",
    schedule: "/office/schedule/national",
    "schedule-week": `/office/schedule/${CHANNEL}`,
    "schedule-entry": `/office/schedule/${CHANNEL}/new`,
    "schedule-table": `/office/schedule/${CHANNEL}/table`,
    "as-run": `/office/asrun/${CHANNEL}`,
    "office-lessons": "/office/lessons",
    channels: "/office/channels",
    "office-channel": `/office/channels/${CHANNEL}`,
    relays: "/office/relays",
    relay: "/office/relays/national",
    settings: "/office/settings",
    people: "/office/people",
    "office-sites": "/office/sites",
    "office-site": `/office/sites/${SITE_ID}`,
    "new-site": "/office/new-site",
    import: "/office/import/sites",
    townships: "/office/townships",
    api: "/office/api",
    audit: "/office/audit",
    design: "/office/design",
    me: "/me",
  };
  for (const [at, lang] of LANGUAGES.entries()) {
    await page.goto(on("/office/people", lang));
    await invite(page, "گۈلنار", `13999${Date.now() % 100_000}${at}`, "operator", "site:");
    await take(page, "invited", lang, "desktop");
    await shoot(page, office, lang, "desktop");
  }
});
index();
console.log(`${taken.length} pictures in docs/screenshots`);
