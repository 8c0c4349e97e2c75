import { useId, useState } from "react";
import type { AgentAction, AgentTicket } from "../api/types";
import { locale } from "../ui/Console";
import { percent, words } from "../ui/format";
import { Badge, Meter, Time } from "../ui/parts";
import { Link } from "../ui/router";
import { ApprovalCard } from "./Approvals";
import { stateTone } from "./Deliveries";

type Props = { data: AgentTicket; act: (action: AgentAction, done: string) => Promise<boolean> };
type SideProps = Props & { onChange: () => void };

const relation: Record<string, string> = {
  duplicate_of: "Asks the same as",
  inverse_duplicate_of: "Asked again in",
  merged_into: "Merged into",
  inverse_merged_into: "Holds",
  split_from: "Split from",
  inverse_split_from: "Split off",
  follow_up_of: "Follows",
  inverse_follow_up_of: "Followed by",
};

/** What is known about a ticket, beside the conversation. */
export function Side({ data, act, onChange }: SideProps) {
  const { ticket } = data;
  const off = data.destinations?.filter((d) => !d.on) ?? [];
  return (
    <aside className="ticket-side" aria-label="About this ticket" tabIndex={0}>
      {data.approvals && data.approvals.length > 0 && (
        <section className="stack stack-2">
          <h2>Approvals</h2>
          {data.approvals.map((a) => (
            <ApprovalCard key={a.id} approval={a} onDone={onChange} />
          ))}
        </section>
      )}
      <section className="stack stack-2">
        <h2>Why it is here</h2>
        {ticket.reason && (
          <p>
            <Badge tone="info">{words(ticket.reason)}</Badge>
          </p>
        )}
        <p className="small as-written" dir="auto">
          {data.summary}
        </p>
      </section>
      {data.catch_up && data.catch_up.length > 1 && (
        <section className="stack stack-2">
          <h2>So far</h2>
          <ul className="small" dir="auto">
            {data.catch_up.slice(1).map((line, i) => (
              <li key={i}>{line}</li>
            ))}
          </ul>
        </section>
      )}
      {data.related && data.related.length > 0 && (
        <section className="stack stack-2">
          <h2>Related</h2>
          <ul className="plain-list stack stack-2 small">
            {data.related.map((r) => (
              <li key={`${r.kind} ${r.id}`} dir="auto">
                <span className="muted">{relation[r.kind] ?? words(r.kind)}</span>{" "}
                <Link href={`/agent/tickets/${ticket.tenant.id}/${r.id}`}>
                  #{r.number} {r.subject}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      {data.similar && data.similar.length > 0 && (
        <section className="stack stack-2">
          <h2>Similar, solved</h2>
          <ul className="plain-list stack stack-2 small">
            {data.similar.map((s) => (
              <li key={s.id} dir="auto">
                <Link href={`/agent/tickets/${ticket.tenant.id}/${s.id}`}>
                  #{s.number} {s.subject}
                </Link>
                {s.answer && <div className="muted">{s.answer}</div>}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Classified data={data} act={act} />
      <Team data={data} act={act} />
      <section className="stack stack-2">
        <h2>Elsewhere</h2>
        <ul className="plain-list stack stack-2 small">
          {data.links?.map((l) => (
            <li key={`${l.system} ${l.external_id}`}>
              {words(l.system)}:{" "}
              {l.url && /^https:\/\//.test(l.url) ? (
                <a href={l.url} target="_blank" rel="noopener noreferrer">
                  {l.external_id}
                </a>
              ) : (
                l.external_id
              )}
            </li>
          ))}
          {data.deliveries?.map((d) => (
            <li key={d.id} className="row">
              <span className="grow">
                {words(d.destination)} {words(d.kind).toLowerCase()}
              </span>
              <Badge tone={stateTone[d.state]}>{words(d.state)}</Badge>
            </li>
          ))}
          {off.map((d) => (
            <li key={d.name}>
              <Badge>{words(d.name)} is off</Badge> <span className="muted">{d.why}</span>
            </li>
          ))}
          {!data.links?.length && !data.deliveries?.length && off.length === 0 && <li className="muted">Only here.</li>}
        </ul>
      </section>
      <section className="stack stack-2">
        <h2>History</h2>
        <ol className="history">
          {[...data.events].reverse().map((e, i) => (
            <li key={`${e.at} ${e.kind} ${i}`}>
              <Time at={e.at} locale={locale} /> · <b>{words(e.kind)}</b> <span className="muted">{e.actor}</span>
              {detailWords(e.detail) && <div className="muted">{detailWords(e.detail)}</div>}
            </li>
          ))}
        </ol>
      </section>
    </aside>
  );
}

function detailWords(detail: Record<string, unknown> | undefined): string {
  return Object.entries(detail ?? {})
    .filter(([k, v]) => (typeof v === "string" || typeof v === "number") && !k.endsWith("_id"))
    .map(([k, v]) => `${k}: ${String(v)}`)
    .join(", ");
}

function Team({ data, act }: Props) {
  const { team } = data.ticket;
  const id = useId();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  if (data.ticket.state === "closed") return null;
  return (
    <section className="stack stack-2">
      <h2>Team</h2>
      {open ? (
        <form
          className="stack stack-2"
          onSubmit={(e) => {
            e.preventDefault();
            if (name.trim()) void act({ act: "team", team: name.trim() }, `Moved to ${name.trim()}.`).then((ok) => ok && setOpen(false));
          }}
        >
          <div className="field">
            <label htmlFor={id}>Move to team</label>
            <input id={id} className="input" maxLength={100} value={name} onChange={(e) => setName(e.target.value)} aria-describedby={`${id}-hint`} />
            <p id={`${id}-hint`} className="hint">
              The ticket becomes unclaimed.
            </p>
          </div>
          <div className="row">
            <button type="submit" className="btn btn-small btn-primary">
              Move
            </button>
            <button type="button" className="btn btn-small" onClick={() => setOpen(false)}>
              Cancel
            </button>
          </div>
        </form>
      ) : (
        <p className="row small">
          <span className="grow">{team ? words(team) : "None"}</span>
          <button type="button" className="btn btn-small" onClick={() => setOpen(true)}>
            Move to another team
          </button>
        </p>
      )}
    </section>
  );
}

function Classified({ data, act }: Props) {
  const c = data.classification;
  const id = useId();
  const [open, setOpen] = useState(false);
  const [intent, setIntent] = useState("");
  if (!c) {
    return (
      <section className="stack stack-2">
        <h2>Classification</h2>
        <p className="small muted">Not classified.</p>
      </section>
    );
  }
  const shown = c.corrected_intent ?? c.intent;
  return (
    <section className="stack stack-2">
      <h2>Classification</h2>
      <dl className="dl">
        <dt>Intent</dt>
        <dd>{shown ? <code>{shown}</code> : "None fits"}</dd>
        {c.corrected_intent !== undefined && (
          <>
            <dt>Was</dt>
            <dd>
              <s>{c.intent || "none fits"}</s> {c.corrected_by && <span className="muted">corrected by {c.corrected_by}</span>}
            </dd>
          </>
        )}
        <dt>Confidence</dt>
        <dd className="num">{percent(c.confidence, locale)}</dd>
        {c.product_area && (
          <>
            <dt>Product area</dt>
            <dd>{words(c.product_area)}</dd>
          </>
        )}
        {c.sentiment && (
          <>
            <dt>Sentiment</dt>
            <dd>{words(c.sentiment)}</dd>
          </>
        )}
        <dt>Engine</dt>
        <dd>
          {c.engine} {c.version}
        </dd>
      </dl>
      {(c.labels?.length ?? 0) > 1 && (
        <ul className="plain-list stack stack-2 tiny" aria-label="Closest intents">
          {c.labels?.slice(0, 3).map((l) => (
            <li key={l.value} className="stack" style={{ gap: "0.15rem" }}>
              <span className="row" style={{ justifyContent: "space-between" }}>
                <code>{l.value}</code> <span className="num">{percent(l.score, locale)}</span>
              </span>
              <Meter value={l.score} label={l.value} />
            </li>
          ))}
        </ul>
      )}
      {(c.explanation?.length ?? 0) > 0 && <p className="tiny muted">Decided by: {c.explanation?.join(", ")}</p>}
      {open ? (
        <form
          className="stack stack-2"
          onSubmit={(e) => {
            e.preventDefault();
            if (intent.trim()) void act({ act: "correct", intent: intent.trim() }, "Corrected. The classifier learns from it.").then((ok) => ok && setOpen(false));
          }}
        >
          <div className="field">
            <label htmlFor={id}>Right intent</label>
            <input id={id} className="input" list={`${id}-list`} value={intent} onChange={(e) => setIntent(e.target.value)} autoComplete="off" />
            <datalist id={`${id}-list`}>
              {c.labels?.map((l) => (
                <option key={l.value} value={l.value} />
              ))}
            </datalist>
          </div>
          <div className="row">
            <button type="submit" className="btn btn-small btn-primary">
              Save correction
            </button>
            <button type="button" className="btn btn-small" onClick={() => setOpen(false)}>
              Cancel
            </button>
          </div>
        </form>
      ) : (
        <p>
          <button type="button" className="btn btn-small" onClick={() => setOpen(true)}>
            Correct
          </button>
        </p>
      )}
    </section>
  );
}
