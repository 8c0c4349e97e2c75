import { useEffect, useState } from "react";
import { call } from "../api/client";
import type { TaxonomyDraft, TaxonomyEdit, TaxonomyReport, TaxonomyRun } from "../api/types";
import { announce } from "../ui/announce";
import { locale, problemOf } from "../ui/Console";
import { percent, words } from "../ui/format";
import { counted } from "../ui/lists";
import { Badge, Banner, Dialog, Time, type Tone } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Narrow } from "./Narrow";

/** A step of the draft in one sentence. */
export function sentence(e: TaxonomyEdit): string {
  const examples = counted(e.examples?.length ?? 0, "example");
  switch (e.kind) {
    case "rename":
      return `Rename “${e.from}” to “${e.to}”`;
    case "merge":
      return `Merge “${e.from}” into “${e.to}”`;
    case "split":
      return `Split “${e.to}” off “${e.from}”, with ${examples}`;
    case "forget":
      return `Forget ${examples} of “${e.from}”`;
    case "put":
      return `Set “${e.value?.value}”: ${words(e.value?.route ?? "")}${e.value?.enabled === false ? ", off" : ""}${e.examples?.length ? `, and add ${examples}` : ""}`;
  }
}

const going = (run?: TaxonomyRun) => run?.state === "queued" || run?.state === "running";

