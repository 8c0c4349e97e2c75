import assert from "node:assert/strict";
import { test } from "node:test";
import { expectFocusVisible, tabTo } from "../browser.mjs";
import { lastAnswer, say, state, stored, theCRM, visit } from "../setup.mjs";

test("a customer reaches a person, who claims, notes and replies", async () => {
  const customer = await visit("Maria Lang");
  await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
  const dialog = customer.page.getByRole("dialog", { name: "Talk to a person" });
  await dialog.waitFor();
  await state(customer.page, "person-dialog");
  // What an article answers is offered while it is written; nothing is, for what none does.
  await dialog.getByRole("textbox", { name: /What is it about/ }).fill("How do I invite a colleague to the portal?");
  const offers = dialog.getByRole("region", { name: "These articles may already answer it" });
  await offers.getByRole("link", { name: "Sign in to the portal" }).first().waitFor();
  await state(customer.page, "person-offers");
  const [article] = await Promise.all([customer.page.context().waitForEvent("page"), offers.getByRole("link").first().click()]);
  await article.waitForURL(/\/help\//);
  await article.close();
  assert.match(await dialog.getByRole("textbox", { name: /What is it about/ }).inputValue(), /invite a colleague/);
  await dialog.getByRole("textbox", { name: /What is it about/ }).fill("The printer in the hall is on fire");
  await offers.waitFor({ state: "detached" });
  const words = `The loading dock label printer ${Date.now()}`;
  await dialog.getByRole("textbox", { name: /What is it about/ }).fill(words);
  await dialog.getByRole("button", { name: "Pass on to a person" }).click();
  await customer.page.waitForURL(/\/c\//);
  await customer.page.getByText("A person is helping you here").waitFor();
  await state(customer.page, "hand-off");

  const agent = await visit("Sam Rivera", { width: 1400, height: 900 });
  await agent.page.goto("/agent");
  await agent.page.getByRole("link", { name: new RegExp(words) }).waitFor();
  await state(agent.page, "agent-queue");
  await agent.page.getByRole("link", { name: new RegExp(words) }).click();
  await agent.page.getByRole("button", { name: "Claim" }).click();
  await agent.page.getByText("Owner: Sam Rivera").waitFor();

  const secret = "Internal: this printer was recalled.";
  await agent.page.getByRole("tab", { name: "Internal note" }).click();
  await agent.page.getByRole("textbox", { name: /^Internal note/ }).fill(secret);
  await agent.page.getByRole("button", { name: "Add note" }).click();
  await agent.page.getByRole("article", { name: /^Internal note/ }).waitFor();
  await state(agent.page, "agent-ticket");

  await agent.page.getByRole("tab", { name: "Reply to customer" }).click();
  await agent.page.getByRole("textbox", { name: /^Reply to/ }).fill("Please restart the printer once.");
  await agent.page.getByRole("button", { name: "Preview reply" }).click();
  const preview = agent.page.getByRole("dialog", { name: "Send this to the customer?" });
  await preview.getByText("Maria Lang").first().waitFor();
  await preview.getByLabel("Afterwards").selectOption({ label: "I wait for the customer" });
  await state(agent.page, "agent-preview");
  await preview.getByRole("button", { name: /^Send to/ }).click();
  await agent.page.getByRole("article", { name: /^Sent to customer: Sam Rivera/ }).waitFor();
  await agent.page.getByRole("button", { name: "Go on" }).waitFor();

  await customer.page.getByRole("article", { name: /Sam Rivera/ }).getByText("Please restart the printer once.").waitFor();
  await state(customer.page, "person-replied");
  assert.ok(!(await customer.page.content()).includes(secret), "the note is not in the customer's page");
  const kept = await stored(customer.page);
  assert.ok(kept.every((m) => m.visibility === "customer" && !m.body.includes("recalled")), "the note is not in the customer's data");

  await say(customer.page, "That worked, thank you.");
  await agent.page.getByRole("article", { name: /^Customer/ }).getByText("That worked, thank you.").waitFor();
  await agent.page.getByRole("button", { name: "Resolve" }).click();
  await agent.page.getByRole("button", { name: "Reopen" }).waitFor();
  await customer.page.getByText("Solved").first().waitFor();

  await customer.page.getByRole("link", { name: "Tickets" }).click();
  await customer.page.getByRole("row", { name: new RegExp(words.slice(0, 30)) }).getByText("Solved").waitFor();
  await state(customer.page, "tickets");
  await agent.close();
  await customer.close();
});

test("plain words reach a person as well", async () => {
  const { page, close } = await visit("Henry Cole");
  await say(page, "I want to talk to a real person please");
  await page.getByText("A person is helping you here").waitFor();
  await lastAnswer(page).getByText(/ticket #\d+/).waitFor();
  await close();
});

test("one of two agents who claim at once wins, and the other is told who", async () => {
  const customer = await visit("Henry Cole");
  const words = `Two agents race ${Date.now()}`;
  await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
  await customer.page.getByRole("textbox", { name: /What is it about/ }).fill(words);
  await customer.page.getByRole("button", { name: "Pass on to a person" }).click();
  await customer.page.getByText("A person is helping you here").waitFor();
  const sam = await visit("Sam Rivera", { width: 1400, allow: [/409/] });
  const cleo = await visit("Cleo Martin", { width: 1400, allow: [/409/] });
  for (const { page } of [sam, cleo]) {
    await page.goto("/agent");
    await page.getByRole("link", { name: new RegExp(words) }).click();
    await page.getByRole("button", { name: "Claim" }).waitFor();
  }
  await Promise.all([sam, cleo].map(({ page }) => page.getByRole("button", { name: "Claim" }).click()));
  await Promise.all([sam, cleo].map(({ page }) => page.getByText(/Owner: (Sam Rivera|Cleo Martin)/).waitFor()));
  const owners = await Promise.all([sam, cleo].map(({ page }) => page.getByText(/^Owner: /).innerText()));
  assert.equal(owners[0], owners[1], "both see the same owner");
  const told = await Promise.all([sam, cleo].map(({ page }) => page.getByRole("alert").count()));
  assert.equal(told[0] + told[1], 1, "exactly one is told it was too late");
  await Promise.all([sam, cleo, customer].map((p) => p.close()));
});

test("the main journey works by keyboard alone", async () => {
  const { page, close } = await visit("Grace Osei");
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  const box = page.getByRole("textbox", { name: "Your message" });
  await tabTo(page, box);
  await page.keyboard.type("How do I upload");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("a document?");
  await page.keyboard.press("Enter");
  const answer = lastAnswer(page);
  await answer.waitFor();
  assert.ok(await box.evaluate((el) => el === document.activeElement), "the answer does not steal the focus");

  const source = answer.locator("summary").first();
  await source.waitFor();
  await tabTo(page, source, { shift: true });
  await expectFocusVisible(page);
  await page.keyboard.press("Enter");
  await answer.getByRole("link", { name: "Open the article" }).first().waitFor();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement === document.body)) break; // past the last control
    await expectFocusVisible(page);
  }
  const talk = page.getByRole("button", { name: "Talk to a person" }).first();
  await talk.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)), "the focus stays in the dialog");
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.ok(await talk.evaluate((el) => el === document.activeElement), "the focus is back on what opened it");
  await close();
});

