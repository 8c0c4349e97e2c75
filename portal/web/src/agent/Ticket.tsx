import { useEffect, useRef, useState } from "react";
import { ApiError, call } from "../api/client";
import type { AgentAction, AgentTicket, Me, Message, StaffMember } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, locale, problemOf } from "../ui/Console";
import { fullTime, relativeTime, shortTime, words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, Loading, Time } from "../ui/parts";
import { Link, useLocation } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { Files } from "./Files";
import { Amend, More, Split } from "./More";
import { Side } from "./Side";
import { useTicket } from "./useTicket";
import { Write } from "./Write";

type Act = (action: AgentAction, done: string) => Promise<boolean>;

/** One ticket: what was said, what to do, and what is known about it. */
export function Ticket({ me, tenant, id }: { me: Me; tenant: string; id: string }) {
  const live = useTicket(tenant, id);
  const { query } = useLocation();
  const [problem, setProblem] = useState("");
  const talk = useRef<HTMLDivElement>(null);
  const { data, thread } = live;

  useEffect(() => {
    if (data) document.title = `#${data.ticket.number} ${data.ticket.subject} · Agent console`;
  }, [data]);
  const count = thread.messages.length;
  useEffect(() => {
    const el = talk.current;
    if (el) el.scrollTop = el.scrollHeight;
  }, [count]);

  if (live.error) {
    const missing = live.error instanceof ApiError && (live.error.status === 404 || live.error.status === 400);
    return <div className="console-page">{missing ? <p className="empty">There is no such ticket, or you may not see it.</p> : <Failed error={live.error} onRetry={() => location.reload()} />}</div>;
  }
  if (!data) {
    return (
      <div className="console-page">
        <Loading label="Loading the ticket…" />
      </div>
    );
  }
  const act: Act = async (action, done) => {
    setProblem("");
    try {
      await live.act(action);
      announce(done);
      window.dispatchEvent(new Event("usher:acted"));
      return true;
    } catch (error) {
      setProblem(problemOf(error));
      live.reload();
      return false;
    }
  };
  const { ticket } = data;
  return (
    <article className="ticket" aria-label={`Ticket ${ticket.number}`}>
      <header className="ticket-head">
        <p className="row small">
          <Link href={`/agent${query.get("state") ? `?state=${query.get("state")}` : ""}`}>
            <Icon name="back" flip /> Queue
          </Link>
          <span className="num muted">#{ticket.number}</span>
          <span className="muted" dir="auto">
            {ticket.tenant.name}
            {ticket.customer && <> · {ticket.customer}</>}
          </span>
        </p>
        <h1 dir="auto" lang={ticket.language}>
          {ticket.subject || "No subject"}
        </h1>
        <p className="row">
          <Badge tone={ticket.priority === "urgent" ? "bad" : ticket.priority === "high" ? "warn" : "plain"}>{words(ticket.priority)} priority</Badge>
          <Badge tone={ticket.state === "solved" ? "ok" : ticket.state === "new" ? "brand" : "plain"}>{words(ticket.state)}</Badge>
          <Badge tone={ticket.assignee ? "plain" : "info"}>{ticket.assignee ? `Owner: ${ticket.assignee}` : "Unclaimed"}</Badge>
          {ticket.raised_at && <Badge tone="warn">Raised to the lead</Badge>}
          {ticket.team && <Badge>Team: {ticket.team}</Badge>}
          {ticket.language && <Badge>Language: {ticket.language}</Badge>}
          {ticket.first_reply_due && (
            <Badge tone={ticket.breached ? "bad" : "plain"}>
              <span title={fullTime(ticket.first_reply_due, locale)}>
                {ticket.breached ? "First reply overdue since" : "First reply due"} {shortTime(ticket.first_reply_due, locale)} ({relativeTime(ticket.first_reply_due, locale)})
              </span>
            </Badge>
          )}
          {data.snoozed_until && ticket.state === "snoozed" && <Badge>Snoozed until {shortTime(data.snoozed_until, locale)}</Badge>}
        </p>
        <Acts me={me} data={data} act={act} />
        {problem && (
          <Banner tone="bad" role="alert">
            {problem}
          </Banner>
        )}
        {data.tell_customer && <Banner tone="info">What this is about works again. The customer does not know yet: tell them in a reply.</Banner>}
        {live.connection === "waiting" && <Banner tone="warn">The connection was lost. Reconnecting…</Banner>}
      </header>
      <div className="ticket-talk" ref={talk} tabIndex={0} role="region" aria-label="Conversation">
        <div className="said" role="log" aria-live="off" aria-label="Conversation">
          {thread.messages.map((m) => (
            <Said key={m.id} message={m} tenant={tenant} customer={ticket.customer} mail={data.conversation.channel === "email"} act={ticket.state === "closed" ? undefined : act} />
          ))}
        </div>
      </div>
      <div className="ticket-dock">
        <Write data={data} act={act} />
      </div>
      <Side data={data} act={act} onChange={live.reload} />
    </article>
  );
}

