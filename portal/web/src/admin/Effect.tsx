import { useState } from "react";
import { call } from "../api/client";
import type { QuestionRun, Replay } from "../api/types";
import { announce } from "../ui/announce";
import { problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, type Tone } from "../ui/parts";

const tones: Record<Replay["changes"][number]["kind"], Tone> = { gains: "ok", loses: "bad", changes: "info" };

/** What a draft would do to the questions customers asked and curators keep, before it is published. */
export function Effect({ article, tenant }: { article: string; tenant?: string }) {
  const [replay, setReplay] = useState<Replay>();
  const [kept, setKept] = useState<QuestionRun>();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const look = async () => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    try {
      const body = { article_id: article, ...(tenant && { tenant_id: tenant }) };
      const [past, questions] = await Promise.all([call("post", "/v1/admin/replay", { body }), call("post", "/v1/admin/questions/run", { body })]);
      setReplay(past);
      setKept(questions);
      announce(`${past.changes.length} of ${past.asked} past questions would change.`);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const failing = kept?.results.filter((r) => !r.passed) ?? [];
  return (
    <section className="card stack stack-3" aria-labelledby="effect">
      <h2 id="effect">What publishing would change</h2>
      <p className="small muted">The latest questions of customers and the questions you keep, asked once of what is live and once of this draft. Nobody notices.</p>
      <p>
        <button type="button" className="btn" aria-disabled={busy || undefined} onClick={() => void look()}>
          {busy && <span className="spin" aria-hidden="true" />} Show what would change
        </button>
      </p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {kept && kept.total > 0 && (failing.length === 0 ? <Banner tone="ok">All {kept.total} kept questions would be as expected.</Banner> : <Banner tone="warn">{`${failing.length} of ${kept.total} kept questions would not be as expected: ${failing.map((r) => `${r.question} (${r.why ?? r.outcome})`).join("; ")}`}</Banner>)}
      {replay && <Changes replay={replay} />}
    </section>
  );
}

/** Past questions that would be answered differently, before and after. */
export function Changes({ replay }: { replay: Replay }) {
  return (
    <>
      <p>{replay.changes.length === 0 ? `None of the ${replay.asked} past questions would be answered differently.` : `${replay.changes.length} of ${replay.asked} past questions would be answered differently.`}</p>
      <ul className="plain-list stack stack-2">
        {replay.changes.map((c, i) => (
          <li key={i} className="stack stack-2">
            <p className="row">
              <Badge tone={tones[c.kind]}>{words(c.kind)}</Badge>
              <b className="grow" dir="auto">
                {c.question}
              </b>
            </p>
            <details>
              <summary className="small">Before and after</summary>
              <div className="small" dir="auto">
                <p>
                  <b>Now: {words(c.before.outcome)}</b>
                </p>
                {c.before.text && <Markdown text={c.before.text} headingBase={4} />}
                <p>
                  <b>Then: {words(c.after.outcome)}</b>
                </p>
                {c.after.text && <Markdown text={c.after.text} headingBase={4} />}
              </div>
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}
