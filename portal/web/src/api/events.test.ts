import { afterEach, describe, expect, it, vi } from "vitest";
import { EventParser, EventStream, type ServerEvent, type StreamState } from "./events";

const parse = (chunks: string[]) => {
  const out: ServerEvent[] = [];
  const parser = new EventParser((e) => out.push(e));
  for (const c of chunks) parser.feed(c);
  return { out, parser };
};

describe("EventParser", () => {
  it("reads ids, names, several data lines and comments", () => {
    const { out, parser } = parse([": hello\nretry: 50\nid: 7\nevent: message\ndata: a\ndata: b\n\nid\ndata:c\n\n"]);
    expect(out).toEqual([
      { id: "7", event: "message", data: "a\nb" },
      { id: "", event: "message", data: "c" },
    ]);
    expect(parser.retry).toBe(50);
  });

  it("gives the same events however the bytes are cut", () => {
    const wire = "id: 1\r\nevent: token\r\ndata: {\"x\":\"é\"}\r\n\r\n: beat\r\n\r\nid: 2\r\ndata: y\r\n\r\n";
    const whole = parse([wire]).out;
    expect(whole).toHaveLength(2);
    for (let cut = 1; cut < wire.length; cut++) expect(parse([wire.slice(0, cut), wire.slice(cut)]).out).toEqual(whole);
    expect(parse([...wire]).out).toEqual(whole);
  });

  it("does not dispatch an event cut off before its empty line", () => {
    expect(parse(["id: 3\ndata: half"]).out).toEqual([]);
  });
});

describe("EventStream", () => {
  afterEach(() => vi.useRealTimers());

  // A server that holds `total` events, sends from the asked id on, and cuts the
  // connection after a random number of bytes.
  function flaky(total: number, random: () => number) {
    const asked: string[] = [];
    const get = vi.fn((_url: string | URL | Request, init?: RequestInit) => {
      const last = new Headers(init?.headers).get("last-event-id") ?? "0";
      asked.push(last);
      let wire = "";
      for (let n = Number(last) + 1; n <= total; n++) wire += `id: ${n}\nevent: message\ndata: m${n}\n\n`;
      if (random() < 0.2) return Promise.reject(new TypeError("network"));
      if (random() < 0.1) return Promise.resolve(new Response("busy", { status: 503 }));
      return Promise.resolve(new Response(wire.slice(0, Math.floor(random() * 200) + 1)));
    });
    return { get: get as unknown as typeof fetch, asked };
  }

  it("loses and repeats nothing when the connection dies at random points", async () => {
    vi.useFakeTimers();
    let seed = 11;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let round = 0; round < 50; round++) {
      const server = flaky(40, random);
      const got: string[] = [];
      const stream = new EventStream({ url: "/e", onEvent: (e) => got.push(e.data), fetch: server.get, random });
      for (let t = 0; t < 2000 && got.length < 40; t++) await vi.advanceTimersByTimeAsync(1000);
      stream.close();
      expect(got).toEqual(Array.from({ length: 40 }, (_, i) => `m${i + 1}`));
      expect(server.asked.length).toBeGreaterThan(1);
    }
  });

  it("starts after the event it is told about", async () => {
    vi.useFakeTimers();
    const asked: (string | null)[] = [];
    const get = ((_u: string, init?: RequestInit) => {
      asked.push(new Headers(init?.headers).get("last-event-id"));
      return Promise.resolve(new Response(""));
    }) as unknown as typeof fetch;
    const stream = new EventStream({ url: "/e", lastEventId: "41", onEvent: () => {}, fetch: get });
    await vi.advanceTimersByTimeAsync(0);
    stream.close();
    expect(asked).toEqual(["41"]);
  });

  it.each([401, 404, 410])("stops for good on %i and says so", async (status) => {
    vi.useFakeTimers();
    const get = vi.fn(() => Promise.resolve(new Response("", { status })));
    const refused = vi.fn();
    const states: StreamState[] = [];
    new EventStream({ url: "/e", onEvent: () => {}, onRefused: refused, onState: (s) => states.push(s), fetch: get as unknown as typeof fetch });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(refused).toHaveBeenCalledExactlyOnceWith(status);
    expect(get).toHaveBeenCalledTimes(1);
    expect(states.at(-1)).toBe("closed");
  });

  it("treats a silent connection as dead and reconnects", async () => {
    vi.useFakeTimers();
    let opened = 0;
    const get = ((_u: string, init?: RequestInit) => {
      opened++;
      const body = new ReadableStream({ start: (c) => init?.signal?.addEventListener("abort", () => c.error(new Error("aborted"))) });
      return Promise.resolve(new Response(body));
    }) as unknown as typeof fetch;
    const stream = new EventStream({ url: "/e", silence: 1000, onEvent: () => {}, fetch: get, random: () => 0 });
    await vi.advanceTimersByTimeAsync(3000);
    stream.close();
    expect(opened).toBeGreaterThanOrEqual(2);
  });

  it("keeps one connection when told to hurry while the last one is still ending", async () => {
    vi.useFakeTimers();
    let open = 0;
    let most = 0;
    const get = ((_u: string, init?: RequestInit) => {
      open++;
      most = Math.max(most, open);
      const body = new ReadableStream({
        start: (c) => {
          c.enqueue(new TextEncoder().encode("id: 1\ndata: x\n\n"));
          init?.signal?.addEventListener("abort", () => {
            open--;
            c.error(new Error("aborted"));
          });
        },
      });
      return Promise.resolve(new Response(body));
    }) as unknown as typeof fetch;
    const stream = new EventStream({ url: "/e", silence: 1000, onEvent: () => {}, fetch: get, random: () => 1 });
    for (let i = 0; i < 20; i++) {
      await vi.advanceTimersByTimeAsync(1000 + i * 13);
      stream.hurry();
    }
    await vi.advanceTimersByTimeAsync(500);
    stream.close();
    expect(most).toBe(1);
    expect(open).toBe(0);
  });
});
