import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openBrowser, openPage } from "../browser.mjs";
import { startServer } from "../server.mjs";
import { state } from "../setup.mjs";
import { startMail } from "../smtp.mjs";

// A server of its own: with e-mail, which the other journeys do without.
let mail;
let server;
let browser;
const ready = async () => {
  if (!server) {
    mail = await startMail();
    [server, browser] = await Promise.all([startServer({ USHER_MAIL_FROM: "support@usher.example", USHER_SMTP_ADDR: mail.address }), openBrowser()]);
  }
  return openPage(browser, { baseURL: server.url, allow: [/401|403|422/] });
};
after(async () => {
  await browser?.close();
  await server?.close();
  await mail?.close();
});

test("a person asks for a link by mail, and confirms an export with a code", async () => {
  const { page, close } = await ready();
  await page.goto("/exports");
  await page.getByRole("textbox", { name: "Work e-mail address" }).fill("grace.osei@globex-fintech.example");
  await page.keyboard.press("Enter");
  await page.getByText("a link is on its way").first().waitFor();
  const link = await mail.letter("grace.osei@globex-fintech.example", /http:\/\/\S+\/s\/\S+/);
  await page.goto(link[0]);
  await page.getByRole("heading", { name: "Export data" }).waitFor(); // where they wanted to go
  await page.getByRole("button", { name: "Download" }).click();
  await page.getByRole("heading", { name: "Confirm that it is you" }).waitFor();
  await page.getByText("We sent a code of six digits to g•••@globex-fintech.example").first().waitFor();
  await state(page, "step-up");
  const [, a, b] = await mail.letter("grace.osei@globex-fintech.example", /(\d{3}) (\d{3})\r?\n/);
  const field = page.getByRole("textbox", { name: "Code from the mail" });
  await field.fill(a === "000" ? "111111" : `000${b}`);
  await page.keyboard.press("Enter");
  await page.getByText("That is not the code.").waitFor();
  await field.fill(`${a} ${b}`);
  const file = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  assert.match((await file).suggestedFilename(), /^milestones-.*\.csv$/);
  await page.getByText("was handed to your browser").first().waitFor();
  await close();
});

test("the chat asks for a code before it says who has to sign, and answers at once", async () => {
  const { page, close } = await ready();
  await page.goto(await server.fresh("ana.keller@acme-logistics.example"));
  const box = page.getByRole("textbox", { name: "Your message" });
  await box.fill("Who still has to sign the data processing agreement?");
  await page.keyboard.press("Enter");
  await page.getByText("We sent a code of six digits to").first().waitFor();
  const before = await page.getByRole("log").innerText();
  assert.ok(!before.includes("Nora Lind"), "nothing before the code");
  const field = page.getByRole("textbox", { name: "Code from the mail" });
  await field.waitFor();
  await state(page, "chat-code");
  const [, a, b] = await mail.letter("ana.keller@acme-logistics.example", /(\d{3}) (\d{3})\r?\n/);
  await field.fill(a === "000" ? "111111" : `000${b}`);
  await page.keyboard.press("Enter");
  await page.getByText("That is not the code.").waitFor();
  // Written as a message it counts as well, and shows nowhere.
  await box.fill(a === "111" ? "222222" : `111${b}`);
  await page.keyboard.press("Enter");
  await page.getByText("you have one try left").first().waitFor();
  await field.fill(`${a} ${b}`);
  await page.keyboard.press("Enter");
  await page.getByRole("log").getByText("Nora Lind").waitFor();
  await page.getByText("Code entered.").first().waitFor();
  assert.ok(!(await page.getByRole("log").innerText()).includes(b), "no code in the conversation");
  assert.equal(await field.count(), 0);
  await state(page, "chat-code-answered");

  // For a quarter of an hour it is not asked for again.
  await box.fill("Is our production environment ready?");
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name: /Assistant/ }).nth(2).waitFor();
  assert.equal(await page.getByText("We sent a code of six digits to").count(), 1);
  await close();
});

test("the chat inside another page lets people sign in by a link, and goes on", async () => {
  const { page, context, close } = await ready();
  await page.goto("/embed");
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  const before = mail.letters.length;
  await page.getByRole("textbox", { name: "Work e-mail address" }).fill("henry.cole@globex-fintech.example");
  await page.keyboard.press("Enter");
  await page.getByText("a link is on its way").first().waitFor();
  await state(page, "embed-sign-in");
  const [link] = await mail.letter("henry.cole@globex-fintech.example", /http:\/\/\S+\/s\/\S+/, before);
  const tab = await context.newPage();
  await tab.goto(link);
  await tab.getByRole("heading", { name: "How can we help?" }).waitFor();
  await tab.close();
  await page.bringToFront();
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  await close();
});
