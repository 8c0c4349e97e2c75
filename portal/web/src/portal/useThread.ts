import { useCallback, useEffect, useRef, useState } from "react";
import { call } from "../api/client";
import { EventStream, type StreamState } from "../api/events";
import type { Conversation, Message } from "../api/types";
import { useSession } from "./session";
import { apply, emptyThread, merge, type Thread } from "../api/thread";

const pageSize = 50;

export type LiveThread = {
  conversation: Conversation | undefined;
  thread: Thread;
  error: unknown;
  connection: StreamState;
  /** There are earlier messages to fetch. */
  more: boolean;
  older: () => Promise<void>;
  reconnect: () => void;
};

/** A conversation kept up to date by its event stream. */
export function useThread(id: string | undefined): LiveThread {
  const session = useSession();
  const kept = id ? session.kept.get(id) : undefined;
  const [conversation, setConversation] = useState<Conversation | undefined>(kept?.conversation);
  const [thread, setThread] = useState<Thread>(kept?.thread ?? emptyThread);
  const [more, setMore] = useState(kept?.more ?? false);
  const [error, setError] = useState<unknown>();
  const [connection, setConnection] = useState<StreamState>("connecting");
  const stream = useRef<EventStream | undefined>(undefined);

  useEffect(() => {
    if (!id) return;
    let live = true;
    const abort = new AbortController();
    const open = (after: number) => {
      if (!live) return;
      // Deltas come many a second; one paint per frame is enough.
      let waiting: Parameters<typeof apply>[1][] = [];
      let frame = 0;
      const flush = () => {
        const events = waiting;
        waiting = [];
        frame = 0;
        if (live) setThread((t) => events.reduce(apply, t));
      };
      stream.current = new EventStream({
        url: `/v1/conversations/${encodeURIComponent(id)}/events`,
        lastEventId: after > 0 ? String(after) : "",
        onEvent: (event) => {
          waiting.push(event);
          if (!frame) frame = document.visibilityState === "visible" ? requestAnimationFrame(flush) : window.setTimeout(flush, 50);
        },
        onState: (state) => live && setConnection(state),
        onRefused: (status) => live && status !== 401 && setError({ status }),
      });
    };
    const load = async () => {
      if (kept) {
        setConversation(kept.conversation);
        setThread(kept.thread);
        setMore(kept.more);
        return open(kept.thread.lastSeq);
      }
      const about = await call("get", "/v1/conversations/{id}", { params: { id }, signal: abort.signal });
      const page = await call("get", "/v1/conversations/{id}/messages", { params: { id }, query: { limit: pageSize }, signal: abort.signal });
      if (!live) return;
      setConversation(about);
      setMore(page.more);
      setThread((t) => {
        const next = merge({ ...t, lastSeq: about.last_seq, state: about.state, assistant: about.assistant }, page.messages);
        return { ...next, working: awaits(next) ? "received" : undefined };
      });
      open(about.last_seq);
    };
    load().catch((cause: unknown) => live && !abort.signal.aborted && setError(cause));
    const unsubscribe = session.sent((message) => {
      if (message.conversation_id === id) setThread((t) => mine(t, message));
    });
    return () => {
      live = false;
      abort.abort();
      stream.current?.close();
      stream.current = undefined;
      unsubscribe();
    };
  }, [id, session]);

  useEffect(() => {
    if (id && conversation) session.kept.set(id, { conversation, thread, more });
  }, [id, session, conversation, thread, more]);

  const older = useCallback(async () => {
    const first = thread.messages[0];
    if (!id || !first) return;
    const page = await call("get", "/v1/conversations/{id}/messages", { params: { id }, query: { before: first.seq, limit: pageSize } });
    setThread((t) => merge(t, page.messages));
    setMore(page.more);
  }, [id, thread.messages]);

  return { conversation, thread, error, connection, more, older, reconnect: () => stream.current?.hurry() };
}

/** The customer's own message, confirmed before its event arrives. */
function mine(thread: Thread, message: Message): Thread {
  const known = thread.messages.some((m) => m.id === message.id);
  const next = merge(thread, [message]);
  return known || thread.assistant === "off" || message.author.kind !== "customer" ? next : { ...next, working: next.working ?? "received" };
}

/** Whether an answer is still to come: the last word is the customer's and recent. */
function awaits(thread: Thread): boolean {
  const last = thread.messages.at(-1);
  return thread.assistant === "on" && last?.author.kind === "customer" && Date.now() - Date.parse(last.created_at) < 60_000;
}
