import assert from "node:assert/strict";
import { test } from "node:test";
import { expectReflow } from "../browser.mjs";
import { lastAnswer, say, state, visit } from "../setup.mjs";

test("a curator writes, publishes and tests an article, and a customer gets it", async () => {
  const curator = await visit("Cleo Martin", { width: 1280, height: 900 });
  const { page } = curator;
  await page.goto("/admin");
  await page.getByRole("table").waitFor();
  await state(page, "admin-articles");
  await page.getByRole("link", { name: "New article" }).click();
  await page.getByRole("textbox", { name: "Title" }).fill("Calibrate the zephyr scanner");
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("Calibrate the zephyr scanner once a month.\n\n## Steps\n\n1. Hold the **amber** button for nine seconds.\n2. Wait until the zephyr scanner beeps twice.\n");
  await page.getByRole("region", { name: "Preview of the article" }).getByRole("heading", { name: "Steps" }).waitFor();
  await state(page, "admin-editor");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.waitForURL(/\/admin\/articles\/[0-9a-f-]{36}/);

  // A draft answers nobody, but can be tried.
  await page.getByRole("button", { name: "Publish" }).waitFor();
  const customer = await visit("Ana Keller");
  const find = () => customer.page.request.get("/v1/kb/search?q=zephyr+scanner").then((r) => r.json());
  assert.ok(!(await find()).passages.some((p) => /zephyr/.test(p.text)), "the draft is not found");

  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText(/^Published\. Answers use it/).first().waitFor();
  await page.getByRole("table").getByText("Published").first().waitFor();
  await page.waitForTimeout(300);
  await assertSoon(async () => (await find()).passages.some((p) => /zephyr/.test(p.text)), "the published article is found");

  await page.getByRole("link", { name: "Test a question", exact: true }).click();
  await page.getByRole("textbox", { name: "Question" }).fill("How do I calibrate the zephyr scanner?");
  await page.getByRole("combobox", { name: "As somebody of" }).selectOption({ label: "Acme Logistics" });
  await page.getByRole("button", { name: "Ask" }).click();
  await page.getByRole("region", { name: "Passages found" }).getByText("Calibrate the zephyr scanner").first().waitFor();
  await page.getByRole("textbox", { name: "The customer goes on" }).fill("Where is the Salesforce integration?");
  await page.getByRole("button", { name: "Go on" }).click();
  const gets = page.getByRole("region", { name: "What the customer gets" });
  await gets.getByText("How do I calibrate the zephyr scanner?").waitFor();
  await gets.getByText("Evidence: Known state").waitFor();
  await page.getByRole("textbox", { name: "The customer goes on" }).fill("and Okta?");
  await page.getByRole("button", { name: "Go on" }).click();
  await gets.getByText(/Single sign-on/).first().waitFor();
  await state(page, "admin-test");

  await say(customer.page, "How do I calibrate the zephyr scanner?");
  await lastAnswer(customer.page).getByText(/amber|zephyr/).first().waitFor();

  await page.goBack();
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("Send the zephyr scanner to us.");
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText(/^Published\. Answers use it/).first().waitFor();
  await page.getByRole("button", { name: "Compare version 1" }).click();
  await page.getByRole("region", { name: "Differences" }).getByText("amber").waitFor();
  await state(page, "admin-diff");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Roll back to version 1" }).click();
  await page.getByText("Version 1 is the text again.").first().waitFor();
  await page.getByRole("textbox", { name: "Text (Markdown)" }).getByText(/amber/).waitFor();
  await page.getByRole("button", { name: "Retire" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Retire" }).click();
  await page.getByText("Retired.").first().waitFor();
  await assertSoon(async () => !(await find()).passages.some((p) => /zephyr/.test(p.text)), "the retired article is gone");
  await customer.close();
  await curator.close();
});

async function assertSoon(check, what) {
  for (let i = 0; i < 100; i++) {
    if (await check()) return;
    await new Promise((r) => setTimeout(r, 100));
  }
  assert.fail(what);
}

for (const [name, options] of [
  ["light", { width: 1280, height: 900 }],
  ["dark-320", { dark: true, width: 320, height: 700 }],
]) {
  test(`every staff screen holds in ${name}`, async () => {
    const { page, close } = await visit("Cleo Martin", options);
    for (const path of ["/admin/articles", "/admin/articles/new", "/admin/websites", "/admin/test", "/admin/questions", "/admin/health", "/admin/gaps", "/admin/synonyms", "/admin/taxonomy", "/admin/onboarding", "/admin/procedures", "/admin/sources", "/admin/webhooks", "/admin/metrics", "/agent", "/agent/documents", "/agent/deliveries"]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByText("Loading…").first().waitFor({ state: "detached" });
      await state(page, `staff${path.replaceAll("/", "-")}-${name}`);
      await expectReflow(page, path);
    }
    await close();
  });
}

test("a curator keeps synonyms and the taxonomy", async () => {
  const { page, close } = await visit("Cleo Martin");
  await page.goto("/admin/synonyms");
  await page.getByRole("textbox", { name: "Terms that mean the same" }).fill("only one");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByText("Write at least two terms").waitFor();
  await page.getByRole("textbox", { name: "Terms that mean the same" }).fill("waybill, consignment note");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("button", { name: "Remove consignment note, waybill" }).or(page.getByRole("button", { name: "Remove waybill, consignment note" })).click();
  await page.getByText("waybill").waitFor({ state: "detached" });
  await page.goto("/admin/taxonomy");
  await page.getByRole("button", { name: /^Edit / }).first().click();
  await page.getByRole("dialog").waitFor();
  await state(page, "admin-taxonomy-edit");
  await page.getByRole("dialog").getByRole("textbox", { name: "Examples to add" }).fill("A brand new example of a question");
  await page.getByRole("dialog").getByRole("button", { name: "Add to the draft" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Take back .*add 1 example/ }).click();
  await page.getByRole("button", { name: /^Take back / }).waitFor({ state: "detached" });
  await close();
});

test("a curator drafts a change of the taxonomy, sees what it would change, publishes it and goes back", async () => {
  const customer = await visit("Ana Keller");
  await say(customer.page, "Where are your servers and is our data encrypted?");
  await lastAnswer(customer.page).waitFor();
  await say(customer.page, "We want to cancel our contract");
  await customer.page.waitForTimeout(1500);
  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  await page.goto("/admin/taxonomy");
  const reshape = async (value, what, fill) => {
    await page.getByRole("button", { name: `Reshape ${value}`, exact: true }).click();
    const dialog = page.getByRole("dialog", { name: `Reshape ${value}` });
    await dialog.getByLabel("What to do").selectOption({ label: what });
    await fill(dialog);
    await dialog.getByRole("button", { name: "Add to the draft" }).click();
    return dialog;
  };
  // A name the program acts on stays; the dialog says why.
  const fixed = await reshape("talk_to_person", "Give it another name", (d) => d.getByLabel("New name").fill("human"));
  await fixed.getByText(/has to keep its name/).waitFor();
  await page.keyboard.press("Escape");
  await (await reshape("question.security", "Give it another name", (d) => d.getByLabel("New name").fill("question.trust"))).waitFor({ state: "detached" });
  await (
    await reshape("billing.plan", "Split some examples off as a new value", async (d) => {
      await d.getByLabel("Name of the new value").fill("billing.upgrade");
      await d.getByLabel("What it is about").fill("Wants a larger plan");
      const boxes = d.getByRole("checkbox");
      for (let i = 0; i < 6; i++) await boxes.nth(i).check();
      await state(page, "admin-taxonomy-reshape");
    })
  ).waitFor({ state: "detached" });
  const draft = page.getByRole("region", { name: "Draft" });
  await draft.getByText("Rename “question.security” to “question.trust”").first().waitFor();
  await page.getByRole("rowheader", { name: "billing.upgrade" }).waitFor();
  await draft.getByRole("button", { name: "Show what would change" }).click();
  const report = page.getByRole("region", { name: "What publishing would change" });
  await report.waitFor({ timeout: 240_000 });
  await report.getByText("As you asked").first().waitFor();
  await state(page, "admin-taxonomy-preview");
  await expectReflow(page, "/admin/taxonomy");
  await draft.getByRole("button", { name: "Publish the draft" }).click();
  await page.getByText("Published. New messages are classified with it from now on.").first().waitFor({ timeout: 240_000 });
  await page.getByRole("rowheader", { name: "question.trust" }).waitFor();
  await state(page, "admin-taxonomy-published");
  await page.getByRole("button", { name: "Go back to before this" }).first().click();
  await page.getByRole("dialog", { name: "Go back?" }).getByRole("button", { name: "Go back" }).click();
  await page.getByText("The taxonomy is as it was before that publication.").first().waitFor({ timeout: 240_000 });
  await page.getByRole("rowheader", { name: "question.security" }).waitFor();
  await page.getByRole("rowheader", { name: "billing.upgrade" }).waitFor({ state: "detached" });
  await customer.close();
  await close();
});

test("a curator sees what customers ask about, by week", async () => {
  for (const text of ["How do I upload a document?", "When do we go live?"]) {
    const customer = await visit("Ana Keller");
    await say(customer.page, text);
    await lastAnswer(customer.page).waitFor();
    await customer.close();
  }
  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  const topics = page.getByRole("region", { name: "Topics", exact: true }).first();
  await assertSoon(async () => {
    await page.goto("/admin/metrics");
    await page.getByRole("heading", { name: "Topics" }).waitFor();
    await page.waitForTimeout(1500);
    return (await page.getByRole("rowheader", { name: /go live date/ }).count()) > 0;
  }, "the questions are in topics");
  await topics.getByText("Examples of go live date").click();
  await topics.getByText("When do we go live?").first().waitFor();
  await state(page, "admin-topics");
  await expectReflow(page, "/admin/metrics");
  const csv = await page.request.get("/v1/metrics/topics.csv?weeks=4");
  assert.equal(csv.headers()["content-type"], "text/csv; charset=utf-8; header=present");
  assert.match(await csv.text(), /^topic,intent,week of .*\n(.*\n)*go live date,onboarding\.go_live_date,/);
  await close();
});

test("a curator takes a suggested value into the draft", async () => {
  const customer = await visit("Ana Keller");
  for (const text of ["Where is the zeppelin hangar parking?", "Is there parking at the zeppelin hangar?", "zeppelin hangar parking please", "Parking at the zeppelin hangar", "May I use the zeppelin hangar parking?", "How large is the zeppelin hangar parking?"]) {
    const sent = await customer.page.request.post("/v1/conversations", { data: { text } });
    assert.ok(sent.ok(), await sent.text());
  }
  await customer.close();
  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  const suggestions = page.getByRole("region", { name: "Suggestions" });
  for (let i = 0; ; i++) {
    assert.ok(i < 100, "the questions become a suggestion");
    await page.request.get("/v1/metrics/topics"); // looks for new topics
    await page.goto("/admin/taxonomy");
    await page.getByRole("heading", { name: "Intents" }).waitFor();
    await page.waitForTimeout(2000);
    if (await page.getByText(/Customers ask about “.*zeppelin/).count()) break;
  }
  const one = suggestions.getByRole("listitem").filter({ hasText: "zeppelin" }).first();
  await one.getByText(/of 6 questions of one organisation in four weeks fit no value/).waitFor();
  await state(page, "admin-suggestions");
  await expectReflow(page, "/admin/taxonomy");
  await one.getByLabel("Name").fill("question.parking");
  await one.getByRole("button", { name: "Add it to the draft question.parking" }).click();
  await page.getByText(/Set “question.parking”: Answer, and add \d examples/).first().waitFor();
  await page.getByRole("rowheader", { name: "question.parking" }).waitFor();
  await page.getByRole("button", { name: "Discard all" }).click();
  await page.getByRole("rowheader", { name: "question.parking" }).waitFor({ state: "detached" });
  await close();
});

test("a curator sees what keeps a workspace from going live, edits a template, switches and tries rules", async () => {
  const { page, close } = await visit("Cleo Martin");
  await page.goto("/admin/onboarding");
  await page.getByRole("button", { name: "State and go-live of Acme Logistics" }).click();
  const workspace = page.getByRole("dialog", { name: "Acme Logistics" });
  await workspace.getByText(/Insurance certificate/).waitFor();
  await state(page, "admin-workspace");
  await workspace.getByRole("button", { name: "Go live" }).click();
  await workspace.getByText(/not ready to go live/).waitFor();
  await workspace.getByRole("button", { name: "Suspend" }).click();
  await workspace.getByText(/Its people cannot sign in/).waitFor();
  await state(page, "admin-workspace-sure");
  await workspace.getByRole("button", { name: "No, leave it" }).click();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Edit SaaS onboarding" }).click();
  const editor = page.getByRole("dialog", { name: "Edit SaaS onboarding" });
  const text = editor.getByRole("textbox", { name: "Template" });
  const body = await text.inputValue();
  await text.fill(body.replaceAll("side: customer", "side: nobody"));
  await editor.getByRole("button", { name: /Publish/ }).click();
  await editor.getByText(/unknown side/).waitFor();
  await text.fill(body.replace("SaaS onboarding", "SaaS onboarding, revised"));
  await editor.getByRole("button", { name: /Publish as version 2/ }).click();
  await editor.waitFor({ state: "detached" });
  await page.getByText(/saas · version 2/).waitFor();

  await page.getByRole("button", { name: "Switch off Second rejection" }).click();
  await page.getByRole("button", { name: "Switch on Second rejection" }).waitFor();
  const dry = () => page.getByRole("button", { name: "Show what would happen" }).click();
  await page.getByLabel("If this happened").selectOption("document.rejected");
  await page.getByLabel("With these facts").fill("rejections=2");
  await dry();
  await page.getByText("Document rejected: tell customer").waitFor();
  assert.equal(await page.getByText("Second rejection: open ticket").count(), 0, "it is off");
  await page.getByRole("button", { name: "Switch on Second rejection" }).click();
  await page.getByRole("button", { name: "Switch off Second rejection" }).waitFor();
  await dry();
  await page.getByText("Second rejection: open ticket").waitFor();
  await state(page, "admin-onboarding");
  await close();
});

test("a curator adds an address for a customer's own systems, tests it and takes it away", async () => {
  const { page, close } = await visit("Cleo Martin");
  await page.goto("/admin/webhooks");
  const address = page.getByRole("textbox", { name: "Address" });
  await address.fill("http://plain.example.com/hook");
  await page.getByRole("button", { name: "Add address" }).click();
  await page.getByText(/must begin with https/).first().waitFor();
  await address.fill("https://hooks.example.com/usher");
  await page.getByRole("button", { name: "Add address" }).click();
  await page.getByText(/whsec_/).waitFor();
  await state(page, "admin-webhooks");
  await page.getByRole("button", { name: "Send a test to https://hooks.example.com/usher" }).click();
  await page.getByRole("button", { name: "Switch off https://hooks.example.com/usher" }).click();
  await page.getByRole("button", { name: "Switch on https://hooks.example.com/usher" }).waitFor();
  await page.getByText("Switched off by hand.").waitFor();
  await page.goto("/agent/deliveries");
  await page.getByLabel("Destination").selectOption("webhook");
  await page.getByRole("row").filter({ hasText: "Webhook test" }).first().waitFor();
  await page.goto("/admin/webhooks");
  await page.getByRole("button", { name: "Remove https://hooks.example.com/usher" }).click();
  await page.getByText("No addresses yet.").waitFor();
  assert.equal(await page.getByText(/whsec_/).count(), 0, "a secret is shown once");
  await close();
});

test("a curator keeps questions and sees what a draft would change before publishing it", async () => {
  const customer = await visit("Maria Lang");
  await say(customer.page, "How do I calibrate the pallet wrapper?");
  await lastAnswer(customer.page).waitFor();
  await customer.close();

  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900, allow: [/409/] });
  await page.goto("/admin/questions");
  const keep = async (question, expects, says = "") => {
    await page.getByRole("button", { name: "Keep a question" }).click();
    const dialog = page.getByRole("dialog", { name: "Keep a question" });
    await dialog.getByRole("textbox", { name: "Question" }).fill(question);
    await dialog.getByLabel("What has to become of it").selectOption(expects);
    await dialog.getByLabel("As somebody of").selectOption({ label: "Acme Logistics" });
    await dialog.getByLabel("Must say", { exact: true }).fill(says);
    if (question.startsWith("When")) await state(page, "admin-question-edit");
    await dialog.getByRole("button", { name: "Keep" }).click();
    await dialog.waitFor({ state: "detached" });
  };
  await keep("When will we go live?", "status", "Go-live");
  await keep("How do I calibrate the pallet wrapper?", "answer", "blue lever");
  await page.getByRole("button", { name: "Run all" }).click();
  await page.getByText("1 of 2 are as expected.").first().waitFor();
  await state(page, "admin-questions");

  await page.goto("/admin/articles/new");
  await page.getByRole("textbox", { name: "Title" }).fill("Calibrate the pallet wrapper");
  await page.getByRole("textbox", { name: /^Text|^Body|Markdown/ }).first().fill("## How to calibrate the pallet wrapper\n\n1. Switch the pallet wrapper off.\n2. Hold the blue lever for ten seconds.\n3. Switch it on.\n");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByRole("button", { name: "Show what would change" }).click();
  await page.getByText("All 2 kept questions would be as expected.").waitFor();
  await page.getByRole("listitem").filter({ hasText: "Gains" }).getByText("How do I calibrate the pallet wrapper?").first().waitFor();
  await state(page, "admin-effect");

  // Once published it is kept right: an edit that breaks it is held back.
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText(/^Published\. Answers use it/).first().waitFor();
  await assertSoon(async () => (await page.request.get("/v1/kb/search?q=pallet+wrapper").then((r) => r.json())).passages.some((p) => /blue lever/.test(p.text)), "the article is found");
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("## How to calibrate the pallet wrapper\n\nSend the pallet wrapper to us to calibrate it.\n");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const held = page.getByRole("dialog", { name: "Kept questions would fail" });
  await held.getByText("How do I calibrate the pallet wrapper?").waitFor();
  await state(page, "admin-held-back");
  await held.getByRole("button", { name: "Publish anyway" }).click();
  await held.waitFor({ state: "detached" });
  await page.getByText(/^Published\. Answers use it/).first().waitFor();
  await close();
});

