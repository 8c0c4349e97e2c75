// What all journeys share: one server, one browser, and signing in.

import { after } from "node:test";
import { expectAccessible, openBrowser, openPage, screenshot } from "./browser.mjs";
import { startScanner } from "./clamd.mjs";
import { startCRM } from "./crm.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
let crm;
let scanner;
const ready = (async () => {
  [crm, scanner] = await Promise.all([startCRM(), startScanner()]);
  [server, browser] = await Promise.all([
    startServer({ USHER_HUBSPOT_TOKEN: "pat-journeys", USHER_HUBSPOT_API_URL: crm.url, USHER_SOURCE_NETWORKS: "127.0.0.0/8", USHER_CLAMD_ADDR: scanner.address }),
    openBrowser(),
  ]);
})();
ready.catch(() => {}); // reported by the first journey that awaits it

after(async () => {
  await browser?.close();
  await server?.close();
  await crm?.close();
  await scanner?.close();
});

/** The running server. */
export async function theServer() {
  await ready;
  return server;
}

/** The CRM the server writes to. */
export async function theCRM() {
  await ready;
  return crm;
}

/** Who checks files for viruses; away unless a journey says otherwise. */
export async function theScanner() {
  await ready;
  return scanner;
}

/** A fresh profile, signed in as a person of the demo, or as nobody; in English unless told. */
export async function visit(name, { language = "en", ...options } = {}) {
  await ready;
  const profile = await openPage(browser, { baseURL: server.url, ...options });
  // As somebody who chose a language here before; undefined: their own setting counts.
  if (language) await profile.context.addInitScript((code) => localStorage.getItem("usher.locale") ?? localStorage.setItem("usher.locale", code), language);
  if (name) {
    await profile.page.goto(server.link(name));
    await profile.page.waitForURL((url) => !url.pathname.startsWith("/s/"));
  }
  return profile;
}

/** Checks a state of a page and keeps its picture. */
export async function state(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await screenshot(page, name);
  await expectAccessible(page, name);
}

/** Sends a message in the chat as a keyboard user does. */
export async function say(page, text) {
  await page.getByRole("textbox", { name: "Your message" }).fill(text);
  await page.keyboard.press("Enter");
}

/** The last finished message of the assistant. */
export const lastAnswer = (page) => page.getByRole("log").getByRole("article", { name: /^Assistant/ }).last();

/** Waits until a function of the page answers true. */
export async function until(page, fn, what, { timeout = 30_000 } = {}) {
  const end = Date.now() + timeout;
  for (;;) {
    if (await page.evaluate(fn).catch(() => false)) return;
    if (Date.now() > end) throw new Error(`not within ${timeout / 1000} s: ${what}`);
    await page.waitForTimeout(250);
  }
}

/** In the page: its transcript is what the server has, and the last word is not the customer's. */
export const agrees = async () => {
  const id = location.pathname.split("/").pop();
  const answer = await fetch(`/v1/conversations/${id}/messages?limit=100`);
  if (!answer.ok) return false;
  const { messages } = await answer.json();
  const rows = [...document.querySelectorAll("[role=log] [data-message]")].map((row) => row.dataset.message);
  return messages.length > 0 && messages.at(-1).author.kind !== "customer" && JSON.stringify(rows) === JSON.stringify(messages.map((m) => m.id));
};

/** What the server has of the conversation on this page, asked with its own session. */
export const stored = (page) =>
  page.evaluate(async () => {
    const id = location.pathname.split("/").pop();
    const answer = await fetch(`/v1/conversations/${id}/messages?limit=100`);
    return (await answer.json()).messages;
  });
