import { type FormEvent, Fragment, useState } from "react";
import { call } from "../api/client";
import type { StatusOwner, StatusSource, StatusSourceTrial } from "../api/types";
import { announce } from "../ui/announce";
import { Head, locale, Pending, Problem, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { counted } from "../ui/lists";
import { Badge, Banner, Dialog, Empty, Field, Time } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { OpenAPI } from "./OpenAPI";
import { Organisation } from "./Organisation";
import { pairProblem, readPairs } from "./pairs";
import { useAct } from "./useAct";

/** Outside systems that know what customers ask about, and which of them owns which field. */
export function Sources() {
  const load = useLoad((signal) => call("get", "/v1/admin/status-sources", { signal }), "sources", { every: 10_000 });
  const [edit, setEdit] = useState<Draft>();
  const [trying, setTrying] = useState<string>();
  const [importing, setImporting] = useState(false);
  const { problem, act } = useAct(load.reload);
  return (
    <div className="console-page">
      <Head title="Sources" suffix="Knowledge">
        <button type="button" className="btn" onClick={() => setImporting(true)}>
          From OpenAPI
        </button>
        <button type="button" className="btn btn-primary" onClick={() => setEdit(fresh)}>
          <Icon name="plus" /> New source
        </button>
      </Head>
      <p className="muted small">A source is another system of yours that Usher reads, never writes. What it said is kept for its freshness window, so customers' questions do not reach it; when it is down, they get the last value with its age.</p>
      <Problem>{problem}</Problem>
      <Pending load={load} />
      {load.data?.sources.length === 0 && <Empty icon="save">No sources yet. Answers come from Usher's own record.</Empty>}
      <ul className="plain-list stack stack-2">
        {load.data?.sources.map((s) => (
          <li key={s.name} className="card stack stack-2">
            <p className="row">
              <b className="grow">{words(s.name)}</b>
              <Badge tone={!s.enabled ? "plain" : s.circuit !== "closed" || s.failing > 0 ? "warn" : "ok"}>{!s.enabled ? "Off" : s.circuit === "open" ? "Spared after failures" : s.circuit === "half-open" || s.failing > 0 ? "Failing" : "On"}</Badge>
            </p>
            <p className="small muted">
              {s.from_file ? (
                "From the operator's configuration file"
              ) : (
                <span dir="ltr" style={{ overflowWrap: "anywhere" }}>
                  {s.base_url}
                  {s.path}
                </span>
              )}
              {" · "}
              {s.records === 0 ? (
                "nothing read yet"
              ) : (
                <>
                  {counted(s.records, "record")}
                  {s.last_fetched_at && (
                    <>
                      , last read <Time at={s.last_fetched_at} locale={locale} relative />
                    </>
                  )}
                </>
              )}
            </p>
            {s.failing > 0 && (
              <p className="small" style={{ overflowWrap: "anywhere" }}>
                {counted(s.failing, "record")} could not be read the last time
                {s.next_try_at && (
                  <>
                    ; next try <Time at={s.next_try_at} locale={locale} />
                  </>
                )}
                . {s.problem}
              </p>
            )}
            {!s.from_file && (
              <p className="row">
                <button type="button" className="btn btn-small" onClick={() => setTrying(s.name)}>
                  Try it <span className="vh">: {words(s.name)}</span>
                </button>
                <button type="button" className="btn btn-small" onClick={() => setEdit(s)}>
                  Edit <span className="vh">{words(s.name)}</span>
                </button>
                <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(() => call("post", "/v1/admin/status-sources/{name}", { params: { name: s.name }, body: { enabled: !s.enabled } }), s.enabled ? "Switched off. Answers say how old the last value is." : "Switched on.")}>
                  Switch {s.enabled ? "off" : "on"} <span className="vh">{words(s.name)}</span>
                </button>
                <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(() => call("delete", "/v1/admin/status-sources/{name}", { params: { name: s.name } }), "Removed.")}>
                  Remove <span className="vh">{words(s.name)}</span>
                </button>
              </p>
            )}
          </li>
        ))}
      </ul>
      {load.data && <Records />}
      {load.data && <Owners fields={load.data.fields} sources={load.data.sources.map((s) => s.name)} onDone={load.reload} />}
      {edit && (
        <Edit
          source={edit}
          onClose={() => setEdit(undefined)}
          onDone={() => {
            setEdit(undefined);
            announce("Saved.");
            load.reload();
          }}
        />
      )}
      {importing && (
        <OpenAPI
          wants="source"
          onClose={() => setImporting(false)}
          onUse={(o) => {
            setImporting(false);
            setEdit({ ...fresh, ...o.source, name: "", suggested: o.source?.name });
          }}
        />
      )}
      {trying && <Try name={trying} perCustomer={load.data?.sources.find((s) => s.name === trying)?.path?.includes("{customer}") ?? false} onClose={() => setTrying(undefined)} />}
    </div>
  );
}

