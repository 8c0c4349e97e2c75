import assert from "node:assert/strict";
import { test } from "node:test";
import { expectReflow, tabTo } from "../browser.mjs";
import { state, visit } from "../setup.mjs";

test("staff add a task, the customer sees it at once and ticks it, and staff see who did", async () => {
  const customer = await visit("Ana Keller", { width: 1280, height: 900 });
  await customer.page.goto("/onboarding");
  const mine = customer.page.getByRole("region", { name: "What we need from you" });
  await mine.waitFor();

  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  await page.goto("/admin/customers");
  const row = page.getByRole("row", { name: /Acme Logistics/ });
  await row.getByText(/At risk|Off track|On track/).waitFor();
  await state(page, "admin-customers");
  await row.getByRole("link", { name: "Acme Logistics" }).click();
  await page.getByRole("heading", { name: "Onboarding of Acme Logistics", level: 1 }).waitFor();
  await page.getByRole("heading", { name: "What blocks" }).waitFor();
  await state(page, "admin-record");

  const tasks = page.getByRole("region", { name: "Tasks", exact: true });
  await tasks.getByRole("button", { name: "Add a task" }).click();
  const form = page.getByRole("dialog", { name: "Add a task" });
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.getByText("Title is needed.").waitFor();
  await form.getByRole("textbox", { name: "Title" }).fill("Name two key users");
  await form.getByRole("combobox", { name: "Milestone" }).selectOption({ label: "Documents complete" });
  await form.getByRole("textbox", { name: "Note to the customer" }).fill("One of them should know the warehouse.");
  await form.getByLabel("Due").fill("2027-01-15");
  await state(page, "admin-record-task");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.waitFor({ state: "detached" });

  // The customer's open page has it without being loaded again.
  await mine.getByText("Name two key users", { exact: true }).waitFor();
  await mine.getByText("One of them should know the warehouse.").waitFor();
  await state(customer.page, "portal-onboarding-tick");
  const tick = mine.getByRole("button", { name: "Mark as done : Name two key users" });
  await tabTo(customer.page, tick, { limit: 200 });
  await customer.page.keyboard.press("Enter");
  await mine.getByText("Name two key users", { exact: true }).waitFor({ state: "detached" });
  await customer.page.waitForFunction(() => document.activeElement?.textContent === "What we need from you");
  const milestones = customer.page.getByRole("region", { name: "Milestones" });
  await milestones.getByText("Tasks Documents complete").click();
  await milestones.getByText(/^done by Ana Keller on /).waitFor();
  await state(customer.page, "portal-onboarding-ticked");

  await tasks.getByText(/done by Ana Keller/).waitFor({ timeout: 20_000 });
  await milestones.getByRole("button", { name: "Not done after all : Name two key users" }).click();
  await mine.getByText("Name two key users", { exact: true }).waitFor();

  // What staff say about the whole.
  await page.reload();
  await page.getByRole("button", { name: "Change the project" }).click();
  const project = page.getByRole("dialog", { name: "Change the project" });
  await project.getByRole("combobox", { name: "State" }).selectOption("on_hold");
  await project.getByRole("button", { name: "Save" }).click();
  await project.getByText(/“Why it is on hold” is needed/).waitFor();
  await project.getByRole("textbox", { name: "Why it is on hold" }).fill("You asked us to wait for your new warehouse.");
  await project.getByRole("button", { name: "Save" }).click();
  await project.waitFor({ state: "detached" });
  await customer.page.getByText("You asked us to wait for your new warehouse.").waitFor();
  await state(customer.page, "portal-onboarding-on-hold");
  await page.getByRole("button", { name: "Change the project" }).click();
  await project.getByRole("combobox", { name: "State" }).selectOption("active");
  await project.getByRole("button", { name: "Save" }).click();
  await project.waitFor({ state: "detached" });
  await customer.page.getByText("The onboarding is on hold.").waitFor({ state: "detached" });

  // A check of a provider is registered, and what it finds cannot be written.
  await page.getByRole("region", { name: "Verification" }).getByRole("button", { name: "Register a check" }).click();
  const check = page.getByRole("dialog", { name: "Register a check" });
  await check.getByRole("combobox", { name: "Provider" }).selectOption("onfido");
  await check.getByRole("textbox", { name: /provider's id/ }).fill("run-journey");
  assert.equal(await check.getByRole("combobox", { name: "State" }).count(), 0);
  await check.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("id run-journey").waitFor();

  // Left as it was found, for the journeys that count tasks.
  await tasks.getByRole("button", { name: "Change Name two key users" }).click();
  const last = page.getByRole("dialog", { name: "Change Name two key users" });
  await last.getByRole("combobox", { name: "State" }).selectOption("cancelled");
  await last.getByRole("button", { name: "Save" }).click();
  await last.waitFor({ state: "detached" });
  await mine.getByText("Name two key users", { exact: true }).waitFor({ state: "detached" });

  await page.setViewportSize({ width: 360, height: 720 });
  await expectReflow(page, "the record on a phone");
  await state(page, "admin-record-phone");
  await customer.close();
  await close();
});
