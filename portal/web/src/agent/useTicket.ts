import { useCallback, useEffect, useRef, useState } from "react";
import { call } from "../api/client";
import { EventStream, type StreamState } from "../api/events";
import { apply, emptyThread, merge, type Thread } from "../api/thread";
import type { AgentAction, AgentTicket } from "../api/types";

export type LiveTicket = {
  data: AgentTicket | undefined;
  thread: Thread;
  error: unknown;
  connection: StreamState;
  reload: () => void;
  /** Performs one act; the ticket shown is the one after it. */
  act: (action: AgentAction) => Promise<void>;
};

/** A ticket kept up to date by its conversation's events, internal ones included. */
export function useTicket(tenant: string, id: string): LiveTicket {
  const [data, setData] = useState<AgentTicket>();
  const [thread, setThread] = useState<Thread>(emptyThread);
  const [error, setError] = useState<unknown>();
  const [connection, setConnection] = useState<StreamState>("connecting");
  const take = useCallback((ticket: AgentTicket) => {
    setData(ticket);
    setThread((t) => merge({ ...t, lastSeq: Math.max(t.lastSeq, ticket.last_seq) }, ticket.messages));
  }, []);
  const latest = useRef<() => void>(() => {});

  useEffect(() => {
    let live = true;
    let stream: EventStream | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const abort = new AbortController();
    const fetch = () => call("get", "/v1/agent/tickets/{tenant}/{id}", { params: { tenant, id }, signal: abort.signal });
    const refresh = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void fetch().then((t) => live && take(t), () => undefined), 300);
    };
    latest.current = refresh;
    fetch().then(
      (ticket) => {
        if (!live) return;
        take(ticket);
        stream = new EventStream({
          url: `/v1/agent/tickets/${encodeURIComponent(tenant)}/${encodeURIComponent(id)}/events`,
          lastEventId: String(ticket.last_seq),
          onEvent: (event) => {
            setThread((t) => apply(t, event));
            if (event.event !== "answer.delta") refresh();
          },
          onState: (state) => live && setConnection(state),
        });
      },
      (cause: unknown) => live && setError(cause),
    );
    // Deliveries and SLA clocks change without an event of the conversation.
    const every = setInterval(() => document.visibilityState === "visible" && refresh(), 15_000);
    return () => {
      live = false;
      abort.abort();
      clearTimeout(timer);
      clearInterval(every);
      stream?.close();
    };
  }, [tenant, id, take]);

  const act = useCallback(async (action: AgentAction) => take(await call("post", "/v1/agent/tickets/{tenant}/{id}/actions", { params: { tenant, id }, body: action })), [tenant, id, take]);
  return { data, thread, error, connection, reload: () => latest.current(), act };
}
