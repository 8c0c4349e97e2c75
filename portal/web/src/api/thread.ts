// One conversation as this page knows it, changed only by numbered events and by
// what was fetched. Pure, so that replays, duplicates and reordering can be tested.

import type { Message } from "./types";
import type { ServerEvent } from "./events";

export type Thread = {
  /** By number; a message appears once, whatever is delivered twice. */
  messages: readonly Message[];
  /** The number of the last event applied. */
  lastSeq: number;
  /** What the assistant is doing right now, while no text of the answer is there. */
  working: string | undefined;
  /** Id of the message being written, if one is. */
  streaming: string | undefined;
  state: string;
  assistant: string;
  ticket: { number: number; state: string; assignee?: string } | undefined;
  /** How often the question how it was settled changed. */
  rated: number;
};

export const emptyThread: Thread = { messages: [], lastSeq: 0, working: undefined, streaming: undefined, state: "open", assistant: "on", ticket: undefined, rated: 0 };

/** Adds fetched messages; what is known already keeps the newer text. */
export function merge(thread: Thread, fetched: readonly Message[]): Thread {
  return settle({ ...thread, messages: fetched.reduce(put, thread.messages) });
}

function put(list: readonly Message[], message: Message): readonly Message[] {
  const at = list.findIndex((m) => m.id === message.id);
  if (at >= 0) {
    // A replayed beginning does not undo what is finished.
    if (message.state === "streaming" && list[at]?.state !== "streaming") return list;
    return list.map((m, i) => (i === at ? { ...m, ...message } : m));
  }
  const before = list.findIndex((m) => m.seq > message.seq);
  return before < 0 ? [...list, message] : [...list.slice(0, before), message, ...list.slice(before)];
}

function settle(thread: Thread): Thread {
  const open = thread.messages.find((m) => m.state === "streaming");
  return thread.streaming === open?.id ? thread : { ...thread, streaming: open?.id };
}

type Payload = {
  message?: Message;
  message_id?: string;
  text?: string;
  step?: string;
  state?: string;
  assistant?: string;
  number?: number;
  assignee?: string;
};

/** Applies one event. Events already applied change nothing. */
export function apply(thread: Thread, event: ServerEvent): Thread {
  const seq = Number(event.id) || 0;
  if (seq > 0 && seq <= thread.lastSeq) return thread;
  let payload: Payload;
  try {
    payload = JSON.parse(event.data) as Payload;
  } catch {
    return thread;
  }
  const next = { ...thread, lastSeq: Math.max(thread.lastSeq, seq) };
  switch (event.event) {
    case "message.created":
    case "message.updated": {
      const { message } = payload;
      if (!message) return next;
      next.messages = put(next.messages, message);
      // The customer's own message starts the wait; any other one ends it.
      if (message.author.kind === "customer") next.working = event.event === "message.created" && next.assistant === "on" ? "received" : next.working;
      else next.working = undefined;
      return settle(next);
    }
    case "answer.delta": {
      const { message_id: id, text } = payload;
      if (!id || !text) return next;
      const known = next.messages.find((m) => m.id === id);
      if (known && known.state !== "streaming") return next;
      next.working = undefined;
      next.messages = known
        ? next.messages.map((m) => (m.id === id ? { ...m, body: m.body + text } : m))
        : put(next.messages, { id, conversation_id: "", seq: seq || thread.lastSeq + 1, author: { kind: "assistant" }, visibility: "customer", body: text, state: "streaming", created_at: new Date().toISOString() });
      return settle(next);
    }
    case "assistant.working":
      return { ...next, working: payload.step || "thinking" };
    case "conversation.updated":
      next.state = payload.state ?? next.state;
      next.assistant = payload.assistant ?? next.assistant;
      if (next.assistant === "off") next.working = undefined;
      return next;
    case "ticket.updated":
      if (payload.number) next.ticket = { number: payload.number, state: payload.state ?? "", assignee: payload.assignee };
      return next;
    case "rating.updated":
      return { ...next, rated: next.rated + 1 };
    default:
      return next;
  }
}
