import assert from "node:assert/strict";
import { test } from "node:test";
import { lastAnswer, say, state, visit } from "../setup.mjs";

const plant = async (page, title, body) => {
  const made = await page.request.post("/v1/admin/articles", { data: { title, body, audience: { level: "public" } } });
  assert.equal(made.status(), 201, await made.text());
  const { id } = await made.json();
  const published = await page.request.post(`/v1/admin/articles/${id}/publish`, { data: {} });
  assert.equal(published.status(), 200, await published.text());
  return id;
};

test("a curator sees what is wrong with articles, why, and settles it", async () => {
  const curator = await visit("Cleo Martin", { width: 1280, height: 900 });
  const { page } = curator;
  const body = (days) => `Here is how long we keep the heliotrope recordings of your calls.\n\nHeliotrope recordings are deleted after ${days} days. See [more](/help/no-such-page-here).`;
  await plant(page, "Heliotrope recordings", body(30));
  await plant(page, "Keeping heliotrope calls", "You may wonder about calls. Heliotrope recordings are deleted after 90 days.");

  await page.goto("/admin/health");
  await page.getByRole("button", { name: "Check now" }).click();
  const pair = page.getByRole("article", { name: /30 days and 90 days|90 days and 30 days/ });
  const dead = page.getByRole("article", { name: /no-such-page-here/ });
  for (let i = 0; i < 30 && !(await pair.isVisible()); i++) {
    await page.waitForTimeout(1000);
    await page.reload();
    await page.getByRole("heading", { name: "Health" }).waitFor();
    await page.waitForTimeout(300);
  }
  await pair.getByText("Heliotrope recordings are deleted after 30 days.").waitFor();
  await pair.getByText("Heliotrope recordings are deleted after 90 days.").waitFor();
  await dead.waitFor();
  await state(page, "admin-health");

  await pair.getByText("Owner: Cleo Martin").waitFor();
  await pair.getByRole("button", { name: /^Not a fault/ }).click();
  const dialog = page.getByRole("dialog", { name: "Not a fault" });
  await dialog.getByRole("textbox", { name: "Why is it none?" }).fill("Two contracts.");
  await state(page, "admin-health-dismiss");
  await dialog.getByRole("button", { name: "Dismiss" }).click();
  await pair.waitFor({ state: "detached" });
  await page.getByRole("combobox", { name: "State" }).selectOption("dismissed");
  await pair.getByText("Dismissed by Cleo Martin: Two contracts.").waitFor();
  await state(page, "admin-health-dismissed");
  await page.getByRole("combobox", { name: "State" }).selectOption("open");
  await dead.getByRole("link", { name: /^Edit/ }).click();
  await page.getByRole("heading", { name: /Heliotrope recordings/ }).waitFor();
  await curator.close();
});

test("a curator reads what became of conversations, and takes it along as a file", async () => {
  const customer = await visit("Ana Keller");
  await say(customer.page, "How do I upload a document?");
  await lastAnswer(customer.page).getByRole("button", { name: "Yes" }).click();
  await customer.page.getByText(/Thank you|Thanks/).first().waitFor();
  const curator = await visit("Cleo Martin", { width: 1280, height: 1100 });
  const { page } = curator;
  await page.goto("/admin/metrics");
  const outcomes = page.getByRole("region", { name: "What became of conversations" });
  await outcomes.getByText("Resolved by the assistant", { exact: true }).waitFor();
  await outcomes.getByRole("combobox", { name: "Show by" }).selectOption({ label: "Customer" });
  await outcomes.getByRole("rowheader", { name: "Acme Logistics" }).waitFor();
  await outcomes.getByText("What these numbers mean").click();
  await outcomes.getByText("Seven days passed after an answer, and the customer did not write again.").waitFor();
  await outcomes.scrollIntoViewIfNeeded();
  await page.getByText("Cost by what models are used for").click();
  await page.getByText("No model was asked in this period.").waitFor();
  await state(page, "admin-outcomes");
  const file = await page.request.get(await outcomes.getByRole("link", { name: "Download CSV" }).getAttribute("href"));
  assert.match(file.headers()["content-type"], /^text\/csv/);
  const [head, ...lines] = (await file.text()).trim().split("\n");
  assert.match(head, /^week,tenant,channel,intent,asked,confirmed,assumed,reopened,escalated,wrong,waiting,unanswered,/);
  assert.ok(lines.some((l) => l.includes("acme-logistics,chat,") && Number(l.split(",")[5]) > 0), "the answer that helped counts as confirmed");
  await customer.close();
  await curator.close();
});

test("an agent reports an answer, and the curator sees it with its ticket", async () => {
  const customer = await visit("Ana Keller");
  await say(customer.page, "How do I change a message I sent?");
  await lastAnswer(customer.page).getByRole("button", { name: "Yes" }).waitFor();
  await say(customer.page, "I want to talk to a person");
  await customer.page.getByText(/#\d{4}/).first().waitFor();
  const agent = await visit("Cleo Martin", { width: 1280, height: 900 });
  const { page } = agent;
  await page.goto("/agent");
  await page.getByRole("table").or(page.getByRole("list")).first().waitFor();
  await page.waitForTimeout(1500);
  await page.locator("a[href*=\"/agent/tickets/\"]").first().click();
  await page.getByText("Report this answer").first().click();
  await state(page, "agent-report");
  await page.getByRole("button", { name: "It is out of date" }).click();
  await page.getByText("Reported. Curators see it on the Health page.").first().waitFor();
  await page.goto("/admin/health");
  await page.getByRole("button", { name: "Check now" }).click();
  const reported = page.getByRole("article", { name: "An agent reported an answer that quoted it." }).first();
  for (let i = 0; i < 30 && !(await reported.isVisible()); i++) {
    await page.waitForTimeout(1000);
    await page.reload();
    await page.waitForTimeout(300);
  }
  await reported.getByText(/an agent reported it/).waitFor();
  await state(page, "admin-health-reported");
  await customer.close();
  await agent.close();
});