test("what a CRM refuses is shown, and repeated it makes one record", async () => {
  const crm = await theCRM();
  const before = crm.tickets().length;
  crm.refuse = true;
  const customer = await visit("Grace Osei");
  const words = `The CRM is shut ${Date.now()}`;
  await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
  await customer.page.getByRole("textbox", { name: /What is it about/ }).fill(words);
  await customer.page.getByRole("button", { name: "Pass on to a person" }).click();
  await lastAnswer(customer.page).getByText(/ticket #\d+/).waitFor();
  const number = /#\d+/.exec(await lastAnswer(customer.page).innerText())[0];

  const { page, close } = await visit("Sam Rivera", { width: 1280 });
  await page.goto("/agent/deliveries");
  const row = page.getByRole("row", { name: new RegExp(`Hubspot.*${number}.*Globex`) }).filter({ hasText: "Failed" });
  await row.first().waitFor();
  await state(page, "deliveries-failed");
  crm.refuse = false;
  await row.first().getByRole("button", { name: /^Replay/ }).click();
  await page.getByRole("row", { name: new RegExp(`Hubspot.*Record.*${number}`) }).filter({ hasText: "Delivered" }).waitFor();
  assert.equal(crm.tickets().length, before + 1, "one record for one ticket");
  await state(page, "deliveries-replayed");
  await close();
  await customer.close();
});

test("what waits or failed is replayed as the filters show it", async () => {
  const crm = await theCRM();
  const before = crm.tickets().length;
  crm.refuse = true;
  const customer = await visit("Grace Osei");
  const words = `Shut once more ${Date.now()}`;
  await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
  await customer.page.getByRole("textbox", { name: /What is it about/ }).fill(words);
  await customer.page.getByRole("button", { name: "Pass on to a person" }).click();
  await lastAnswer(customer.page).getByText(/ticket #\d+/).waitFor();
  const number = /#\d+/.exec(await lastAnswer(customer.page).innerText())[0];

  const { page, close } = await visit("Sam Rivera", { width: 1280 });
  await page.goto("/agent/deliveries");
  await page.getByLabel("State").selectOption("delivered");
  await page.getByRole("row").nth(1).waitFor();
  assert.equal(await page.getByRole("button", { name: "Replay all of these" }).count(), 0, "what arrived is not repeated");
  await page.getByLabel("State").selectOption("failed");
  await page.getByLabel("Destination").selectOption("hubspot");
  await page.getByRole("row", { name: new RegExp(`Hubspot.*${number}`) }).first().waitFor();
  await state(page, "deliveries-filtered");
  crm.refuse = false;
  await page.getByRole("button", { name: "Replay all of these" }).click();
  await page.getByText(/(is|are) tried again now\./).waitFor({ state: "attached" });
  await page.getByLabel("State").selectOption("delivered");
  await page.getByRole("row", { name: new RegExp(`Hubspot.*Record.*${number}`) }).waitFor();
  assert.equal(crm.tickets().length, before + 1, "one record for one ticket");
  await close();
  await customer.close();
});

test("an agent works by keyboard alone", async () => {
  const customer = await visit("Henry Cole");
  const words = `Keyboard work ${Date.now()}`;
  await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
  await customer.page.getByRole("textbox", { name: /What is it about/ }).fill(words);
  await customer.page.getByRole("button", { name: "Pass on to a person" }).click();
  await customer.page.getByText("A person is helping you here").waitFor();
  const { page, close } = await visit("Sam Rivera", { width: 1280 });
  await page.goto("/agent");
  const row = page.getByRole("link", { name: new RegExp(words) });
  await row.waitFor();
  await tabTo(page, row);
  await page.keyboard.press("Enter");
  const claim = page.getByRole("button", { name: "Claim" });
  await claim.waitFor();
  await tabTo(page, claim, { limit: 200 });
  await expectFocusVisible(page);
  await page.keyboard.press("Enter");
  await page.getByText("Owner: Sam Rivera").waitFor();
  const box = page.getByRole("textbox", { name: /^Reply to/ });
  await tabTo(page, box, { limit: 200 });
  await page.keyboard.type("Answered without a mouse.");
  const preview = page.getByRole("button", { name: "Preview reply" });
  await tabTo(page, preview);
  await page.keyboard.press("Enter");
  const send = page.getByRole("dialog").getByRole("button", { name: /^Send to/ });
  await send.waitFor();
  await tabTo(page, send);
  await page.keyboard.press("Enter");
  await customer.page.getByRole("article", { name: /Sam Rivera/ }).getByText("Answered without a mouse.").waitFor();
  await close();
  await customer.close();
});

test("staff send a document back with a reason, and the customer reads it", async () => {
  const staff = await visit("Sam Rivera");
  await staff.page.goto("/agent/documents");
  const row = staff.page.getByRole("row").filter({ hasText: "security-questionnaire-v2.xlsx" });
  await row.waitFor();
  await state(staff.page, "agent-documents");
  await row.getByRole("button", { name: /Send back/ }).click();
  const dialog = staff.page.getByRole("dialog", { name: /Send back Security questionnaire/ });
  await dialog.getByRole("button", { name: "Send back" }).click();
  await dialog.getByText("Say what is wrong and what to send instead.").waitFor();
  await dialog.getByLabel("Reason").selectOption("incomplete");
  await dialog.getByLabel("Message to the customer").fill("Sheet 3 is empty. Please answer questions 20 to 31.");
  await dialog.getByLabel("Comment for your team").fill("secret-comment");
  await state(staff.page, "agent-send-back");
  await dialog.getByRole("button", { name: "Send back" }).click();
  await row.waitFor({ state: "detached" });
  await staff.close();

  const { page, close } = await visit("Ana Keller");
  await page.goto("/documents");
  const card = page.getByRole("main").getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Security questionnaire" }) });
  await card.getByText("Sent back").first().waitFor();
  await card.getByText(/Sheet 3 is empty/).waitFor();
  assert.equal(await page.getByText("secret-comment").count(), 0);
  await page.goto("/");
  await say(page, "Why was our security questionnaire rejected?");
  await lastAnswer(page).getByText(/Sheet 3 is empty/).waitFor();
  await close();
});

test("an agent merges, splits off, raises, catches up, and offers what they wrote to the curators", async () => {
  const customer = await visit("Henry Cole");
  const ask = async (words) => {
    await customer.page.goto("/");
    await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
    const dialog = customer.page.getByRole("dialog", { name: "Talk to a person" });
    await dialog.getByRole("textbox").fill(words);
    await dialog.getByRole("button", { name: /Send|Pass/ }).click();
    await customer.page.getByText(/#10\d\d/).first().waitFor();
    return customer.page.getByText(/#10\d\d/).first().innerText().then((text) => Number(/#(\d+)/.exec(text)[1]));
  };
  const stamp = Date.now();
  const first = await ask(`The forklift scanner fails ${stamp}`);
  const second = await ask(`The forklift scanner still fails ${stamp}`);
  await say(customer.page, `And the invoice of October ${stamp} is wrong <script>alert(1)</script>`);
  await customer.page.waitForTimeout(500);

  const { page, close } = await visit("Sam Rivera");
  const open = async (words) => {
    await page.goto("/agent");
    await page.getByRole("link").filter({ hasText: words }).first().click();
    await page.getByRole("article", { name: /^Ticket/ }).waitFor();
  };
  await open(`The forklift scanner still fails ${stamp}`);
  await page.getByRole("heading", { name: "So far" }).waitFor();
  await page.getByRole("button", { name: "Raise to the lead…" }).click();
  await page.getByRole("dialog").getByLabel("Why").fill("Second scanner this week.");
  await page.getByRole("dialog").getByRole("button", { name: "Raise" }).click();
  await page.getByText("Raised to lead").first().waitFor();

  const other = page.getByRole("log", { name: "Conversation" }).getByRole("article").filter({ hasText: "the invoice of October" });
  await other.getByText("<script>alert(1)</script>").waitFor();
  await other.getByRole("button", { name: "Split off…" }).click();
  await page.getByRole("dialog").getByLabel("What it is about").fill(`Invoice of October ${stamp}`);
  await state(page, "agent-split");
  await page.getByRole("dialog").getByRole("button", { name: "Split off" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await open(`Invoice of October ${stamp}`);
  await page.getByText("Split from", { exact: true }).waitFor();

  await open(`The forklift scanner still fails ${stamp}`);
  await page.getByRole("button", { name: "Add to knowledge base…" }).click();
  await page.getByRole("dialog").getByLabel("Title").fill(`Restart a forklift scanner ${stamp}`);
  await page.getByRole("dialog").getByLabel("Text").fill("Hold the trigger for ten seconds.");
  await page.getByRole("dialog").getByRole("button", { name: "Send to the curators" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Merge…" }).click();
  await page.getByRole("dialog").getByLabel("Into ticket number").fill(String(second));
  await page.getByRole("dialog").getByRole("button", { name: "Merge" }).click();
  await page.getByText(/number of another ticket/).waitFor();
  await page.getByRole("dialog").getByLabel("Into ticket number").fill(String(first));
  await page.getByRole("dialog").getByRole("button", { name: "Merge" }).click();
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  await state(page, "agent-merged");
  await close();
  await customer.close();

  const curator = await visit("Cleo Martin");
  await curator.page.goto("/admin/articles");
  await curator.page.getByText(`Restart a forklift scanner ${stamp}`).waitFor();
  await curator.close();
});

test("both sides can put right and take back what they wrote", async () => {
  const customer = await visit("Henry Cole");
  const words = `The gate at dock ${Date.now()} is broken`;
  await customer.page.getByRole("button", { name: "Talk to a person" }).first().click();
  await customer.page.getByRole("textbox", { name: /What is it about/ }).fill(words);
  await customer.page.getByRole("button", { name: "Pass on to a person" }).click();
  await customer.page.getByText("A person is helping you here").waitFor();

  const agent = await visit("Sam Rivera", { width: 1400, height: 900 });
  await agent.page.goto("/agent");
  await agent.page.getByRole("link", { name: new RegExp(words) }).click();
  await agent.page.getByRole("button", { name: "Claim" }).click();

  await say(customer.page, "My PIN is 4711, can you look?");
  const mine = customer.page.getByRole("article", { name: /^You/ }).filter({ hasText: "4711" });
  await mine.getByRole("button", { name: "Change" }).click();
  await customer.page.getByRole("textbox", { name: "Your message" }).first().fill("Can you look?");
  await state(customer.page, "message-change");
  await customer.page.getByRole("button", { name: "Save" }).click();
  const changed = customer.page.getByRole("article", { name: /^You/ }).filter({ hasText: "Can you look?" });
  await changed.getByText("edited").waitFor();
  await agent.page.getByRole("article", { name: /^Customer/ }).filter({ hasText: "Can you look?" }).getByText("edited").waitFor();
  await agent.page.waitForFunction(() => !document.body.innerHTML.includes("4711")); // in no corner of the page
  await changed.getByRole("button", { name: "Change" }).click();
  await customer.page.getByRole("button", { name: "Take it back" }).click();
  await customer.page.getByText("This message was removed.").waitFor();

  await agent.page.getByRole("textbox", { name: /^Reply to/ }).fill("It is fixed on Monday.");
  await agent.page.getByRole("button", { name: "Preview reply" }).click();
  await agent.page.getByRole("dialog").getByRole("button", { name: /^Send to/ }).click();
  const sent = agent.page.getByRole("article", { name: /^Sent to customer/ }).filter({ hasText: "It is fixed on Monday." });
  await sent.getByRole("button", { name: "Correct…" }).click();
  await agent.page.getByRole("textbox", { name: "What is right" }).fill("It is fixed on Tuesday.");
  await state(agent.page, "reply-correct");
  await agent.page.getByRole("button", { name: "Send correction" }).click();
  await customer.page.getByText("Correction to my earlier message:", { exact: true }).waitFor();
  await sent.getByRole("button", { name: "Take back…" }).click();
  await agent.page.getByRole("button", { name: "Take back", exact: true }).click();
  await customer.page.getByRole("article").getByText("It is fixed on Monday.").waitFor({ state: "detached" });
  await state(customer.page, "message-taken-back");
  await agent.close();
  await customer.close();
});