/** The steps of the draft, what they would change, and their publication. */
export function Draft({ draft, onDraft, onPublished }: { draft: TaxonomyDraft; onDraft: (d: TaxonomyDraft) => void; onPublished: () => void }) {
  const runs = useLoad((signal) => call("get", "/v1/admin/taxonomy/runs", { signal }), "taxonomy runs");
  const [tenant, setTenant] = useState("");
  const [past, setPast] = useState(500);
  const [run, setRun] = useState<TaxonomyRun>();
  const [problem, setProblem] = useState("");
  const current = run ?? runs.data?.runs.find(going);
  const busy = going(current);

  useEffect(() => {
    if (!current || !busy) return;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const now = await call("get", "/v1/admin/taxonomy/runs/{id}", { params: { id: current.id }, signal: abort.signal });
        setRun(now);
        if (going(now)) return;
        announce(outcome(now));
        runs.reload();
        if (now.act !== "preview" && now.state === "done") onPublished();
      } catch (error) {
        if (!abort.signal.aborted) setProblem(problemOf(error));
      }
    }, 700);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  });

  const start = async (body: { act: TaxonomyRun["act"]; tenant_id?: string; past?: number; anyway?: boolean; run_id?: string }) => {
    if (busy) return;
    setProblem("");
    try {
      setRun(await call("post", "/v1/admin/taxonomy/runs", { body }));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const drop = async (number?: number) => {
    setProblem("");
    try {
      onDraft(await call("delete", "/v1/admin/taxonomy/draft", { query: number === undefined ? {} : { number } }));
      announce(number === undefined ? "The draft is empty." : "Taken back.");
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const preview = current?.act === "preview" ? current : runs.data?.runs.find((r) => r.act === "preview" && r.state === "done");
  const fits = draft.steps.some((s) => !s.broken);
  return (
    <>
      {(draft.steps.length > 0 || current) && (
        <section className="card stack stack-3" aria-labelledby="draft">
          <h2 id="draft">Draft</h2>
          {draft.steps.length > 0 && (
            <>
              <p className="small muted">Nothing acts on these steps until you publish them.</p>
              <ol className="plain-list stack stack-2">
                {draft.steps.map((s) => (
                  <li key={s.number} className="row">
                    <span className="grow" dir="auto">
                      {sentence(s.edit)}
                      {s.broken && <span className="tiny field-error"> Left out: {s.broken}</span>}
                    </span>
                    <button type="button" className="btn btn-small btn-quiet" onClick={() => void drop(s.number)}>
                      Take back <span className="vh">{sentence(s.edit)}</span>
                    </button>
                  </li>
                ))}
              </ol>
            </>
          )}
          {fits && (
            <>
              <Narrow whose="Messages of" tenant={tenant} onTenant={setTenant} howMany="How many" choices={[100, 500, 2000]} n={past} onN={setPast} />
              <p className="row">
                <button type="button" className="btn" aria-disabled={busy || undefined} onClick={() => void start({ act: "preview", past, ...(tenant && { tenant_id: tenant }) })}>
                  Show what would change
                </button>
                <button type="button" className="btn btn-primary" aria-disabled={busy || undefined} onClick={() => void start({ act: "publish" })}>
                  Publish the draft
                </button>
                <button type="button" className="btn btn-quiet" aria-disabled={busy || undefined} onClick={() => !busy && void drop()}>
                  Discard all
                </button>
              </p>
            </>
          )}
          {problem && (
            <Banner tone="bad" role="alert">
              {problem}
            </Banner>
          )}
          {busy && (
            <p className="row" role="status">
              <span className="spin" aria-hidden="true" /> {current?.step ? `${current.step.charAt(0).toUpperCase()}${current.step.slice(1)} …` : "Waiting to begin …"}
            </p>
          )}
          {run && !busy && run.state !== "done" && (
            <Banner tone="warn" role="alert">
              {run.why}
            </Banner>
          )}
          {run && !busy && run.act === "publish" && run.state === "refused" && (
            <>
              <ul className="small">
                {run.report?.kept.map((k) => (
                  <li key={k.question} dir="auto">
                    {k.question} {k.why && <span className="muted">({k.why})</span>}
                  </li>
                ))}
              </ul>
              {run.report && (
                <p>
                  <button type="button" className="btn" onClick={() => void start({ act: "publish", anyway: true })}>
                    Publish anyway
                  </button>
                </p>
              )}
            </>
          )}
          {run && !busy && run.act !== "preview" && run.state === "done" && <Banner tone="ok">{outcome(run)}</Banner>}
        </section>
      )}
      {preview?.report && draft.steps.length > 0 && !busy && <Report run={preview} report={preview.report} stale={JSON.stringify(preview.edits) !== JSON.stringify(draft.steps.filter((s) => !s.broken).map((s) => s.edit))} />}
      <History runs={runs.data?.runs.filter((r) => r.act !== "preview" && r.state === "done") ?? []} onRestore={(id) => void start({ act: "restore", run_id: id })} busy={busy} />
    </>
  );
}

function outcome(run: TaxonomyRun): string {
  if (run.state !== "done") return run.why ?? "It did not work.";
  switch (run.act) {
    case "preview":
      return "This is what the draft would change.";
    case "publish":
      return "Published. New messages are classified with it from now on.";
    case "restore":
      return "The taxonomy is as it was before that publication.";
  }
}

const none = (value: string) => (value ? <code>{value}</code> : <i>none fits</i>);
const tones: Record<"gains" | "loses" | "changes", Tone> = { gains: "ok", loses: "bad", changes: "info" };
const titles = { intent: "Classified otherwise", route: "Handled otherwise", team: "Another team" } as const;

function Report({ run, report: r, stale }: { run: TaxonomyRun; report: TaxonomyReport; stale: boolean }) {
  const failing = r.kept.filter((k) => !k.passes);
  const mended = r.kept.filter((k) => k.passes);
  return (
    <section className="card stack stack-3" aria-labelledby="report">
      <h2 id="report">What publishing would change</h2>
      {stale && <Banner tone="warn">The draft has changed since this was made. Look again before you publish.</Banner>}
      <p>
        {r.messages === 0
          ? "There are no past messages to look at yet."
          : r.stay === r.messages
            ? `All of the last ${counted(r.messages, "different message")} would be classified and handled as they are now.`
            : `${r.messages - r.stay} of the last ${counted(r.messages, "different message")} would be classified or handled otherwise.`}{" "}
        <span className="muted small">
          Looked at <Time at={run.created_at} locale={locale} />.
        </span>
      </p>
      {failing.length > 0 && <Banner tone="bad">{`${counted(failing.length, "kept question")} would fail: ${failing.map((k) => k.question).join("; ")}. Publishing is held back.`}</Banner>}
      {mended.length > 0 && <Banner tone="ok">{`${counted(mended.length, "kept question")} would pass that ${mended.length === 1 ? "fails" : "fail"} now: ${mended.map((k) => k.question).join("; ")}`}</Banner>}
      {!r.accepted && <Banner tone="bad">The classifier would do worse. Publishing is held back.</Banner>}
      <ul className="small">
        <li>{r.held === 0 ? "There are too few examples to hold some back for a check." : `On ${r.held} examples it has not learned from: ${percent(r.accuracy, locale)} right; ${r.gained} gained, ${r.lost} lost.`}</li>
        <li>{r.corrected === 0 ? "Nobody has corrected a message yet." : `Of ${counted(r.corrected, "message")} that people corrected, seen for the first time: ${r.corrected_before} right now, ${r.corrected_after} then.`}</li>
      </ul>
      {(["intent", "route", "team"] as const).map((what) => {
        const moves = r.moves.filter((m) => m.what === what);
        return moves.length === 0 ? null : (
          <div key={what} className="table-wrap" tabIndex={0} role="region" aria-label={titles[what]}>
            <table className="table">
              <caption className="small">{titles[what]}</caption>
              <thead>
                <tr>
                  <th scope="col">Now</th>
                  <th scope="col">Then</th>
                  <th scope="col">Messages</th>
                  <th scope="col">For example</th>
                </tr>
              </thead>
              <tbody>
                {moves.map((m) => (
                  <tr key={`${m.from} ${m.to}`}>
                    <th scope="row">{what === "route" ? words(m.from) : none(m.from)}</th>
                    <td>
                      {what === "route" ? words(m.to) : none(m.to)} {m.asked && <Badge>As you asked</Badge>}
                    </td>
                    <td className="num">{m.count}</td>
                    <td className="small" dir="auto">
                      {m.examples.map((x) => `“${x}”`).join(" · ")}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      })}
      {r.asked > 0 && (
        <>
          <p>{r.questions.length === 0 ? `None of the last ${counted(r.asked, "question")} would be answered otherwise.` : `${r.questions.length} of the last ${counted(r.asked, "question")} would be answered otherwise.`}</p>
          <ul className="plain-list stack stack-2">
            {r.questions.map((q, i) => (
              <li key={i} className="row">
                <Badge tone={tones[q.kind]}>{words(q.kind)}</Badge>
                <span className="grow" dir="auto">
                  {q.question}
                </span>
                <span className="small muted">
                  {words(q.before.outcome)} → {words(q.after.outcome)}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function History({ runs, onRestore, busy }: { runs: TaxonomyRun[]; onRestore: (id: string) => void; busy: boolean }) {
  const [sure, setSure] = useState<TaxonomyRun>();
  if (runs.length === 0) return null;
  return (
    <section className="stack stack-3" aria-labelledby="history">
      <h2 id="history">Published before</h2>
      <ul className="plain-list stack stack-2">
        {runs.map((r) => (
          <li key={r.id} className="card row">
            <span className="grow">
              {r.act === "restore" ? "Took a publication back" : r.edits.map(sentence).join("; ")}
              <span className="tiny muted" style={{ display: "block" }}>
                <Time at={r.finished_at ?? r.created_at} locale={locale} />
                {r.by && `, ${r.by}`}
              </span>
            </span>
            <button type="button" className="btn btn-small" aria-disabled={busy || undefined} onClick={() => !busy && setSure(r)}>
              Go back to before this
            </button>
          </li>
        ))}
      </ul>
      {sure && (
        <Dialog title="Go back?" onClose={() => setSure(undefined)}>
          <p>Names, descriptions, routes and examples become what they were before this publication; later ones are undone with it. What agents corrected since is kept.</p>
          <div className="dialog-foot">
            <button type="button" className="btn" onClick={() => setSure(undefined)}>
              Leave it
            </button>
            <button
              type="button"
              className="btn btn-primary"
              onClick={() => {
                onRestore(sure.id);
                setSure(undefined);
              }}
            >
              Go back
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
