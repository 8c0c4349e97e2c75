import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { expectReflow } from "../browser.mjs";
import { lastAnswer, say, state, stored, visit } from "../setup.mjs";

const howTo = "How do I claim a ticket?";
const customerHowTo = "How do I upload a document?";

test("the first frame says it is an AI and how to reach a person", async () => {
  const { page, close } = await visit("Ana Keller");
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  await page.getByText(/\bAI\b/).first().waitFor();
  await page.getByText(/talk to a person at any time/i).first().waitFor();
  await page.getByRole("button", { name: "Talk to a person" }).waitFor();
  const suggested = await page.getByRole("region", { name: "Suggested questions" }).getByRole("button").count();
  assert.ok(suggested >= 3 && suggested <= 5, `${suggested} suggested questions`);
  await state(page, "first-frame");
  await close();
});

test("a how-to question is answered with sources that open in place", async () => {
  const { page, close } = await visit("Ana Keller");
  const asked = Date.now();
  await say(page, customerHowTo);
  await page.getByText(customerHowTo).first().waitFor();
  // The answer may be there before anybody could read that it is under way.
  await page.getByText(/Looking for|Searching|The assistant is answering/).or(lastAnswer(page)).first().waitFor();
  assert.ok(Date.now() - asked < 1500, "progress, or the answer, is visible at once");
  await page.waitForURL(/\/c\//);
  const answer = lastAnswer(page);
  await answer.waitFor();
  const sources = answer.getByRole("group", { name: /source/ });
  await sources.waitFor();
  await state(page, "answered");

  await answer.getByRole("button", { name: /^Source 1/ }).first().click();
  await answer.getByRole("link", { name: "Open the article" }).first().waitFor();
  assert.match(page.url(), /\/c\//, "the conversation is still open");
  await state(page, "source-open");
  const [kept] = (await stored(page)).filter((m) => m.author.kind === "assistant");
  assert.ok(kept.answer.citations.length > 0, "the answer cites what it used");
  await close();
});

test("each answer is announced once, and tokens are not", async () => {
  const { page, close } = await visit("Bruno Silva");
  await page.getByRole("textbox", { name: "Your message" }).waitFor();
  await page.evaluate(() => {
    window.said = [];
    const region = document.querySelector("[data-testid=announcer]");
    new MutationObserver(() => window.said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
  });
  await say(page, customerHowTo);
  await lastAnswer(page).waitFor();
  await page.waitForTimeout(800);
  const said = await page.evaluate(() => window.said);
  assert.ok(said.length >= 1 && said.length <= 3, `announced ${said.length} times: ${said.join(" | ")}`);
  assert.ok(said.some((text) => /Assistant/.test(text)), "the answer itself is announced");
  assert.equal(await page.getByRole("log").getAttribute("aria-live"), "off", "the log does not speak by itself");
  await close();
});

test("a status question is answered from the live record with its age", async () => {
  const { page, close } = await visit("Ana Keller");
  await say(page, "When do we go live?");
  const answer = lastAnswer(page);
  await answer.getByText(/as of/).waitFor();
  const [kept] = (await stored(page)).filter((m) => m.author.kind === "assistant");
  assert.equal(kept.answer.evidence, "known_state");
  assert.ok(kept.answer.basis.length > 0, "the record the answer states is named");
  await state(page, "status-answer");
  await close();
});

test("feedback can be given, explained, changed, and is kept", async () => {
  const { page, close } = await visit("Grace Osei");
  await say(page, customerHowTo);
  const answer = lastAnswer(page);
  await answer.getByRole("group", { name: "Was this helpful?" }).waitFor();
  await answer.getByRole("button", { name: "No", exact: true }).click();
  await answer.getByRole("textbox", { name: /missing or wrong/ }).fill("The second step is unclear.");
  assert.ok(await answer.getByRole("button", { name: "I want a person" }).isVisible(), "a negative vote offers a person");
  const caused = page.waitForResponse((r) => r.url().endsWith("/feedback") && r.ok());
  await answer.getByRole("button", { name: "Hard to understand" }).click();
  await caused;
  await answer.locator('button[aria-pressed="true"]', { hasText: "Hard to understand" }).waitFor();
  await state(page, "feedback-reason");
  await answer.getByRole("button", { name: "Send reason" }).click();
  await answer.getByText("You can change your answer").waitFor();
  const kept = page.waitForResponse((r) => r.url().endsWith("/feedback") && r.ok());
  await answer.getByRole("button", { name: "Yes", exact: true }).click();
  await kept;
  await answer.locator('button[aria-pressed="true"]', { hasText: "Yes" }).waitFor();
  await page.reload();
  await lastAnswer(page).locator('button[aria-pressed="true"]', { hasText: "Yes" }).waitFor();
  assert.equal((await stored(page)).find((m) => m.author.kind === "assistant").vote, "helpful");
  await close();
});

test("a vote that asks for a person hands over in one step", async () => {
  const { page, close } = await visit("Grace Osei");
  await say(page, customerHowTo);
  const answer = lastAnswer(page);
  await answer.getByRole("button", { name: "No", exact: true }).click();
  await answer.getByRole("button", { name: "I want a person" }).click();
  await page.getByText("A person is helping you here").waitFor();
  await state(page, "feedback-person");
  await close();
});

test("internal articles never answer a customer", async () => {
  const { page, close } = await visit("Henry Cole");
  await say(page, howTo);
  await lastAnswer(page).waitFor();
  for (const m of await stored(page)) {
    for (const c of m.answer?.citations ?? []) {
      const answer = await page.request.get(`/v1/kb/articles/${c.url.replace(/^\/help\/|#.*$/g, "")}`);
      assert.equal(answer.status(), 200, `${c.title} is open to this person`);
    }
  }
  await close();
});

test("the help centre is found by words, read, and leads to the assistant", async () => {
  const { page, close } = await visit("Ana Keller");
  await page.getByRole("link", { name: "Help centre" }).click();
  await page.getByRole("heading", { name: "Browse articles" }).waitFor();
  await page.getByRole("region", { name: /./ }).first().waitFor();
  await state(page, "help");
  await page.getByRole("searchbox", { name: "Search the help centre" }).fill("upload document");
  const results = page.getByRole("list", { name: /result/ });
  await results.getByRole("link").first().waitFor();
  await state(page, "help-results");
  await results.getByRole("link").first().click();
  await page.getByRole("article").getByRole("heading", { level: 1 }).waitFor();
  await state(page, "help-article");
  await expectReflow(page, "article");
  await page.getByRole("button", { name: "Ask the assistant instead" }).click();
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  await close();
});

test("signed out, the help centre shows public articles only", async () => {
  const { page, close } = await visit(undefined, { allow: [/401/] });
  await page.goto("/help");
  await page.getByRole("heading", { name: "Browse articles" }).waitFor();
  const open = (await (await page.request.get("/v1/kb/articles")).json()).articles.length;
  const inside = await visit("Ana Keller");
  const all = (await (await inside.page.request.get("/v1/kb/articles")).json()).articles.length;
  assert.ok(open > 0 && open < all, `${open} public of ${all}`);
  await inside.close();
  await close();
});

test("the customer says it is solved", async () => {
  const { page, close } = await visit("Grace Osei");
  await say(page, customerHowTo);
  await lastAnswer(page).waitFor();
  await page.getByRole("button", { name: "Mark as solved" }).click();
  await page.locator(".chat-head").getByText("Solved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Mark as solved" }).waitFor({ state: "detached" });
  await state(page, "solved");
  await close();
});

test("the roadmap shows the live record of this person's organisation", async () => {
  const { page, close } = await visit("Ana Keller");
  await page.getByRole("link", { name: "Onboarding" }).click();
  await page.getByRole("heading", { name: "Stages" }).waitFor();
  await page.getByText(/as of/).first().waitFor();
  const record = await (await page.request.get("/v1/onboarding")).json();
  for (const stage of record.stages) await page.getByRole("main").getByText(stage.name, { exact: true }).first().waitFor();
  for (const milestone of record.milestones) await page.getByRole("main").getByText(milestone.name, { exact: true }).first().waitFor();
  await state(page, "onboarding");
  await page.getByRole("link", { name: "Documents" }).first().click();
  await page.getByRole("heading", { name: "Insurance certificate" }).waitFor();
  await state(page, "documents");
  await close();
});

test("a document is sent, cancelled, refused with a reason, and appears everywhere at once", async () => {
  const { page, close } = await visit("Ana Keller");
  await page.goto("/documents");
  const card = page.getByRole("main").getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Insurance certificate" }) });
  await card.getByRole("button", { name: "Choose a file Insurance certificate" }).waitFor();
  await page.getByText(/up to 26 MB: PDF, images, text and CSV, office documents/).waitFor();
  const choose = (name, body) => card.locator("input[type=file]").setInputFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(body) });

  await choose("photo.exe", "MZ\x90\x00\x03\x00\x00\x00");
  await card.getByText(/Files of this type are not accepted/).waitFor();
  await choose("empty.pdf", "");
  await card.getByText(/The file is empty/).waitFor();
  // From the disk: sent through the browser's own connection, so many bytes take long.
  const huge = join(await mkdtemp(join(tmpdir(), "usher-")), "huge.pdf");
  await writeFile(huge, Buffer.alloc(27 * 2 ** 20));
  await card.locator("input[type=file]").setInputFiles(huge);
  await card.getByText(/huge\.pdf is too large/).waitFor();

  // The request hangs, so that there is something to cancel.
  await page.route("**/v1/documents/*/versions*", () => {}, { times: 1 });
  await choose("slow.pdf", "%PDF-1.7 slow");
  await card.getByRole("progressbar").waitFor();
  await state(page, "documents-sending");
  await card.getByRole("button", { name: "Cancel" }).click();
  await card.getByText("Cancelled. Nothing was sent.").waitFor();

  // A colleague's open roadmap hears of it without being asked to look again.
  const other = await visit("Ana Keller");
  await other.page.goto("/documents");
  await other.page.getByRole("heading", { name: "Insurance certificate" }).waitFor();
  await choose("insurance.pdf", "%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n");
  await card.getByText("insurance.pdf has arrived as version 1.").waitFor();
  await card.getByText(/1 · insurance\.pdf/).waitFor();
  await card.getByText(/could not be checked for viruses|Being checked for viruses/).waitFor();
  assert.equal(await card.getByRole("link", { name: /Download/ }).count(), 0, "nothing unchecked can be fetched");
  await other.page.getByText(/1 · insurance\.pdf/).waitFor({ timeout: 20_000 });
  await other.close();
  await state(page, "documents-sent");
  await close();
});
