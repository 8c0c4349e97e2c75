import { type FormEvent, type ReactNode, useState } from "react";
import { call } from "../api/client";
import type { TestQuestion, TestRun } from "../api/types";
import { announce } from "../ui/announce";
import { Head, locale, Problem, problemOf } from "../ui/Console";
import { percent, words } from "../ui/format";
import { Markdown } from "../ui/Markdown";
import { Badge, Field, Meter } from "../ui/parts";
import { useLocation } from "../ui/router";
import { AsWhom } from "./AsWhom";
import { Transcript } from "./Customer";
import { Switch } from "./Switch";

/** Asks as somebody else would, without side effects, and shows why the answer is what it is. */
export function Test() {
  const { query } = useLocation();
  const [ask, setAsk] = useState<TestQuestion>({ question: "", role: "member", locale: "en", drafts: query.has("drafts"), tenant_id: query.get("tenant") ?? undefined });
  const [run, setRun] = useState<TestRun>();
  const [turn, setTurn] = useState(0); // runs are told apart, whatever they came to
  const [asked, setAsked] = useState<TestQuestion>();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const set = (part: Partial<TestQuestion>) => setAsk((a) => ({ ...a, ...part }));
  const put = async (asked: TestQuestion) => {
    if (busy || !asked.question.trim()) return;
    setBusy(true);
    setProblem("");
    try {
      const { tenant_id, locale: language, ...rest } = asked;
      const result = await call("post", "/v1/admin/test-question", { body: { ...rest, question: asked.question.trim(), ...(tenant_id && { tenant_id }), ...(language && { locale: language }) } });
      setRun(result);
      setTurn((n) => n + 1);
      setAsked(asked);
      announce(`${words(result.route)}: ${words(result.outcome)}. ${result.passages.length} passages.`);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="console-page">
      <Head title="Test a question" suffix="Knowledge" />
      <form className="card stack" onSubmit={(e: FormEvent) => {
          e.preventDefault();
          void put(ask);
        }}>
        <Field label="Question">{(p) => <textarea {...p} className="input" rows={2} required maxLength={2000} dir="auto" value={ask.question} onChange={(e) => set({ question: e.target.value })} />}</Field>
        <div className="fields">
          <AsWhom whom={ask} onChange={set} />
          <Field label="Locale">{(p) => <input {...p} className="input" maxLength={20} dir="ltr" value={ask.locale ?? ""} onChange={(e) => set({ locale: e.target.value })} />}</Field>
          <Field label="Against">
            {(p) => (
              <select {...p} className="input" value={ask.drafts ? "drafts" : "live"} onChange={(e) => set({ drafts: e.target.value === "drafts" })}>
                <option value="live">Live articles</option>
                <option value="drafts">Drafts where there are some</option>
              </select>
            )}
          </Field>
        </div>
        <p>
          <button type="submit" className="btn btn-primary" aria-disabled={busy || !ask.question.trim() || undefined}>
            {busy && <span className="spin" aria-hidden="true" />} Ask
          </button>
        </p>
      </form>
      <Problem>{problem}</Problem>
      {run && asked && (
        <Result run={run} question={asked.question}>
          {asked.tenant_id && asked.role !== "agent" && asked.role !== "visitor" && (
            <GoOn key={turn} busy={busy} onSay={(text) => void put({ ...asked, before: [...(asked.before ?? []), asked.question.trim()].slice(-10), question: text })} />
          )}
        </Result>
      )}
      <Switch />
    </div>
  );
}

/** What the customer writes next, to see what it does after what was said. */
function GoOn({ busy, onSay }: { busy: boolean; onSay: (text: string) => void }) {
  const [text, setText] = useState("");
  return (
    <form
      className="card stack"
      onSubmit={(e: FormEvent) => {
        e.preventDefault();
        onSay(text);
      }}
    >
      <Field label="The customer goes on" hint="As in a chat: what was said before counts.">
        {(p) => <input {...p} className="input" required maxLength={2000} dir="auto" value={text} onChange={(e) => setText(e.target.value)} />}
      </Field>
      <p>
        <button type="submit" className="btn" aria-disabled={busy || !text.trim() || undefined}>
          Go on
        </button>
      </p>
    </form>
  );
}

function Result({ run, question, children }: { run: TestRun; question: string; children: ReactNode }) {
  const c = run.classification;
  return (
    <>
      <div className="split">
        <section className="card stack stack-3" aria-labelledby="t-answer">
          <h2 id="t-answer">What the customer gets</h2>
          <p className="row">
            <Badge tone="brand">{words(run.route)}</Badge>
            <Badge tone={run.outcome === "sent" || run.outcome === "send" ? "ok" : "warn"}>{words(run.outcome)}</Badge>
            <Badge>Evidence: {words(run.evidence)}</Badge>
            {run.duration_ms !== undefined && <Badge>{run.duration_ms} ms</Badge>}
          </p>
          {run.reason && <p className="small muted">Because: {words(run.reason)}</p>}
          {run.earlier && <Transcript lines={[...run.earlier, { who: "customer", text: question }]} />}
          {run.answer ? (
            <div dir="auto">
              <Markdown text={run.answer} headingBase={3} />
            </div>
          ) : (
            <p className="muted">{run.kind === "escalate" ? "A person takes over, and the customer is told the number of the ticket." : "Nothing is said."}</p>
          )}
          {(run.options?.length ?? 0) > 0 && <p className="small muted">To choose from: {run.options?.join(" · ")}</p>}
          {run.answerability !== undefined && (
            <div className="stack stack-2">
              <span className="small">Answerability {percent(run.answerability, locale)}</span>
              <Meter value={run.answerability} label="Answerability" />
            </div>
          )}
        </section>
        {c && (
          <section className="card stack stack-3" aria-labelledby="t-class">
            <h2 id="t-class">How it was understood</h2>
            <dl className="dl">
              <dt>Intent</dt>
              <dd>{c.intent ? <code>{c.intent}</code> : "None fits"}</dd>
              <dt>Confidence</dt>
              <dd className="num">{percent(c.confidence, locale)}</dd>
              {c.priority && (
                <>
                  <dt>Priority</dt>
                  <dd>{words(c.priority)}</dd>
                </>
              )}
              {c.team && (
                <>
                  <dt>Team</dt>
                  <dd>{words(c.team)}</dd>
                </>
              )}
              {c.language && (
                <>
                  <dt>Language</dt>
                  <dd>{c.language}</dd>
                </>
              )}
            </dl>
            {(c.labels?.length ?? 0) > 0 && <p className="small muted">Closest: {c.labels?.slice(0, 4).map((l) => `${l.value} ${percent(l.score, locale)}`).join(", ")}</p>}
            {(c.explanation?.length ?? 0) > 0 && <p className="small muted">Decided by: {c.explanation?.join(", ")}</p>}
          </section>
        )}
      </div>
      {children}
      <section className="stack stack-3" aria-labelledby="t-passages">
        <h2 id="t-passages">Passages found</h2>
        {run.passages.length === 0 ? (
          <p className="empty">Nothing was found that this person may see.</p>
        ) : (
          <div className="table-wrap" tabIndex={0} role="region" aria-label="Passages found">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Rank</th>
                  <th scope="col">Passage</th>
                  <th scope="col">Score</th>
                  <th scope="col">Parts of the score</th>
                  <th scope="col">Chosen</th>
                </tr>
              </thead>
              <tbody>
                {run.passages.map((p, i) => (
                  <tr key={p.chunk_id} className="passage-row" data-used={p.used ? "true" : undefined}>
                    <td className="num">{i + 1}</td>
                    <th scope="row" className="passage-text" dir="auto">
                      <a href={p.url} target="_blank" rel="noopener">
                        {p.title}
                        {p.section && p.section !== p.title && <> › {p.section}</>}
                      </a>{" "}
                      {p.audience && <Badge>{words(p.audience)}</Badge>}
                      <details>
                        <summary className="small muted">Text</summary>
                        <div className="small" style={{ fontWeight: 400 }}>
                          <Markdown text={p.text} headingBase={4} />
                        </div>
                      </details>
                    </th>
                    <td className="num">{p.score.toFixed(3)}</td>
                    <td className="num small">
                      {Object.entries(p.legs ?? {}).map(([leg, score]) => (
                        <div key={leg}>
                          {words(leg)} {score.toFixed(3)}
                        </div>
                      ))}
                    </td>
                    <td>{p.used ? <Badge tone="ok">Used</Badge> : "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </>
  );
}
