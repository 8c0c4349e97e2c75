import assert from "node:assert/strict";
import { test } from "node:test";
import { expectAccessible, screenshot } from "../browser.mjs";
import { theServer, visit } from "../setup.mjs";

test("the chat opens inside another page, answers, and gives the focus back", async () => {
  const server = await theServer();
  const { page, close } = await visit("Ana Keller");
  await page.route("**/host-page", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><html lang="en"><title>Host</title><main><h1>A page of the customer's own</h1></main><script src="${server.url}/widget.js" data-label="Help"></script></html>` }));
  await page.goto("/host-page");
  const button = page.getByRole("button", { name: "Help" });
  await button.click();
  const chat = page.frameLocator('iframe[title="Help"]');
  await chat.getByRole("heading", { name: "How can we help?" }).waitFor();
  await expectAccessible(page, "widget");
  await chat.getByRole("textbox", { name: "Your message" }).fill("How do I upload a document?");
  await page.keyboard.press("Enter");
  await chat.getByRole("log").getByRole("article", { name: /^Assistant/ }).waitFor();
  await screenshot(page, "widget");
  await chat.getByRole("textbox", { name: "Your message" }).press("Escape");
  await page.locator("iframe").waitFor({ state: "hidden" });
  assert.equal(await button.getAttribute("aria-expanded"), "false");
  assert.ok(await button.evaluate((el) => el === el.getRootNode().activeElement), "the focus is on the button again");
  await close();
});

test("other origins may not frame the chat", async () => {
  const { page, close } = await visit(undefined, { allow: [/frame|401/i] });
  const response = await page.goto("/embed");
  assert.match(response.headers()["content-security-policy"], /frame-ancestors 'self'(;|$)/);
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  assert.match((await page.goto("/help")).headers()["content-security-policy"], /frame-ancestors 'none'/);
  await close();
});
