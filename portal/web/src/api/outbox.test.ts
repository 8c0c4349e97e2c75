import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox, type OutboxEntry, type SendResult } from "./outbox";

function memory(): Storage {
  const map = new Map<string, string>();
  return { getItem: (k: string) => map.get(k) ?? null, setItem: (k: string, v: string) => void map.set(k, v), removeItem: (k: string) => void map.delete(k) } as unknown as Storage;
}

describe("Outbox", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("sends in order and forgets what was confirmed", async () => {
    const sent: string[] = [];
    const box = new Outbox("o", (e) => (sent.push(e.body), Promise.resolve({ ok: true })), memory());
    box.add("c", "one", "k1");
    box.add("c", "two", "k2");
    await vi.runAllTimersAsync();
    expect(sent).toEqual(["one", "two"]);
    expect(box.snapshot()).toEqual([]);
  });

  it("keeps the client key when an attempt is lost, so a resend is the same message", async () => {
    const rows = new Map<string, string>();
    let attempts = 0;
    const box = new Outbox(
      "o",
      (e: OutboxEntry): Promise<SendResult> => {
        attempts++;
        rows.set(e.key, e.body);
        return attempts % 3 === 0 ? Promise.resolve({ ok: true }) : Promise.reject(new TypeError("network"));
      },
      memory(),
    );
    for (let n = 0; n < 5; n++) box.add("c", `m${n}`, `k${n}`);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(attempts).toBe(15);
    expect([...rows.values()]).toEqual(["m0", "m1", "m2", "m3", "m4"]);
    expect(box.snapshot()).toEqual([]);
  });

  it("waits while offline and sends once on return", async () => {
    let online = false;
    const send = vi.fn((): Promise<SendResult> => Promise.resolve({ ok: true }));
    const box = new Outbox("o", send, memory(), () => online);
    box.add("c", "hello", "k");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(send).not.toHaveBeenCalled();
    expect(box.snapshot()[0]?.state).toBe("queued");
    online = true;
    await Promise.all([box.flush(), box.flush(), box.flush()]);
    expect(send).toHaveBeenCalledTimes(1);
  });

  it("does not wait out a pause once the network is back, unless the server asked for it", async () => {
    const send = vi.fn<() => Promise<SendResult>>().mockRejectedValueOnce(new TypeError("network")).mockResolvedValueOnce({ ok: true }).mockResolvedValueOnce({ ok: false, retry: true, problem: "busy", afterMs: 30_000 });
    const box = new Outbox("o", send, memory());
    box.add("c", "hello", "k");
    await vi.advanceTimersByTimeAsync(10);
    box.hurry();
    await vi.advanceTimersByTimeAsync(10);
    expect(send).toHaveBeenCalledTimes(2);
    box.add("c", "again", "k2");
    await vi.advanceTimersByTimeAsync(10);
    box.hurry();
    await vi.advanceTimersByTimeAsync(10);
    expect(send).toHaveBeenCalledTimes(3);
    box.stop();
  });

  it("honours the wait a busy server asks for and keeps the text", async () => {
    const send = vi.fn<() => Promise<SendResult>>().mockResolvedValueOnce({ ok: false, retry: true, problem: "busy", afterMs: 30_000 }).mockResolvedValue({ ok: true });
    const box = new Outbox("o", send, memory());
    box.add("c", "hello", "k");
    await vi.advanceTimersByTimeAsync(29_000);
    await box.flush();
    expect(send).toHaveBeenCalledTimes(1);
    expect(box.snapshot()[0]).toMatchObject({ body: "hello", problem: "busy" });
    await vi.advanceTimersByTimeAsync(2000);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("stops on a refusal and lets the person try again", async () => {
    const send = vi.fn<() => Promise<SendResult>>().mockResolvedValueOnce({ ok: false, retry: false, problem: "too long" }).mockResolvedValue({ ok: true });
    const box = new Outbox("o", send, memory());
    box.add("c", "hello", "k");
    await vi.runAllTimersAsync();
    expect(box.snapshot()[0]).toMatchObject({ state: "failed", problem: "too long" });
    box.retry("k");
    await vi.runAllTimersAsync();
    expect(box.snapshot()).toEqual([]);
  });

  it("moves what waits to a conversation that was just begun, and sends each once", async () => {
    const sent: string[] = [];
    const box: Outbox = new Outbox("o", (e) => {
      sent.push(`${e.conversation} ${e.body}`);
      if (e.conversation === "new:1") box.move("new:1", "c");
      return Promise.resolve({ ok: true });
    }, memory());
    box.add("new:1", "one", "k1");
    box.add("new:1", "two", "k2");
    await vi.runAllTimersAsync();
    expect(sent).toEqual(["new:1 one", "c two"]);
    expect(box.snapshot()).toEqual([]);
  });

  it("survives a reload, also in the middle of sending", async () => {
    const keeper = memory();
    const hang = new Outbox("o", () => new Promise(() => {}), keeper);
    hang.add("c", "hello", "k");
    await vi.advanceTimersByTimeAsync(0);
    expect(hang.snapshot()[0]?.state).toBe("sending");
    const sent: string[] = [];
    const again = new Outbox("o", (e) => (sent.push(e.key), Promise.resolve({ ok: true })), keeper);
    await again.flush();
    expect(sent).toEqual(["k"]);
  });

  it("ignores what it cannot read", () => {
    const keeper = memory();
    keeper.setItem("o", '[{"x":1},"y"]');
    expect(new Outbox("o", () => Promise.resolve({ ok: true }), keeper).snapshot()).toEqual([]);
    keeper.setItem("o", "{");
    expect(new Outbox("o", () => Promise.resolve({ ok: true }), keeper).snapshot()).toEqual([]);
  });
});
