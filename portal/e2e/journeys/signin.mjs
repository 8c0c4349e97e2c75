import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { startProvider } from "../oidc.mjs";
import { state, theServer, visit } from "../setup.mjs";

let provider;
const connected = async () => {
  const server = await theServer();
  provider ??= await startProvider();
  const connection = { issuer: provider.url, client_id: "usher", domains: ["globex-fintech.example"], networks: ["127.0.0.0/8"] };
  const file = join(await mkdtemp(join(tmpdir(), "usher-sso-")), "connection.json");
  await writeFile(file, JSON.stringify(connection));
  await server.command("sso", "set", "globex-fintech", file);
  await rm(dirname(file), { recursive: true });
  return server;
};
after(() => provider?.close());

const email = (page) => page.getByRole("textbox", { name: "Work e-mail address" });

test("a person signs in at their organisation's provider and gets where they wanted", async () => {
  await connected();
  const { page, context, close } = await visit(undefined, { allow: [/401/] });
  await page.goto("/tickets");
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await email(page).fill("grace");
  await page.keyboard.press("Enter");
  await page.getByText("Write the address like name@company.com.").first().waitFor();
  await state(page, "sign-in");
  await email(page).fill("grace.osei@globex-fintech.example");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Globex login" }).waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Tickets" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/tickets");
  const cookies = await context.cookies();
  assert.deepEqual(cookies.filter((c) => c.name.startsWith("usher")).map((c) => [c.name, c.httpOnly, c.sameSite]), [["usher", true, "Lax"]]);
  await page.goto("/signin");
  await page.getByRole("heading", { name: "How can we help?" }).waitFor();
  await close();
});

test("somebody without access, and somebody who cancels, are told what to do", async () => {
  await connected();
  const { page, close } = await visit(undefined, { allow: [/401|403|400/] });
  await page.goto("/signin");
  await email(page).fill("grace.osei@globex-fintech.example");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await page.getByRole("link", { name: "To the sign-in page" }).click();
  await email(page).fill("grace.osei@globex-fintech.example");
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Account" }).fill("stranger@globex-fintech.example");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "You have no access here yet" }).waitFor();
  await state(page, "sign-in-no-access");
  await close();
});

test("where no mail can be sent, the sign-in page says whom to ask", async () => {
  const { page, close } = await visit(undefined, { allow: [/401|409/], language: "de" });
  await page.goto("/signin");
  await page.getByRole("textbox", { name: "Geschäftliche E-Mail-Adresse" }).fill("jemand@firma.example");
  await page.keyboard.press("Enter");
  await page.getByText("Von hier können keine Links gesendet werden.").waitFor();
  await state(page, "sign-in-german");
  await close();
});
