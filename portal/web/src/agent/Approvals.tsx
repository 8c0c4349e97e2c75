import { useId, useState } from "react";
import { call } from "../api/client";
import type { Approval } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, locale, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Badge, Banner, Dialog, Empty, Field, Loading, Time, type Tone } from "../ui/parts";
import { Link } from "../ui/router";
import { useLoad } from "../ui/useLoad";

const shown: Record<Approval["state"], { word: string; tone: Tone }> = {
  proposed: { word: "To be approved", tone: "brand" },
  approved: { word: "Approved, on its way", tone: "info" },
  running: { word: "Approved, on its way", tone: "info" },
  done: { word: "Done", tone: "ok" },
  failed: { word: "Did not work", tone: "bad" },
  unknown: { word: "Unknown: please check", tone: "warn" },
  declined: { word: "Declined", tone: "plain" },
  expired: { word: "Expired", tone: "plain" },
  invalid: { word: "No longer valid", tone: "plain" },
};

type Deciding = "approve" | "decline" | "happened" | "did_not_happen";

const said: Record<Deciding, string> = {
  approve: "Approved. It is sent now.",
  decline: "Declined. The customer is told that a person goes on with them.",
  happened: "Noted as done. The customer is told.",
  did_not_happen: "Noted as not done. The customer is told.",
};

/** Changes in other systems that wait for somebody's word. */
export function Approvals() {
  const [all, setAll] = useState(false);
  const load = useLoad((signal) => call("get", "/v1/agent/approvals", { query: { all }, signal }), `approvals ${all}`, { every: 10_000 });
  return (
    <div className="console-page">
      <Head title="Approvals" suffix="Agent console" />
      <p className="muted small">Procedures propose changes in other systems. Nothing is sent before one of those who may has approved exactly what stands here; the first word counts.</p>
      <p>
        <label className="row small">
          <input type="checkbox" checked={all} onChange={(e) => setAll(e.target.checked)} /> Show what has ended, too
        </label>
      </p>
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data?.approvals.length === 0 && <Empty icon="check">Nothing waits for an approval.</Empty>}
      <ul className="plain-list stack stack-3">
        {load.data?.approvals.map((a) => (
          <li key={a.id}>
            <ApprovalCard approval={a} ticket onDone={load.reload} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** One proposed change: who wants what, exactly what is sent, and what became of it. */
export function ApprovalCard({ approval: a, ticket, onDone }: { approval: Approval; ticket?: boolean; onDone: () => void }) {
  const [asking, setAsking] = useState<"approve" | "decline">();
  const [problem, setProblem] = useState("");
  const id = useId();
  const { word, tone } = shown[a.state];
  const decide = async (act: Deciding, why?: string) => {
    setProblem("");
    setAsking(undefined);
    try {
      await call("post", "/v1/agent/approvals/{tenant}/{id}", { params: { tenant: a.tenant.id, id: a.id }, body: { act, why: why || undefined } });
      announce(said[act]);
    } catch (error) {
      setProblem(problemOf(error));
    }
    onDone();
  };
  const open = a.state === "proposed";
  return (
    <article className="card stack stack-2" aria-labelledby={id}>
      <p className="row">
        <b className="grow" id={id} dir="auto">
          {a.title}
        </b>
        <Badge tone={tone}>{word}</Badge>
      </p>
      <p className="small muted" dir="auto">
        {ticket && (
          <>
            <Link href={`/agent/tickets/${a.tenant.id}/${a.ticket_id}`}>#{a.ticket_number}</Link> · {a.tenant.name} ·{" "}
          </>
        )}
        asked by {a.asked_by}, <Time at={a.created_at} locale={locale} relative />
        {open && (
          <>
            {" "}
            · open until <Time at={a.expires_at} locale={locale} />
          </>
        )}
        {a.decided_by && <> · decided by {a.decided_by}</>}
      </p>
      {a.given.length > 0 && (
        <dl className="dl">
          {a.given.map((g) => (
            <div key={g.label} style={{ display: "contents" }}>
              <dt>{g.label}</dt>
              <dd dir="auto">{g.value}</dd>
            </div>
          ))}
        </dl>
      )}
      {a.outcome && (
        <p className="small" dir="auto">
          {a.outcome}
        </p>
      )}
      <details open={open}>
        <summary className="small">{open ? "Exactly this will be sent" : "What was proposed to be sent"}</summary>
        <pre className="request small" dir="ltr" tabIndex={0} aria-label="The request">
          {a.request}
        </pre>
      </details>
      {a.attempts.length > 0 && (
        <ul className="plain-list tiny muted">
          {a.attempts.map((t) => (
            <li key={t.number} dir="auto">
              {t.number}. <Time at={t.started_at} locale={locale} /> {t.outcome ? words(t.outcome).toLowerCase() : "under way"}
              {t.status ? ` (status ${t.status})` : ""} {t.detail}
            </li>
          ))}
        </ul>
      )}
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {open && a.may_decide && (
        <p className="row">
          <button type="button" className="btn btn-small btn-primary" onClick={() => setAsking("approve")}>
            Approve…<span className="vh"> {a.title}</span>
          </button>
          <button type="button" className="btn btn-small" onClick={() => setAsking("decline")}>
            Decline…<span className="vh"> {a.title}</span>
          </button>
        </p>
      )}
      {open && !a.may_decide && <p className="small muted">This is for {a.who}, and not for who asked.</p>}
      {a.state === "unknown" && a.may_decide && (
        <p className="row">
          <button type="button" className="btn btn-small" onClick={() => void decide("happened")}>
            It was done there
          </button>
          <button type="button" className="btn btn-small" onClick={() => void decide("did_not_happen")}>
            It was not done
          </button>
        </p>
      )}
      {asking && <Ask approval={a} act={asking} onClose={() => setAsking(undefined)} onDecide={(why) => void decide(asking, why)} />}
    </article>
  );
}

function Ask({ approval: a, act, onClose, onDecide }: { approval: Approval; act: "approve" | "decline"; onClose: () => void; onDecide: (why: string) => void }) {
  const [why, setWhy] = useState("");
  return (
    <Dialog title={act === "approve" ? "Approve this?" : "Decline this?"} onClose={onClose}>
      <form
        className="stack stack-3"
        onSubmit={(e) => {
          e.preventDefault();
          onDecide(why.trim());
        }}
      >
        <p dir="auto">
          <b>{a.title}</b> for {a.tenant.name}.
        </p>
        {act === "approve" ? (
          <p>It is sent to the other system at once, in your name. It cannot be taken back from here. When it is done, the customer reads it in the conversation.</p>
        ) : (
          <>
            <p>Nothing is sent. The customer reads that it cannot be done just like that and that a person goes on with them.</p>
            <Field label="Why (for agents only)">{(p) => <input {...p} className="input" dir="auto" maxLength={500} value={why} onChange={(e) => setWhy(e.target.value)} />}</Field>
          </>
        )}
        <p className="row">
          <button type="submit" className="btn btn-primary">
            {act === "approve" ? "Approve and send" : "Decline"}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Not yet
          </button>
        </p>
      </form>
    </Dialog>
  );
}
