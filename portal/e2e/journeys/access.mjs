import assert from "node:assert/strict";
import { test } from "node:test";
import { lastAnswer, say, state, theServer, visit } from "../setup.mjs";

test("a used link says so, and offers no session", async () => {
  const server = await theServer();
  const link = await server.fresh("henry.cole@globex-fintech.example");
  const first = await visit(undefined);
  await first.page.goto(link);
  await first.page.getByRole("heading", { name: "How can we help?" }).waitFor();
  await first.close();
  const second = await visit(undefined, { allow: [/410|401/] });
  await second.page.goto(link);
  await second.page.getByRole("heading", { name: /expired/ }).waitFor();
  await state(second.page, "expired-link");
  await second.page.goto("/");
  await second.page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await state(second.page, "signed-out");
  await second.close();
});

test("a session that ends while the page is open says so and keeps the draft", async () => {
  const { page, context, close } = await visit("Ana Keller", { allow: [/401/] });
  await page.getByRole("textbox", { name: "Your message" }).fill("not lost");
  await context.clearCookies();
  await page.getByRole("link", { name: "Tickets" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  const server = await theServer();
  await page.goto(server.link("Ana Keller"));
  await page.getByRole("heading", { name: "Tickets" }).waitFor(); // where they wanted to go
  await page.getByRole("link", { name: "Ask" }).click();
  await page.getByRole("textbox", { name: "Your message" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Your message" }).inputValue(), "not lost");
  await close();
});

test("another tenant's conversation looks like one that does not exist", async () => {
  const theirs = await visit("Ana Keller");
  await say(theirs.page, "How do I upload a document?");
  await lastAnswer(theirs.page).waitFor();
  const path = new URL(theirs.page.url()).pathname;
  const ours = await visit("Grace Osei", { allow: [/404/] });
  const texts = [];
  for (const p of [path, "/c/0192aaaa-0000-7000-8000-000000000000"]) {
    await ours.page.goto(p);
    await ours.page.getByRole("heading", { name: "We could not find that page" }).waitFor();
    texts.push(await ours.page.getByRole("main").innerText());
  }
  assert.equal(texts[0], texts[1]);
  await state(ours.page, "not-found");
  for (const suffix of ["", "/messages", "/events"]) {
    const id = path.split("/").pop();
    assert.equal((await ours.page.request.get(`/v1/conversations/${id}${suffix}`)).status(), 404, suffix);
  }
  await ours.close();
  await theirs.close();
});

test("customers do not get into the staff's screens, nor staff without the role", async () => {
  const { page, close } = await visit("Ana Keller", { allow: [/403|401|404/] });
  for (const path of ["/agent", "/admin/articles"]) {
    await page.goto(path);
    await page.getByRole("heading", { name: "This page is not for this account" }).waitFor();
  }
  await state(page, "not-for-you");
  for (const path of ["/v1/agent/queue", "/v1/admin/articles", "/v1/agent/deliveries", "/v1/metrics/summary"]) {
    const status = (await page.request.get(path)).status();
    assert.ok(status === 403 || status === 404, `${path} answered ${status}`);
  }
  await close();
});

test("an unknown address is a 404 with a way back", async () => {
  const { page, close } = await visit("Ana Keller", { allow: [/404/] });
  const response = await page.goto("/no/such/page");
  assert.equal(response.status(), 404);
  await page.getByRole("link", { name: "Back to the start page" }).click();
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  await close();
});

test("pages forbid what they do not need", async () => {
  const { page, close } = await visit("Ana Keller", { allow: [/Content Security Policy|Refused|TrustedScript/] });
  const response = await page.goto("/");
  const policy = response.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  assert.equal(response.headers()["cache-control"], "no-store");
  const foreign = await page.evaluate(() => performance.getEntriesByType("resource").map((r) => r.name).filter((n) => !n.startsWith(location.origin)));
  assert.deepEqual(foreign, [], "nothing comes from another origin");
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.broken = 1";
    } catch {
      return "refused";
    }
    document.body.append(script);
    return window.broken ? "ran" : "blocked";
  });
  assert.notEqual(ran, "ran", "an injected inline script does not run");
  await close();
});

test("the first frame stays small on the wire", async () => {
  const { page, close } = await visit("Ana Keller");
  await page.goto("/");
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  const scripts = await page.evaluate(() => {
    const first = [...document.querySelectorAll("script[src], link[rel=modulepreload]")].map((el) => el.src || el.href);
    return performance.getEntriesByType("resource").filter((r) => first.includes(r.name)).map((r) => r.encodedBodySize);
  });
  const total = scripts.reduce((sum, n) => sum + n, 0);
  assert.ok(scripts.length >= 2 && total > 50_000 && total < 90_000, `${total} bytes of script in ${scripts.length} files`);
  await close();
});