function label(m: Message, customer?: string): { who: string; kind: string } {
  if (m.visibility === "internal") return { who: m.author.name || words(m.author.kind), kind: "Internal note · the customer does not see this" };
  switch (m.author.kind) {
    case "customer":
      return { who: m.author.name || customer || "Customer", kind: "Customer" };
    case "assistant":
      return { who: "Assistant (AI)", kind: "Sent to customer automatically" };
    case "agent":
      return { who: m.author.name || "Agent", kind: "Sent to customer" };
    case "system":
      return { who: "Notice", kind: "Shown to customer" };
  }
}

function Said({ message: m, tenant, customer, mail, act }: { message: Message; tenant: string; customer?: string; mail: boolean; act?: Act }) {
  const { who, kind } = label(m, customer);
  const internal = m.visibility === "internal";
  return (
    <article className={`say ${internal ? "say-internal" : `say-${m.author.kind}`}`} aria-label={`${internal ? "Internal note" : kind}: ${who}, ${shortTime(m.created_at, locale)}`}>
      <header className="say-head">
        {internal && <Icon name="lock" />}
        <b dir="auto">{who}</b>
        <span>{kind}</span>
        <Time at={m.created_at} locale={locale} />
        {m.edited_at && <span>edited</span>}
        {m.state === "stopped" && <span>stopped</span>}
        {act && m.author.kind === "customer" && m.seq > 1 && <Split message={m} act={act} />}
        {act && m.author.kind === "agent" && !internal && m.state === "final" && <Amend message={m} mail={mail} act={act} />}
        {act && m.author.kind === "assistant" && !internal && (m.answer?.citations?.length ?? 0) > 0 && <Report message={m} act={act} />}
        {m.vote && <Badge tone={m.vote === "helpful" ? "ok" : "bad"}>{m.vote === "helpful" ? "Helpful" : "Not helpful"}</Badge>}
      </header>
      <div className="say-body" dir="auto" lang={m.language || undefined}>
        {m.state === "deleted" ? <em>Removed</em> : m.author.kind === "assistant" && !internal ? <Markdown text={m.body} headingBase={3} /> : m.body}
      </div>
      {m.attachments && m.state !== "deleted" && <Files message={m} tenant={tenant} />}
      {m.answer && (m.answer.citations?.length ?? 0) > 0 && (
        <p className="tiny muted">
          Sources:{" "}
          {m.answer.citations?.map((c, i) => (
            <span key={c.chunk_id}>
              {i > 0 && ", "}
              <a href={c.url} target="_blank" rel="noopener">
                {c.number} {c.title}
              </a>
            </span>
          ))}
        </p>
      )}
      {m.answer?.evidence === "known_state" && (m.answer.basis?.length ?? 0) > 0 && (
        <p className="tiny muted">
          From live records{m.answer.as_of && <>, as of {shortTime(m.answer.as_of, locale)}</>}: {[...new Set(m.answer.basis?.map((b) => `${b.entity}.${b.field}`))].join(", ")}
        </p>
      )}
    </article>
  );
}

/** Tells curators that an answer, and so an article, is not right. */
function Report({ message: m, act }: { message: Message; act: Act }) {
  const report = (reason: "wrong" | "outdated" | "incomplete" | "tone") => void act({ act: "report_answer", message_id: m.id, reason }, "Reported. Curators see it on the Health page.");
  return (
    <details>
      <summary>Report this answer</summary>
      <span className="row">
        <button type="button" className="btn btn-small" onClick={() => report("wrong")}>
          It is wrong
        </button>
        <button type="button" className="btn btn-small" onClick={() => report("outdated")}>
          It is out of date
        </button>
        <button type="button" className="btn btn-small" onClick={() => report("incomplete")}>
          It is incomplete
        </button>
        <button type="button" className="btn btn-small" onClick={() => report("tone")}>
          The tone is wrong
        </button>
      </span>
    </details>
  );
}