/** A source as it is edited; one that is filled in brings a name it may have. */
type Draft = StatusSource & { suggested?: string };

const fresh: Draft = { name: "", from_file: false, enabled: false, has_secret: false, fields: {}, circuit: "closed", records: 0, failing: 0, auth_kind: "none" };

/** "eta = order.eta" by line. */
const written = (fields: Record<string, string>) =>
  Object.entries(fields)
    .map(([name, place]) => `${name} = ${place}`)
    .join("\n");

function Edit({ source, onClose, onDone }: { source: Draft; onClose: () => void; onDone: () => void }) {
  const isNew = source.name === "";
  const [form, setForm] = useState(source);
  const [name, setName] = useState(source.name || (source.suggested ?? ""));
  const [fields, setFields] = useState(written(source.fields));
  const [secret, setSecret] = useState("");
  const [problem, setProblem] = useState("");
  const set = (part: Partial<StatusSource>) => setForm((f) => ({ ...f, ...part }));
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    try {
      await call("put", "/v1/admin/status-sources/{name}", {
        params: { name: name.trim() },
        body: {
          base_url: form.base_url ?? "",
          path: form.path ?? "",
          auth_kind: form.auth_kind ?? "none",
          auth_name: form.auth_name,
          auth_user: form.auth_user,
          secret: secret || undefined,
          fields: readPairs(fields, "field", "place"),
          observed_at: form.observed_at,
          max_age_seconds: form.max_age_seconds,
          concurrency: form.concurrency,
          confirm: form.confirm,
        },
      });
      onDone();
    } catch (error) {
      setProblem(pairProblem(error));
    }
  };
  const number = (text: string) => (text === "" ? undefined : Number(text));
  return (
    <Dialog title={isNew ? "New source" : `Edit ${words(source.name)}`} onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void save(e)}>
        {isNew && (
          <Field label="Name" hint="Small letters, digits and _">
            {(p) => <input {...p} className="input" dir="ltr" required maxLength={60} pattern="[a-z0-9_]+" value={name} onChange={(e) => setName(e.target.value)} />}
          </Field>
        )}
        <Field label="Base address">{(p) => <input {...p} className="input" dir="ltr" type="url" required maxLength={500} placeholder="https://" value={form.base_url ?? ""} onChange={(e) => set({ base_url: e.target.value })} />}</Field>
        <Field label="Path of a record" hint="{entity} is the record's id, {customer} the number the system knows the organisation by. Usher fills both in.">
          {(p) => <input {...p} className="input" dir="ltr" required maxLength={500} placeholder="/customers/{customer}/orders/{entity}" value={form.path ?? ""} onChange={(e) => set({ path: e.target.value })} />}
        </Field>
        <div className="fields">
          <Field label="Sign-in">
            {(p) => (
              <select {...p} className="input" value={form.auth_kind ?? "none"} onChange={(e) => set({ auth_kind: e.target.value as StatusSource["auth_kind"] })}>
                <option value="none">None</option>
                <option value="bearer">Bearer token</option>
                <option value="basic">User and password</option>
                <option value="header">Key in a header</option>
              </select>
            )}
          </Field>
          {form.auth_kind === "header" && <Field label="Header">{(p) => <input {...p} className="input" dir="ltr" required maxLength={100} value={form.auth_name ?? ""} onChange={(e) => set({ auth_name: e.target.value })} />}</Field>}
          {form.auth_kind === "basic" && <Field label="User">{(p) => <input {...p} className="input" dir="ltr" maxLength={200} value={form.auth_user ?? ""} onChange={(e) => set({ auth_user: e.target.value })} />}</Field>}
          {form.auth_kind !== "none" && (
            <Field label="Secret" hint={source.has_secret ? "Empty keeps the one that is stored." : undefined}>
              {(p) => <input {...p} className="input" dir="ltr" type="password" autoComplete="off" required={!source.has_secret} maxLength={2000} value={secret} onChange={(e) => setSecret(e.target.value)} />}
            </Field>
          )}
        </div>
        <Field label="Fields" hint="One a line: name = place in the answer, as a JMESPath expression (order.eta) or a JSON pointer (/order/eta).">
          {(p) => <textarea {...p} className="input" dir="ltr" rows={5} spellCheck={false} style={{ fontFamily: "var(--font-mono)" }} value={fields} onChange={(e) => setFields(e.target.value)} />}
        </Field>
        <div className="fields">
          <Field label="Freshness window" hint="Seconds; empty: 300">
            {(p) => <input {...p} className="input" type="number" min={1} max={2592000} value={form.max_age_seconds ?? ""} onChange={(e) => set({ max_age_seconds: number(e.target.value) })} />}
          </Field>
          <Field label="Calls at once" hint="Empty: 4">
            {(p) => <input {...p} className="input" type="number" min={1} max={64} value={form.concurrency ?? ""} onChange={(e) => set({ concurrency: number(e.target.value) })} />}
          </Field>
          <Field label="Time of the record" hint="Place in the answer; empty: now">
            {(p) => <input {...p} className="input" dir="ltr" maxLength={500} value={form.observed_at ?? ""} onChange={(e) => set({ observed_at: e.target.value })} />}
          </Field>
        </div>
        <label className="row">
          <input type="checkbox" checked={form.confirm ?? false} onChange={(e) => set({ confirm: e.target.checked })} /> For the asker only: a mailed code comes before the answer
        </label>
        <Problem>{problem}</Problem>
        <div className="row">
          <button type="submit" className="btn btn-primary">
            Save
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** One reading, now, for one organisation. No customer sees it. */
function Try({ name, perCustomer, onClose }: { name: string; perCustomer: boolean; onClose: () => void }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const numbers = useLoad((signal) => call("get", "/v1/admin/status-sources/{name}/customers", { params: { name }, signal }), name);
  const [chosen, setChosen] = useState("");
  const [entity, setEntity] = useState("");
  const [typed, setTyped] = useState<string>();
  const [trial, setTrial] = useState<StatusSourceTrial>();
  const [problem, setProblem] = useState("");
  const tenant = chosen || tenants.data?.tenants[0]?.id || "";
  const number = numbers.data?.customers.find((c) => c.tenant_id === tenant)?.customer ?? "";
  const attempt = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    setTrial(undefined);
    try {
      if (typed !== undefined && typed.trim() !== number) numbers.set(await call("put", "/v1/admin/status-sources/{name}/customers", { params: { name }, body: { tenant_id: tenant, customer: typed.trim() } }));
      const answer = await call("post", "/v1/admin/status-sources/{name}/try", { params: { name }, body: { tenant_id: tenant, entity: entity.trim() } });
      setTrial(answer);
      announce(answer.ok ? "It works." : (answer.problem ?? "It does not work."));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={`Try ${words(name)}`} onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void attempt(e)}>
        <Organisation
          label="Organisation"
          all={tenants.data?.tenants}
          value={tenant}
          onChange={(id) => {
            setChosen(id);
            setTyped(undefined);
          }}
        />
        {perCustomer && (
          <Field label="Its customer number there" hint="Kept when you read.">
            {(p) => <input {...p} className="input" dir="ltr" maxLength={200} value={typed ?? number} onChange={(e) => setTyped(e.target.value)} />}
          </Field>
        )}
        <Field label="Record's id">{(p) => <input {...p} className="input" dir="ltr" required maxLength={200} value={entity} onChange={(e) => setEntity(e.target.value)} />}</Field>
        <p>
          <button type="submit" className="btn btn-primary" disabled={!tenant}>
            Read it now
          </button>
        </p>
        <Problem>{problem}</Problem>
        {trial && !trial.ok && <Banner tone="bad">{trial.problem}</Banner>}
        {trial?.ok && (
          <>
            <Banner tone="ok">It works. The answer took {trial.took_ms} ms.</Banner>
            <dl className="dl">
              {Object.entries(trial.record ?? {}).map(([field, value]) => (
                <Fragment key={field}>
                  <dt>{words(field)}</dt>
                  <dd dir="auto" style={{ overflowWrap: "anywhere" }}>
                    {typeof value === "string" ? value : JSON.stringify(value)}
                  </dd>
                </Fragment>
              ))}
            </dl>
            {trial.missing.length > 0 && <p className="small">Not in this answer: {trial.missing.map(words).join(", ")}.</p>}
          </>
        )}
      </form>
    </Dialog>
  );
}

