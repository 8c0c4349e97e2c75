import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { expectReflow, tabTo } from "../browser.mjs";
import { state, stored, theScanner, visit } from "../setup.mjs";

const text = (name, body) => ({ name, mimeType: "text/plain", buffer: Buffer.from(body) });
const panel = (page) => page.getByRole("group", { name: "Attach files" });
const attach = (page) => page.getByRole("button", { name: "Attach files" });
const send = (page) => page.getByRole("button", { name: "Send", exact: true });

/** What a click makes the browser keep. */
async function fetched(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

test("files go both ways, checked before the other side has them", async (t) => {
  const scanner = await theScanner();
  scanner.mode = "slow";
  t.after(() => {
    scanner.mode = "away";
  });
  const customer = await visit("Maria Lang", { allow: [/415|413|400/] });
  const { page } = customer;
  await attach(page).click();
  await panel(page).getByText(/^Up to 10 files of at most 26 MB each: PDF, images, texts and office documents\. The assistant does not read files/).waitFor();
  await state(page, "attach-limits");
  const choose = (...files) => page.getByTestId("attach-files").setInputFiles(files);

  await choose(text("log.txt", "the printer is on fire"), { name: "run.exe", mimeType: "application/octet-stream", buffer: Buffer.from("MZ\x90\x00\x03\x00") });
  await panel(page).getByText("files of this type are not accepted").waitFor();
  await panel(page).getByText("being checked for viruses").waitFor();
  await state(page, "attach-checking");
  await page.getByRole("button", { name: "Remove run.exe" }).click();

  // The request hangs, so that there is something to cancel.
  await page.route("**/v1/attachments?*", () => {}, { times: 1 });
  await choose(text("slow.txt", "slow"));
  await panel(page).getByRole("progressbar", { name: "slow.txt" }).waitFor();
  await page.getByRole("textbox", { name: "Your message" }).fill(`The printer burns ${Date.now()}`);
  await send(page).click();
  await state(page, "attach-sending");
  assert.equal(new URL(page.url()).pathname, "/", "nothing leaves while a file is on its way");
  await page.getByRole("button", { name: "Cancel sending slow.txt" }).click();
  await page.getByRole("button", { name: /Cancel sending/ }).waitFor({ state: "detached" });

  // Dropped, and pasted.
  const give = (kind, name, body) =>
    page.evaluate(
      ([kind, name, body]) => {
        const data = new DataTransfer();
        data.items.add(new File([body], name, { type: "text/plain" }));
        const box = document.querySelector("textarea");
        if (kind === "drop") window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        else box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
      },
      [kind, name, body],
    );
  await give("drop", "dropped.txt", "dropped");
  await panel(page).getByText("dropped.txt").waitFor();
  await give("paste", "pasted.txt", "X5O!P%@AP EICAR-STANDARD-ANTIVIRUS-TEST-FILE");
  await page.getByRole("button", { name: "Remove pasted.txt" }).waitFor();
  await page.getByRole("button", { name: "Remove dropped.txt" }).click();
  await page.getByRole("button", { name: "Talk to a person" }).first().waitFor();
  await send(page).click();
  await page.waitForURL(/\/c\//);
  const own = page.getByRole("log").getByRole("list", { name: "Files" }).first();
  await own.getByText("log.txt").waitFor();
  await own.getByText("being checked for viruses").first().waitFor();
  await state(page, "attach-sent");
  scanner.mode = "on";
  await own.getByText("removed: it did not pass the virus check").waitFor();
  assert.equal(await own.getByRole("link", { name: "Download pasted.txt" }).count(), 0, "what is infected is gone");
  const log = await fetched(page, () => own.getByRole("link", { name: "Download log.txt" }).click());
  assert.deepEqual(log, { name: "log.txt", text: "the printer is on fire" });
  await state(page, "attach-checked");

  // The words say little: somebody is asked, and sees the files.
  await page.getByText("A person is helping you here").waitFor();
  const number = (await page.getByText(/^#\d+/).first().innerText()).match(/\d+/)[0];
  const agent = await visit("Sam Rivera", { width: 1400, height: 900 });
  await agent.page.goto("/agent");
  await agent.page.getByRole("link", { name: new RegExp(`#?${number}`) }).first().click();
  const theirs = agent.page.getByRole("log").getByRole("list", { name: "Files" }).first();
  assert.deepEqual(await fetched(agent.page, () => theirs.getByRole("link", { name: "Download log.txt" }).click()), log);
  await theirs.getByText("Look inside").click();
  await theirs.getByText("the printer is on fire").waitFor();
  await agent.page.getByRole("article", { name: /^Internal note/ }).getByText(/The virus check found "Eicar-Signature" in the customer's file "pasted.txt"/).waitFor();
  await state(agent.page, "agent-files");

  await agent.page.getByTestId("attach-files").setInputFiles(text("guide.txt", "put it out first"));
  await agent.page.getByRole("list", { name: "Files to send" }).getByText("checked, ready to send").waitFor();
  await agent.page.getByRole("textbox", { name: /^Reply to/ }).fill("Please follow the guide.");
  await agent.page.getByRole("button", { name: "Preview reply" }).click();
  const preview = agent.page.getByRole("dialog", { name: "Send this to the customer?" });
  await preview.getByText("guide.txt").waitFor();
  await state(agent.page, "agent-files-preview");
  await preview.getByRole("button", { name: /^Send to/ }).click();
  const reply = page.getByRole("article", { name: /Sam Rivera/ });
  assert.deepEqual(await fetched(page, () => reply.getByRole("link", { name: "Download guide.txt" }).click()), { name: "guide.txt", text: "put it out first" });
  await state(page, "attach-reply");
  const kept = await stored(page);
  assert.deepEqual(kept.flatMap((m) => m.attachments?.map((a) => `${a.name} ${a.state}`) ?? []), ["log.txt clean", "pasted.txt infected", "guide.txt clean"]);
  await agent.close();
  await customer.close();
});

test("a file alone, by keyboard, on a phone", async (t) => {
  const scanner = await theScanner();
  scanner.mode = "on";
  t.after(() => {
    scanner.mode = "away";
  });
  const { page, close } = await visit("Grace Osei", { width: 320, height: 640, hasTouch: true, isMobile: true, language: "de" });
  const button = page.getByRole("button", { name: "Dateien anhängen" });
  await button.waitFor();
  await tabTo(page, button);
  await page.keyboard.press("Enter");
  const group = page.getByRole("group", { name: "Dateien anhängen" });
  await group.getByRole("button", { name: "Foto aufnehmen" }).waitFor();
  assert.equal(await page.getByTestId("attach-photo").getAttribute("capture"), "environment");
  await state(page, "attach-320-de");
  await expectReflow(page, "attach");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64");
  await chooser.setFiles({ name: "foto.png", mimeType: "image/png", buffer: png });
  await group.getByText("geprüft, bereit zum Senden").waitFor();
  await tabTo(page, page.getByRole("button", { name: "Senden", exact: true }));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/c\//);
  await page.getByText("Please see the attached file.").first().waitFor();
  await page.getByRole("link", { name: "foto.png herunterladen" }).waitFor();
  await page.getByText(/ticket #\d+/i).first().waitFor();
  await state(page, "attach-alone-320-de");
  await close();
});

test("a file that could not be checked is opened knowingly", async () => {
  const customer = await visit("Henry Cole");
  const { page } = customer;
  await attach(page).click();
  await page.getByTestId("attach-files").setInputFiles(text("notes.txt", "notes of mine"));
  await page.getByRole("button", { name: "Remove notes.txt" }).waitFor();
  await page.getByRole("textbox", { name: "Your message" }).fill(`I want to talk to a real person please ${Date.now()}`);
  await send(page).click();
  await page.getByText("A person is helping you here").waitFor();
  const number = (await page.getByText(/ticket #\d+/).first().innerText()).match(/#(\d+)/)[1];
  const agent = await visit("Sam Rivera", { width: 1400, height: 900 });
  await agent.page.goto("/agent");
  await agent.page.getByRole("link", { name: new RegExp(`#?${number}`) }).first().click();
  const files = agent.page.getByRole("log").getByRole("list", { name: "Files" }).first();
  await files.getByText("not checked: the virus check did not work").waitFor();
  await files.getByRole("button", { name: /Open anyway/ }).click();
  const dialog = agent.page.getByRole("dialog", { name: "Open a file that was not checked?" });
  await dialog.waitFor();
  await state(agent.page, "agent-files-unchecked");
  const file = await fetched(agent.page, () => dialog.getByRole("link", { name: "Download it unchecked" }).click());
  assert.equal(file.text, "notes of mine");
  await agent.close();
  await customer.close();
});
