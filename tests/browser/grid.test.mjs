// An editor arranges a week: by mouse in Chinese, by keyboard in Uyghur.
import assert from "node:assert/strict";
import test from "node:test";
import { browse, CHANNEL, DESKTOP, picture } from "./demo.mjs";
import { enterOffice, invite, join } from "./people.mjs";

const ROOM = `/office/schedule/${CHANNEL}`;

/** Weeks so far ahead that nobody else plans there, other ones each time. */
const FAR = 30 + 2 * (Math.floor(Date.now() / 60_000) % 50);

/** The Monday of the `n`th of them. */
function monday(n) {
  const day = new Date(Date.now() + (FAR + n) * 7 * 86_400_000);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}

const plus = (date, days) => new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);

/** An editor at a desk, with a lesson planned on `date` at 09:00, and its slot in the week's grid. */
async function anEditor(context, date, title) {
  const page = await context.newPage();
  await page.goto(`${ROOM}/new`);
  const form = page.locator("form.place");
  await form.locator('[name="kind"][value="once"]').check();
  await form.locator('[name="date"]').fill(date);
  await form.locator('[name="start"]').fill("09:00");
  await form.locator('[name="end"]').fill("10:00");
  const lang = await page.locator("html").getAttribute("lang");
  await form.locator(`[name="title.${lang}"]`).fill(title);
  await form.locator('[name="play"]').first().selectOption({ index: 1 });
  await form.locator("button").first().click();
  await page.locator(".done").waitFor();
  await announced(page, date, title);
  return page;
}

/** Opens the week once the schedule with `title` in it is in force. */
async function announced(page, date, title) {
  const slot = page.locator(".slot", { hasText: title });
  for (let n = 0; n < 20; n += 1) {
    await page.goto(`${ROOM}?date=${date}`);
    if ((await slot.count()) > 0) return slot.first();
    await page.waitForTimeout(500);
  }
  throw new Error(`${title} is not in the week`);
}

async function invited() {
  let code = "";
  await browse({}, async (context) => {
    const page = await context.newPage();
    await enterOffice(page);
    await invite(page, "编辑", `grid.${Date.now()}`, "editor", "county");
    code = await page.locator(".one-time").innerText();
  });
  return code;
}

/** Where a programme stands by now: date, start and end, as its form has them. */
async function stands(page, title) {
  await page.getByRole("link", { name: title }).first().click();
  const form = page.locator("form.place");
  const [date, start, end] = await Promise.all(["date", "start", "end"].map((name) => form.locator(`[name="${name}"]`).inputValue()));
  return { date, start, end };
}

test("a programme is dragged, stretched and left where it was, by mouse", { timeout: 120_000 }, async () => {
  const code = await invited();
  await browse({ viewport: { ...DESKTOP, height: 1400 } }, async (context) => {
    await join(await context.newPage(), code);
    const date = monday(0);
    const title = `拖动 ${Date.now() % 100_000}`;
    const page = await anEditor(context, date, title);
    const slot = await announced(page, date, title);
    await slot.scrollIntoViewIfNeeded();
    const box = await slot.boundingBox();
    const wednesday = await page.locator(".column").nth(2).boundingBox();
    const down = 48; // an hour
    await page.mouse.move(box.x + 10, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(wednesday.x + 20, box.y + 10 + down, { steps: 8 });
    await page.mouse.up();
    const panel = page.locator(".panel");
    await panel.waitFor();
    assert.match(await panel.innerText(), new RegExp(`${plus(date, 2)}[^]*10:00–11:00`));
    await picture(page, "grid.zh");
    await panel.locator('[data-scope="day"]').click();
    await page.locator(".done").waitFor();
    assert.deepEqual(await stands(page, title), { date: plus(date, 2), start: "10:00", end: "11:00" });

    // Its lower edge: half an hour longer.
    const there = await announced(page, date, title);
    await there.scrollIntoViewIfNeeded();
    const low = await there.boundingBox();
    await page.mouse.move(low.x + 10, low.y + low.height - 3);
    await page.mouse.down();
    await page.mouse.move(low.x + 10, low.y + low.height - 3 + 24, { steps: 5 });
    await page.mouse.up();
    await panel.locator('[data-scope="day"]').click();
    await page.locator(".done").waitFor();
    assert.deepEqual(await stands(page, title), { date: plus(date, 2), start: "10:00", end: "11:30" });

    // Taken hold of and left: nothing was sent.
    const again = await announced(page, date, title);
    await again.scrollIntoViewIfNeeded();
    const at = await again.boundingBox();
    await page.mouse.move(at.x + 10, at.y + 10);
    await page.mouse.down();
    await page.mouse.move(at.x + 10, at.y + 90, { steps: 4 });
    await page.mouse.up();
    await panel.locator("button").last().click();
    assert.equal(await again.evaluate((e) => e.classList.contains("moved")), false);

    // Taken back.
    await page.goto(`${ROOM}?date=${date}`);
    assert.deepEqual(await stands(page, title), { date: plus(date, 2), start: "10:00", end: "11:30" });
  });
});

test("a programme is moved and stretched by keyboard, right to left", { timeout: 120_000 }, async () => {
  const code = await invited();
  await browse({ locale: "ug-CN", viewport: { ...DESKTOP, height: 1400 } }, async (context) => {
    await join(await context.newPage(), code);
    const date = monday(1);
    const title = `سۈرۈش ${Date.now() % 100_000}`;
    const page = await anEditor(context, date, title);
    const slot = await announced(page, date, title);
    await slot.focus();
    // The days run from right to left: the left arrow leads to the next one.
    await page.keyboard.press("ArrowLeft");
    for (let n = 0; n < 6; n += 1) await page.keyboard.press("ArrowDown");
    for (let n = 0; n < 3; n += 1) await page.keyboard.press("Shift+ArrowDown");
    assert.match(await page.locator(".panel").innerText(), /09:30–10:45/);
    await picture(page, "grid.ug");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.locator(".done").waitFor();
    assert.deepEqual(await stands(page, title), { date: plus(date, 1), start: "09:30", end: "10:45" });
    // Escape leaves it where it stands.
    const again = await announced(page, date, title);
    await again.focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Escape");
    assert.equal(await again.evaluate((e) => e.classList.contains("moved")), false);
    assert.equal(await page.locator(".panel").isVisible(), false);
  });
});
