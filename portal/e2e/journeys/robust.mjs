import assert from "node:assert/strict";
import { test } from "node:test";
import { agrees, lastAnswer, say, state, stored, theServer, until, visit } from "../setup.mjs";

const question = "How do I upload a document?";
const network = [/ERR_INTERNET_DISCONNECTED/, /Failed to fetch/, /net::ERR/];

/** The transcript as the page shows it: who and what, in order. */
const shown = (page) => page.locator(".log[role=log] [data-message]").evaluateAll((rows) => rows.map((row) => row.dataset.message));

test("a connection that dies while an answer comes loses and repeats nothing", async () => {
  const { page, context, close } = await visit("Ana Keller", { allow: network });
  await say(page, question);
  await page.waitForURL(/\/c\//);
  await lastAnswer(page).waitFor();
  for (let round = 0; round < 6; round++) {
    await say(page, `${question} (${round})`);
    await page.waitForTimeout(round * 15);
    await context.setOffline(true);
    await page.waitForTimeout(150);
    await context.setOffline(false);
    await page.waitForTimeout(100);
  }
  await page.waitForFunction(() => document.querySelectorAll("[role=log] .msg-customer").length === 7, undefined, { timeout: 30_000 });
  await until(page, agrees, "the page shows what is stored");
  const rows = await shown(page);
  assert.equal(new Set(rows).size, rows.length, "nothing is shown twice");
  const kept = await stored(page);
  assert.equal(kept.filter((m) => m.author.kind === "customer").length, 7, "each message is stored once");
  await close();
});

test("what is written offline waits and is sent once", async () => {
  const { page, context, close } = await visit("Ana Keller", { allow: network });
  await say(page, question);
  await lastAnswer(page).waitFor();
  await context.setOffline(true);
  await page.getByText("You are offline").waitFor();
  await say(page, "And where do I see what is missing?");
  await page.getByText("Will be sent when you are back online").waitFor();
  await state(page, "offline");
  await context.setOffline(false);
  await page.getByRole("log").getByText("And where do I see what is missing?").waitFor();
  await page.getByText("Will be sent when you are back online").waitFor({ state: "detached" });
  assert.equal((await stored(page)).filter((m) => m.body.startsWith("And where")).length, 1);
  await close();
});

test("a lost confirmation does not make a second message", async () => {
  const { page, close } = await visit("Ana Keller", { allow: network });
  await say(page, question);
  await lastAnswer(page).waitFor();
  let cut = 2;
  await page.route("**/messages", async (route) => {
    if (route.request().method() !== "POST" || cut-- <= 0) return route.continue();
    await route.fetch(); // it arrives, the answer does not
    await route.abort("connectionreset");
  });
  await say(page, "Sent over a bad line");
  await page.getByRole("log").getByText("Sent over a bad line").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".after-log .msg-customer").length === 0);
  assert.ok(cut <= 0, "it was sent more than once");
  assert.equal((await stored(page)).filter((m) => m.body === "Sent over a bad line").length, 1);
  assert.equal(await page.getByRole("log").getByText("Sent over a bad line").count(), 1);
  await close();
});

test("a part whose styles do not come at first gets them", async () => {
  const { page, close } = await visit("Ana Keller", { allow: network });
  let cut = 2;
  await page.route("**/assets/files-*.css", (route) => (cut-- > 0 ? route.abort("connectionreset") : route.continue()));
  await page.reload();
  await page.waitForFunction(() => {
    try {
      return document.querySelector('link[rel="stylesheet"][href*="/files-"]')?.sheet?.cssRules.length > 0;
    } catch {
      return false; // it did not come: its rules may not be read
    }
  });
  assert.ok(cut <= 0, "they were asked for again");
  await close();
});

test("two tabs agree, and a draft in one survives", async () => {
  const { page, tab, close } = await visit("Ana Keller");
  await say(page, question);
  await lastAnswer(page).waitFor();
  const second = await tab();
  await second.goto(page.url());
  await lastAnswer(second).waitFor();
  await second.getByRole("textbox", { name: "Your message" }).fill("half a thought");
  await say(page, "Which file formats do you accept?");
  await second.getByRole("log").getByText("Which file formats do you accept?").waitFor();
  await page.waitForFunction(() => document.querySelectorAll("[role=log] .msg-assistant").length >= 2);
  await second.waitForFunction(() => document.querySelectorAll("[role=log] .msg-assistant").length >= 2);
  assert.deepEqual(await shown(second), await shown(page));
  assert.equal(await second.getByRole("textbox", { name: "Your message" }).inputValue(), "half a thought");
  await second.reload();
  await second.getByRole("textbox", { name: "Your message" }).waitFor();
  assert.equal(await second.getByRole("textbox", { name: "Your message" }).inputValue(), "half a thought", "the draft survives a reload");
  await close();
});

