import assert from "node:assert/strict";
import { test } from "node:test";
import { expectReflow } from "../browser.mjs";
import { lastAnswer, say, state, visit } from "../setup.mjs";

const pages = ["/", "/conversations", "/tickets", "/onboarding", "/documents", "/help"];

for (const [name, options] of [
  ["dark", { dark: true }],
  ["320", { width: 320, height: 640 }],
  ["dark-320", { dark: true, width: 320, height: 640, reducedMotion: "reduce" }],
  ["forced-colours", { forcedColors: "active" }],
]) {
  test(`every page of the portal holds in ${name}`, async () => {
    const { page, close } = await visit("Ana Keller", options);
    await say(page, "How do I upload a document?");
    await lastAnswer(page).waitFor();
    await state(page, `chat-${name}`);
    await expectReflow(page, `chat ${name}`);
    for (const path of pages) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByText("Loading…").waitFor({ state: "detached" });
      await state(page, `${path.slice(1) || "start"}-${name}`);
      await expectReflow(page, `${path} ${name}`);
    }
    await close();
  });
}

test("the way to a person is at the same place on every page", async () => {
  const { page, close } = await visit("Ana Keller");
  const places = new Set();
  for (const path of pages) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const box = await page.getByRole("banner").getByRole("button", { name: "Talk to a person" }).boundingBox();
    places.add(`${Math.round(box.x)},${Math.round(box.y)}`);
  }
  assert.equal(places.size, 1, [...places].join(" "));
  await close();
});

test("text can be twice as large and widely spaced", async () => {
  const { page, close } = await visit("Ana Keller", { width: 640, height: 800 });
  await say(page, "How do I upload a document?");
  await lastAnswer(page).waitFor();
  await page.addStyleTag({ content: "" }).catch(() => {}); // the policy refuses foreign styles; the sheet below is the page's own
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(":root{font-size:200%}*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}p{margin-block-end:2em!important}");
    document.adoptedStyleSheets = [sheet];
  });
  await expectReflow(page, "large text");
  await state(page, "large-text");
  await close();
});

test("right-to-left text keeps its direction, and the layout mirrors", async () => {
  const { page, close } = await visit("Ana Keller");
  await say(page, "كيف أربط Slack بالتذكرة #1001؟");
  await lastAnswer(page).waitFor();
  const mine = page.getByRole("log").getByRole("article", { name: /^You/ }).locator(".msg-body");
  assert.equal(await mine.evaluate((el) => getComputedStyle(el).direction), "rtl");
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  await expectReflow(page, "rtl");
  await state(page, "rtl");
  const rail = await page.getByRole("navigation", { name: "Main" }).getByRole("link").first().boundingBox();
  assert.ok(rail.x > 600, "the rail is on the right");
  await close();
});

test("the portal speaks five languages", async () => {
  const { page, close } = await visit("Ana Keller");
  const select = page.getByRole("combobox").first();
  const titles = new Set();
  for (const code of ["de", "fr", "es", "pt", "en"]) {
    await select.selectOption(code);
    await page.waitForFunction((c) => document.documentElement.lang === c, code);
    titles.add(await page.getByRole("heading", { level: 1 }).innerText());
    await state(page, `language-${code}`);
  }
  assert.equal(titles.size, 5);
  await close();
});

test("a person's own language is chosen without asking", async () => {
  const { page, close } = await visit("Maria Lang", { language: null });
  await page.getByRole("heading", { name: "Wie können wir helfen?" }).waitFor();
  await page.getByText(/\bKI\b/).first().waitFor();
  await page.getByRole("button", { name: "Mit einem Menschen sprechen" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  await close();
});
