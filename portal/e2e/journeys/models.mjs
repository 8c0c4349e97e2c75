import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { openBrowser, openPage } from "../browser.mjs";
import { startServer } from "../server.mjs";
import { lastAnswer, say, state } from "../setup.mjs";

// A model server that answers everything the same way, and a product that has it
// configured and not in use.
const asked = [];
const model = createServer((request, response) => {
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", () => {
    asked.push(request.url);
    const json = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    const call = body ? JSON.parse(body) : {};
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    const common = { id: "x", created: 1, model: call.model };
    if (request.url.endsWith("/embeddings")) {
      const data = call.input.map((text, index) => ({ object: "embedding", index, embedding: Array.from({ length: 8 }, (_, i) => Math.sin(text.length + i) + 1.1) }));
      return json({ object: "list", model: call.model, data, usage: { prompt_tokens: 10, total_tokens: 10 } });
    }
    if (!call.stream) {
      const content = JSON.stringify({ intent: "none", language: "en", sentiment: "neutral", priority: "normal", confidence: 0.9 });
      return json({ ...common, object: "chat.completion", choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }], usage });
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = (part) => response.write(`data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices: [], ...part })}\n\n`);
    chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "You upload a document under Documents. [1]" }, finish_reason: null }] });
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    chunk({ usage });
    response.end("data: [DONE]\n\n");
  });
});
let server;
let browser;
after(async () => {
  await browser?.close();
  await server?.close();
  model.close();
});

test("a curator sees what switching models would change, while the built-in engine goes on answering", async () => {
  await new Promise((done) => model.listen(0, "127.0.0.1", done));
  const settings = {
    USHER_OPENAI_BASE_URL: `http://127.0.0.1:${model.address().port}/v1`, USHER_OPENAI_CHAT_MODEL: "writer-1", USHER_OPENAI_EMBEDDING_MODEL: "vectors-1", USHER_OPENAI_EMBEDDING_DIMENSIONS: "8",
    USHER_OPENAI_PRICE_PROMPT: "100", USHER_OPENAI_PRICE_OUTPUT: "100", USHER_OPENAI_PRICE_EMBEDDING: "100",
  };
  [server, browser] = await Promise.all([startServer(settings), openBrowser()]);
  const open = async (name) => {
    const profile = await openPage(browser, { baseURL: server.url, width: 1280, height: 900 });
    await profile.context.addInitScript(() => localStorage.setItem("usher.locale", "en"));
    await profile.page.goto(server.link(name));
    await profile.page.waitForURL((url) => !url.pathname.startsWith("/s/"));
    return profile;
  };
  const customer = await open("Maria Lang");
  await say(customer.page, "How do I upload a document?");
  await lastAnswer(customer.page).waitFor();
  assert.deepEqual(asked, [], "the model answers nobody");
  await customer.close();

  const { page, close } = await open("Cleo Martin");
  await page.goto("/admin/test");
  const part = page.getByRole("region", { name: "What switching models would change" });
  await part.getByRole("button", { name: "Build its vectors" }).click();
  const vectors = part.getByLabel(/Search with vectors of/);
  for (let i = 0; !(await vectors.isEnabled()); i++) {
    assert.ok(i < 120, "the vectors are built");
    await page.waitForTimeout(500);
  }
  await part.getByText(/Its vectors took about [\d,]+ tokens, (\$[\d.]+|less than a cent)\./).waitFor(); // what it cost
  assert.equal(await part.getByRole("button", { name: "Search with it from now on" }).count(), 0, "while the built-in engine is in use");
  await part.getByLabel(/classifies and writes/).check();
  await part.scrollIntoViewIfNeeded();
  await state(page, "admin-switch");
  await part.getByRole("button", { name: "Show what would change" }).click();
  await part.getByText("1 of 1 past questions would be answered differently.").waitFor();
  await part.getByRole("listitem").getByText("How do I upload a document?").waitFor();
  await part.getByText("Before and after").click();
  await part.getByText("You upload a document under Documents.").waitFor();
  await part.scrollIntoViewIfNeeded();
  await state(page, "admin-switched");

  // Vectors nobody wants are given up, and what new ones take is said before.
  await part.getByRole("button", { name: "Delete its vectors" }).click();
  await part.getByText(/They take about [\d,]+ tokens/).waitFor();

  // What it cost stands in the metrics, within seconds.
  await page.goto("/admin/metrics");
  const outcomes = page.getByRole("region", { name: "What became of conversations" });
  const trial = outcomes.getByRole("rowheader", { name: "Trying what a switch would change" });
  for (let i = 0; i < 20; i++) {
    await outcomes.getByText("Cost by what models are used for").click();
    if (await trial.first().isVisible()) break;
    await page.waitForTimeout(1500);
    await page.reload();
  }
  await trial.waitFor();
  await outcomes.getByRole("rowheader", { name: "Indexing: vectors of articles" }).waitFor();
  await outcomes.scrollIntoViewIfNeeded();
  await state(page, "admin-costs");
  await close();
});
