import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, test } from "node:test";
import { openBrowser, openPage } from "../browser.mjs";
import { startServer } from "../server.mjs";
import { say, state } from "../setup.mjs";
import { startMail } from "../smtp.mjs";

// A server of its own: with e-mail, which the other journeys do without.
const secret = Buffer.from("a secret of the journeys only..").toString("base64");
let mail;
let server;
let browser;
const ready = async (options) => {
  if (!server) {
    mail = await startMail();
    [server, browser] = await Promise.all([
      startServer({ USHER_MAIL_FROM: "support@usher.example", USHER_SMTP_ADDR: mail.address, USHER_MAIL_WEBHOOK_SECRET: secret, USHER_MAIL_AUTH_SERVER: "mx.usher.example" }),
      openBrowser(),
    ]);
  }
  return openPage(browser, { baseURL: server.url, allow: [/401|403|404/], ...options });
};
after(async () => {
  await browser?.close();
  await server?.close();
  await mail?.close();
});

/** Whether something is shown within a few seconds. */
const appears = (what) => what.waitFor({ timeout: 6_000 }).then(() => true, () => false);

/** Hands a mail over as a provider does. */
async function write(from, subject, text) {
  const id = `${Date.now()}@${from.split("@")[1]}`;
  const domain = from.split("@")[1];
  const body = [`Message-ID: <${id}>`, `From: ${from}`, "To: support@usher.example", `Subject: ${subject}`, `Authentication-Results: mx.usher.example; dmarc=pass header.from=${domain}`, "Content-Type: text/plain; charset=utf-8", "", text, ""].join("\r\n");
  const stamp = String(Math.floor(Date.now() / 1000));
  const signed = createHmac("sha256", Buffer.from(secret, "base64")).update(`${id}.${stamp}.${body}`).digest("base64");
  const answer = await fetch(`${server.url}/email/inbound`, { method: "POST", body, headers: { "webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": `v1,${signed}` } });
  assert.equal(answer.status, 204);
}

test("a customer rates in the chat how it was settled, changes it, takes it back, and gets more help", async () => {
  const { page, close } = await ready({ width: 1200, height: 1000 });
  await page.addInitScript(() => localStorage.setItem("usher.locale", "en"));
  await page.goto(server.link("Maria Lang"));
  await page.waitForURL((url) => !url.pathname.startsWith("/s/"));
  await say(page, "What is our go-live date?");
  await page.getByRole("button", { name: "Mark as solved" }).click();
  const card = page.getByRole("region", { name: "Your request is settled. How did we do?" });
  await card.waitFor();
  await card.getByRole("button", { name: "Send", exact: true }).click();
  await card.getByText("Choose one of the five answers first.").waitFor();
  await state(page, "rating-asked");
  await card.getByRole("radio", { name: "Poor", exact: true }).focus();
  await page.keyboard.press("Space");
  await card.getByRole("textbox", { name: /Anything you want to add/ }).fill("The date is not clear to me.");
  await card.getByRole("button", { name: "Send", exact: true }).click();
  await card.getByText("Thank you for your answer. You said: Poor.").waitFor();
  await state(page, "rating-given");
  await page.reload();
  await card.getByText("You said: Poor.").waitFor();
  await card.getByRole("button", { name: "Change" }).click();
  await card.getByRole("radio", { name: "Okay" }).check();
  await card.getByRole("button", { name: "Send", exact: true }).click();
  await card.getByText("You said: Okay.").waitFor();
  await card.getByRole("button", { name: "Take it back" }).click();
  await card.getByText("Your answer was taken back.").waitFor();
  await card.getByRole("radio", { name: "Very poor" }).check();
  await card.getByRole("textbox", { name: /Anything you want to add/ }).fill("Nobody told us which milestone is late.");
  await card.getByRole("button", { name: "Send, and get more help from a person" }).click();
  await card.getByText("A person will look at it again and answer you.").waitFor();
  await page.getByText("A person is helping you here").waitFor();
  await page.getByRole("log").getByText("Nobody told us which milestone is late.").waitFor();
  await state(page, "rating-help");
  await close();
});

test("a mailed link opens a page and rates only when the answer is confirmed there", async () => {
  const from = "grace.osei@globex-fintech.example";
  const signedIn = await ready();
  await signedIn.page.addInitScript(() => localStorage.setItem("usher.locale", "en"));
  await write(from, "Sandbox keys", "I want to talk to a real person about our sandbox keys, please.");
  await signedIn.page.goto(await server.fresh(from));
  await signedIn.page.getByRole("link", { name: "Tickets" }).click();
  // The list is read once, when it is opened: it is opened anew until the mail is there,
  // and each time it gets the time to be shown.
  const ticket = signedIn.page.getByRole("link", { name: /Sandbox keys/ });
  for (let i = 0; !(await appears(ticket)); i++) {
    assert.ok(i < 10, "the mail becomes a ticket");
    await signedIn.page.reload();
  }
  await ticket.click();
  await signedIn.page.getByRole("button", { name: "Mark as solved" }).click();
  const [link] = await mail.letter(from, /http:\/\/\S+\/rate\/\S+#2/);
  await signedIn.close();

  const { page, close } = await ready({ width: 320, height: 700 });
  const rating = async () => (await fetch(`${server.url}/v1/ratings/${new URL(link).pathname.split("/").pop()}`)).json();
  await fetch(link);
  await page.goto(link);
  await page.getByRole("heading", { name: "Your request is settled. How did we do?" }).waitFor();
  assert.ok(await page.getByRole("radio", { name: "Poor", exact: true }).isChecked(), "the answer of the link is chosen");
  assert.equal((await rating()).state, "asked", "and not given");
  await state(page, "rate-page");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "320 pixels are enough");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Thank you for your answer. You said: Poor.").waitFor();
  assert.equal((await rating()).score, 2);
  await state(page, "rate-page-given");
  await page.goto(`${server.url}/rate/nonsense`);
  await page.getByText("This link does not work.").waitFor();
  await close();

  const curator = await ready({ width: 1400, height: 1000 });
  await curator.page.goto(server.link("Cleo Martin"));
  await curator.page.waitForURL((url) => !url.pathname.startsWith("/s/"));
  await curator.page.goto("/admin/metrics");
  const ratings = curator.page.getByRole("region", { name: "How customers rate it" });
  await ratings.getByText(/^\d of \d asked$/).waitFor();
  await ratings.getByRole("combobox", { name: "Show by" }).selectOption("Settled by");
  await ratings.getByRole("rowheader", { name: "People" }).waitFor();
  await ratings.getByText("Who is asked").click();
  const kept = curator.page.waitForResponse((r) => r.request().method() === "PUT" && r.ok());
  await ratings.getByRole("checkbox", { name: /Globex/ }).uncheck();
  await kept;
  await curator.page.reload();
  await ratings.getByText("Who is asked").click();
  await ratings.getByRole("checkbox", { name: /Globex/ }).waitFor();
  assert.ok(!(await ratings.getByRole("checkbox", { name: /Globex/ }).isChecked()), "switched off and kept");
  await ratings.scrollIntoViewIfNeeded();
  await state(curator.page, "ratings-metrics");
  await curator.close();
});
