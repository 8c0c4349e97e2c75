import { describe, expect, it } from "vitest";
import type { ServerEvent } from "./events";
import type { Message } from "./types";
import { apply, emptyThread, merge, type Thread } from "./thread";

const message = (id: string, seq: number, kind: Message["author"]["kind"], body: string, state: Message["state"] = "final"): Message => ({
  id,
  conversation_id: "c",
  seq,
  author: { kind },
  visibility: "customer",
  body,
  state,
  created_at: "2026-03-10T09:00:00Z",
});
const event = (seq: number, kind: string, payload: unknown): ServerEvent => ({ id: String(seq), event: kind, data: JSON.stringify(payload) });

const story: ServerEvent[] = [
  event(1, "message.created", { message: message("q", 1, "customer", "How?") }),
  event(2, "assistant.working", { step: "searching" }),
  event(3, "message.created", { message: message("a", 3, "assistant", "", "streaming") }),
  event(4, "answer.delta", { message_id: "a", text: "Press " }),
  event(5, "answer.delta", { message_id: "a", text: "Connect." }),
  event(6, "message.updated", { message: message("a", 3, "assistant", "Press Connect. [1]") }),
  event(7, "conversation.updated", { state: "with_person", assistant: "off" }),
  event(8, "ticket.updated", { number: 1001, state: "received" }),
  event(9, "message.created", { message: message("p", 9, "agent", "Hello") }),
];
const play = (events: ServerEvent[], from: Thread = emptyThread) => events.reduce(apply, from);

describe("a conversation", () => {
  it("grows by its events", () => {
    const steps = story.map((_, i) => play(story.slice(0, i + 1)));
    expect(steps[0]?.working).toBe("received");
    expect(steps[1]?.working).toBe("searching");
    expect(steps[3]).toMatchObject({ working: undefined, streaming: "a" });
    expect(steps[4]?.messages[1]?.body).toBe("Press Connect.");
    expect(steps[5]).toMatchObject({ streaming: undefined });
    expect(steps[8]?.messages.map((m) => m.id)).toEqual(["q", "a", "p"]);
    expect(steps[8]).toMatchObject({ state: "with_person", assistant: "off", ticket: { number: 1001 }, lastSeq: 9 });
  });

  it("ends the same when the stream breaks anywhere and replays", () => {
    const whole = play(story);
    for (let cut = 0; cut <= story.length; cut++) {
      for (let back = 0; back <= cut; back++) expect(play(story.slice(back), play(story.slice(0, cut)))).toEqual(whole);
    }
  });

  it("ends the same when messages were fetched first", () => {
    const fetched = [message("q", 1, "customer", "How?"), message("a", 3, "assistant", "Press Connect. [1]")];
    expect(play(story, merge(emptyThread, fetched)).messages).toEqual(play(story).messages);
  });

  it("keeps text that arrives before its message", () => {
    const thread = play([event(4, "answer.delta", { message_id: "a", text: "Press" })]);
    expect(thread.messages[0]).toMatchObject({ body: "Press", state: "streaming" });
  });

  it("does not add late text to a finished answer", () => {
    const thread = apply(play(story), { id: "", event: "answer.delta", data: '{"message_id":"a","text":"junk"}' });
    expect(thread.messages[1]?.body).toBe("Press Connect. [1]");
  });

  it("puts older pages in front", () => {
    const thread = merge(play(story), [message("old", 0, "customer", "before")]);
    expect(thread.messages[0]?.id).toBe("old");
  });

  it("ignores what it cannot read", () => {
    expect(apply(emptyThread, { id: "1", event: "message.created", data: "{" })).toBe(emptyThread);
    expect(apply(emptyThread, { id: "1", event: "future.kind", data: "{}" }).lastSeq).toBe(1);
  });
});
