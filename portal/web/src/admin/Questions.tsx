import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { SavedQuestion } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, problemOf } from "../ui/Console";
import { Badge, Banner, Dialog, Empty, Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { AsWhom } from "./AsWhom";

const expectations: Record<SavedQuestion["expect"], string> = {
  answer: "An answer from articles",
  status: "An answer from live records",
  escalate: "A person takes it",
  not_found: "Nothing is found, and it says so",
};

/** Questions that must stay right, and whether they are. */
export function Questions() {
  const load = useLoad((signal) => call("get", "/v1/admin/questions", { signal }), "questions");
  const [editing, setEditing] = useState<SavedQuestion>();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const act = async (what: () => Promise<void>) => {
    setProblem("");
    setBusy(true);
    try {
      await what();
      load.reload();
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const run = () =>
    act(async () => {
      const result = await call("post", "/v1/admin/questions/run", { body: {} });
      const changed = result.results.filter((r) => r.changed).length;
      const text = `${result.passed} of ${result.total} are as expected${changed ? `; ${changed} ${changed === 1 ? "is" : "are"} other than last time` : ""}.`;
      setSaid(text);
      announce(text);
    });
  const rows = load.data?.questions ?? [];
  return (
    <div className="console-page">
      <Head title="Kept questions" suffix="Knowledge" />
      <p className="muted small">Questions with what has to become of them. They run on the real pipeline and have no effect on anybody; run them before you publish.</p>
      <p className="row">
        <button type="button" className="btn btn-primary" onClick={() => setEditing({ question: "", expect: "answer", role: "member", locale: "en" })}>
          Keep a question
        </button>
        {rows.length > 0 && (
          <button type="button" className="btn" aria-disabled={busy || undefined} onClick={() => !busy && void run()}>
            {busy && <span className="spin" aria-hidden="true" />} Run all
          </button>
        )}
      </p>
      {said && <Banner tone="note">{said}</Banner>}
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data && rows.length === 0 && <Empty icon="flask">No questions are kept yet. Begin with the five your customers ask most.</Empty>}
      <ul className="plain-list stack stack-2">
        {rows.map((q) => (
          <li key={q.id} className="card stack stack-2">
            <p className="row">
              <b className="grow" dir="auto">
                {q.question}
              </b>
              {q.passed !== undefined && <Badge tone={q.passed ? "ok" : "bad"}>{q.passed ? "As expected" : "Not as expected"}</Badge>}
            </p>
            <p className="small muted">
              {expectations[q.expect]}
              {q.article && <> · cites {q.article}</>}
              {q.contains?.length ? <> · says {q.contains.join(", ")}</> : null}
              {q.lacks?.length ? <> · never says {q.lacks.join(", ")}</> : null}
              {q.why && <> · now: {q.why}</>}
            </p>
            <p className="row">
              <button type="button" className="btn btn-small" onClick={() => setEditing(q)}>
                Edit <span className="vh">{q.question}</span>
              </button>
              <button
                type="button"
                className="btn btn-small btn-quiet"
                onClick={() =>
                  void act(async () => {
                    await call("delete", "/v1/admin/questions/{id}", { params: { id: q.id ?? "" } });
                    announce("Forgotten.");
                  })
                }
              >
                Forget <span className="vh">{q.question}</span>
              </button>
            </p>
          </li>
        ))}
      </ul>
      {editing && (
        <Edit
          question={editing}
          onClose={() => setEditing(undefined)}
          onDone={() => {
            setEditing(undefined);
            load.reload();
          }}
        />
      )}
    </div>
  );
}

const listOf = (text: string) =>
  text
    .split(",")
    .map((t) => t.trim())
    .filter(Boolean);

function Edit({ question, onClose, onDone }: { question: SavedQuestion; onClose: () => void; onDone: () => void }) {
  const [q, setQ] = useState(question);
  const [contains, setContains] = useState((question.contains ?? []).join(", "));
  const [lacks, setLacks] = useState((question.lacks ?? []).join(", "));
  const [problem, setProblem] = useState("");
  const set = (part: Partial<SavedQuestion>) => setQ((was) => ({ ...was, ...part }));
  const save = async (e: FormEvent) => {
    e.preventDefault();
    if (!q.question.trim()) return setProblem("Write the question.");
    try {
      const { passed: _passed, why: _why, ...rest } = q;
      await call("put", "/v1/admin/questions", { body: { ...rest, question: q.question.trim(), contains: listOf(contains), lacks: listOf(lacks) } });
      announce("Kept.");
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={question.id ? "Edit a kept question" : "Keep a question"} onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void save(e)}>
        <Field label="Question" error={problem}>
          {(p) => <textarea {...p} className="input" rows={2} maxLength={2000} dir="auto" value={q.question} onChange={(e) => set({ question: e.target.value })} />}
        </Field>
        <Field label="What has to become of it">
          {(p) => (
            <select {...p} className="input" value={q.expect} onChange={(e) => set({ expect: e.target.value as SavedQuestion["expect"] })}>
              {Object.entries(expectations).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        <AsWhom whom={q} onChange={set} />
        <Field label="Article it must cite" hint="Its short name in the address; empty: any.">
          {(p) => <input {...p} className="input" dir="ltr" maxLength={200} value={q.article ?? ""} onChange={(e) => set({ article: e.target.value })} />}
        </Field>
        <Field label="Must say" hint="Separated by commas.">
          {(p) => <input {...p} className="input" dir="auto" value={contains} onChange={(e) => setContains(e.target.value)} />}
        </Field>
        <Field label="Must not say" hint="Separated by commas.">
          {(p) => <input {...p} className="input" dir="auto" value={lacks} onChange={(e) => setLacks(e.target.value)} />}
        </Field>
        <div className="row">
          <button type="submit" className="btn btn-primary">
            Keep
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
