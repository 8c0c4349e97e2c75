import { type FormEvent, type ReactNode, useState } from "react";
import { call } from "../api/client";
import type { SavedQuestion } from "../api/types";
import { announce } from "../ui/announce";
import { Head, locale, Pending, Problem, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { listOf } from "../ui/lists";
import { Badge, Banner, Dialog, Empty, Field, Time } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { AsWhom } from "./AsWhom";
import { Customer, expected, newCustomer, Transcript } from "./Customer";

const expectations: Record<Exclude<SavedQuestion["expect"], "talk">, string> = {
  answer: "An answer from articles",
  status: "An answer from live records",
  escalate: "A person takes it",
  not_found: "Nothing is found, and it says so",
};

/** Questions and customers that must stay right, and whether they are. */
export function Questions() {
  const load = useLoad((signal) => call("get", "/v1/admin/questions", { signal }), "questions");
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [editing, setEditing] = useState<SavedQuestion>();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const act = async (what: () => Promise<void>) => {
    if (busy) return;
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
  const runOne = (q: SavedQuestion) =>
    act(async () => {
      const result = await call("post", "/v1/admin/questions/run", { body: { id: q.id } });
      setSaid("");
      announce(result.passed > 0 ? "As expected." : `Not as expected. ${result.results[0]?.why ?? ""}`);
    });
  const forget = (q: SavedQuestion) =>
    act(async () => {
      await call("delete", "/v1/admin/questions/{id}", { params: { id: q.id ?? "" } });
      announce("Forgotten.");
    });
  const done = () => {
    setEditing(undefined);
    setSaid("");
    load.reload();
  };
  if (editing?.customer) return <Customer question={{ ...editing, customer: editing.customer }} onClose={done} />;
  const all = load.data?.questions ?? [];
  const questions = all.filter((q) => !q.customer);
  const customers = all.filter((q) => q.customer);
  const row = (q: SavedQuestion, about: ReactNode) => (
    <Row key={q.id} question={q} busy={busy} onRun={() => void runOne(q)} onEdit={() => setEditing(q)} onForget={() => void forget(q)}>
      {about}
    </Row>
  );
  return (
    <div className="console-page">
      <Head title="Kept questions" suffix="Knowledge" />
      <p className="muted small">Questions, and customers who go on talking, with what has to become of them. They run on the real pipeline and have no effect on anybody. They also run before an article is published.</p>
      <p className="row">
        <button type="button" className="btn btn-primary" onClick={() => setEditing({ question: "", expect: "answer", role: "member", locale: "en" })}>
          Keep a question
        </button>
        <button type="button" className="btn" onClick={() => setEditing(newCustomer())}>
          Make up a customer
        </button>
        {all.length > 0 && (
          <button type="button" className="btn" aria-disabled={busy || undefined} onClick={() => void run()}>
            {busy && <span className="spin" aria-hidden="true" />} Run all
          </button>
        )}
      </p>
      {said && <Banner tone="note">{said}</Banner>}
      <Problem>{problem}</Problem>
      <Pending load={load} />
      {load.data && all.length === 0 && <Empty icon="flask">No questions are kept yet. Begin with the five your customers ask most.</Empty>}
      {questions.length > 0 && (
        <section className="stack stack-3" aria-labelledby="q-once">
          <h2 id="q-once">Questions</h2>
          <ul className="plain-list stack stack-2">
            {questions.map((q) =>
              row(
                q,
                <>
                  {q.expect !== "talk" && expectations[q.expect]}
                  {q.article && <> · cites {q.article}</>}
                  {q.contains?.length ? <> · says {q.contains.join(", ")}</> : null}
                  {q.lacks?.length ? <> · never says {q.lacks.join(", ")}</> : null}
                </>,
              ),
            )}
          </ul>
        </section>
      )}
      {customers.length > 0 && (
        <section className="stack stack-3" aria-labelledby="q-talk">
          <h2 id="q-talk">Customers</h2>
          <ul className="plain-list stack stack-2">
            {customers.map((q) =>
              row(
                q,
                <>
                  {words(q.role ?? "member")} of {tenants.data?.tenants.find((t) => t.id === q.tenant_id)?.name ?? "an organisation"}, begins with <span dir="auto">“{q.question}”</span>
                  {q.customer && <> Expected: {expected(q.customer)}.</>}
                </>,
              ),
            )}
          </ul>
        </section>
      )}
      {editing && <Edit question={editing} onClose={() => setEditing(undefined)} onDone={done} />}
    </div>
  );
}

type Acts = { busy: boolean; onRun: () => void; onEdit: () => void; onForget: () => void };

/** One that is kept, with its last run. */
function Row({ question: q, busy, onRun, onEdit, onForget, children }: Acts & { question: SavedQuestion; children: ReactNode }) {
  const title = q.customer?.name ?? q.question;
  return (
    <li className="card stack stack-2">
      <p className="row">
        <b className="grow" dir="auto">
          {title}
        </b>
        {q.passed !== undefined && <Badge tone={q.passed ? "ok" : "bad"}>{q.passed ? "As expected" : "Not as expected"}</Badge>}
      </p>
      <p className="small muted">{children}</p>
      {q.passed === false && q.why && <p className="small">Last run: {q.why}</p>}
      {q.transcript && q.ran_at && (
        <details>
          <summary className="small">
            The last conversation, <Time at={q.ran_at} locale={locale} />
          </summary>
          <Transcript lines={q.transcript} />
        </details>
      )}
      <p className="row">
        <button type="button" className="btn btn-small" aria-disabled={busy || undefined} onClick={onRun}>
          Run <span className="vh">{title}</span>
        </button>
        <button type="button" className="btn btn-small" onClick={onEdit}>
          Edit <span className="vh">{title}</span>
        </button>
        <button type="button" className="btn btn-small btn-quiet" onClick={onForget}>
          Forget <span className="vh">{title}</span>
        </button>
      </p>
    </li>
  );
}

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
      const { passed: _passed, why: _why, ran_at: _ran, ...rest } = q;
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
