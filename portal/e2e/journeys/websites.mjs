import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { state, visit } from "../setup.mjs";

const handbook = fileURLToPath(new URL("../../../knowledge/importer/testdata/handbook.pdf", import.meta.url));

test("a curator takes a website in, decides a conflict, and removes it again", async () => {
  const pages = {
    "/docs/": `<h1>Tour help</h1><p>Everything about tours.</p>`,
    "/docs/plan": `<h1>Plan a tour</h1><p>Choose a day and a driver.</p>`,
    "/docs/cancel": `<h1>Cancel a tour</h1><p>Until one hour before it starts.</p>`,
    "/docs/print": ``,
  };
  const site = createServer((request, response) => {
    const body = pages[request.url];
    if (body === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(`<html lang="en"><head><title>Tours</title></head><body><nav><a href="/docs/plan">Plan</a><a href="/docs/cancel">Cancel</a><a href="/docs/print">Print</a></nav><main>${body}</main></body></html>`);
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  const host = `127.0.0.1:${site.address().port}`;

  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  await page.goto("/admin/websites");
  await page.getByRole("heading", { level: 1, name: "Websites and files" }).waitFor();
  await page.getByRole("button", { name: "Add website" }).click();
  const dialog = page.getByRole("dialog", { name: "Add website" });
  await dialog.getByRole("textbox", { name: "Address" }).fill(`http://${host}/docs/`);
  await dialog.getByRole("textbox", { name: "Paths to take in" }).fill("docs");
  await dialog.getByRole("combobox", { name: "Look again" }).selectOption("weekly");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByText(/must be the beginning of a path, such as \/docs\//).waitFor();
  await state(page, "admin-website-add");
  await dialog.getByRole("textbox", { name: "Paths to take in" }).fill("/docs/");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  const card = page.getByRole("listitem").filter({ hasText: host }).first();
  await card.getByText(/3 new, 0 changed/).waitFor({ timeout: 60_000 });
  await card.getByText("Drafts for review").waitFor();
  await card.getByText(/next sync/).waitFor();
  await card.getByRole("button", { name: `Pages of ${host}/docs` }).click();
  const list = page.getByRole("region", { name: `Pages of ${host}/docs` });
  await list.getByText("The page holds no text").waitFor();
  await state(page, "admin-website-pages");

  // The draft is published, then edited by hand; then the page changes.
  await list.getByRole("link", { name: "Cancel a tour" }).click();
  await page.getByRole("textbox", { name: "Text (Markdown)" }).fill("Until two hours before, by hand.");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByText(/Saved/).first().waitFor();
  pages["/docs/cancel"] = `<h1>Cancel a tour</h1><p>Until three hours before it starts.</p>`;
  delete pages["/docs/plan"];
  await page.goto("/admin/websites");
  await card.getByRole("button", { name: "Sync now" }).click();
  await card.getByText("1 page to decide").waitFor({ timeout: 60_000 });
  await card.getByText(/1 gone/).waitFor();
  await card.getByRole("button", { name: `Pages of ${host}/docs` }).click();
  await list.getByText("The page changed, and the article was edited by hand").waitFor();
  await state(page, "admin-website-conflict");
  await list.getByRole("button", { name: "Take the page’s text of Cancel a tour" }).click();
  await list.getByText("No such pages.").waitFor();
  await list.getByRole("combobox", { name: "Show" }).selectOption("removed");
  await list.getByText("The page is gone (404).").waitFor();
  await list.getByRole("button", { name: "Retire its article Plan a tour" }).click();
  await list.getByText("Retired", { exact: true }).waitFor();

  await card.getByRole("button", { name: "Pause" }).click();
  await card.getByText("Paused", { exact: true }).waitFor();
  await card.getByRole("button", { name: "Remove" }).click();
  const sure = page.getByRole("dialog", { name: /^Remove / });
  await sure.getByText("All articles that came from it are retired").waitFor();
  await state(page, "admin-website-remove");
  await sure.getByRole("button", { name: "Remove and retire its articles" }).click();
  await card.waitFor({ state: "detached" });
  await close();
  site.close();
});

test("a curator uploads a PDF, which becomes a draft", async () => {
  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  await page.goto("/admin/websites");
  await page.getByRole("button", { name: "Upload file" }).click();
  const dialog = page.getByRole("dialog", { name: "Upload file" });
  await dialog.getByLabel("File").setInputFiles({ name: "scan.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 nothing") });
  await dialog.getByRole("button", { name: "Upload" }).click();
  await dialog.getByText("This file is no PDF that can be read: open it and save it anew.").waitFor();
  await dialog.getByLabel("File").setInputFiles(handbook);
  await dialog.getByRole("button", { name: "Upload" }).click();
  await dialog.getByText("A new draft was made.").waitFor();
  await state(page, "admin-upload");
  await dialog.getByRole("link", { name: "Setting up single sign-on" }).click();
  await page.getByText("Before you begin").first().waitFor();
  await page.goto("/admin/websites");
  await page.getByText("Uploaded files").first().waitFor();
  assert.equal(await page.getByText(/1 new, 0 changed/).count(), 1);
  await close();
});