/** Which records an organisation has in the other systems. */
function Records() {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [chosen, setChosen] = useState("");
  const tenant = chosen || tenants.data?.tenants[0]?.id || "";
  const load = useLoad((signal) => (tenant ? call("get", "/v1/admin/tenants/{tenant}/things", { params: { tenant }, signal }) : Promise.resolve({ things: [], entities: [] })), tenant);
  const [entity, setEntity] = useState("");
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const [problem, setProblem] = useState("");
  if (!load.data || load.data.entities.length === 0) return null;
  const entities = load.data.entities;
  const add = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    try {
      load.set(await call("put", "/v1/admin/tenants/{tenant}/things", { params: { tenant }, body: { entity: entity || (entities[0] ?? ""), key: key.trim(), name: name.trim() } }));
      announce(`${name.trim()} was added.`);
      setKey("");
      setName("");
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const remove = async (id: string) => {
    setProblem("");
    try {
      await call("delete", "/v1/admin/tenants/{tenant}/things/{id}", { params: { tenant, id } });
      announce("Removed.");
      load.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <section className="stack stack-3" aria-labelledby="records">
      <h2 id="records">Records of an organisation</h2>
      <p className="muted small">What an organisation can ask about: the record's id in the other system, and the name people use for it.</p>
      <Organisation label="Organisation" all={tenants.data?.tenants} value={tenant} onChange={setChosen} />
      <Problem>{problem}</Problem>
      {load.data.things.length === 0 ? (
        <p className="muted small">It has none yet.</p>
      ) : (
        <ul className="plain-list stack stack-2">
          {load.data.things.map((t) => (
            <li key={t.id} className="card row">
              <span className="grow">
                <b dir="auto">{t.name}</b>{" "}
                <span className="muted small">
                  {words(t.entity)} · <code>{t.key}</code>
                </span>
              </span>
              <button type="button" className="btn btn-small btn-quiet" onClick={() => void remove(t.id)}>
                Remove <span className="vh">{t.name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <form className="card stack" onSubmit={(e) => void add(e)}>
        <div className="fields">
          <Field label="Kind">
            {(p) => (
              <select {...p} className="input" value={entity || entities[0]} onChange={(e) => setEntity(e.target.value)}>
                {entities.map((kind) => (
                  <option key={kind} value={kind}>
                    {words(kind)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Id there">{(p) => <input {...p} className="input" dir="ltr" required maxLength={200} value={key} onChange={(e) => setKey(e.target.value)} />}</Field>
          <Field label="Name">{(p) => <input {...p} className="input" dir="auto" required maxLength={200} value={name} onChange={(e) => setName(e.target.value)} />}</Field>
        </div>
        <p>
          <button type="submit" className="btn">
            Add record
          </button>
        </p>
      </form>
    </section>
  );
}

/** The registry: every field that answers state has one owner. */
function Owners({ fields, sources, onDone }: { fields: StatusOwner[]; sources: string[]; onDone: () => void }) {
  const [problem, setProblem] = useState("");
  const own = async (f: StatusOwner, owner: string) => {
    setProblem("");
    try {
      await call("put", "/v1/admin/status-fields", { body: { pack: f.pack ?? "", field: f.field, owner } });
      announce(`${words(f.entity)}: ${words(f.field).toLowerCase()} now comes from ${owner === "record" ? "Usher's record" : words(owner)}.`);
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <section className="stack stack-3" aria-labelledby="owners">
      <h2 id="owners">Who knows what</h2>
      <p className="muted small">Every field that answers where things stand has one owner. Chat, API and Slack read it from there, so they say the same.</p>
      <Problem>{problem}</Problem>
      <div className="table-wrap" tabIndex={0} role="region" aria-label="Owners of fields">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Owner</th>
            </tr>
          </thead>
          <tbody>
            {fields.map((f) => (
              <tr key={`${f.pack ?? ""}/${f.entity}/${f.field}`}>
                <th scope="row">
                  {words(f.entity)}: {words(f.field).toLowerCase()}
                </th>
                <td>
                  {f.pack ? (
                    <select className="input" aria-label={`Owner of ${words(f.entity)}: ${words(f.field).toLowerCase()}`} value={f.owner} onChange={(e) => void own(f, e.target.value)}>
                      <option value="record">Usher's record</option>
                      {[...new Set([...sources, ...(f.owner === "record" ? [] : [f.owner])])].map((s) => (
                        <option key={s} value={s}>
                          {words(s)}
                        </option>
                      ))}
                    </select>
                  ) : (
                    <>
                      Usher's record
                      {f.fed_by.length > 0 && <div className="tiny muted">written by webhooks: {f.fed_by.map(words).join(", ")}</div>}
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
