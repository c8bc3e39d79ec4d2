// Each role's main job, from signing in to done: in Chinese and in Uyghur, on a
// phone, a desktop and a television. Whoever holds a role goes by the links he sees.
import assert from "node:assert/strict";
import test from "node:test";
import { browse, CHANNEL, DESKTOP, PHONE, picture, playing, TV } from "./demo.mjs";
import { enterOffice, fill, invite, join, PASSWORD } from "./people.mjs";

const SCREENS = { desktop: DESKTOP, phone: PHONE, tv: TV };
const LANGUAGES = { "zh-Hans": "zh-CN", "ug-Arab": "ug-CN" };
const TOWNSHIP = "yulghunluq";
const SITE = "bulaqbeshi";

let made = 0;
/** A word that nothing else in the county has. */
function fresh(word) {
  made += 1;
  return `${word}-${Date.now() % 1_000_000}-${made}`;
}

/** Somebody at a screen: what he clicks on, and that all of it is on the screen. */
class Desk {
  constructor(page, lang, screen) {
    Object.assign(this, { page, lang, screen });
  }

  async look() {
    const { page, lang } = this;
    const [inner, wide] = await page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
    assert.ok(wide <= inner, `${page.url()} is ${wide} px wide on a screen of ${inner}`);
    assert.equal(await page.locator("html").getAttribute("lang"), lang);
    assert.equal(await page.locator("h1").count(), 1, page.url());
  }

