import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { lastAnswer, say, state, visit } from "../setup.mjs";

const definition = (port) => `key: move_go_live
title: Move the go-live date
words: {en: "Move your go-live to {date}"}
done: {en: "Your go-live is on {date} now."}
method: POST
base_url: http://127.0.0.1:${port}
path: /tenants/{tenant}/go-live
auth: {kind: bearer}
parameters:
  - {name: date, label: New date, kind: date}
body:
  date: "{date}"
  requested_by: "{contact_email}"
`;

const procedure = `key: go_live_date
title: Move the go-live date
intent: change_request.schedule
steps:
  - id: day
    ask: {as: date, kind: date, question: {en: Which day would suit you instead?}}
  - id: change
    propose: {action: move_go_live, with: {date: answer.date}}
`;

const description = (port) => JSON.stringify({
  openapi: "3.0.3", info: { title: "ERP", version: "1" }, servers: [{ url: `http://127.0.0.1:${port}` }],
  paths: { "/go-lives/{id}": {
    get: { summary: "Read a go-live", operationId: "getGoLive", parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }], responses: { 200: { description: "ok", content: { "application/json": { schema: { type: "object", properties: { day: { type: "string" } } } } } } } },
    delete: { summary: "Call a go-live off", operationId: "dropGoLive", parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }], responses: { 204: { description: "gone" } } },
  } },
});

