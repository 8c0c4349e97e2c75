import { useEffect, useState } from "react";
import { call } from "../api/client";
import type { QueueRow } from "../api/types";
import { Failed, locale } from "../ui/Console";
import { relativeTime, words } from "../ui/format";
import { Badge, Loading, Time } from "../ui/parts";
import { Link, useLocation } from "../ui/router";
import { useLoad } from "../ui/useLoad";

const states = ["open", "mine", "unassigned", "waiting", "snoozed", "raised", "solved", "all"] as const;
type State = (typeof states)[number];

/** Tickets of all tenants, newest work first; looks again every few seconds. */
export function Queue({ open }: { open?: string }) {
  const { path, query } = useLocation();
  const asked = query.get("state");
  const state: State = states.find((s) => s === asked) ?? "open";
  const [text, setText] = useState("");
  const [q, setQ] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setQ(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const first = useLoad((signal) => call("get", "/v1/agent/queue", { query: { state, q: q || undefined, limit: 50 }, signal }), `${state} ${q}`, { every: 5_000 });
  const { reload } = first;
  useEffect(() => {
    window.addEventListener("usher:acted", reload);
    return () => window.removeEventListener("usher:acted", reload);
  }, [reload]);
  const [more, setMore] = useState<{ key: string; rows: QueueRow[]; next?: string }>();
  const key = `${state} ${q}`;
  const extra = more?.key === key ? more : undefined;
  const known = new Set(first.data?.tickets.map((t) => t.id));
  const rows = [...(first.data?.tickets ?? []), ...(extra?.rows.filter((t) => !known.has(t.id)) ?? [])];
  const next = extra ? extra.next : first.data?.next;
  const load = async () => {
    const page = await call("get", "/v1/agent/queue", { query: { state, q: q || undefined, cursor: next, limit: 50 } });
    setMore({ key, rows: [...(extra?.rows ?? []), ...page.tickets], next: page.next });
  };
  useEffect(() => {
    if (!open) document.title = "Queue · Agent console";
  }, [open]);
  const Heading = open ? "h2" : "h1";
  return (
    <section className="queue" aria-labelledby="queue-title">
      <div className="queue-head">
        <Heading id="queue-title">Queue</Heading>
        <input className="input" type="search" aria-label="Find a ticket by number or words" placeholder="Number or words" value={text} onChange={(e) => setText(e.target.value)} dir="auto" />
        <ul className="pills" aria-label="Which tickets">
          {states.map((s) => (
            <li key={s}>
              <Link href={`${path}?state=${s}`} aria-current={s === state ? "page" : undefined}>
                {words(s)}
              </Link>
            </li>
          ))}
        </ul>
      </div>
      <div className="queue-list">
        {first.error !== undefined && !first.data && <Failed error={first.error} onRetry={first.reload} />}
        {!first.data && first.loading && <Loading label="Loading…" />}
        {first.data && rows.length === 0 && (
          <p className="muted" style={{ padding: "1rem" }}>
            {q ? `No ticket matches “${q}”.` : "No tickets here."}
          </p>
        )}
        <ul className="plain-list">
          {rows.map((t) => (
            <li key={t.id}>
              <Row ticket={t} open={t.id === open} state={state} />
            </li>
          ))}
        </ul>
        {next && (
          <p style={{ padding: "1rem" }}>
            <button type="button" className="btn btn-small" onClick={() => void load()}>
              Show more
            </button>
          </p>
        )}
      </div>
    </section>
  );
}

function Row({ ticket: t, open, state }: { ticket: QueueRow; open: boolean; state: State }) {
  return (
    <Link href={`/agent/tickets/${t.tenant.id}/${t.id}?state=${state}`} aria-current={open ? "page" : undefined}>
      <span className={`bar bar-${t.priority}`} aria-hidden="true" />
      <span className="subject" dir="auto" lang={t.language}>
        {t.subject || "No subject"}
      </span>
      <span className="meta" dir="auto">
        <span className="num">#{t.number}</span> · {t.tenant.name}
        {t.customer && <> · {t.customer}</>}
      </span>
      <span className="meta">
        <Time at={t.updated_at} locale={locale} />
      </span>
      <span className="row tiny" style={{ gridColumn: "span 2", gap: "0.25rem" }}>
        {(t.priority === "urgent" || t.priority === "high") && <Badge tone={t.priority === "urgent" ? "bad" : "warn"}>{words(t.priority)}</Badge>}
        {t.raised_at && <Badge tone="warn">Raised</Badge>}
        <Badge tone={t.state === "new" ? "brand" : "plain"}>{words(t.state)}</Badge>
        {t.assignee ? <Badge>{t.assignee}</Badge> : <Badge tone="info">Unclaimed</Badge>}
        {t.first_reply_due && <Badge tone={t.breached ? "bad" : "plain"}>{t.breached ? "Reply overdue" : `Reply due ${relativeTime(t.first_reply_due, locale)}`}</Badge>}
      </span>
    </Link>
  );
}
