import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { Finding, FindingArticle } from "../api/types";
import { announce } from "../ui/announce";
import { Head, locale, Pending, Problem, problemOf } from "../ui/Console";
import { longDate, percent } from "../ui/format";
import { counted } from "../ui/lists";
import { Badge, Dialog, Empty, Field, Time, type Tone } from "../ui/parts";
import { Link, navigate, useLocation } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { SpaceSelect } from "./Articles";
import { useAct } from "./useAct";

const kinds: Record<Finding["kind"], { name: string; tone: Tone }> = {
  contradiction: { name: "Contradiction", tone: "bad" },
  harmful: { name: "Harmful", tone: "bad" },
  stale: { name: "Stale", tone: "warn" },
  duplicate: { name: "Duplicate", tone: "note" },
  unused: { name: "Unused", tone: "plain" },
};

const proofWords: Record<Finding["proofs"][number]["kind"], string> = {
  voted_down: "rated as not helpful",
  escalated: "went to a person after the answer",
  corrected: "was about something else, an agent said",
  agent_reply: "an agent wrote",
  reported: "an agent reported it",
};

type Act = "verify" | "retire" | "merge" | "take" | "reopen";

/** What is wrong with published articles, the gravest first. */
export function Health() {
  const { query } = useLocation();
  const tenant = query.get("tenant") ?? "";
  const [state, setState] = useState<"open" | "dismissed">("open");
  const [kind, setKind] = useState("");
  const [dismissing, setDismissing] = useState<Finding>();
  const load = useLoad((signal) => call("get", "/v1/admin/health", { query: { tenant: tenant || undefined, state }, signal }), `health ${tenant} ${state}`, { every: 30_000 });
  const space = { tenant: tenant || undefined };
  const { problem, act } = useAct(load.reload);
  const settle = (f: Finding, what: Act, said: string, keep?: string) => void act(() => call("post", "/v1/admin/health/{id}", { params: { id: f.id }, query: space, body: { act: what, ...(keep && { keep }) } }), said);
  const check = () =>
    act(async () => {
      await call("post", "/v1/admin/health/check", {});
      setTimeout(load.reload, 3000);
    }, "All articles are being checked. The list renews itself.");
  const all = load.data?.findings ?? [];
  const shown = all.filter((f) => !kind || f.kind === kind);
  return (
    <div className="console-page">
      <Head title="Health" suffix="Knowledge">
        <button type="button" className="btn" onClick={() => void check()}>
          Check now
        </button>
      </Head>
      <p className="muted small">
        What is wrong with published articles, and why. Checked after every publication and every night, by rules; no model takes part.
        {load.data?.checked_at && (
          <>
            {" "}
            Last check: <Time at={load.data.checked_at} locale={locale} />, {load.data.articles} articles.
          </>
        )}
      </p>
      <div className="filters">
        <SpaceSelect value={tenant} onChange={(t) => navigate(t ? `/admin/health?tenant=${t}` : "/admin/health")} />
        <Field label="Kind">
          {(p) => (
            <select {...p} className="input" value={kind} onChange={(e) => setKind(e.target.value)}>
              <option value="">All kinds ({all.length})</option>
              {Object.entries(kinds).map(([value, { name }]) => (
                <option key={value} value={value}>
                  {name} ({all.filter((f) => f.kind === value).length})
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="State">
          {(p) => (
            <select {...p} className="input" value={state} onChange={(e) => setState(e.target.value as "open" | "dismissed")}>
              <option value="open">Open</option>
              <option value="dismissed">Dismissed</option>
            </select>
          )}
        </Field>
      </div>
      <Problem>{problem}</Problem>
      <Pending load={load} />
      {load.data && shown.length === 0 && (
        <Empty icon="check">{state === "dismissed" ? "Nothing is dismissed." : load.data.checked_at ? "Nothing is wrong with these articles." : "The first check has not ended yet."}</Empty>
      )}
      <ul className="plain-list stack stack-3">
        {shown.map((f) => (
          <li key={f.id}>
            <Card finding={f} onAct={settle} onDismiss={() => setDismissing(f)} />
          </li>
        ))}
      </ul>
      {dismissing && (
        <Dismiss
          finding={dismissing}
          tenant={tenant}
          onClose={() => setDismissing(undefined)}
          onDone={() => {
            setDismissing(undefined);
            announce("Dismissed.");
            load.reload();
          }}
        />
      )}
    </div>
  );
}

const editor = (a: FindingArticle) => `/admin/articles/${a.id}${a.tenant_id ? `?tenant=${a.tenant_id}` : ""}`;

function Card({ finding: f, onAct, onDismiss }: { finding: Finding; onAct: (f: Finding, act: Act, said: string, keep?: string) => void; onDismiss: () => void }) {
  const mergeable = f.kind === "duplicate" && f.other && f.other.tenant_id === f.article.tenant_id;
  const about = <span className="vh"> {f.article.title}</span>;
  return (
    <article className="card stack stack-2" aria-labelledby={`f-${f.id}`}>
      <div className="row">
        <Badge tone={kinds[f.kind].tone}>{kinds[f.kind].name}</Badge>
        <h2 className="grow h3" id={`f-${f.id}`}>
          {why(f)}
        </h2>
        <span className="tiny muted">
          since <Time at={f.first_seen_at} locale={locale} />
        </span>
      </div>
      <div className={f.other ? "split" : "stack"}>
        <Passage article={f.article} quote={f.detail.quote} heading={f.detail.heading} mark={f.detail.mine} />
        {f.other && <Passage article={f.other} quote={f.detail.other_quote} heading={f.detail.other_heading} mark={f.detail.theirs} />}
      </div>
      {f.proofs.length > 0 && <Proofs proofs={f.proofs} />}
      {f.note && (
        <p className="small">
          Dismissed{f.settled_by && ` by ${f.settled_by}`}: {f.note}
        </p>
      )}
      <p className="small muted">
        {f.owner ? `Owner: ${f.owner}` : "Nobody owns this article."}
      </p>
      <div className="row">
        {f.state === "dismissed" ? (
          <button type="button" className="btn btn-small" onClick={() => onAct(f, "reopen", "It is open again.")}>
            Open again{about}
          </button>
        ) : (
          <>
            <Link className="btn btn-small btn-primary" href={editor(f.article)}>
              Edit{about}
            </Link>
            {f.kind === "stale" && f.cause !== "dead_link" && f.cause !== "hidden_link" && (
              <button type="button" className="btn btn-small" onClick={() => onAct(f, "verify", "Verified for six months.")}>
                It is right: verify{about}
              </button>
            )}
            {mergeable && f.other && (
              <>
                <button type="button" className="btn btn-small" onClick={() => onAct(f, "merge", "Merged.", f.article.id)}>
                  Keep “{f.article.title}”
                </button>
                <button type="button" className="btn btn-small" onClick={() => onAct(f, "merge", "Merged.", f.other?.id)}>
                  Keep “{f.other.title}”
                </button>
              </>
            )}
            {(f.kind === "unused" || f.kind === "harmful" || f.cause === "aged" || f.cause === "gone") && (
              <button type="button" className="btn btn-small" onClick={() => onAct(f, "retire", "Retired.")}>
                Retire{about}
              </button>
            )}
            {!f.owner && (
              <button type="button" className="btn btn-small btn-quiet" onClick={() => onAct(f, "take", "You own this article now.")}>
                I take it{about}
              </button>
            )}
            <button type="button" className="btn btn-small btn-quiet" onClick={onDismiss}>
              Not a fault…{about}
            </button>
          </>
        )}
      </div>
    </article>
  );
}

function Passage({ article, quote, heading, mark }: { article: FindingArticle; quote?: string; heading?: string; mark?: string }) {
  return (
    <div className="stack" style={{ gap: "0.25rem" }}>
      <p className="small">
        <Link href={editor(article)}>{article.title}</Link>
        {heading && <span className="muted"> › {heading}</span>}
      </p>
      {quote && (
        <blockquote className="small" dir="auto">
          <Marked text={quote} mark={mark} />
        </blockquote>
      )}
    </div>
  );
}

/** A sentence with the value it is about. */
function Marked({ text, mark }: { text: string; mark?: string }) {
  const at = mark ? text.toLowerCase().indexOf(mark.toLowerCase()) : -1;
  if (!mark || at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + mark.length)}</mark>
      {text.slice(at + mark.length)}
    </>
  );
}

function Proofs({ proofs }: { proofs: Finding["proofs"] }) {
  return (
    <details open={proofs.length <= 3}>
      <summary className="small">
        Proof: {counted(proofs.length, "conversation")}
      </summary>
      <ul className="plain-list stack small" style={{ gap: "0.25rem" }}>
        {proofs.map((p) => (
          <li key={`${p.conversation_id} ${p.kind} ${p.at}`}>
            {p.ticket_id ? <Link href={`/agent/tickets/${p.tenant_id}/${p.ticket_id}`}>#{p.ticket_number}</Link> : <span>A conversation without a ticket</span>} of {p.tenant}, <Time at={p.at} locale={locale} />: {proofWords[p.kind]}
            {p.quote && (
              <blockquote dir="auto">{p.quote}</blockquote>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Dismiss({ finding: f, tenant, onClose, onDone }: { finding: Finding; tenant: string; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const send = async (e: FormEvent) => {
    e.preventDefault();
    try {
      await call("post", "/v1/admin/health/{id}", { params: { id: f.id }, query: { tenant: tenant || undefined }, body: { act: "dismiss", reason } });
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title="Not a fault" onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void send(e)}>
        <p className="small">{why(f)} It stays away until the text it is about changes.</p>
        <Field label="Why is it none?" hint="Your colleagues read it." error={problem}>
          {(p) => <textarea {...p} className="input" rows={2} maxLength={500} required value={reason} onChange={(e) => setReason(e.target.value)} />}
        </Field>
        <p className="row">
          <button type="submit" className="btn btn-primary">
            Dismiss
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** A finding's cause in one sentence. */
export function why(f: Finding): string {
  const d = f.detail;
  const date = d.since ? longDate(d.since, locale) : "";
  switch (f.cause) {
    case "value":
      return `Two articles say different things: ${d.mine} and ${d.theirs}.`;
    case "denial":
      return "One article says it is so, the other says it is not.";
    case "opposite":
      return "Two articles say the opposite of one another.";
    case "same_text":
      return `${percent(d.share ?? 0, locale)} of the shorter article stands in the other one, too.`;
    case "overdue":
      return `It was verified until ${date}.`;
    case "aged":
      return `Nobody has verified it, and it has not changed since ${date}.`;
    case "source_changed":
      return `An import${d.term ? ` from ${d.term}` : ""} changed it on ${date}, after it was last verified.`;
    case "agents_differ":
      return `Agents tell customers otherwise${d.theirs ? `: ${d.theirs} instead of ${d.mine}` : ""}.`;
    case "helps_less":
      return `Its answers help less than before: ${percent(d.share ?? 0, locale)} of votes, ${percent(d.before ?? 0, locale)} in the three months before.`;
    case "dead_link":
      return `A link leads nowhere: ${d.term}`;
    case "hidden_link":
      return `A link leads where its readers may not go: ${d.term}`;
    case "gone":
      return `It names “${d.term}”, which no longer exists${d.instead ? `; it is called “${d.instead}” now` : ""}.`;
    case "never_found":
      return `No question has found it in ${d.days} days.`;
    case "bad_outcomes":
      return `${percent(d.share ?? 0, locale)} of the ${d.cited} answers that quoted it did not help.`;
    case "reported":
      return "An agent reported an answer that quoted it.";
  }
}
