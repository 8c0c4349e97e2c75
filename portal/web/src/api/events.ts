// Server-sent events over fetch. The platform's EventSource hides the status of
// a refused connection and cannot be told to hurry, and a chat needs both: a 401
// must show the sign-in page, and coming back online must not wait.

export type ServerEvent = { id: string; event: string; data: string };

export type StreamState = "connecting" | "open" | "waiting" | "offline" | "closed";

export type StreamOptions = {
  url: string;
  /** Called once per event, in order. Replays the server sends are passed on; ids tell. */
  onEvent: (event: ServerEvent) => void;
  onState?: (state: StreamState) => void;
  /** The server refused in a way that trying again will not change. */
  onRefused?: (status: number) => void;
  /** Id of the last event already known, so that nothing is missed or repeated. */
  lastEventId?: string;
  /** Silence after which the connection counts as dead, in milliseconds. */
  silence?: number;
  fetch?: typeof fetch;
  random?: () => number;
};

const firstWait = 300;
const longestWait = 15_000;

/** Splits the wire format into events. Feed it text as it arrives. */
export class EventParser {
  private buffer = "";
  private data: string[] = [];
  private event = "";
  private lastId = "";
  private started = false;
  /** Reconnection time the server asked for, in milliseconds. */
  retry: number | undefined;

  constructor(private readonly emit: (event: ServerEvent) => void) {}

  feed(chunk: string): void {
    if (!this.started && chunk !== "") {
      this.started = true;
      if (chunk.startsWith("\uFEFF")) chunk = chunk.slice(1);
    }
    this.buffer += chunk;
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.buffer);
      if (!end) return;
      const line = this.buffer.slice(0, end.index);
      this.buffer = this.buffer.slice(end.index + end[0].length);
      this.line(line);
    }
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length > 0) this.emit({ id: this.lastId, event: this.event || "message", data: this.data.join("\n") });
      this.data = [];
      this.event = "";
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }
}

/**
 * Keeps one event stream open until `close`. It reconnects with the last id seen,
 * waits longer after each failure, at once when the network returns, and lets go
 * while the tab is hidden for long so that many tabs do not use up connections.
 */
export class EventStream {
  private lastId: string;
  private abort: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private hideTimer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private retry: number | undefined;
  private closed = false;
  private parked = false;
  private turn = 0; // of connections: an older one that ends late has no say any more
  private state: StreamState = "connecting";

  constructor(private readonly options: StreamOptions) {
    this.lastId = options.lastEventId ?? "";
    if (typeof window !== "undefined") {
      window.addEventListener("online", this.hurry);
      window.addEventListener("offline", this.wentOffline);
      document.addEventListener("visibilitychange", this.visibility);
    }
    void this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.hideTimer);
    this.abort?.abort();
    if (typeof window !== "undefined") {
      window.removeEventListener("online", this.hurry);
      window.removeEventListener("offline", this.wentOffline);
      document.removeEventListener("visibilitychange", this.visibility);
    }
    this.set("closed");
  }

  /** Connects now instead of after the wait. */
  readonly hurry = (): void => {
    if (this.closed || this.state === "open" || this.state === "connecting") return;
    this.parked = false;
    this.failures = 0;
    clearTimeout(this.timer);
    void this.connect();
  };

  private readonly wentOffline = (): void => {
    this.abort?.abort();
    clearTimeout(this.timer);
    this.set("offline");
  };

  private readonly visibility = (): void => {
    clearTimeout(this.hideTimer);
    if (document.visibilityState === "visible") {
      if (this.parked) this.hurry();
      return;
    }
    this.hideTimer = setTimeout(() => {
      this.parked = true;
      this.abort?.abort();
      this.set("waiting");
    }, 120_000);
  };

  private set(state: StreamState): void {
    if (this.state === state) return;
    this.state = state;
    this.options.onState?.(state);
  }

  private async connect(): Promise<void> {
    const { url, onEvent, onRefused, silence = 60_000, fetch: get = globalThis.fetch } = this.options;
    this.set("connecting");
    const turn = ++this.turn;
    const abort = new AbortController();
    this.abort?.abort();
    this.abort = abort;
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), silence);
    };
    try {
      alive();
      const response = await get(url, {
        headers: { accept: "text/event-stream", ...(this.lastId && { "last-event-id": this.lastId }) },
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      if (turn !== this.turn) return;
      if ([401, 403, 404, 410].includes(response.status)) {
        this.close();
        onRefused?.(response.status);
        return;
      }
      if (!response.ok || !response.body) throw new Error(`event stream answered ${response.status}`);
      this.set("open");
      const parser = new EventParser((event) => {
        this.failures = 0;
        if (turn !== this.turn || this.closed) return;
        if (event.id) this.lastId = event.id;
        onEvent(event);
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        alive();
        parser.feed(value);
        this.retry = parser.retry ?? this.retry;
      }
    } catch {
      // A dropped connection and a refused one are handled alike: try again.
    } finally {
      clearTimeout(watchdog);
    }
    if (this.closed || this.parked || turn !== this.turn) return;
    if (typeof navigator !== "undefined" && navigator.onLine === false) {
      this.set("offline");
      return;
    }
    this.set("waiting");
    const wait = Math.min(longestWait, (this.retry ?? firstWait) * 2 ** Math.min(this.failures++, 10));
    this.timer = setTimeout(() => void this.connect(), wait * (0.5 + 0.5 * (this.options.random ?? Math.random)()));
  }
}