function snoozes(): { name: string; until: Date }[] {
  const tomorrow = new Date();
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(9, 0, 0, 0);
  const monday = new Date();
  monday.setDate(monday.getDate() + (((8 - monday.getDay()) % 7) || 7));
  monday.setHours(9, 0, 0, 0);
  return [
    { name: "1 hour", until: new Date(Date.now() + 3_600_000) },
    { name: "4 hours", until: new Date(Date.now() + 4 * 3_600_000) },
    { name: "Tomorrow 9:00", until: tomorrow },
    { name: "Monday 9:00", until: monday },
  ];
}

function Acts({ me, data, act }: { me: Me; data: AgentTicket; act: Act }) {
  const { ticket } = data;
  const staff = useLoad((signal) => call("get", "/v1/agent/staff", { signal }), "staff");
  const done = ticket.state === "solved" || ticket.state === "closed";
  return (
    <div className="ticket-acts" role="group" aria-label="Actions">
      {!ticket.assignee_id && !done && (
        <button type="button" className="btn btn-primary btn-small" onClick={() => void act({ act: "claim" }, "Claimed. The ticket is yours.")}>
          Claim
        </button>
      )}
      {done ? (
        <button type="button" className="btn btn-small" onClick={() => void act({ act: "reopen" }, "Reopened.")}>
          Reopen
        </button>
      ) : (
        <button type="button" className="btn btn-small" onClick={() => void act({ act: "resolve" }, "Resolved.")}>
          <Icon name="check" /> Resolve
        </button>
      )}
      {!done && (ticket.state === "pending" || ticket.state === "on_hold") && (
        <button type="button" className="btn btn-small" onClick={() => void act({ act: "open" }, "Open again.")}>
          Go on
        </button>
      )}
      {!done && ticket.state !== "pending" && (
        <button type="button" className="btn btn-small" onClick={() => void act({ act: "pending" }, "Waiting for the customer.")}>
          Wait for customer
        </button>
      )}
      {!done && ticket.state !== "on_hold" && (
        <button type="button" className="btn btn-small" onClick={() => void act({ act: "on_hold" }, "On hold.")}>
          Put on hold
        </button>
      )}
      <label className="row">
        <span className="vh">Priority</span>
        <select className="input" value={ticket.priority} onChange={(e) => void act({ act: "priority", priority: e.target.value as AgentAction["priority"] }, `Priority is ${e.target.value}.`)}>
          {["urgent", "high", "normal", "low"].map((p) => (
            <option key={p} value={p}>
              {words(p)} priority
            </option>
          ))}
        </select>
      </label>
      <label className="row">
        <span className="vh">Owner</span>
        <select className="input" value={ticket.assignee_id ?? ""} onChange={(e) => e.target.value && void act({ act: "assign", assignee_id: e.target.value }, "Assigned.")}>
          <option value="">No owner</option>
          {withOwner(staff.data?.staff ?? [], ticket.assignee_id, ticket.assignee).map((s) => (
            <option key={s.id} value={s.id}>
              {s.id === me.id ? `${s.name} (you)` : s.name}
            </option>
          ))}
        </select>
      </label>
      {!done && (
        <label className="row">
          <span className="vh">Snooze</span>
          <select
            className="input"
            value=""
            onChange={(e) => {
              const until = snoozes()[Number(e.target.value)]?.until;
              if (until) void act({ act: "snooze", until: until.toISOString() }, "Snoozed.");
            }}
          >
            <option value="">Snooze…</option>
            {snoozes().map((s, i) => (
              <option key={s.name} value={i}>
                {s.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {!done && data.conversation.assistant === "off" && (
        <button type="button" className="btn btn-small" onClick={() => void act({ act: "hand_back" }, "Handed back to the assistant.")}>
          <Icon name="swap" /> Hand back to assistant
        </button>
      )}
      {!done && (
        <button type="button" className="btn btn-small btn-quiet" onClick={() => void act({ act: "not_a_request" }, "Marked as not a request.")}>
          Not a request
        </button>
      )}
      <More data={data} act={act} />
    </div>
  );
}

function withOwner(staff: readonly StaffMember[], id?: string, name?: string): readonly StaffMember[] {
  return id && !staff.some((s) => s.id === id) ? [...staff, { id, name: name ?? "Former member", roles: [] }] : staff;
}
