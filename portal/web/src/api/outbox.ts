// What the customer wrote and the server has not yet confirmed. Each entry keeps
// the client key it was first sent with, so sending it again is the same message.
// Entries live in local storage: a reload, a crash or a tunnel loses nothing.

export type OutboxEntry = {
  key: string;
  /** Conversation id, or "new:<key>" for a conversation that does not exist yet. */
  conversation: string;
  body: string;
  /** Files that were uploaded and go with it. */
  files?: { id: string; name: string }[];
  createdAt: string;
  state: "queued" | "sending" | "failed";
  /** Why it failed, in words for people. */
  problem?: string;
  /** Not before this time (ms since epoch), when the server asked us to wait. */
  notBefore?: number;
};

export type SendResult = { ok: true } | { ok: false; retry: boolean; problem: string; afterMs?: number };

export type Keeper = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Holds entries in order and sends them one at a time per conversation. */
export class Outbox {
  private entries: OutboxEntry[];
  private listeners = new Set<() => void>();
  private running = new Set<string>();
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private moved = new Map<string, string>();

  constructor(
    private readonly name: string,
    private readonly send: (entry: OutboxEntry) => Promise<SendResult>,
    private readonly keeper: Keeper | undefined,
    private readonly online: () => boolean = () => true,
    private readonly now: () => number = Date.now,
  ) {
    this.entries = read(keeper, name).map((e) => (e.state === "sending" ? { ...e, state: "queued" } : e));
  }

  /** Everything waiting, oldest first; the same array until something changes. */
  readonly snapshot = (): readonly OutboxEntry[] => this.entries;

  readonly subscribe = (fn: () => void): (() => void) => {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  };

  add(conversation: string, body: string, key: string, files?: OutboxEntry["files"]): OutboxEntry {
    const entry: OutboxEntry = { key, conversation: this.moved.get(conversation) ?? conversation, body, files, createdAt: new Date(this.now()).toISOString(), state: "queued" };
    this.change([...this.entries, entry]);
    void this.flush();
    return entry;
  }

  retry(key: string): void {
    this.patch(key, { state: "queued", problem: undefined, notBefore: undefined });
    void this.flush();
  }

  remove(key: string): void {
    this.change(this.entries.filter((e) => e.key !== key));
  }

  /** Entries waiting for a conversation that now exists move to it; one being sent stays. */
  move(from: string, to: string): void {
    this.moved.set(from, to);
    this.change(this.entries.map((e) => (e.conversation === from && e.state !== "sending" ? { ...e, conversation: to } : e)));
    void this.flush();
  }

  /** Sends what can be sent. Safe to call at any time, from any event. */
  async flush(): Promise<void> {
    if (!this.online()) return;
    await Promise.all([...new Set(this.entries.map((e) => e.conversation))].map((c) => this.drain(c)));
  }

  /** The network is back: what only waited for it is sent now, not after its pause. */
  hurry(): void {
    this.change(this.entries.map((e) => (e.state === "queued" && !e.problem ? { ...e, notBefore: undefined } : e)));
    void this.flush();
  }

  stop(): void {
    for (const t of this.timers) clearTimeout(t);
    this.timers.clear();
  }

  private async drain(conversation: string): Promise<void> {
    if (this.running.has(conversation)) return;
    this.running.add(conversation);
    try {
      for (;;) {
        const entry = this.entries.find((e) => e.conversation === conversation && e.state !== "failed");
        if (!entry || !this.online()) return;
        const wait = (entry.notBefore ?? 0) - this.now();
        if (wait > 0) return this.later(wait);
        this.patch(entry.key, { state: "sending", problem: undefined });
        const result = await this.send(entry).catch((): SendResult => ({ ok: false, retry: true, problem: "", afterMs: 2000 }));
        if (result.ok) {
          this.remove(entry.key);
          continue;
        }
        if (!result.retry) {
          this.patch(entry.key, { state: "failed", problem: result.problem });
          continue;
        }
        const after = result.afterMs ?? 2000;
        this.patch(entry.key, { state: "queued", problem: result.problem, notBefore: this.now() + after });
        return this.later(after);
      }
    } finally {
      this.running.delete(conversation);
    }
  }

  private later(ms: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.flush();
    }, ms);
    this.timers.add(timer);
  }

  private patch(key: string, part: Partial<OutboxEntry>): void {
    this.change(this.entries.map((e) => (e.key === key ? { ...e, ...part } : e)));
  }

  private change(entries: OutboxEntry[]): void {
    this.entries = entries;
    try {
      if (entries.length > 0) this.keeper?.setItem(this.name, JSON.stringify(entries));
      else this.keeper?.removeItem(this.name);
    } catch {
      // Storage full or forbidden: the entries still live in memory.
    }
    for (const fn of this.listeners) fn();
  }
}

function read(keeper: Keeper | undefined, name: string): OutboxEntry[] {
  try {
    const value: unknown = JSON.parse(keeper?.getItem(name) ?? "[]");
    return Array.isArray(value) ? value.filter((e): e is OutboxEntry => typeof e?.key === "string" && typeof e?.body === "string" && typeof e?.conversation === "string") : [];
  } catch {
    return [];
  }
}