test("what is read here is read there", async () => {
  const here = await visit("Bruno Silva");
  await say(here.page, "I want to talk to a person");
  await here.page.getByText("A person is helping you here").waitFor();
  await here.page.goto("/tickets");
  const agent = await visit("Sam Rivera", { width: 1400 });
  await agent.page.goto("/agent?state=all");
  await agent.page.getByRole("link", { name: /Bruno Silva/ }).first().click();
  await agent.page.getByRole("textbox", { name: /^Reply to/ }).fill("Hello Bruno, how can I help?");
  await agent.page.getByRole("button", { name: "Preview reply" }).click();
  await agent.page.getByRole("button", { name: /^Send to/ }).click();
  await here.page.getByText("1 unread").waitFor({ timeout: 10_000, state: "attached" });
  const there = await here.tab();
  await there.goto("/conversations");
  await there.getByRole("link", { name: /Hello Bruno/ }).click();
  await there.getByText("Hello Bruno, how can I help?").first().waitFor();
  await here.page.getByText("1 unread").waitFor({ state: "detached", timeout: 10_000 });
  await agent.close();
  await here.close();
});

test("a failing server is told in human words with a reference, and nothing is lost", async () => {
  const { page, close } = await visit("Ana Keller", { allow: [/500|400|429/] });
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  const refuse = (status, extra = {}) => (route) =>
    route.request().method() === "POST"
      ? route.fulfill({ status, headers: { "content-type": "application/problem+json", ...extra }, body: JSON.stringify({ type: "about:blank", title: "No", status, code: "test", detail: "The text cannot be taken.", request_id: "req_test_7" }) })
      : route.continue();
  await page.route("**/v1/conversations", refuse(400));
  await say(page, "This is refused");
  const failed = page.getByRole("article", { name: /Not sent/ });
  await failed.getByText(/The text cannot be taken. Reference: req_test_7/).waitFor();
  await state(page, "not-sent");
  await page.unroute("**/v1/conversations");
  await page.route("**/v1/conversations", refuse(429, { "retry-after": "2" }));
  await failed.getByRole("button", { name: "Try again" }).click();
  await page.getByText(/sent again in 2 seconds/).waitFor();
  await page.unroute("**/v1/conversations");
  await page.waitForURL(/\/c\//);
  await page.getByRole("log").getByText("This is refused").waitFor();

  await page.route("**/v1/tickets*", refuseAll);
  await page.getByRole("link", { name: "Tickets" }).click();
  await page.getByText(/Something went wrong on our side.*Reference: req_test_9/).waitFor();
  await state(page, "error");
  await close();
});

const refuseAll = (route) =>
  route.fulfill({ status: 500, headers: { "content-type": "application/problem+json" }, body: JSON.stringify({ type: "about:blank", title: "pq: relation does not exist", status: 500, code: "internal", detail: "pq: secret", request_id: "req_test_9" }) });

test("an answer being written can be read and stopped", async () => {
  const { page, close } = await visit("Ana Keller", { allow: [/ERR_/] });
  await say(page, question);
  await lastAnswer(page).waitFor();
  const id = page.url().split("/").pop();
  const message = { id: "0192aaaa-0000-7000-8000-000000000001", conversation_id: id, seq: 900, author: { kind: "assistant" }, visibility: "customer", body: "", state: "streaming", created_at: new Date().toISOString() };
  const wire = [
    ["message.created", { message }],
    ["answer.delta", { message_id: message.id, text: "Open the page **Documents** and then" }],
  ]
    .map(([event, data], i) => `id: ${900 + i}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    .join("");
  await page.route("**/events", (route) => route.fulfill({ status: 200, headers: { "content-type": "text/event-stream" }, body: wire }));
  let stopped = 0;
  await page.route("**/stop", (route) => {
    stopped++;
    return route.fulfill({ status: 204 });
  });
  await page.reload();
  await page.getByText("Open the page").waitFor();
  assert.equal(await page.getByRole("log").getByText("Open the page").count(), 0, "the text being written is outside the log");
  await state(page, "streaming");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.waitForTimeout(200);
  assert.equal(stopped, 1);
  await close();
});

test("the program is killed: the page comes back by itself and nothing is lost", async () => {
  const server = await theServer();
  const { page, close } = await visit("Ana Keller", { allow: [...network, /50[023]/] });
  await say(page, question);
  await lastAnswer(page).waitFor();
  const sent = page.waitForResponse((r) => r.request().method() === "POST" && r.url().endsWith("/messages") && r.ok());
  await say(page, "When do we go live?");
  await sent;
  await server.crash();
  await say(page, "Who is our onboarding manager?");
  await until(page, agrees, "the page shows what is stored after the restart", { timeout: 60_000 });
  const asked = (await stored(page)).filter((m) => m.author.kind === "customer").map((m) => m.body);
  assert.deepEqual(asked, [question, "When do we go live?", "Who is our onboarding manager?"]);
  await close();
});

test("a page whose connection was cut shows what changed meanwhile, without a reload", async () => {
  const cut = await visit("Ana Keller", { allow: network });
  await cut.page.goto("/documents");
  await cut.page.getByRole("heading", { name: "Proof of address" }).waitFor();
  await cut.page.evaluate(() => (window.untouched = true));
  let streams = 0;
  cut.page.on("request", (r) => r.url().includes("/v1/onboarding/events") && streams++);
  await cut.context.setOffline(true);
  assert.equal(await cut.page.evaluate(() => navigator.onLine), false);

  const { page, close } = await visit("Ana Keller");
  await page.goto("/documents");
  const card = page.getByRole("main").getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Proof of address" }) });
  await card.locator("input[type=file]").setInputFiles({ name: "after-the-cut.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n") });
  await card.getByText(/after-the-cut\.pdf has arrived as version \d/).waitFor();
  await close();

  assert.equal(await cut.page.getByText(/\d · after-the-cut\.pdf/).count(), 0, "nothing reaches a page that is offline");
  await cut.context.setOffline(false);
  await cut.page.getByText(/\d · after-the-cut\.pdf/).waitFor({ timeout: 20_000 });
  assert.ok(await cut.page.evaluate(() => window.untouched), "the page was not loaded again");
  assert.ok(streams > 0, "the stream was taken up again");
  await cut.close();
});

test("every page says that it is offline, and stops saying so by itself", async () => {
  const { page, context, close } = await visit("Ana Keller", { allow: network });
  const said = page.getByRole("status").filter({ hasText: "You are offline." });
  for (const [path, name] of [["/onboarding", /Onboarding/], ["/documents", /Documents/], ["/tickets", /Tickets/], ["/conversations", /Conversations/], ["/help", /Help/]]) {
    await page.goto(path);
    await page.getByRole("main").getByRole("heading", { name, level: 1 }).waitFor();
    assert.equal(await said.count(), 0, path);
    await context.setOffline(true);
    await said.waitFor();
    assert.equal(await said.count(), 1, `${path} says it once`);
    await context.setOffline(false);
    await said.waitFor({ state: "detached" });
  }
  await page.goto("/");
  await page.getByRole("textbox").first().waitFor();
  await context.setOffline(true);
  await said.first().waitFor();
  assert.equal(await said.count(), 1, "the chat says it in its own words, once");
  await context.setOffline(false);
  await close();
  const staff = await visit("Sam Rivera", { allow: network });
  await staff.page.goto("/agent");
  await staff.page.getByRole("main").getByRole("heading").first().waitFor();
  await staff.context.setOffline(true);
  await staff.page.getByRole("status").filter({ hasText: "You are offline." }).waitFor();
  await staff.context.setOffline(false);
  await staff.close();
});

test("the program is killed under an onboarding page: what happened meanwhile comes once, without a reload", async () => {
  const server = await theServer();
  const watching = await visit("Ana Keller", { allow: [...network, /50[023]/] });
  const upload = async (name) => {
    const { page, close } = await visit("Ana Keller", { allow: [...network, /50[023]/] });
    await page.goto("/documents");
    const card = page.getByRole("main").getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Insurance certificate" }) });
    await card.locator("input[type=file]").setInputFiles({ name, mimeType: "application/pdf", buffer: Buffer.from(`%PDF-1.7\n%${name}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n`) });
    await card.getByText(new RegExp(`${name.replace(".", "\\.")} has arrived as version \\d`)).waitFor();
    await close();
  };
  await watching.page.goto("/documents");
  await watching.page.getByRole("heading", { name: "Insurance certificate" }).waitFor();
  await watching.page.evaluate(() => (window.untouched = true));
  const resumed = [];
  watching.page.on("request", (r) => r.url().includes("/v1/onboarding/events") && resumed.push(Number(r.headers()["last-event-id"])));
  await upload("before-the-crash.pdf");
  await watching.page.getByText(/\d · before-the-crash\.pdf/).waitFor();
  await server.crash();
  await upload("after-the-crash.pdf");
  const row = watching.page.getByText(/\d · after-the-crash\.pdf/);
  await row.waitFor({ timeout: 30_000 });
  await upload("once-more.pdf");
  await watching.page.getByText(/\d · once-more\.pdf/).waitFor({ timeout: 30_000 });
  assert.equal(await row.count(), 1, "nothing is doubled");
  assert.ok(await watching.page.evaluate(() => window.untouched), "the page was not loaded again");
  assert.ok(resumed.some((id) => id > 0), `the stream goes on where it stopped: ${resumed}`);
  await watching.close();
});
