import { createContext, useContext } from "react";
import { ApiError, call } from "../api/client";
import { Outbox, type OutboxEntry, type SendResult } from "../api/outbox";
import type { Conversation, Me, Message } from "../api/types";
import { words } from "../ui/i18n";
import { en } from "../ui/i18n/en";
import { explain } from "../ui/problem";
import { emptyThread, merge, type Thread } from "../api/thread";

/** What a conversation showed last, so that coming back to it shows no gap. */
export type Kept = { conversation: Conversation; thread: Thread; more: boolean };

/** What all pages of the portal share while somebody is signed in. */
export class Session {
  readonly outbox: Outbox;
  readonly kept = new Map<string, Kept>();
  private readonly onSent = new Set<(message: Message) => void>();
  private readonly onStarted = new Set<(key: string, conversation: Conversation) => void>();
  /** Words used when a send fails; the language may change while running. */
  words = words("en", en);

  constructor(readonly me: Me) {
    let keeper: Storage | undefined;
    try {
      keeper = window.localStorage;
    } catch {
      keeper = undefined;
    }
    this.outbox = new Outbox(`usher.outbox.${me.id}`, (entry) => this.send(entry), keeper, () => navigator.onLine);
    window.addEventListener("online", this.hurry);
  }

  readonly flush = (): void => void this.outbox.flush();
  private readonly hurry = (): void => this.outbox.hurry();

  stop(): void {
    window.removeEventListener("online", this.hurry);
    this.outbox.stop();
  }

  /** Told about each message the server confirmed. */
  sent(fn: (message: Message) => void): () => void {
    this.onSent.add(fn);
    return () => this.onSent.delete(fn);
  }

  /** Told when a conversation begun here exists on the server. */
  started(fn: (key: string, conversation: Conversation) => void): () => void {
    this.onStarted.add(fn);
    return () => this.onStarted.delete(fn);
  }

  private async send(entry: OutboxEntry): Promise<SendResult> {
    const { key, body: text, conversation } = entry;
    const body = { text, client_key: key, attachments: entry.files?.map((f) => f.id) };
    try {
      if (conversation.startsWith("new:")) {
        const begun = await call("post", "/v1/conversations", { body, headers: { "idempotency-key": key } });
        this.keep(begun.conversation, begun.message);
        this.outbox.move(conversation, begun.conversation.id);
        for (const fn of this.onStarted) fn(conversation, begun.conversation);
      } else {
        const message = await call("post", "/v1/conversations/{id}/messages", { params: { id: conversation }, body });
        for (const fn of this.onSent) fn(message);
      }
      return { ok: true };
    } catch (error) {
      const problem = explain(error, this.words);
      if (error instanceof ApiError && error.temporary) return { ok: false, retry: true, problem: error.status === 0 ? "" : problem, afterMs: error.retryAfter ?? 3000 };
      return { ok: false, retry: false, problem };
    }
  }

  /** Remembers a conversation that was just begun, with its first message. */
  keep(conversation: Conversation, first?: Message): void {
    const thread = merge({ ...emptyThread, state: conversation.state, assistant: conversation.assistant, working: first ? "received" : undefined }, first ? [first] : []);
    this.kept.set(conversation.id, { conversation, thread, more: false });
  }
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside a signed-in page");
  return session;
}
