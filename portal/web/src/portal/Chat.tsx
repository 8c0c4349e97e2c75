import { Suspense, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { lazily } from "../ui/lazily";
import { call, newKey } from "../api/client";
import type { OutboxEntry } from "../api/outbox";
import type { Message } from "../api/types";
import { announce } from "../ui/announce";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Badge, Banner, Loading } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { Link, usePage } from "../ui/router";
import { Composer } from "./Composer";
import { Hello } from "./Hello";
import { ErrorPage } from "./pages";
import { useSession } from "./session";
import { speakerOf, ticketWords } from "./spoken";
import { useThread } from "./useThread";

// The first frame has no transcript; what renders one comes while it is read.
const transcript = () => import("./MessageView");
const TakeAlong = lazily(() => transcript().then((m) => ({ default: m.TakeAlong })));
const Older = lazily(() => transcript().then((m) => ({ default: m.Older })));
const Pending = lazily(() => transcript().then((m) => ({ default: m.Pending })));
const Connection = lazily(() => transcript().then((m) => ({ default: m.Connection })));
const RatingCard = lazily(() => import("./Rating").then((m) => ({ default: m.RatingCard })));
const MessageView = lazily(() => transcript().then((m) => ({ default: m.MessageView })));

/** One conversation, or the page where one begins. */
export function Chat({ id, onTalk, onBegin, framed = false }: { id?: string; onTalk: () => void; onBegin?: (id: string) => void; framed?: boolean }) {
  const { t, count } = useWords();
  const session = useSession();
  const { conversation, thread, error, connection, more, older, reconnect } = useThread(id);
  const [place] = useState(() => `new:${newKey()}`);
  const waiting = useSyncExternalStore(session.outbox.subscribe, session.outbox.snapshot);
  const pending = useMemo(() => waiting.filter((e) => (id ? e.conversation === id : e.conversation.startsWith("new:"))), [waiting, id]);
  const input = useRef<HTMLTextAreaElement>(null);
  const title = conversation?.subject || thread.messages.find((m) => m.author.kind === "customer")?.body.slice(0, 80) || (id ? t("untitled") : t("ask_title"));
  const heading = usePage(title, t("brand"));

  useEffect(
    () =>
      session.started((from, begun) => {
        if (!id && from.startsWith("new:")) onBegin?.(begun.id);
      }),
    [session, id, onBegin],
  );

  const send = useCallback((text: string, files?: OutboxEntry["files"]) => session.outbox.add(id ?? place, text, newKey(), files), [session, id, place]);
  // Two objects for all messages, so that text arriving in one does not draw the others again.
  const acts = useMemo(() => ({ last: { onOption: send, onTalk, active: true }, earlier: { onOption: send, onTalk, active: false } }), [send, onTalk]);
  const stop = () => {
    if (id) void call("post", "/v1/conversations/{id}/stop", { params: { id } }).catch(() => undefined);
    input.current?.focus();
  };

  const explain = useProblem();
  const [problem, setProblem] = useState("");
  const solve = async () => {
    if (!id) return;
    try {
      await call("post", "/v1/conversations/{id}/solved", { params: { id } });
      setProblem("");
      announce(t("solved_thanks"));
      heading.current?.focus();
    } catch (cause) {
      setProblem(explain(cause));
    }
  };

  // What the first frame has no room for.
  const [later, setLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), 400);
    return () => clearTimeout(timer);
  }, []);

  const scroll = useScroll(thread.messages, pending.length, conversation?.customer_read_seq);
  useAnnounce(thread.messages, thread.working !== undefined || thread.streaming !== undefined);
  useRead(id, thread.lastSeq, thread.messages, scroll.atEnd);
  const patience = usePatience(thread.working);

  const unreadFrom = useMemo(() => {
    const read = conversation?.customer_read_seq;
    if (read === undefined || !conversation?.unread) return undefined;
    return thread.messages.find((m) => m.seq > read && m.author.kind !== "customer")?.id;
  }, [conversation, thread.messages]);

  if (error) return <ErrorPage error={error} />;
  const lastAnswer = thread.messages.findLast((m) => m.author.kind !== "system");
  const settled = thread.streaming ? thread.messages.filter((m) => m.id !== thread.streaming) : thread.messages;
  const streaming = thread.messages.find((m) => m.id === thread.streaming);
  const blank = !id && pending.length === 0;

  return (
    <div className="chat">
      {blank ? (
        <span />
      ) : (
        <header className="chat-head">
          <h1 ref={heading} tabIndex={-1} dir="auto">
            {title}
          </h1>
          {thread.state === "with_person" && (
            <Badge tone="info">
              <Icon name="person" /> {t("with_person")}
            </Badge>
          )}
          {id && (thread.state === "with_person" || (thread.state === "open" && thread.messages.some((m) => m.answer))) && (
            <button type="button" className="btn btn-quiet btn-small" onClick={() => void solve()}>
              <Icon name="check" /> {t("solve")}
            </button>
          )}
          {thread.state === "solved" && <Badge tone="ok">{t("conv_solved")}</Badge>}
          {thread.ticket && (
            <Badge>
              <span className="num">#{thread.ticket.number}</span> {ticketWords(thread.ticket.state, t)}
            </Badge>
          )}
          {id && (
            <Suspense>
              <TakeAlong id={id} onProblem={setProblem} />
            </Suspense>
          )}
          {!framed && (
            <Link className="btn btn-quiet btn-small" href="/">
              <Icon name="plus" /> <span className="wide-words">{t("new_conversation")}</span>
            </Link>
          )}
        </header>
      )}

      <div className="scroller" ref={scroll.ref} onScroll={scroll.onScroll} tabIndex={0} role="region" aria-label={t("transcript")}>
        {blank ? (
          <Hello heading={heading} onAsk={send} />
        ) : (
          <div>
            {id && !conversation && thread.messages.length === 0 && <Loading label={t("loading")} />}
            {more && (
              <p style={{ textAlign: "center", marginBlockEnd: "1rem" }}>
                <Suspense>
                  <Older onLoad={() => scroll.keep(older)} />
                </Suspense>
              </p>
            )}
            {!more && <Disclosure />}
            {/* The log itself is silent: each answer is announced once, when whole. */}
            <div className="log" role="log" aria-live="off" aria-label={t("transcript")}>
              <Suspense>
              {settled.map((m) => (
                <div key={m.id} className="stack" data-message={m.id}>
                  {m.id === unreadFrom && <div className="divider">{t("unread_from_here")}</div>}
                  <MessageView message={m} mine={session.me.name} actions={m.author.kind !== "assistant" ? undefined : m.id === lastAnswer?.id ? acts.last : acts.earlier} />
                </div>
              ))}
              </Suspense>
            </div>
            <div className="after-log">
              {streaming && (
                <Suspense>
                  <MessageView message={streaming} mine={session.me.name} />
                </Suspense>
              )}
              <Suspense>
                {pending.map((entry) => (
                  <Pending key={entry.key} entry={entry} onRetry={() => session.outbox.retry(entry.key)} onDiscard={() => session.outbox.remove(entry.key)} />
                ))}
              </Suspense>
              {id && (thread.state === "solved" || thread.rated > 0) && (
                <Suspense>
                  <RatingCard id={id} turn={thread.rated} />
                </Suspense>
              )}
              {thread.working && !streaming && patience && (
                <p className="row muted small">
                  <span className="spin" aria-hidden="true" /> {workingWords(thread.working, t)}
                </p>
              )}
            </div>
          </div>
        )}
      </div>

      <div className="dock">
        {scroll.unseen > 0 && (
          <div className="jump">
            <button type="button" className="btn btn-small" onClick={scroll.toEnd}>
              <Icon name="down" /> {count("new_messages", scroll.unseen)}
            </button>
          </div>
        )}
        {problem && (
          <Banner tone="bad" role="alert">
            {problem}
          </Banner>
        )}
        <Suspense>{(later || id) && <Connection state={connection} used={Boolean(id)} onReconnect={reconnect} />}</Suspense>
        <Composer later={later} draftKey={`${session.me.id}.${id ?? "new"}`} onSend={send} onStop={streaming || (thread.working && patience) ? stop : undefined} inputRef={input} />
      </div>
    </div>
  );
}

