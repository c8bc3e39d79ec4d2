import assert from "node:assert/strict";
import { test } from "node:test";
import { browse, CHANNEL, openPlayer, picture, playing, SITE_ID } from "./demo.mjs";

const seconds = async (row, kind) => Number(await row.getAttribute(`data-${kind}`));

test("watching at a site grows on the site's page, second by second", () =>
  browse({}, async (context) => {
    const player = await openPlayer(context, `/channels/${CHANNEL}`);
    await playing(player);

    const page = await context.newPage();
    await page.goto(`/sites/${SITE_ID}?lang=zh-Hans`);
    const row = page.locator("tr.open[data-session]").first();
    await row.waitFor({ timeout: 40_000 });
    const session = await row.getAttribute("data-session");
    const mine = page.locator(`tr[data-session="${session}"]`);
    // The player's tab must stay in sight: hidden time credits nothing.
    await player.bringToFront();

    await player.waitForTimeout(25_000);
    await page.reload();
    const before = { watched: await seconds(mine, "watched"), delivered: await seconds(mine, "delivered") };
    assert.ok(before.watched > 0, "something was watched");
    assert.ok(before.delivered > 0, "something was delivered");
    await player.bringToFront();
    await player.waitForTimeout(21_000);
    await page.reload();
    const grown = (await seconds(mine, "watched")) - before.watched;
    assert.ok(grown >= 9 && grown <= 33, `21 s of watching added ${grown} s`);
    assert.match(await mine.getAttribute("data-level"), /^L[123]$/);

    for (const kind of ["delivered", "watched", "verified"]) {
      await page.locator(`[data-total="${kind}"]`).waitFor();
    }
    await page.bringToFront();
    await picture(page, "site-growing");
  }));
