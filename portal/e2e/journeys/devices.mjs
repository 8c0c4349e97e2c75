import assert from "node:assert/strict";
import { test } from "node:test";
import { lastAnswer, say, state, stored, theServer, until, visit } from "../setup.mjs";

const question = "How do I upload a document?";

test("reading on one device clears the badge on the other within five seconds", async () => {
  const phone = await visit("Maria Lang", { width: 390, height: 800, allow: [/ERR_FAILED/, /Failed to fetch/] });
  await phone.page.route("**/read", (route) => route.abort()); // the answer comes while nobody looks
  await say(phone.page, question);
  await phone.page.waitForURL(/\/c\//);
  const desk = await visit("Maria Lang");
  await desk.page.goto("/help");
  await lastAnswer(phone.page).waitFor();
  await phone.page.goto("/help");
  await phone.page.unroute("**/read");
  const badge = (page) => page.getByRole("link", { name: /Conversations/ }).getByText(/\d+ unread/);
  await badge(desk.page).waitFor({ state: "attached", timeout: 20_000 });
  await desk.page.waitForTimeout(1000);
  const { conversations } = await desk.page.evaluate(() => fetch("/v1/conversations?limit=100").then((r) => r.json()));
  const unread = conversations.filter((c) => c.unread);
  assert.match(await badge(desk.page).innerText(), new RegExp(`^${unread.length} unread`), "the badge is the server's count");

  for (const c of unread) {
    await phone.page.goto(`/c/${c.id}`);
    await lastAnswer(phone.page).waitFor();
    await until(phone.page, `fetch("/v1/conversations/${c.id}").then((r) => r.json()).then((c) => !c.unread)`, "the server knows it was read");
  }
  await badge(desk.page).waitFor({ state: "detached", timeout: 5_000 });
  await phone.close();
  await desk.close();
});

test("a link opened while signed out leads to its place after signing in", async () => {
  const server = await theServer();
  const known = await visit("Ana Keller");
  await say(known.page, question);
  await known.page.waitForURL(/\/c\//);
  await lastAnswer(known.page).waitFor();
  const place = new URL(known.page.url()).pathname;
  assert.match(place, /^\/c\/[0-9a-f-]{36}$/, "an opaque id and nothing else");
  await known.close();

  const { page, close } = await visit(null);
  await page.goto(place);
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await page.goto(await server.fresh("ana.keller@acme-logistics.example"));
  await page.waitForURL((url) => url.pathname === place);
  await lastAnswer(page).waitFor();
  await page.goto("/");
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/", "only once");
  await close();
});

test("two thousand messages scroll, and earlier ones come on demand", async () => {
  const { page, close } = await visit("Ana Keller");
  await say(page, question);
  await page.waitForURL(/\/c\//);
  await lastAnswer(page).waitFor();
  const [first] = await stored(page);
  const total = 2000;
  let asked = 0;
  // What the service would give for a long conversation, page by page.
  await page.route(/\/v1\/conversations\/[^/]+\/messages/, (route) => {
    asked++;
    const query = new URL(route.request().url()).searchParams;
    const limit = Number(query.get("limit"));
    const before = Number(query.get("before")) || total + 1;
    const from = Math.max(1, before - limit);
    const messages = Array.from({ length: before - from }, (_, i) => ({
      ...first,
      id: `00000000-0000-7000-8000-${String(from + i).padStart(12, "0")}`,
      seq: from + i,
      author: { kind: (from + i) % 2 ? "customer" : "agent", name: (from + i) % 2 ? "" : "Sam Rivera" },
      body: `Message number ${from + i}. ${"Some words of ordinary length. ".repeat((from + i) % 7)}`,
    }));
    return route.fulfill({ json: { messages, more: from > 1 } });
  });
  await page.route(/\/v1\/conversations\/[^/]+\/(events|read)/, (route) => route.abort());
  await page.route(/\/v1\/conversations\/[0-9a-f-]{36}$/, async (route) => {
    const about = await (await route.fetch()).json();
    return route.fulfill({ json: { ...about, last_seq: total, unread: false, customer_read_seq: total } });
  });
  await page.reload();
  await page.getByText(/^Message number 2000\./).waitFor();
  assert.equal(asked, 1, "only the latest come by themselves");

  const box = page.getByRole("region", { name: "Conversation" });
  const rows = () => page.locator("[role=log] [data-message]").count();
  await box.hover();
  let moved = 0;
  while ((await rows()) < total) {
    const before = await rows();
    // Just above the end of what is there, as a wheel would get.
    await box.evaluate((el) => (el.scrollTop = 200));
    await page.waitForFunction((n) => document.querySelectorAll("[role=log] [data-message]").length > n, before);
    const top = await box.evaluate((el) => el.scrollTop);
    moved = Math.max(moved, top === 0 ? 1 : 0);
  }
  assert.equal(moved, 0, "what is read stays in place while more comes in above");
  assert.equal(await page.getByText(/new messages?$/).count(), 0, "earlier messages are not new");
  assert.equal(await page.getByRole("button", { name: "Load earlier messages" }).count(), 0);

  const usual = await box.evaluate(async (el) => {
    const frames = [];
    for (let i = 0; i < 60; i++) {
      const t = performance.now();
      el.scrollTop = (el.scrollHeight * i) / 60;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      frames.push(performance.now() - t);
    }
    return frames.sort((a, b) => a - b)[30];
  });
  assert.ok(usual < 250, `a jump through ${total} messages usually takes ${Math.round(usual)} ms`);
  await box.evaluate((el) => (el.scrollTop = el.scrollHeight));
  await page.getByText(/^Message number 2000\./).waitFor();
  await close();
});

test("what a curator types is kept without a click", async () => {
  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  await page.goto("/admin/articles/new");
  await page.getByRole("textbox", { name: "Title" }).fill("Polish the brass lantern");
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("Use a soft cloth.");
  page.on("dialog", (d) => void d.accept());
  await page.reload();
  assert.equal(await page.getByRole("textbox", { name: "Title" }).inputValue(), "Polish the brass lantern", "kept on this device");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.waitForURL(/\/admin\/articles\/[0-9a-f-]{36}/);
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText(/^Published\. Answers use it/).first().waitFor();

  const text = page.getByRole("textbox", { name: "Text (Markdown)" });
  await text.fill("Use a soft cloth and no water.");
  await page.getByText("Saved by itself.").waitFor();
  await page.getByText("Unpublished edit").waitFor();
  await state(page, "admin-autosave");
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Polish the brass lantern" }).waitFor();
  assert.equal(await text.inputValue(), "Use a soft cloth and no water.");
  const found = await page.request.get("/v1/kb/articles/polish-the-brass-lantern").then((r) => r.json());
  assert.equal(found.body, "Use a soft cloth.", "the live text is as published");
  // Saving by hand right after typing is one save, not a quarrel with oneself.
  await text.fill("Use a soft cloth, twice.");
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText(/^Published\. Answers use it/).first().waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  await page.getByRole("button", { name: "Retire" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Retire" }).click();
  await page.getByText("Retired.").first().waitFor();
  await close();
});