function Disclosure() {
  const { t, language } = useWords();
  const { me } = useSession();
  const theirs = me.assistant && me.locale.startsWith(language) ? me.assistant : undefined;
  return (
    <p className="log muted small" style={{ marginBlockEnd: "1rem" }}>
      <span>
        {theirs?.disclosure || t("disclosure")} {theirs?.person || t("disclosure_person")}
      </span>
    </p>
  );
}

function workingWords(step: string, t: ReturnType<typeof useWords>["t"]): string {
  if (/search|retriev|document|answer|compos/.test(step)) return t("thinking_searching");
  if (/status|record|onboarding/.test(step)) return t("thinking_status");
  return t("thinking");
}

/** Whether to go on showing that an answer is coming: not for ever. */
function usePatience(working: string | undefined): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    setOver(false);
    if (!working) return;
    const timer = setTimeout(() => setOver(true), 60_000);
    return () => clearTimeout(timer);
  }, [working]);
  return !over;
}

/** Scrolls only if the focused control has left the visible part. */
function keepInView(box: Element, focus: Element | null) {
  if (!focus?.matches(":focus-visible")) return;
  const outer = box.getBoundingClientRect();
  const inner = focus.getBoundingClientRect();
  if (inner.bottom > outer.bottom || inner.top < outer.top) focus.scrollIntoView({ block: "nearest" });
}

