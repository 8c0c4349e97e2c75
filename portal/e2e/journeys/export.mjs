import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { expectReflow, tabTo } from "../browser.mjs";
import { lastAnswer, say, state, visit } from "../setup.mjs";

/** What a click makes the browser keep. */
async function taken(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

test("an administrator takes the organisation's data along, with the keyboard", async () => {
  const { page, close } = await visit("Ana Keller", { width: 320, height: 700 });
  await page.goto("/tickets");
  await page.getByRole("link", { name: "Export data" }).click();
  await page.getByRole("heading", { level: 1, name: "Export data" }).waitFor();
  await state(page, "exports-320");
  await expectReflow(page, "exports");
  const button = page.getByRole("button", { name: "Download" });
  const milestones = await taken(page, async () => {
    await tabTo(page, button);
    await page.keyboard.press("Enter");
  });
  assert.match(milestones.name, /^milestones-\d{4}-\d\d-\d\d\.csv$/);
  assert.match(milestones.text, /^name,stage,state,due,completed_at,owner\n./);
  await page.getByText(`${milestones.name} was handed to your browser.`).first().waitFor();

  await page.getByLabel("What").selectOption("tasks");
  await page.getByLabel("Format").selectOption("json");
  const tasks = JSON.parse((await taken(page, () => button.click())).text);
  assert.ok(tasks.length > 3 && tasks.every((task) => task.title && task.state), "tasks as JSON");

  await page.getByLabel("From", { exact: true }).fill("2026-02-01");
  await page.getByRole("textbox", { name: "To", exact: true }).fill("2026-01-01");
  await button.click();
  await page.getByText("The last day is before the first one.").first().waitFor();
  await state(page, "exports-wrong-320");
  await close();
});

test("who may not export is told whom to ask, and staff export for a customer", async () => {
  const member = await visit("Bruno Silva", { dark: true });
  await member.page.goto("/onboarding");
  await member.page.getByRole("heading", { name: "Stages" }).waitFor();
  assert.equal(await member.page.getByRole("link", { name: "Export data" }).count(), 0);
  await member.page.goto("/exports");
  await member.page.getByText(/Only administrators and managers/).waitFor();
  await state(member.page, "exports-refused-dark");
  await member.close();

  const { page, close } = await visit("Cleo Martin");
  await page.goto("/admin/onboarding");
  await page.getByRole("button", { name: "State and go-live of Acme Logistics" }).click();
  const dialog = page.getByRole("dialog", { name: "Acme Logistics" });
  await dialog.getByLabel("What").selectOption("documents");
  const file = await taken(page, () => dialog.getByRole("button", { name: "Download" }).click());
  assert.match(file.text, /Security questionnaire/);
  await state(page, "admin-export");
  await close();
});

test("a conversation can be taken along as text", async () => {
  const { page, close } = await visit("Ana Keller");
  await say(page, "When do we go live?");
  await lastAnswer(page).getByText(/as of/).waitFor();
  const { name, text } = await taken(page, () => page.getByRole("button", { name: "Download this conversation" }).click());
  assert.match(name, /^conversation-.*\.txt$/);
  assert.match(text, /Ana Keller\nWhen do we go live\?/);
  assert.match(text, /Assistant \(AI\)\n./);
  await page.getByText("Downloaded.").first().waitFor({ state: "attached" });
  await close();
});
