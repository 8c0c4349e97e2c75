// A mail server on loopback that keeps what it is given.

import { createServer } from "node:net";

/** The text of a mail: headers off, quoted-printable undone. */
function textOf(raw) {
  const [head, ...rest] = raw.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

export async function startMail() {
  const letters = [];
  const server = createServer((socket) => {
    let buffer = "";
    let data = false;
    let to = "";
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 mail.test");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      buffer += chunk;
      for (;;) {
        if (data) {
          const end = buffer.indexOf("\r\n.\r\n");
          if (end < 0) return;
          letters.push({ to, text: textOf(buffer.slice(0, end)) });
          buffer = buffer.slice(end + 5);
          data = false;
          say("250 kept");
          continue;
        }
        const end = buffer.indexOf("\r\n");
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        const recipient = /^RCPT TO:<([^>]+)>/i.exec(line);
        if (recipient) to = recipient[1];
        if (/^DATA/i.test(line)) {
          data = true;
          say("354 go on");
        } else if (/^QUIT/i.test(line)) {
          say("221 bye");
          socket.end();
        } else say("250 ok");
      }
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `127.0.0.1:${server.address().port}`,
    letters,
    /** The latest mail to somebody that matches, once it is there. */
    async letter(to, pattern, after = 0) {
      for (let i = 0; i < 200; i++) {
        const found = letters.slice(after).findLast((l) => l.to === to && pattern.test(l.text));
        if (found) return pattern.exec(found.text);
        await new Promise((r) => setTimeout(r, 100));
      }
      throw new Error(`no mail to ${to}`);
    },
    close: () => new Promise((done) => server.close(done)),
  };
}
