// A stand-in for a ClamAV daemon on loopback: its INSTREAM command, and the
// standard test virus. It is away until a journey wants it, and can be slow.

import { createServer } from "node:net";

export async function startScanner() {
  const scanner = { mode: "away" }; // away, slow (answers once the mode changes), on
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    if (scanner.mode === "away") return socket.destroy();
    let bytes = Buffer.alloc(0);
    socket.on("data", async (part) => {
      bytes = Buffer.concat([bytes, part]);
      // zINSTREAM\0, then chunks of length and bytes, then a length of zero.
      let at = "zINSTREAM\0".length;
      const body = [];
      for (;;) {
        if (bytes.length < at + 4) return;
        const size = bytes.readUInt32BE(at);
        if (size === 0) break;
        if (bytes.length < at + 4 + size) return;
        body.push(bytes.subarray(at + 4, at + 4 + size));
        at += 4 + size;
      }
      while (scanner.mode === "slow") await new Promise((r) => setTimeout(r, 50));
      socket.end(Buffer.concat(body).includes("EICAR-STANDARD") ? "stream: Eicar-Signature FOUND\0" : "stream: OK\0");
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scanner.address = `127.0.0.1:${server.address().port}`;
  scanner.close = () => {
    for (const s of sockets) s.destroy();
    return new Promise((done) => server.close(done));
  };
  return scanner;
}
