import { memo, type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { lazily } from "../ui/lazily";
import { saveFile } from "../api/save";
import type { OutboxEntry } from "../api/outbox";
import type { Answer, Citation, Message } from "../api/types";
import { announce } from "../ui/announce";
import { fullTime, longDate, shortTime } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { useOnline } from "../ui/Offline";
import { useProblem } from "../ui/problem";
import { Banner, Time } from "../ui/parts";
import { Link } from "../ui/router";
import { Feedback } from "./Feedback";
import { speakerOf } from "./spoken";

const Amend = lazily(() => import("./Amend").then((m) => ({ default: m.Amend })));
const CodeCard = lazily(() => import("./CodeCard"));
const Files = lazily(() => import("./Files"));
const Source = lazily(() => import("./Source").then((m) => ({ default: m.Source })));

export type MessageActions = {
  onOption: (text: string) => void;
  onTalk: () => void;
  /** Of the last answer only: earlier questions are settled. */
  active: boolean;
};

/** One message of the transcript. */
export const MessageView = memo(function MessageView({ message, actions, mine, foot }: { message: Message; actions?: MessageActions; mine?: string; foot?: ReactNode }) {
  const { t, locale } = useWords();
  const sources = useRef<HTMLDivElement>(null);
  const kind = message.author.kind;
  // In a shared conversation a colleague's message is theirs, not "you".
  const who = kind === "customer" && message.author.name && mine && message.author.name !== mine ? message.author.name : speakerOf(message.author, t);
  const { answer } = message;

  const openSource = (n: number) => {
    const details = sources.current?.querySelector<HTMLDetailsElement>(`details[data-n="${n}"]`);
    if (!details) return;
    details.open = true;
    details.querySelector("summary")?.focus();
    details.scrollIntoView({ block: "nearest" });
  };
  const titles = new Map((answer?.citations ?? []).map((c) => [c.number, c.title]));
  const cite = (n: number) =>
    titles.has(n) ? (
      <button type="button" className="cite" onClick={() => openSource(n)} aria-label={t("source_mark", { n, title: titles.get(n) ?? "" })}>
        {n}
      </button>
    ) : null;

  return (
    <article className={`msg msg-${kind}`} aria-label={t("said", { who, time: shortTime(message.created_at, locale) })} data-state={message.state}>
      {kind !== "system" && (
        <header className="msg-head" aria-hidden="true">
          <b>{who}</b>
          <time dateTime={message.created_at} title={fullTime(message.created_at, locale)}>
            {shortTime(message.created_at, locale)}
          </time>
          {message.edited_at && (kind === "agent" || kind === "customer") && message.state === "final" && <span>{t("edited")}</span>}
        </header>
      )}
      <div className="msg-body" dir="auto" lang={message.language || undefined}>
        {message.state === "deleted" ? (
          <em className="muted">{t("deleted")}</em>
        ) : kind === "customer" || kind === "system" ? (
          message.body
        ) : (
          <Markdown text={kind === "agent" ? hardBreaks(message.body) : message.body} cite={cite} />
        )}
      </div>
      {message.attachments && message.state !== "deleted" && (
        <Suspense>
          <Files message={message} own={kind === "customer" && (!message.author.name || message.author.name === mine)} />
        </Suspense>
      )}
      {kind === "customer" && mine !== undefined && message.state === "final" && (!message.author.name || message.author.name === mine) && (
        <Suspense>
          <Amend message={message} />
        </Suspense>
      )}
      {message.state === "stopped" && <p className="msg-foot">{t("stopped")}</p>}
      {answer && message.state !== "streaming" && message.state !== "deleted" && <Under message={message} answer={answer} actions={actions} sources={sources} />}
      {foot}
    </article>
  );
});

const hardBreaks = (text: string) => text.replace(/([^\n])\n(?!\n)/g, "$1  \n");

/** Everything that stands under an automatic answer. */
function Under({ message, answer, actions, sources }: { message: Message; answer: Answer; actions?: MessageActions; sources: React.RefObject<HTMLDivElement | null> }) {
  const { t, count, locale } = useWords();
  const cited = answer.citations ?? [];
  const nearest = answer.nearest ?? [];
  return (
    <div className="stack stack-2" style={{ inlineSize: "100%" }}>
      {answer.evidence === "known_state" && (answer.as_of || basisLabel(answer)) && (
        <p className="basis">
          <Icon name="clock" />
          <span>{t("basis", { label: basisLabel(answer) || t("basis_live") })}</span>
          {answer.as_of && (
            <span title={fullTime(answer.as_of, locale)}>
              · {t(answer.stale ? "as_of_stale" : "as_of", { time: shortTime(answer.as_of, locale) })}
            </span>
          )}
          {answer.link && answer.link_text && (
            <>
              {" · "}
              <Link href={answer.link} lang={message.language}>
                {answer.link_text}
              </Link>
            </>
          )}
        </p>
      )}
      {cited.length > 0 && <Sources citations={cited} label={count("sources", cited.length)} refs={sources} answerLanguage={message.language} />}
      {nearest.length > 0 && <Sources citations={nearest} label={t("help_related")} answerLanguage={message.language} />}
      {actions?.active && (answer.options?.length ?? 0) > 0 && (
        <div className="options" role="group" aria-label={t("options")}>
          {answer.options?.map((option) => (
            <button key={option} type="button" className="btn" dir="auto" lang={message.language} onClick={() => actions.onOption(option)}>
              {option}
            </button>
          ))}
        </div>
      )}
      {actions?.active && answer.kind === "confirm" && answer.code_to && (
        <Suspense>
          <CodeCard conversation={message.conversation_id} to={answer.code_to} />
        </Suspense>
      )}
      {actions?.active && answer.offer_human && (
        <div className="options">
          <button type="button" className="btn" onClick={actions.onTalk}>
            <Icon name="person" /> {t("talk")}
          </button>
        </div>
      )}
      {actions && (answer.kind === "status" || answer.kind === "answer" || answer.kind === "not_found") && <Feedback message={message} />}
    </div>
  );
}

function basisLabel(answer: Answer): string {
  const labels = [...new Set((answer.basis ?? []).map((b) => b.label))].filter(Boolean);
  return labels.length > 3 ? `${labels.slice(0, 3).join(", ")} …` : labels.join(", ");
}

function Sources({ citations, label, refs, answerLanguage }: { citations: Citation[]; label: string; refs?: React.RefObject<HTMLDivElement | null>; answerLanguage?: string }) {
  const { t, locale } = useWords();
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  return (
    <div className="sources" ref={refs} role="group" aria-label={label}>
      <span className="label" aria-hidden="true">
        {label}
      </span>
      {citations.map((c) => (
        <details key={c.chunk_id || c.number} className="source" data-n={c.number} onToggle={(e) => e.currentTarget.open && setOpened((s) => new Set(s).add(c.number))}>
          <summary>
            {refs && <span className="n">{c.number}</span>}
            <span className="grow" dir="auto" lang={c.language}>
              <b>{c.title}</b>
              {c.section && c.section !== c.title && <span className="muted"> › {c.section}</span>}
            </span>
            <span className="muted tiny">
              {c.language && answerLanguage && c.language !== answerLanguage && <>{t("source_language", { language: languageName(c.language, locale) })} · </>}
              {t("source_updated", { date: longDate(c.updated_at, locale) })}
            </span>
          </summary>
          {opened.has(c.number) && (
            <Suspense>
              <Source citation={c} />
            </Suspense>
          )}
        </details>
      ))}
    </div>
  );
}

function languageName(code: string, locale: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Hands the whole conversation over as a text file. */
export function TakeAlong({ id, onProblem }: { id: string; onProblem: (text: string) => void }) {
  const { t } = useWords();
  const explain = useProblem();
  const take = async () => {
    try {
      await saveFile(`/v1/conversations/${encodeURIComponent(id)}/transcript`);
      onProblem("");
      announce(t("transcript_saved"));
    } catch (cause) {
      onProblem(explain(cause));
    }
  };
  return (
    <button type="button" className="btn btn-quiet btn-small" aria-label={t("transcript_save")} title={t("transcript_save")} onClick={() => void take()}>
      <Icon name="save" />
    </button>
  );
}

/** Earlier messages: they come when the reader nears the top, or are asked for. */
export function Older({ onLoad }: { onLoad: () => Promise<void> }) {
  const { t } = useWords();
  const button = useRef<HTMLButtonElement>(null);
  const load = useRef(onLoad);
  load.current = onLoad;
  const busy = useRef(false);
  const more = useCallback(async () => {
    if (busy.current) return;
    busy.current = true;
    await load.current().catch(() => undefined); // the button stays, to try again
    busy.current = false;
  }, []);
  useEffect(() => {
    const el = button.current;
    const box = el?.closest(".scroller");
    // Only where somebody scrolled up to it; a short page that shows it waits for the button.
    const near = () => box && el && box.scrollHeight > box.clientHeight && box.scrollTop < 300 && void more();
    box?.addEventListener("scroll", near, { passive: true });
    return () => box?.removeEventListener("scroll", near);
  }, [more]);
  return (
    <button ref={button} type="button" className="btn btn-small" onClick={() => void more()}>
      {t("older")}
    </button>
  );
}

/** A message on its way: sending, waiting, or failed with a way out. */
export function Pending({ entry, onRetry, onDiscard }: { entry: OutboxEntry; onRetry: () => void; onDiscard: () => void }) {
  const { t, locale } = useWords();
  const online = useOnline();
  const state = entry.state === "failed" ? t("failed") : entry.state === "sending" ? t("sending") : online ? t("queued") : t("queued_offline");
  return (
    <article className="msg msg-customer" aria-label={`${t("you")}, ${state}`} data-state={entry.state}>
      <header className="msg-head">
        <b>{t("you")}</b>
        <Time at={entry.createdAt} locale={locale} />
      </header>
      <div className="msg-body" dir="auto">
        {entry.body} {entry.files?.map((f) => `[${f.name}]`).join(" ")}
      </div>
      <footer className="msg-foot">
        <span className={entry.state === "failed" ? "field-error" : undefined}>
          {state}
          {entry.problem && <>: {entry.problem}</>}
        </span>
        {entry.state === "failed" && (
          <>
            <button type="button" className="btn btn-small" onClick={onRetry}>
              {t("retry")}
            </button>
            <button type="button" className="btn btn-small btn-quiet" onClick={onDiscard}>
              {t("discard")}
            </button>
          </>
        )}
      </footer>
    </article>
  );
}

export function Connection({ state, used, onReconnect }: { state: string; used: boolean; onReconnect: () => void }) {
  const { t } = useWords();
  const online = useOnline();
  const lost = online && used && state === "waiting";
  const [shown, setShown] = useState(false);
  // A blip of a second is not news.
  useEffect(() => {
    if (!lost) {
      setShown(false);
      return;
    }
    const timer = setTimeout(() => setShown(true), 1500);
    return () => clearTimeout(timer);
  }, [lost]);
  if (!online) {
    return (
      <Banner tone="warn" role="status">
        {t("offline")}
      </Banner>
    );
  }
  if (!shown) return null;
  return (
    <Banner
      tone="warn"
      role="status"
      action={
        <button type="button" className="btn btn-small" onClick={onReconnect}>
          <Icon name="reload" /> {t("reconnect_now")}
        </button>
      }
    >
      {t("reconnecting")}
    </Banner>
  );
}