/** Keeps the end in view while the reader is there; counts what arrives while not. */
function useScroll(messages: readonly Message[], pending: number, readSeq: number | undefined) {
  const ref = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [seen, setSeen] = useState(0);
  const stick = useRef(true);
  const placed = useRef(false);
  const last = messages.at(-1);
  const size = messages.length + pending;
  const length = last?.body.length ?? 0;

  const toEnd = useCallback(() => {
    const el = ref.current;
    if (el) el.scrollTop = el.scrollHeight;
    stick.current = true;
    setAtEnd(true);
  }, []);

  const place = useCallback(() => {
    const el = ref.current;
    if (!el) return;
    if (!placed.current && messages.length > 0 && el.querySelector("[data-message]")) {
      placed.current = true;
      const first = readSeq ? messages.find((m) => m.seq > readSeq && m.author.kind !== "customer") : undefined;
      const row = first && el.querySelector(`[data-message="${first.id}"]`);
      if (row && el.scrollHeight - row.getBoundingClientRect().top > el.clientHeight) {
        stick.current = false;
        row.scrollIntoView({ block: "start" });
        return;
      }
    }
    // Somebody who reads with the keyboard above keeps the focus in view.
    const focus = document.activeElement;
    const reading = focus !== el && el.contains(focus);
    if (reading) keepInView(el, focus);
    else if (stick.current && size > 0) el.scrollTop = el.scrollHeight;
  }, [messages, readSeq, size]);

  useLayoutEffect(place, [place, length, last?.state]);
  // What is rendered late, or grows, keeps the end in view as well.
  useEffect(() => {
    const inner = ref.current?.firstElementChild;
    if (!inner) return;
    const observer = new ResizeObserver(place);
    observer.observe(inner);
    return () => observer.disconnect();
  }, [place]);

  // Own messages always bring the reader to the end.
  useLayoutEffect(() => {
    if (pending > 0) toEnd();
  }, [pending, toEnd]);

  // By number, not by count: what is loaded above later is not new.
  const lastSeq = last?.seq ?? 0;
  useEffect(() => {
    if (atEnd) setSeen(lastSeq);
  }, [atEnd, lastSeq]);

  // What comes in above does not move what is being read.
  const below = useRef(0);
  const first = messages[0]?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another first message is what says that something came in above
  useLayoutEffect(() => {
    const el = ref.current;
    if (el && !stick.current && below.current > 0) el.scrollTop = el.scrollHeight - below.current;
  }, [first]);

  const onScroll = () => {
    const el = ref.current;
    if (!el) return;
    const near = el.scrollHeight - el.scrollTop - el.clientHeight < 80;
    stick.current = near;
    below.current = el.scrollHeight - el.scrollTop;
    setAtEnd(near);
  };
  /** Loads more above; a page too short to scroll counts as being at its top. */
  const keep = async (load: () => Promise<void>) => {
    const el = ref.current;
    if (el) below.current = el.scrollHeight - el.scrollTop;
    stick.current = false;
    await load();
  };
  return { ref, atEnd, onScroll, toEnd, keep, unseen: atEnd ? 0 : messages.filter((m) => m.seq > seen && m.author.kind !== "customer").length };
}

/** Says that an answer is coming, and each new message once, when it is whole. */
function useAnnounce(messages: readonly Message[], busy: boolean) {
  const { t, count } = useWords();
  const said = useRef<Set<string> | undefined>(undefined);
  const loaded = messages.length > 0;
  useEffect(() => {
    if (busy) announce(t("answering"));
  }, [busy, t]);
  useEffect(() => {
    if (!said.current) {
      if (loaded) said.current = new Set(messages.filter((m) => m.state !== "streaming").map((m) => m.id));
      return;
    }
    for (const m of messages) {
      if (m.state === "streaming" || said.current.has(m.id)) continue;
      said.current.add(m.id);
      if (m.author.kind === "customer") continue;
      const sources = m.answer?.citations?.length ?? 0;
      void import("../ui/markdown").then(({ plainText }) => announce(`${speakerOf(m.author, t)}: ${plainText(m.body)}${sources ? ` ${count("sources", sources)}` : ""}`));
    }
  }, [messages, loaded, t, count]);
}

/** Tells the server how far the customer has read, while they look. */
function useRead(id: string | undefined, seq: number, messages: readonly Message[], atEnd: boolean) {
  const told = useRef(0);
  useEffect(() => {
    const newest = messages.findLast((m) => m.author.kind !== "customer" && m.state !== "streaming");
    if (!id || !atEnd || !newest || newest.seq <= told.current) return;
    const tell = () => {
      if (document.visibilityState !== "visible") return;
      told.current = newest.seq;
      void call("post", "/v1/conversations/{id}/read", { params: { id }, body: { seq: Math.max(seq, newest.seq) } })
        .then(() => window.dispatchEvent(new Event("usher:read")))
        .catch(() => undefined);
    };
    const timer = setTimeout(tell, 400);
    document.addEventListener("visibilitychange", tell);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", tell);
    };
  }, [id, seq, messages, atEnd]);
}
