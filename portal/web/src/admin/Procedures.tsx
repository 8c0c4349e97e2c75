import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { Procedure, ProcedureTurn } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, Empty, Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Organisation } from "./Organisation";

const sample = `key: my_procedure
title: My procedure
intent: change_request.meeting
steps:
  - id: ask
    ask:
      as: topic
      kind: text
      question: {en: What is it about?}
  - id: people
    hand_over: {team: onboarding, why: The customer has a wish.}
`;

/** What is done step by step about an intent: written, tried, published. */
export function Procedures() {
  const load = useLoad((signal) => call("get", "/v1/admin/procedures", { signal }), "procedures");
  const [edit, setEdit] = useState<string>();
  const [problem, setProblem] = useState("");
  const act = async (p: Procedure, what: "publish" | "retire") => {
    setProblem("");
    try {
      load.set(await call("post", "/v1/admin/procedures/{name}", { params: { name: p.key }, body: { act: what } }));
      announce(what === "publish" ? `${p.title} is in use.` : `${p.title} is out of use. Conversations in it go on to their end.`);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  if (edit !== undefined)
    return (
      <Editor
        start={edit}
        facts={load.data?.facts ?? []}
        onClose={() => {
          setEdit(undefined);
          load.reload();
        }}
      />
    );
  return (
    <div className="console-page">
      <Head title="Procedures" suffix="Knowledge">
        <button type="button" className="btn btn-primary" onClick={() => setEdit(sample)}>
          <Icon name="plus" /> New procedure
        </button>
      </Head>
      <p className="muted small">When a message is about an intent, its procedure asks, looks things up, says your texts and hands over to a team, step by step and without a model. Whoever wants a person still gets one at once.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data?.procedures.length === 0 && <Empty icon="list">No procedures yet.</Empty>}
      <ul className="plain-list stack stack-2">
        {load.data?.procedures.map((p) => (
          <li key={p.key} className="card stack stack-2">
            <p className="row">
              <b className="grow" dir="auto">
                {p.title}
              </b>
              {p.draft && <Badge tone="info">Draft of version {p.version}</Badge>}
              <Badge tone={p.published ? "ok" : "plain"}>{p.published ? `Version ${p.published} in use` : "Not in use"}</Badge>
            </p>
            <p className="small muted">
              <code>{p.intent}</code>
              {p.waiting > 0 && (
                <>
                  {" · "}
                  {p.waiting} {p.waiting === 1 ? "conversation waits" : "conversations wait"} for an answer
                </>
              )}
            </p>
            <p className="row">
              <button type="button" className="btn btn-small" onClick={() => setEdit(p.body)}>
                Edit and try <span className="vh">{p.title}</span>
              </button>
              {p.draft && (
                <button type="button" className="btn btn-small btn-primary" onClick={() => void act(p, "publish")}>
                  Publish <span className="vh">{p.title}</span>
                </button>
              )}
              {p.published > 0 && (
                <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(p, "retire")}>
                  Take out of use <span className="vh">{p.title}</span>
                </button>
              )}
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Editor({ start, facts, onClose }: { start: string; facts: string[]; onClose: () => void }) {
  const [body, setBody] = useState(start);
  const [problem, setProblem] = useState("");
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    try {
      const saved = await call("put", "/v1/admin/procedures", { body: { body } });
      announce(`Saved as the draft of version ${saved.version}.`);
      onClose();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className="console-page">
      <Head title="Edit a procedure" suffix="Knowledge" />
      <form className="stack stack-3" onSubmit={(e) => void save(e)}>
        <Field label="Procedure" hint="YAML. A step does one thing: ask, say, look (a question of the status taxonomy) or hand_over; when holds its conditions. Texts by language, English always." error={problem}>
          {(p) => <textarea {...p} className="input" dir="ltr" rows={20} spellCheck={false} style={{ fontFamily: "var(--font-mono)" }} value={body} onChange={(e) => setBody(e.target.value)} />}
        </Field>
        <details>
          <summary>What conditions may look at</summary>
          <p className="small">
            Answers of earlier steps as <code>answer.name</code>, fields of records as <code>thing.entity.field</code> where an organisation has one such record, and:{" "}
            {facts.map((f, i) => (
              <span key={f}>
                {i > 0 && ", "}
                <code>{f}</code>
              </span>
            ))}
            . What is not known counts as empty. Compare with is, is_not, at_least or below.
          </p>
        </details>
        <p className="row">
          <button type="submit" className="btn btn-primary">
            Save draft
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
        </p>
      </form>
      <Trial body={body} />
    </div>
  );
}

/** The conversation as somebody of an organisation would have it. Nothing is done. */
function Trial({ body }: { body: string }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [chosen, setChosen] = useState("");
  const [role, setRole] = useState<"member" | "manager" | "admin">("admin");
  const [said, setSaid] = useState<string[]>([]);
  const [turns, setTurns] = useState<ProcedureTurn[]>();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const tenant = chosen || tenants.data?.tenants[0]?.id || "";
  const go = async (messages: string[]) => {
    setProblem("");
    try {
      const answer = await call("post", "/v1/admin/procedures/try", { body: { body, tenant_id: tenant, role, messages } });
      setTurns(answer.turns);
      setSaid(messages);
      setText("");
      announce(answer.turns.at(-1)?.text ?? "");
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const last = turns?.at(-1);
  return (
    <section className="card stack stack-3" aria-labelledby="trial">
      <h2 id="trial">Dry run</h2>
      <div className="fields">
        <Organisation label="As somebody of" all={tenants.data?.tenants} value={tenant} onChange={setChosen} />
        <Field label="With the role">
          {(p) => (
            <select {...p} className="input" value={role} onChange={(e) => setRole(e.target.value as typeof role)}>
              {["member", "manager", "admin"].map((r) => (
                <option key={r} value={r}>
                  {words(r)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <p>
        <button type="button" className="btn" disabled={!tenant} onClick={() => void go([])}>
          {turns ? "Start again" : "Start"}
        </button>
      </p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {turns && (
        <ol className="plain-list stack stack-2">
          {turns.map((t, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: turns have no other name
            <li key={i} className="stack stack-2">
              {i > 0 && (
                <p>
                  <b>Customer:</b> <span dir="auto">{said[i - 1]}</span>
                </p>
              )}
              {t.text && (
                <div dir="auto">
                  <b>Assistant:</b> <Markdown text={t.text} />
                </div>
              )}
              <p className="tiny muted">{t.trace.map((s) => `${words(s.step)}: ${words(s.did).toLowerCase()}`).join(" · ")}</p>
              {t.state !== "waiting" && (
                <p>
                  {t.state === "handed_over" && <Badge tone="info">Handed over{t.team ? ` to ${words(t.team).toLowerCase()}` : ""}</Badge>}
                  {t.state === "done" && <Badge tone="ok">Done</Badge>}
                  {t.state === "cancelled" && <Badge>Cancelled</Badge>}
                </p>
              )}
            </li>
          ))}
        </ol>
      )}
      {last?.state === "waiting" && (
        <form
          className="stack stack-2"
          onSubmit={(e) => {
            e.preventDefault();
            void go([...said, text]);
          }}
        >
          <p className="row">
            {last.options.map((o) => (
              <button key={o} type="button" className="btn btn-small" onClick={() => void go([...said, o])}>
                {o}
              </button>
            ))}
          </p>
          <Field label="Answer">{(p) => <input {...p} className="input" dir="auto" required maxLength={2000} value={text} onChange={(e) => setText(e.target.value)} />}</Field>
          <p>
            <button type="submit" className="btn">
              Say it
            </button>
          </p>
        </form>
      )}
    </section>
  );
}