  /** Follows the link to `path`. */
  async follow(path) {
    await this.page.locator(`a[href="${path}"]:visible`).first().click();
    await this.page.waitForURL((url) => url.pathname === path.split(/[?#]/)[0]);
    await this.look();
  }

  /** From the office's first page into a room. */
  async enter(room) {
    await this.page.goto("/office");
    await this.look();
    await this.follow(room);
  }

  /** No form writes anything here. */
  async readsOnly() {
    assert.equal(await this.page.locator('main button:not([type="button"]):visible').count(), 0, `${this.page.url()} offers to write`);
  }

  /** Plays what the page has; a phone asks first. */
  async plays() {
    await this.look();
    if (this.screen === "phone") await this.page.locator('[data-act="start"]').click();
    await playing(this.page);
  }

  async undo() {
    await this.page.locator(".done button").click();
    await this.page.locator(".done").waitFor({ state: "detached" });
  }

  async sheet() {
    const code = await this.page.locator(".one-time").first().innerText();
    assert.match(code, /^[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$/);
    await this.page.locator(".square svg").first().waitFor();
    await this.look();
    return code;
  }

  async addSite() {
    const name = fresh("村");
    await this.enter("/office/sites");
    await this.follow("/office/new-site");
    const form = this.page.locator("form.place");
    await form.locator(`[name="name.${this.lang}"]`).fill(name);
    await form.locator("button").click();
    await this.page.locator(".done").waitFor();
    await this.page.goto(`/office/sites?q=${encodeURIComponent(name)}`);
    await this.page.getByRole("link", { name }).click();
    await this.page.waitForURL("**/office/sites/*");
    await this.look();
    return new URL(this.page.url()).pathname.split("/").pop();
  }
}

async function aLesson(desk) {
  await desk.page.goto("/lessons");
  await desk.look();
  await desk.page.locator('.lesson a[href^="/lessons/"]').first().click();
  await desk.page.waitForURL("**/lessons/*");
  await desk.plays();
}

const JOBS = {
  administrator: {
    scope: "county",
    // Gives a new township its account.
    async job(desk) {
      const { page, lang } = desk;
      await desk.enter("/office/townships");
      const id = fresh("xiang");
      const form = page.locator('form[action="/office/townships"]');
      await form.locator('[name="id"]').fill(id);
      await form.locator(`[name="name.${lang}"]`).fill(id);
      await form.locator("button").click();
      await page.locator(".done").waitFor();
      await invite(page, "乡镇", fresh("t"), "township", `township:${id}`);
      await desk.sheet();
    },
  },
  editor: {
    scope: "county",
    // Plans a lesson and sees it announced.
    async job(desk) {
      const { page, lang } = desk;
      await desk.enter("/office/schedule");
      await desk.follow(`/office/schedule/${CHANNEL}`);
      await desk.follow(`/office/schedule/${CHANNEL}/new`);
      const form = page.locator("form.place");
      const title = fresh("课");
      made += 1;
      const date = new Date(Date.now() + (60 + made) * 86_400_000).toISOString().slice(0, 10);
      await form.locator('[name="kind"][value="once"]').check();
      await form.locator('[name="date"]').fill(date);
      await form.locator('[name="start"]').fill("19:30");
      await form.locator('[name="end"]').fill("20:30");
      await form.locator(`[name="title.${lang}"]`).fill(title);
      await form.locator('[name="play"]').first().selectOption({ index: 1 });
      await form.locator("button").first().click();
      await page.getByRole("link", { name: title }).first().waitFor();
      await desk.look();
      await desk.undo();
    },
  },
  reviewer: {
    scope: "county",
    // Reads what is planned, and sees a lesson as villages will.
    async job(desk) {
      const { page } = desk;
      await desk.enter("/office/schedule");
      await desk.follow(`/office/schedule/${CHANNEL}`);
      await page.locator(`main td a[href^="/office/schedule/${CHANNEL}/"]`).first().click();
      await page.locator("form.place").waitFor();
      await desk.look();
      await desk.readsOnly();
      await desk.enter("/office/lessons");
      await page.locator('main a[href^="/office/lessons/"]').first().click();
      await page.locator("form.place").waitFor();
      await desk.readsOnly();
      await page.locator('main a[href^="/lessons/"]').first().click();
      await page.waitForURL("**/lessons/*");
      await desk.plays();
    },
  },
  duty: {
    scope: "county",
    // Takes a relay in that has no picture yet, sees it at the duty desk, and takes it out.
    async job(desk) {
      const { page, lang } = desk;
      const id = fresh("relay");
      await desk.enter("/office/relays");
      await desk.follow("/office/new-relay");
      const form = page.locator("form.place");
      await form.locator('[name="id"]').fill(id);
      await form.locator(`[name="name.${lang}"]`).fill(id);
      await form.locator('[name="sources"]').fill(`udp://127.0.0.1:${20_000 + (Date.now() % 9000)}`);
      await form.locator('[name="audio"]').first().check();
      await form.locator("button").last().click();
      await page.locator(".done").waitFor();
      await desk.enter("/office/duty");
      // Among the relays it has no picture, and an alarm says so.
      for (const part of ["relays", "alarms"]) {
        await page.locator(`[data-part="${part}"] .card.lost`).filter({ hasText: id }).waitFor();
      }
      await desk.look();
      await desk.enter("/office/relays");
      await desk.follow(`/office/relays/${id}`);
      await page.locator(`form[action="/office/relays/${id}/remove"] button`).click();
      await page.locator(".done").waitFor();
      assert.equal(await page.locator(`a[href="/office/relays/${id}"]`).count(), 0);
    },
  },
  tutor: {
    scope: `township:${TOWNSHIP}`,
    // Goes through a lesson before it is discussed.
    async job(desk) {
      await desk.enter("/office/duty");
      await desk.readsOnly();
      await aLesson(desk);
    },
  },
  township: {
    scope: `township:${TOWNSHIP}`,
    // A new village site, and the code with which its operator signs in.
    async job(desk) {
      const { page } = desk;
      const id = await desk.addSite();
      await invite(page, "گۈلنار", fresh("o"), "operator", `site:${id}`);
      const code = await desk.sheet();
      await page.goto("/office/people");
      await desk.look();
      await browse({ viewport: PHONE }, async (context) => {
        const phone = await context.newPage();
        await join(phone, code);
        await phone.goto("/office/sites");
        assert.equal(await phone.locator("main tbody tr").count() > 0, true);
      });
    },
  },
  department: {
    scope: `township:${TOWNSHIP}`,
    // Codes for the terminals of several sites on one sheet, and the table of sites.
    async job(desk) {
      const { page } = desk;
      await desk.addSite();
      await desk.enter("/office/sites");
      for (const box of (await page.locator('[name="site"]').all()).slice(0, 2)) await box.check();
      await page.locator('fieldset [name="name"]').fill("电视");
      await page.locator('button[value="codes"]').click();
      await desk.sheet();
      assert.equal(await page.locator(".one-time").count(), 2);
      await desk.enter("/office/sites");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.locator('a[href="/office/export/sites.xlsx"]').click(),
      ]);
      assert.match(download.suggestedFilename(), /\.xlsx$/);
    },
  },
  operator: {
    scope: `site:${SITE}`,
    // Brings the village's new television in, and sees what the site has watched.
    async job(desk) {
      const { page } = desk;
      await desk.enter("/office/sites");
      await desk.follow(`/office/sites/${SITE}`);
      await page.locator("#f-name").fill("新电视");
      await page.locator("#f-device").selectOption("tv");
      await page.locator(`form[action="/office/sites/${SITE}/terminals"] button`).click();
      const code = await desk.sheet();
      await page.goto(`/office/sites/${SITE}`);
      await desk.follow(`/sites/${SITE}`);
      await browse({ viewport: TV }, async (context) => {
        const screen = await context.newPage();
        await screen.goto(`/enrol?code=${code}`);
        await screen.locator('form[action="/enrol"] button').click();
        await screen.waitForURL(/\/tv$/);
      });
    },
  },
  auditor: {
    scope: "county",
    // Reads everything, and is offered no pen.
    async job(desk) {
      const { page } = desk;
      await desk.enter("/office/audit");
      assert.ok((await page.locator(".log tbody tr").count()) > 3);
      for (const room of ["duty", "schedule", "asrun", "channels", "relays", "lessons", "people", "settings", "api"]) {
        await desk.enter(`/office/${room}`);
        await desk.readsOnly();
      }
      await desk.enter("/office/sites");
      await desk.follow(`/office/sites/${SITE}`);
      await desk.readsOnly();
      await desk.follow(`/sites/${SITE}`);
    },
  },
  learner: {
    scope: `site:${SITE}`,
    // Has an account and no office; learns.
    async job(desk) {
      const { page } = desk;
      const answer = await page.goto("/office/people");
      assert.equal(answer.status(), 403);
      await aLesson(desk);
    },
  },
};

/** The administrator's cookies: signed in once for all who are invited. */
let administrator;

for (const [role, { scope, job }] of Object.entries(JOBS)) {
  for (const [lang, locale] of Object.entries(LANGUAGES)) {
    test(`the main job of the ${role} in ${lang}`, { timeout: 180_000 }, async () => {
      const login = fresh(role);
      let code = "";
      await browse({ storageState: administrator }, async (context) => {
        const page = await context.newPage();
        await enterOffice(page);
        administrator = await context.storageState();
        await invite(page, role, login, role, scope);
        code = await page.locator(".one-time").innerText();
      });
      let first = true;
      for (const [screen, viewport] of Object.entries(SCREENS)) {
        await browse({ locale, viewport }, async (context) => {
          const page = await context.newPage();
          await page.goto("/sign-in");
          if (first) await join(page, code);
          else {
            await fill(page, { login, password: PASSWORD });
            await page.waitForURL((url) => url.pathname === "/office" || url.pathname === "/me");
          }
          first = false;
          const desk = new Desk(page, lang, screen);
          try {
            await job(desk);
          } catch (error) {
            await picture(page, `failed.${role}.${lang}.${screen}`);
            throw error;
          }
          await picture(page, `job.${role}.${lang}.${screen}`);
        });
      }
    });
  }
}
