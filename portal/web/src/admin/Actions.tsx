import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { Action, ActionTrial } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, problemOf } from "../ui/Console";
import { Icon } from "../ui/Icon";
import { Badge, Banner, Empty, Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { OpenAPI } from "./OpenAPI";
import { Organisation } from "./Organisation";
import { pairProblem, readPairs } from "./pairs";
import { useAct } from "./useAct";

const sample = `key: move_delivery
title: Move a delivery
words: {en: "Move the delivery {order} to {date}"}
done: {en: "The delivery {order} comes on {date} now."}
method: POST
base_url: https://erp.example
path: /customers/{customer}/deliveries/{order}/move
customers_of: erp
auth: {kind: bearer}
parameters:
  - {name: order, label: Order, kind: text, length: 40}
  - {name: date, label: New day, kind: date}
body:
  date: "{date}"
  requested_by: "{contact_email}"
approvers: {role: agent, team: onboarding}
expires_hours: 72
`;

/** Changes in other systems that procedures may propose: defined, tried without sending, switched on. */
export function Actions() {
  const load = useLoad((signal) => call("get", "/v1/admin/actions", { signal }), "actions");
  const [edit, setEdit] = useState<{ body: string; stored?: Action }>();
  const [importing, setImporting] = useState(false);
  const { problem, act } = useAct(load.reload);
  if (edit)
    return (
      <Editor
        start={edit.body}
        stored={edit.stored}
        injected={load.data?.injected ?? []}
        onClose={() => {
          setEdit(undefined);
          load.reload();
        }}
      />
    );
  return (
    <div className="console-page">
      <Head title="Actions" suffix="Knowledge">
        <button type="button" className="btn" onClick={() => setImporting(true)}>
          From OpenAPI
        </button>
        <button type="button" className="btn btn-primary" onClick={() => setEdit({ body: sample })}>
          <Icon name="plus" /> New action
        </button>
      </Head>
      <p className="muted small">An action changes something in another system. Procedures only propose it: people see exactly what would be sent, and nothing is sent before one of them approves.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data?.actions.length === 0 && <Empty icon="truck">No actions yet. Nothing is changed in other systems.</Empty>}
      <ul className="plain-list stack stack-2">
        {load.data?.actions.map((a) => (
          <li key={a.key} className="card stack stack-2">
            <p className="row">
              <b className="grow" dir="auto">
                {a.title}
              </b>
              <Badge tone={a.enabled ? "ok" : "plain"}>{a.enabled ? "On" : "Off"}</Badge>
            </p>
            <p className="small muted">
              <code>{a.key}</code> · approved by {a.approvers}
            </p>
            <p className="row">
              <button type="button" className="btn btn-small" onClick={() => setEdit({ body: a.body, stored: a })}>
                Edit and try <span className="vh">{a.title}</span>
              </button>
              <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(() => call("post", "/v1/admin/actions/{name}", { params: { name: a.key }, body: { enabled: !a.enabled } }), a.enabled ? "Switched off. What was proposed can no longer be approved." : "Switched on.")}>
                Switch {a.enabled ? "off" : "on"} <span className="vh">{a.title}</span>
              </button>
              {!a.enabled && (
                <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(() => call("delete", "/v1/admin/actions/{name}", { params: { name: a.key } }), "Removed.")}>
                  Remove <span className="vh">{a.title}</span>
                </button>
              )}
            </p>
          </li>
        ))}
      </ul>
      {importing && (
        <OpenAPI
          wants="action"
          onClose={() => setImporting(false)}
          onUse={(o) => {
            setImporting(false);
            setEdit({ body: o.action ?? sample });
          }}
        />
      )}
    </div>
  );
}

function Editor({ start, stored, injected, onClose }: { start: string; stored?: Action; injected: string[]; onClose: () => void }) {
  const [body, setBody] = useState(start);
  const [secret, setSecret] = useState("");
  const [problem, setProblem] = useState("");
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    try {
      await call("put", "/v1/admin/actions", { body: { body, secret: secret || undefined } });
      announce("Saved. What was proposed from it before can no longer be approved.");
      onClose();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className="console-page">
      <Head title="Edit an action" suffix="Knowledge" />
      <form className="stack stack-3" onSubmit={(e) => void save(e)}>
        <Field label="Action" hint="YAML. Parameters come from the answers of a procedure; words are for the customer before, done after. English always." error={problem}>
          {(p) => <textarea {...p} className="input" dir="ltr" rows={22} spellCheck={false} style={{ fontFamily: "var(--font-mono)" }} value={body} onChange={(e) => setBody(e.target.value)} />}
        </Field>
        <details>
          <summary>What the server fills in</summary>
          <p className="small">
            {injected.map((f, i) => (
              <span key={f}>
                {i > 0 && ", "}
                <code>{`{${f}}`}</code>
              </span>
            ))}
            . Neither a procedure nor a customer can set these. The customer number is the one stored with the source named in <code>customers_of</code>. With <code>honours_key: true</code> you say that the other system does nothing twice for one <code>Idempotency-Key</code>; then a lost answer is asked for again, and else a person has to look.
          </p>
        </details>
        <Field label="Secret" hint={stored?.has_secret ? "Empty keeps the one that is stored." : "For auth: bearer, basic or header."}>
          {(p) => <input {...p} className="input" dir="ltr" type="password" autoComplete="off" maxLength={2000} value={secret} onChange={(e) => setSecret(e.target.value)} />}
        </Field>
        <p className="row">
          <button type="submit" className="btn btn-primary">
            Save
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

/** The exact request for given values. Nothing is sent. */
function Trial({ body }: { body: string }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [chosen, setChosen] = useState("");
  const [text, setText] = useState("");
  const [trial, setTrial] = useState<ActionTrial>();
  const [problem, setProblem] = useState("");
  const tenant = chosen || tenants.data?.tenants[0]?.id || "";
  const go = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    setTrial(undefined);
    try {
      const values = readPairs(text, "parameter", "value");
      const answer = await call("post", "/v1/admin/actions/try", { body: { body, tenant_id: tenant, values } });
      setTrial(answer);
      announce(answer.ok ? "This would be sent. Nothing was." : (answer.problem ?? ""));
    } catch (error) {
      setProblem(pairProblem(error));
    }
  };
  return (
    <section className="card stack stack-3" aria-labelledby="trial">
      <h2 id="trial">Dry run</h2>
      <form className="stack stack-3" onSubmit={(e) => void go(e)}>
        <Organisation label="For somebody of" all={tenants.data?.tenants} value={tenant} onChange={setChosen} />
        <Field label="Parameters" hint="One a line: name = value. Days as 2026-12-31.">
          {(p) => <textarea {...p} className="input" dir="ltr" rows={4} spellCheck={false} value={text} onChange={(e) => setText(e.target.value)} />}
        </Field>
        <p>
          <button type="submit" className="btn" disabled={!tenant}>
            Show the request
          </button>
        </p>
      </form>
      {(problem || trial?.problem) && (
        <Banner tone="bad" role="alert">
          {problem || `It would not be proposed: ${trial?.problem}.`}
        </Banner>
      )}
      {trial?.ok && (
        <>
          <Banner tone="ok">This would be sent, with the secret in place of the dots. Nothing was sent.</Banner>
          <pre className="request small" dir="ltr" tabIndex={0} aria-label="The request">
            {trial.request}
          </pre>
          <dl className="dl">
            <dt>Proposed</dt>
            <dd dir="auto">{trial.words}</dd>
            <dt>Done</dt>
            <dd dir="auto">{trial.done}</dd>
          </dl>
        </>
      )}
    </section>
  );
}