test("a curator makes up a customer who goes on talking, and a draft that loses them is held back", async () => {
  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900, allow: [/409/] });
  await page.goto("/admin/articles/new");
  await page.getByRole("textbox", { name: "Title" }).fill("Clean the carton folder");
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("## How to clean the carton folder\n\n1. Switch the carton folder off.\n2. Wipe the suction cups with the grey cloth.\n");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.waitForURL(/\/admin\/articles\/[0-9a-f-]{36}/);
  const article = page.url();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText(/^Published\. Answers use it/).first().waitFor();
  await assertSoon(async () => (await page.request.get("/v1/kb/search?q=carton+folder").then((r) => r.json())).passages.some((p) => /grey cloth/.test(p.text)), "the article is found");

  await page.goto("/admin/questions");
  await page.getByRole("button", { name: "Make up a customer" }).click();
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  await page.getByText("Give the customer a name.").first().waitFor();
  await page.getByLabel("Name", { exact: true }).fill("Cleans the folder, then wants a person");
  await page.getByLabel("As somebody of").selectOption({ label: "Acme Logistics" });
  await page.getByLabel("First message").fill("How do I clean the carton folder?");
  await page.getByRole("button", { name: "Add a reply" }).click();
  const reply = page.getByRole("group", { name: "Reply 1" });
  await reply.getByLabel("When the assistant").selectOption({ label: "says" });
  await reply.getByLabel("These words").fill("grey cloth");
  await reply.getByLabel("They reply").fill("We have none. I want to talk to a person.");
  await page.getByLabel("An answer from articles").check();
  await page.getByLabel("A person takes over").check();
  await page.getByLabel("Must say", { exact: true }).fill("grey cloth");
  await page.getByLabel("Must never say").fill("bleach");
  await state(page, "admin-customer");
  await page.getByRole("button", { name: "Let them talk" }).click();
  const result = page.getByRole("region", { name: "What came of it" });
  await result.getByText("As expected").waitFor();
  await result.getByText("We have none. I want to talk to a person.").waitFor();
  await result.getByText("Passed to a person").waitFor();
  await state(page, "admin-customer-talked");
  await page.getByRole("button", { name: "Keep", exact: true }).click();

  const kept = page.getByRole("listitem").filter({ hasText: "Cleans the folder, then wants a person" }).first();
  await kept.getByRole("button", { name: "Run" }).click();
  await kept.getByText("As expected").waitFor();
  await kept.getByText(/^The last conversation/).click();
  await kept.getByText("Wipe the suction cups with the grey cloth").waitFor();
  await state(page, "admin-customers");
  const sam = await visit("Sam Rivera");
  const queue = await sam.page.request.get("/v1/agent/queue");
  assert.ok(queue.ok(), `the queue is there: ${queue.status()}`);
  assert.ok(!/carton folder/i.test(await queue.text()), "no ticket came of it");
  await sam.close();

  await page.goto(article);
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("## How to clean the carton folder\n\nSend the carton folder to us to clean it.\n");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const held = page.getByRole("dialog", { name: "Kept questions would fail" });
  await held.getByText("Cleans the folder, then wants a person").waitFor();
  await state(page, "admin-customer-held-back");
  await held.getByRole("button", { name: "Keep editing" }).click();
  await page.goto("/admin/questions");
  await page.getByRole("button", { name: "Forget Cleans the folder, then wants a person" }).click();
  await kept.waitFor({ state: "detached" });
  await close();
});
