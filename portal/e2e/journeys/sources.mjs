import assert from "node:assert/strict";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { state, theServer, visit } from "../setup.mjs";

const pack = fileURLToPath(new URL("../../onboarding/status/packs/shipments.yaml", import.meta.url));

test("a curator connects another system, and a customer sees what it says", async () => {
  let where = "in_transit";
  let asked = "";
  const tms = createServer((request, response) => {
    asked = `${request.url} ${request.headers.authorization}`;
    if (!request.url.endsWith("/HH-4711")) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ shipment: { legs: [{ state: "booked" }, { state: where }], port: "Rotterdam" } }));
  });
  await new Promise((done) => tms.listen(0, "127.0.0.1", done));
  const server = await theServer();
  await server.command("onboarding", "pack", pack);

  const { page, close } = await visit("Cleo Martin", { width: 1280, height: 900 });
  await page.goto("/admin/sources");
  await page.getByText("No sources yet.").waitFor();
  await page.getByRole("button", { name: "New source" }).click();
  const dialog = page.getByRole("dialog", { name: "New source" });
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("tms");
  await dialog.getByRole("textbox", { name: "Base address" }).fill(`http://127.0.0.1:${tms.address().port}`);
  await dialog.getByRole("textbox", { name: "Path of a record" }).fill("/customers/{who}/shipments/{entity}");
  await dialog.getByRole("combobox", { name: "Sign-in" }).selectOption("bearer");
  await dialog.getByLabel("Secret").fill("tms-secret");
  await dialog.getByRole("textbox", { name: "Fields" }).fill("state = shipment.legs[-1].state\nposition = /shipment/port\ncarrier = shipment.carrier");
  await dialog.getByRole("spinbutton", { name: "Freshness window" }).fill("1");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText(/not \{who\}/).waitFor();
  await state(page, "admin-source-refused");
  await dialog.getByRole("textbox", { name: "Path of a record" }).fill("/customers/{customer}/shipments/{entity}");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.ok(!(await page.content()).includes("tms-secret"), "the secret is not shown again");

  // Try it: first without the customer's number, then a record that is not there, then one that is.
  await page.getByRole("button", { name: "Try it : Tms" }).click();
  const trying = page.getByRole("dialog", { name: "Try Tms" });
  await trying.getByRole("combobox", { name: "Organisation" }).selectOption({ label: "Acme Logistics" });
  await trying.getByRole("textbox", { name: "Record's id" }).fill("HH-9999");
  await trying.getByRole("button", { name: "Read it now" }).click();
  await trying.getByText(/no customer number of this organisation/).waitFor();
  await trying.getByRole("textbox", { name: "Its customer number there" }).fill("K-17");
  await trying.getByRole("button", { name: "Read it now" }).click();
  await trying.getByText(/has no such record/).waitFor();
  await trying.getByRole("textbox", { name: "Record's id" }).fill("HH-4711");
  await trying.getByRole("button", { name: "Read it now" }).click();
  await trying.getByText("Rotterdam").waitFor();
  await trying.getByText("Not in this answer: Carrier.").waitFor();
  assert.equal(asked, "/customers/K-17/shipments/HH-4711 Bearer tms-secret");
  await state(page, "admin-source-try");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Switch on Tms" }).click();
  await page.getByRole("button", { name: "Switch off Tms" }).waitFor();
  const records = page.getByRole("region", { name: "Records of an organisation" });
  await records.getByRole("combobox", { name: "Organisation" }).selectOption({ label: "Acme Logistics" });
  await records.getByRole("textbox", { name: "Id there" }).fill("HH-4711");
  await records.getByRole("textbox", { name: "Name" }).fill("Hamburg container");
  await records.getByRole("button", { name: "Add record" }).click();
  await records.getByText("Hamburg container").first().waitFor();
  for (const field of ["position", "carrier", "eta", "scanned at", "pieces", "state"]) {
    const owner = page.getByRole("combobox", { name: `Owner of Shipment: ${field}` });
    await owner.selectOption("tms");
    await page.waitForFunction(([label]) => document.querySelector(`[aria-label="${label}"]`)?.value === "tms", [`Owner of Shipment: ${field}`]);
  }
  await state(page, "admin-sources");

  const customer = await visit("Ana Keller");
  await customer.page.goto("/onboarding");
  await customer.page.getByRole("region", { name: "Also on record" }).getByText(/Hamburg container is on its way/).waitFor();
  await state(customer.page, "portal-onboarding-things");
  where = "at_customs";
  await customer.page.waitForTimeout(1100);
  await customer.page.goto("/onboarding"); // starts the reading
  await customer.page.waitForTimeout(1000);
  await customer.page.goto("/onboarding");
  await customer.page.getByRole("region", { name: "Also on record" }).getByText(/Hamburg container is at customs/).waitFor();
  await customer.close();

  await page.getByText(/1 record, last read/).waitFor();
  await page.getByRole("button", { name: "Remove Tms" }).click();
  await page.getByText("Fields are still read from this source. Give them another owner first.").waitFor();
  await records.getByRole("button", { name: "Remove Hamburg container" }).click();
  await records.getByText("It has none yet.").waitFor();
  await close();
  tms.close();
});