test("a procedure proposes a change in another system, an agent approves it, and the customer reads it", async () => {
  const asked = [];
  let broken = false;
  const erp = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      asked.push({ url: request.url, method: request.method, auth: request.headers.authorization, key: request.headers["idempotency-key"], body });
      if (broken) return void request.socket.destroy();
      response.writeHead(204).end();
    });
  });
  await new Promise((done) => erp.listen(0, "127.0.0.1", done));
  const { port } = erp.address();

  const curator = await visit("Cleo Martin", { width: 1280, height: 900 });
  const { page } = curator;
  await page.goto("/admin/actions");
  await page.getByText("No actions yet.").waitFor();
  await page.getByRole("button", { name: "From OpenAPI" }).click();
  const dialog = page.getByRole("dialog", { name: "From OpenAPI" });
  await dialog.getByRole("textbox", { name: "Description" }).fill("nonsense");
  await dialog.getByRole("button", { name: "Read it" }).click();
  await dialog.getByText(/not a usable OpenAPI 3 description/).waitFor();
  await dialog.getByRole("textbox", { name: "Description" }).fill(description(port));
  await dialog.getByRole("button", { name: "Read it" }).click();
  await dialog.getByRole("button", { name: "Fill in Call a go-live off" }).waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Fill in Read a go-live" }).count(), 0, "what only reads is a source");
  await state(page, "admin-openapi");
  await dialog.getByRole("button", { name: "Fill in Call a go-live off" }).click();
  const editor = page.getByRole("textbox", { name: "Action" });
  assert.match(await editor.inputValue(), /method: DELETE/);
  await page.getByRole("button", { name: "Back" }).click();

  await page.getByRole("button", { name: "New action" }).click();
  await editor.fill(definition(port).replace("method: POST", "method: GET"));
  await page.getByRole("textbox", { name: "Secret" }).fill("erp-secret");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(/what only reads is a source/).waitFor();
  await editor.fill(definition(port));
  await page.getByRole("combobox", { name: "For somebody of" }).selectOption({ label: "Acme Logistics" });
  await page.getByRole("button", { name: "Show the request" }).click();
  await page.getByText("It would not be proposed: New date is missing.").waitFor();
  await page.getByRole("textbox", { name: "Parameters" }).fill("date = 2030-12-20");
  await page.getByRole("button", { name: "Show the request" }).click();
  await page.getByText(/Authorization: Bearer ••••••/).waitFor();
  await page.getByText("Your go-live is on 20 December 2030 now.").waitFor();
  assert.equal(asked.length, 0, "a dry run sends nothing");
  await state(page, "admin-action-try");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Switch on Move the go-live date" }).click();
  await page.getByRole("button", { name: "Switch off Move the go-live date" }).waitFor();
  await state(page, "admin-actions");
  await page.goto("/admin/sources");
  await page.getByRole("button", { name: "From OpenAPI" }).click();
  await dialog.getByRole("textbox", { name: "Description" }).fill(description(port));
  await dialog.getByRole("button", { name: "Read it" }).click();
  await dialog.getByRole("button", { name: "Fill in Read a go-live" }).click();
  const source = page.getByRole("dialog", { name: "New source" });
  assert.equal(await source.getByRole("textbox", { name: "Path of a record" }).inputValue(), "/go-lives/{entity}");
  assert.equal(await source.getByRole("textbox", { name: "Fields" }).inputValue(), "day = /day");
  await page.keyboard.press("Escape");
  await page.goto("/admin/procedures");
  await page.getByRole("button", { name: "Edit and try Move the go-live date" }).click();
  await page.getByRole("textbox", { name: "Procedure" }).fill(procedure.replace("date: answer.date", "day: answer.date"));
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByText(/needs date/).first().waitFor();
  await page.getByRole("textbox", { name: "Procedure" }).fill(procedure);
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByRole("button", { name: "Publish Move the go-live date" }).click();
  await page.getByText("Version 2 in use").waitFor();

  const ask = async () => {
    const customer = await visit("Ana Keller");
    await say(customer.page, "Please move our go-live date to a later day");
    await lastAnswer(customer.page).getByText("Which day would suit you instead?").waitFor();
    await say(customer.page, "20 December 2030");
    await lastAnswer(customer.page).getByText(/I've prepared this for you: Move your go-live to 20 December 2030\. A person checks it first; nothing has been changed yet\./).waitFor();
    return customer;
  };
  const customer = await ask();
  await state(customer.page, "chat-proposed");
  assert.equal(asked.length, 0, "nothing is sent before somebody has approved it");

  const agent = await visit("Sam Rivera", { width: 1280, height: 900 });
  await agent.page.goto("/agent/approvals");
  const card = agent.page.getByRole("article", { name: "Move the go-live date" });
  await card.getByText(/Idempotency-Key:/).waitFor();
  await state(agent.page, "agent-approvals");
  await card.getByRole("link", { name: /^#/ }).click();
  const beside = agent.page.getByRole("article", { name: "Move the go-live date" });
  await beside.getByRole("button", { name: "Approve… Move the go-live date" }).click();
  await state(agent.page, "agent-approve");
  await agent.page.getByRole("dialog").getByRole("button", { name: "Approve and send" }).click();
  await lastAnswer(customer.page).getByText("Your go-live is on 20 December 2030 now.").waitFor({ timeout: 30_000 });
  await beside.getByText("Done", { exact: true }).waitFor({ timeout: 30_000 });
  assert.equal(asked.length, 1);
  assert.equal(asked[0].auth, "Bearer erp-secret");
  assert.deepEqual(JSON.parse(asked[0].body), { date: "2030-12-20", requested_by: "ana.keller@acme-logistics.example" });
  await state(customer.page, "chat-action-done");
  await state(agent.page, "agent-ticket-action-done");
  await customer.close();

  // An answer that is lost is said to be, and a person looks.
  broken = true;
  const second = await ask();
  await agent.page.goto("/agent/approvals");
  await agent.page.getByRole("button", { name: "Approve… Move the go-live date" }).click();
  await agent.page.getByRole("dialog").getByRole("button", { name: "Approve and send" }).click();
  await lastAnswer(second.page).getByText(/I can't say yet whether this went through: Move your go-live to 20 December 2030\./).waitFor({ timeout: 30_000 });
  await agent.page.getByText("Unknown: please check").waitFor({ timeout: 30_000 });
  await state(agent.page, "agent-approval-unknown");
  await agent.page.getByRole("button", { name: "It was done there" }).click();
  await lastAnswer(second.page).getByText("Your go-live is on 20 December 2030 now.").waitFor({ timeout: 30_000 });
  assert.equal(asked.length, 2, "it is never repeated blindly");
  await second.close();

  const third = await ask();
  await agent.page.getByRole("button", { name: "Decline… Move the go-live date" }).click({ timeout: 30_000 });
  await agent.page.getByRole("dialog").getByRole("textbox", { name: /Why/ }).fill("The plan is full.");
  await agent.page.getByRole("dialog").getByRole("button", { name: "Decline" }).click();
  await lastAnswer(third.page).getByText(/A person has looked at this: Move your go-live to 20 December 2030\./).waitFor({ timeout: 30_000 });
  await state(third.page, "chat-action-declined");
  assert.equal(asked.length, 2);
  await third.close();
  await agent.close();
  await curator.close();
  erp.close();
});
