import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { lastAnswer, say, state, until, visit } from "../setup.mjs";

/** In the page: whether a thing has the focus and can be seen, and the frame is where it was. */
const reached = (id) => {
  const box = document.activeElement.getBoundingClientRect();
  return document.activeElement.id === id && box.bottom > 0 && box.top < innerHeight && scrollY === 0;
};

async function arrives(page, link) {
  const anchor = link.split("#")[1];
  // Parts of the page that come later may move it once more.
  if (anchor) await page.waitForFunction(reached, anchor, { timeout: 15_000 }).catch(() => assert.fail(`${link} leads to nothing that is seen`));
  else await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await page.getByText("This page does not exist").count(), 0, link);
}

test("every kind of link of an answer leads to a place of the portal", async () => {
  const list = (await readFile(new URL("../../onboarding/status/links.txt", import.meta.url), "utf8")).split("\n").filter((line) => line && !line.startsWith("#"));
  assert.ok(list.length > 15);
  const { page, close } = await visit("Ana Keller");
  await say(page, "I want to talk to a person, please.");
  await until(page, () => fetch("/v1/tickets?limit=5").then((a) => a.json()).then((list) => list.tickets.length > 0), "a ticket");
  const read = (path) => page.evaluate((url) => fetch(url).then((answer) => answer.json()), path);
  const view = await read("/v1/onboarding");
  const documents = await read("/v1/documents");
  const tickets = await read("/v1/tickets?limit=5");
  const action = view.next_actions.find((a) => a.link.includes("#task-"));
  const folded = view.tasks.find((task) => task.milestone_id && !view.next_actions.some((a) => a.id === task.id));
  const things = { "#task-": [action.id, folded.id], "#document-": [documents.documents.at(-1).id], "#ticket-": [tickets.tickets.at(-1).number] };
  for (const pattern of list) {
    const of = Object.keys(things).find((prefix) => pattern.includes(prefix));
    for (const name of of ? things[of] : [""]) {
      const link = pattern.replace(/\{\w+\}/, name);
      await page.goto("/help"); // a load of its own, not a move within the page
      await page.goto(link);
      await arrives(page, link);
    }
  }
  await state(page, "links-ticket");
  await page.goto("/documents#signatures");
  await arrives(page, "/documents#signatures");
  await state(page, "links-signatures");
  await close();
});

test("what waits for a customer is one list, in the chat and on the page, and its links are followed within the portal", async () => {
  const { page, close } = await visit("Ana Keller", { width: 390, height: 800 });
  await say(page, "What do you need from us next?");
  const answer = lastAnswer(page);
  await answer.getByText("There is work for you").waitFor();
  for (const name of ["Upload the insurance certificate", "Send a new proof of address", "Data processing agreement", "Transport management system", "Courses of your team"]) {
    assert.equal(await answer.getByRole("link", { name, exact: true }).count(), 1, name);
  }
  await answer.getByText("It's your turn.").waitFor();
  await state(page, "waiting-chat-390");
  await answer.getByRole("link", { name: "Data processing agreement" }).click();
  await arrives(page, "/documents#signatures");
  await page.goBack();
  await lastAnswer(page).getByRole("link", { name: "Renew the API token of the transport system" }).click();
  const { pathname, hash } = new URL(page.url());
  assert.equal(pathname, "/onboarding");
  await arrives(page, pathname + hash);
  await state(page, "waiting-page-390");
  const section = page.getByRole("region", { name: "What we need from you" });
  assert.equal(await section.getByRole("listitem").count(), await page.evaluate(() => fetch("/v1/onboarding").then((a) => a.json()).then((v) => v.next_actions.length)));
  // An agreement: what becomes of the documents other journeys decide.
  await section.getByRole("link", { name: "Data processing agreement" }).click();
  await arrives(page, "/documents#signatures");
  await close();
});
