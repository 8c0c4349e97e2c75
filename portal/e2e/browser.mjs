// One Chromium for a test file, pages with sensible defaults, and the checks
// every journey repeats: axe, screenshots, no console errors.

import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = fileURLToPath(new URL("./screenshots/", import.meta.url));
mkdirSync(shots, { recursive: true });

const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

/** Starts the browser of a test file. */
export const openBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args });

/**
 * A fresh profile with one page. What the page writes to its console as an error,
 * or throws, fails the test at `close` unless `allow` matches it.
 */
export async function openPage(browser, { baseURL, dark = false, width = 1200, height = 800, locale = "en-GB", forcedColors, reducedMotion, allow = [], ...rest } = {}) {
  const context = await browser.newContext({
    baseURL,
    viewport: { width, height },
    locale,
    timezoneId: "Europe/Berlin",
    colorScheme: dark ? "dark" : "light",
    forcedColors,
    reducedMotion,
    // axe runs beside the page's own policy; the journeys check the policy by its effects.
    ...rest,
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const problems = [];
  watch(page, problems);
  return {
    context,
    page,
    problems,
    /** A second tab of the same person. */
    async tab() {
      const second = await context.newPage();
      watch(second, problems);
      return second;
    },
    async close() {
      await context.close();
      const bad = problems.filter((p) => ![/Failed to load resource/, ...allow].some((re) => re.test(p)));
      assert.deepEqual(bad, [], "the page logged errors");
    },
  };
}

function watch(page, problems) {
  page.on("console", (m) => {
    if (m.type() === "error") problems.push(m.text());
  });
  page.on("pageerror", (e) => problems.push(String(e)));
}

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Zero axe violations on the page as it is now, target size included. */
export async function expectAccessible(page, label) {
  // Evaluated through the debugger, which the page's policy does not bind.
  await page.evaluate(axeSource);
  const found = await page.evaluate((only) => globalThis.axe.run(document, { runOnly: { type: "tag", values: only }, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] }), tags);
  const told = found.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `    ${n.target.join(" ")}\n      ${n.failureSummary?.replace(/\n/g, "\n      ")}`).join("\n")}`);
  assert.deepEqual(told, [], `axe on ${label}:\n${told.join("\n")}`);
}

/** Nothing sticks out sideways: the page reflows at this width. */
export async function expectReflow(page, label) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${label}: the page is ${over}px wider than the window`);
}

export const screenshot = (page, name) => page.screenshot({ path: `${shots}${name}.png` });

/** Presses Tab until the focus is on the element, as a keyboard user would. */
export async function tabTo(page, locator, { limit = 80, shift = false } = {}) {
  for (let i = 0; i < limit; i++) {
    await page.keyboard.press(shift ? "Shift+Tab" : "Tab");
    if (await locator.evaluate((el) => el === document.activeElement).catch(() => false)) return;
  }
  assert.fail(`the keyboard does not reach ${locator}`);
}

/** The focused element is on screen and not covered by a sticky bar. */
export async function expectFocusVisible(page) {
  const covered = await page.evaluate(() => {
    const el = document.activeElement;
    if (!el || el === document.body) return "nothing has the focus";
    const box = el.getBoundingClientRect();
    const points = [
      [box.left + 2, box.top + 2],
      [box.right - 2, box.bottom - 2],
      [box.left + box.width / 2, box.top + box.height / 2],
    ];
    const seen = points.some(([x, y]) => {
      const hit = document.elementFromPoint(x, y);
      return hit && (el.contains(hit) || hit.contains(el));
    });
    return seen ? "" : `${el.tagName} ${el.textContent?.slice(0, 40)}`;
  });
  assert.equal(covered, "", "the focus is hidden");
}
