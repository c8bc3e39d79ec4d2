// What a first visit costs a line: pages without their fonts, and the fonts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { browse, CHANNEL, lessons, PHONE } from "./demo.mjs";

const KB = 1000;

/** Bytes on the wire of a first visit, by kind; media are not the page's. */
async function visit(context, address) {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  const kinds = new Map();
  const bytes = { page: 0, font: 0, fonts: [] };
  cdp.on("Network.responseReceived", ({ requestId, type, response }) => kinds.set(requestId, { type, url: response.url }));
  cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const { type, url } = kinds.get(requestId) ?? {};
    if (url === undefined || /^blob:|\/s\/|\.m3u8|\/api\//.test(url)) return;
    if (type !== "Font") bytes.page += encodedDataLength;
    else {
      bytes.font += encodedDataLength;
      bytes.fonts.push(url.split("/").pop());
    }
  });
  await page.goto(address, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(1500);
  const shift = await page.evaluate(
    () =>
      new Promise((done) => {
        new PerformanceObserver((list) => done(list.getEntries().reduce((sum, entry) => sum + (entry.hadRecentInput ? 0 : entry.value), 0))).observe({
          type: "layout-shift",
          buffered: true,
        });
        setTimeout(() => done(0), 300);
      }),
  );
  await page.close();
  return { ...bytes, shift };
}

for (const lang of ["zh-Hans", "ug-Arab", "mn-Mong"]) {
  test(`a first visit in ${lang} is light and nothing jumps`, () =>
    // What the service worker keeps for later is fetched when the page is there, and would answer for the line here.
    browse({ viewport: PHONE, isMobile: true, serviceWorkers: "block" }, async (context) => {
      const [lesson] = await lessons(context);
      const most = { "/": 150, "/guide": 150, [`/channels/${CHANNEL}`]: 400, [lesson]: 400 };
      for (const [address, kilobytes] of Object.entries(most)) {
        const cost = await visit(context, `${address}?lang=${lang}`);
        assert.ok(cost.page > 5 * KB, `${address}: only ${cost.page} bytes were seen`);
        assert.ok(cost.page < kilobytes * KB, `${address} costs ${cost.page} bytes`);
        assert.ok(cost.font < 150 * KB, `${address} fetches fonts of ${cost.font} bytes: ${cost.fonts}`);
        assert.ok(cost.shift < 0.1, `${address} shifts by ${cost.shift}`);
        console.log(`${lang} ${address}: ${Math.round(cost.page / KB)} KB, fonts ${Math.round(cost.font / KB)} KB, shift ${cost.shift.toFixed(3)}`);
      }
    }));
}

test("Chinese letters are fetched by a device that has none, and by no other", async () => {
  const slices = async (env) => {
    let fonts = [];
    await browse({ env }, async (context) => {
      fonts = (await visit(context, "/?lang=zh-Hans")).fonts;
    });
    return fonts.filter((name) => name.startsWith("noto-sans-sc"));
  };
  assert.deepEqual(await slices({}), []);

  // A device with one font of Latin letters.
  const dir = mkdtempSync(join(tmpdir(), "fonts-"));
  try {
    const config = join(dir, "fonts.conf");
    const fonts = "<dir>/usr/share/fonts/truetype/dejavu</dir>";
    writeFileSync(config, `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${fonts}<cachedir>${dir}</cachedir></fontconfig>`);
    const fetched = await slices({ FONTCONFIG_FILE: config });
    assert.ok(fetched.length > 0, "a device without Chinese letters gets them");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
