// The built program with a throw-away folder: its own database, the demo loaded.

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const binary = process.env.USHER_BIN || fileURLToPath(new URL("../../bin/usher", import.meta.url));
const run = promisify(execFile);

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/**
 * Starts the program and waits until it is ready.
 * `link(name)` is a sign-in link of a person of the demo; `fresh(email)` one that works once.
 */
export async function startServer(settings = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`make build\` first`);
  const dir = await mkdtemp(join(tmpdir(), "usher-e2e-"));
  await chmod(dir, 0o755); // as root, PostgreSQL's user must reach it, or the data would lie elsewhere and stay
  const port = await freePort();
  const env = { ...process.env, USHER_DIR: join(dir, "data"), USHER_ADDR: `127.0.0.1:${port}`, USHER_PUBLIC_URL: `http://127.0.0.1:${port}`, USHER_LOG_LEVEL: "warn", ...settings };
  // The machine's own settings must not leak into the test.
  for (const name of ["DATABASE_URL", "USHER_APP_DATABASE_URL", "USHER_WORKER_DATABASE_URL", "USHER_SLACK_BOT_TOKEN", "USHER_HUBSPOT_TOKEN"]) if (!(name in settings)) delete env[name];
  const url = env.USHER_PUBLIC_URL;
  let child;
  let output = "";

  const start = async () => {
    child = spawn(binary, ["run"], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (d) => (output += d));
    const started = Date.now();
    for (;;) {
      if (child.exitCode !== null) throw new Error(`usher ended while starting:\n${output}`);
      if (await fetch(`${url}/readyz`).then((r) => r.ok, () => false)) return;
      if (Date.now() - started > 120_000) throw new Error(`usher is not ready after two minutes:\n${output}`);
      await new Promise((r) => setTimeout(r, 100));
    }
  };
  const stop = async () => {
    if (child.exitCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await gone;
    clearTimeout(timer);
  };

  await start();
  const { stdout } = await run(binary, ["token", "link", "--demo", "--json"], { env });
  const { links } = JSON.parse(stdout);
  return {
    url,
    link(name) {
      const found = links.find((l) => l.name === name);
      if (!found) throw new Error(`the demo has no ${name}`);
      return found.url;
    },
    /** Runs one of the program's own commands on the same database. */
    command: (...args) => run(binary, args, { env }),
    async fresh(email) {
      const { stdout: made } = await run(binary, ["token", "link", "--email", email, "--json"], { env });
      return JSON.parse(made).links[0].url;
    },
    /** Ends the program as a power cut would, and starts it again. */
    async crash() {
      const gone = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await gone;
      await start();
    },
    async close() {
      await stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
