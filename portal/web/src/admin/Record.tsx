import { type FormEvent, useState } from "react";
import { ApiError, call } from "../api/client";
import type { OnboardingRecord, RecordItem } from "../api/types";
import { announce } from "../ui/announce";
import { Head, locale, Pending, Problem, problemOf } from "../ui/Console";
import { fullTime, longDate, words } from "../ui/format";
import { listOf } from "../ui/lists";
import { Badge, Dialog, Field, type Tone } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Standing, turns } from "./Customers";

type Fields = Record<string, unknown>;
type Input = {
  name: string;
  label: string;
  kind?: "text" | "area" | "choice" | "day" | "moment" | "number" | "lines" | "yes" | "person" | "people" | "milestone" | "stage" | "tasks";
  options?: string[];
  hint?: string;
  /** Only when it is added. */
  once?: boolean;
};

const types: { [kind: string]: string } = { day: "date", moment: "datetime-local", number: "number" };
const keyStates = ["requested", "provisioning", "ready", "failed", "revoked"];

/** What each kind of record has, in the order of its form. */
const inputs: Record<string, Input[]> = {
  project: [
    { name: "name", label: "Name" },
    { name: "state", label: "State", kind: "choice", options: ["active", "on_hold"] },
    { name: "hold_reason", label: "Why it is on hold", kind: "area", hint: "The customer reads this." },
    { name: "planned_go_live", label: "Planned go-live", kind: "day" },
    { name: "owner_name", label: "Manager" },
    { name: "owner_contact", label: "How to reach them" },
    { name: "owner_away_until", label: "Away until", kind: "day" },
    { name: "owner_stand_in", label: "Who stands in" },
    { name: "champion_id", label: "The customer's lead", kind: "person" },
    { name: "health_reason_customer", label: "Why it is at risk", kind: "area", hint: "The customer reads this while it is at risk or behind plan." },
    { name: "health_reason_internal", label: "Why it is at risk, for staff", kind: "area", hint: "Never shown to the customer." },
  ],
  stage: [
    { name: "name", label: "Name" },
    { name: "state", label: "State", kind: "choice", options: ["locked", "active", "done", "skipped"], hint: "Follows from its milestones; say skipped where it is not needed." },
  ],
  milestone: [
    { name: "name", label: "Name" },
    { name: "stage_id", label: "Stage", kind: "stage" },
    { name: "state", label: "State", kind: "choice", options: ["upcoming", "in_progress", "at_risk", "done", "missed", "waived"], hint: "Follows from its tasks; say at risk, missed or waived where you know better." },
    { name: "due", label: "Due", kind: "day" },
    { name: "owner_name", label: "Who is responsible" },
  ],
  task: [
    { name: "title", label: "Title" },
    { name: "responsibility", label: "Whose side", kind: "choice", options: ["customer", "provider", "third_party"] },
    { name: "state", label: "State", kind: "choice", options: ["ready", "in_progress", "blocked", "in_review", "done", "not_applicable", "cancelled"], hint: "A task that has not begun waits by itself while what it needs is open." },
    { name: "milestone_id", label: "Milestone", kind: "milestone" },
    { name: "assignee_id", label: "Who does it, of the customer", kind: "person", hint: "Nobody: everybody of the customer who sees it." },
    { name: "assignee_name", label: "Who does it, by name", hint: "For somebody who has no account there." },
    { name: "due", label: "Due", kind: "day" },
    { name: "duration_days", label: "Working days it takes", kind: "number", hint: "Empty: unknown, and then there is no forecast." },
    { name: "needs", label: "Waits for", kind: "tasks" },
    { name: "visibility", label: "Who sees it", kind: "choice", options: ["customer", "restricted", "internal"] },
    { name: "department", label: "Department", hint: "Of a restricted task, such as finance." },
    { name: "note", label: "Note to the customer", kind: "area" },
    { name: "blocker_customer", label: "Why it is blocked", kind: "area", hint: "The customer reads this." },
    { name: "blocker_internal", label: "Why it is blocked, for staff", kind: "area", hint: "Never shown to the customer." },
  ],
  document: [
    { name: "title", label: "Title" },
    { name: "state", label: "State", kind: "choice", options: ["requested", "in_review", "expired", "waived"], hint: "It is accepted or sent back where documents are reviewed." },
    { name: "due", label: "Due", kind: "day" },
    { name: "review_target", label: "Review until", kind: "day" },
    { name: "department", label: "Department", hint: "Empty: everybody of the customer." },
    { name: "final", label: "This is the signed agreement", kind: "yes" },
  ],
  environment: [
    { name: "kind", label: "Kind", kind: "choice", options: ["sandbox", "production"], once: true },
    { name: "state", label: "State", kind: "choice", options: keyStates },
    { name: "blocked_by", label: "What it waits for", kind: "lines", hint: "One per line. The customer reads this." },
    { name: "keys_state", label: "Keys", kind: "choice", options: keyStates, hint: "Their state only: no key is ever written here." },
    { name: "keys_issued_at", label: "Keys issued", kind: "moment" },
    { name: "keys_expire_on", label: "Keys expire", kind: "day" },
  ],
  meeting: [
    { name: "title", label: "Title" },
    { name: "starts_at", label: "Begins", kind: "moment" },
    { name: "attendees", label: "Who is there, by name", kind: "lines", hint: "One per line." },
    { name: "attendee_ids", label: "Who of the customer gets the link", kind: "people" },
    { name: "join_link", label: "Link", hint: "Begins with https://" },
    { name: "state", label: "State", kind: "choice", options: ["planned", "cancelled"] },
  ],
  integration: [
    { name: "connector", label: "What is connected", once: true },
    { name: "environment", label: "Environment", kind: "choice", options: ["production", "sandbox"], once: true },
    { name: "external_ref", label: "Its id in your integration platform", hint: "Events of the platform find it by this; then its state is the platform's to say." },
    { name: "auth_state", label: "Connection", kind: "choice", options: ["not_connected", "connecting", "connected", "relink_needed", "revoked"] },
    { name: "sync_state", label: "Sync", kind: "choice", options: ["never", "syncing", "ok", "warning", "failing", "paused"] },
  ],
  verification: [
    { name: "kind", label: "Kind", kind: "choice", options: ["kyb", "kyc", "aml", "bank"], once: true },
    { name: "provider", label: "Provider", kind: "choice", options: ["onfido", "stripe", "sumsub"] },
    { name: "provider_ref", label: "The provider's id of the check", hint: "Its events find the record by this. What it finds is never written by hand." },
  ],
};

const sections: { entity: string; title: string; add?: string; one: string }[] = [
  { entity: "task", title: "Tasks", add: "Add a task", one: "task" },
  { entity: "milestone", title: "Milestones", add: "Add a milestone", one: "milestone" },
  { entity: "stage", title: "Stages", one: "stage" },
  { entity: "document", title: "Documents asked for", add: "Ask for a document", one: "document" },
  { entity: "meeting", title: "Meetings", add: "Add a meeting", one: "meeting" },
  { entity: "environment", title: "Environments and keys", add: "Add an environment", one: "environment" },
  { entity: "integration", title: "Integrations", add: "Add an integration", one: "integration" },
  { entity: "verification", title: "Verification", add: "Register a check", one: "check" },
];

const text = (value: unknown) => (typeof value === "string" ? value : "");
const nameOf = (i: RecordItem) => {
  const f = i.fields as Fields;
  if (i.entity === "integration") return `${text(f.connector)} (${text(f.environment)})`;
  if (i.entity === "verification") return `${text(f.kind).toUpperCase()} · ${words(text(f.provider) || "no provider")}`;
  return text(f.title) || text(f.name) || words(text(f.kind));
};
const stateOf = (i: RecordItem) => {
  const f = i.fields as Fields;
  if (i.entity === "integration") return f.auth_state === "connected" ? text(f.sync_state) : text(f.auth_state);
  return text(f.state) || text((i.facts as Fields).customer_state);
};
const tones: Record<string, Tone> = { done: "ok", ready: "plain", accepted: "ok", verified: "ok", ok: "ok", blocked: "bad", failing: "bad", failed: "bad", missed: "bad", at_risk: "warn", expired: "warn", rejected: "bad", in_progress: "info", in_review: "info", active: "info" };
/** Errors whose sentence says it all, with the name the field has here. */
const why = (error: unknown, entity: string) => {
  if (!(error instanceof ApiError) || (error.code !== "invalid_field" && error.code !== "held_elsewhere")) return problemOf(error);
  const [wrong] = error.code === "invalid_field" ? error.errors : [];
  const label = inputs[entity]?.find((input) => input.name === wrong?.field)?.label;
  return wrong && label && !error.detail.startsWith(label) ? `“${label}” ${wrong.detail}.` : error.detail;
};

/** One customer's onboarding, and everything staff change about it. */
export function Record({ tenant }: { tenant: string }) {
  const load = useLoad<OnboardingRecord>((signal) => call("get", "/v1/admin/tenants/{tenant}/onboarding", { params: { tenant }, signal }), tenant, { every: 10_000 });
  const [open, setOpen] = useState<{ entity: string; item?: RecordItem }>();
  const [problem, setProblem] = useState("");
  const r = load.data;
  const quick = async (item: RecordItem, state: string) => {
    setProblem("");
    try {
      load.set(await call("patch", "/v1/admin/tenants/{tenant}/onboarding/{entity}/{id}", { params: { tenant, entity: item.entity, id: item.id }, body: { version: item.version, set: { state } } }));
      announce(`${nameOf(item)}: ${words(state)}.`);
    } catch (error) {
      setProblem(why(error, item.entity));
      load.reload();
    }
  };
  const project = r?.items.find((i) => i.entity === "project");
  return (
    <div className="console-page">
      <Head title={r ? `Onboarding of ${r.standing.tenant.name}` : "Onboarding"} suffix="Knowledge">
        {project && (
          <button type="button" className="btn" onClick={() => setOpen({ entity: "project", item: project })}>
            Change the project
          </button>
        )}
      </Head>
      <Pending load={load} />
      <Problem>{problem}</Problem>
      {r && (
        <>
          <Facts record={r} />
          {sections.map((s) => (
            <section key={s.entity} className="card stack stack-3" aria-labelledby={`rec-${s.entity}`}>
              <div className="row">
                <h2 id={`rec-${s.entity}`} className="grow">
                  {s.title}
                </h2>
                {s.add && (
                  <button type="button" className="btn btn-small" onClick={() => setOpen({ entity: s.entity })}>
                    {s.add}
                  </button>
                )}
              </div>
              <ul className="plain-list stack stack-2">
                {r.items
                  .filter((i) => i.entity === s.entity)
                  .map((i) => (
                    <Row key={i.id} item={i} record={r} onChange={() => setOpen({ entity: i.entity, item: i })} onState={(state) => void quick(i, state)} />
                  ))}
              </ul>
              {!r.items.some((i) => i.entity === s.entity) && <p className="muted">None.</p>}
            </section>
          ))}
        </>
      )}
      {r && open && (
        <Form
          record={r}
          tenant={tenant}
          entity={open.entity}
          item={open.item}
          onClose={() => setOpen(undefined)}
          onDone={(record) => {
            load.set(record);
            setOpen(undefined);
          }}
          onStale={load.reload}
        />
      )}
    </div>
  );
}

function Facts({ record: r }: { record: OnboardingRecord }) {
  const s = r.standing;
  const open = r.checks.filter((c) => !c.ok);
  return (
    <section className="card stack stack-3" aria-labelledby="rec-stands">
      <h2 id="rec-stands">How it stands</h2>
      <div>
        <Standing of={s} />
      </div>
      <p>
        {s.actual ? `Live since ${longDate(s.actual, locale)}.` : s.forecast ? `Go-live is forecast for ${longDate(s.forecast, locale)}.` : "There is no forecast: the duration of some work is unknown."}{" "}
        {!s.actual && s.planned && `Planned for ${longDate(s.planned, locale)}.`} {!s.actual && s.driver && <span dir="auto">“{s.driver}” decides the date.</span>}
      </p>
      <p className="small muted">
        {s.stage && <span dir="auto">Stage: {s.stage}. </span>}
        {s.next && <span dir="auto">Next milestone: {s.next}. </span>}
        Whose turn: {turns[s.turn] ?? s.turn}. {s.owner && <span dir="auto">Manager: {s.owner}.</span>}
      </p>
      {r.blockers.length > 0 && (
        <>
          <h3>What blocks</h3>
          <ul className="plain-list stack stack-2">
            {r.blockers.map((b) => (
              <li key={b.title} dir="auto">
                <b>{b.title}</b>
                {b.reason && `: ${b.reason}`} {b.needs.length > 0 && <span className="small muted">Waits for {b.needs.join(", ")}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      {!s.actual && (
        <>
          <h3>{open.length === 0 ? "It can go live: every check holds." : "Before it can go live"}</h3>
          <ul className="plain-list stack stack-2">
            {open.map((c) => (
              <li key={c.name}>
                <Badge tone="warn">{words(c.name)}</Badge>{" "}
                <span className="small muted" dir="auto">
                  {c.open}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Row({ item: i, record, onChange, onState }: { item: RecordItem; record: OnboardingRecord; onChange: () => void; onState: (state: string) => void }) {
  const f = i.fields as Fields;
  const state = stateOf(i);
  const name = nameOf(i);
  const milestone = i.entity === "task" && record.items.find((m) => m.id === f.milestone_id);
  const closed = ["done", "not_applicable", "cancelled"].includes(state);
  const details = [
    i.entity === "task" && `${turns[text(f.responsibility)] ?? ""}${text(f.assignee_name) ? `, ${text(f.assignee_name)}` : ""}`,
    milestone && nameOf(milestone),
    text(f.due) && `due ${longDate(text(f.due), locale)}`,
    text(f.starts_at) && fullTime(text(f.starts_at), locale, record.time_zone),
    i.entity === "task" && f.visibility !== "customer" && words(text(f.visibility)),
    i.entity === "environment" && `keys ${words(text(f.keys_state)).toLowerCase()}`,
    text(f.provider_ref) && `id ${text(f.provider_ref)}`,
    i.entity === "integration" && text(f.external_ref) && `id ${text(f.external_ref)}`,
    state === "done" && i.done_by && `done by ${i.done_by}`,
    i.source && `from ${i.source} (${i.ref})`,
  ].filter(Boolean);
  return (
    <li className="row record-row">
      <span className="grow">
        <b dir="auto">{name}</b>
        <br />
        <span className="small muted" dir="auto">
          {details.join(" · ")}
        </span>
      </span>
      <Badge tone={tones[state] ?? "plain"}>{words(state)}</Badge>
      {i.entity === "task" && !i.held.state && (
        <button type="button" className="btn btn-small" onClick={() => onState(closed ? "ready" : "done")}>
          {closed ? "Reopen" : "Done"} <span className="vh">: {name}</span>
        </button>
      )}
      <button type="button" className="btn btn-small btn-quiet" onClick={onChange}>
        Change <span className="vh">{name}</span>
      </button>
    </li>
  );
}

/** A moment as the browser's field has it, in the reader's own zone, and back. */
const toLocal = (value: string) => {
  const at = new Date(value);
  if (!value || Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const shown = (input: Input, value: unknown): string => {
  if (input.kind === "lines") return Array.isArray(value) ? value.join("\n") : "";
  if (input.kind === "moment") return toLocal(text(value));
  if (input.kind === "number") return typeof value === "number" ? String(value) : "";
  return text(value) === "not_ready" ? "ready" : text(value);
};
const given = (input: Input, value: string): unknown => {
  const trimmed = value.trim();
  if (input.kind === "lines") return listOf(value, "\n");
  if (input.kind === "number") return trimmed === "" ? null : Number(trimmed);
  if (input.kind === "moment") return trimmed === "" ? null : new Date(trimmed).toISOString();
  if (input.kind === "day" || input.kind === "person" || input.kind === "milestone" || input.kind === "stage") return trimmed || null;
  return trimmed;
};

function Form({ record, tenant, entity, item, onClose, onDone, onStale }: { record: OnboardingRecord; tenant: string; entity: string; item?: RecordItem; onClose: () => void; onDone: (record: OnboardingRecord) => void; onStale: () => void }) {
  const list = (inputs[entity] ?? []).filter((input) => !item || !input.once);
  const was = (item?.fields ?? {}) as Fields;
  const first = (input: Input) => (item || input.kind !== "choice" ? shown(input, was[input.name]) : (input.options?.[0] ?? ""));
  const [values, setValues] = useState<{ [name: string]: string }>(() => Object.fromEntries(list.map((input) => [input.name, first(input)])));
  const [chosen, setChosen] = useState<{ [name: string]: string[] }>(() => Object.fromEntries(list.filter((input) => input.kind === "tasks" || input.kind === "people").map((input) => [input.name, (was[input.name] as string[] | undefined) ?? []])));
  const [yes, setYes] = useState(was.final === true);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const section = sections.find((s) => s.entity === entity);
  const send = async (set: Fields, said: string) => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    try {
      onDone(
        item
          ? await call("patch", "/v1/admin/tenants/{tenant}/onboarding/{entity}/{id}", { params: { tenant, entity, id: item.id }, body: { version: item.version, set } })
          : await call("post", "/v1/admin/tenants/{tenant}/onboarding/{entity}", { params: { tenant, entity }, body: { set } }),
      );
      announce(said);
    } catch (error) {
      setProblem(why(error, entity));
      if (error instanceof ApiError && error.code === "edited_by_someone_else") onStale();
      setBusy(false);
    }
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    const set: Fields = {};
    for (const input of list) {
      if (item?.held[input.name]) continue;
      if (input.kind === "yes") {
        if (yes !== (was.final === true)) set[input.name] = yes;
      } else if (input.kind === "tasks" || input.kind === "people") {
        const now = chosen[input.name] ?? [];
        if ([...now].sort().join() !== [...((was[input.name] as string[] | undefined) ?? [])].sort().join()) set[input.name] = now;
      } else if (values[input.name] !== (item ? shown(input, was[input.name]) : "")) set[input.name] = given(input, values[input.name] ?? "");
    }
    if (item && Object.keys(set).length === 0) return onClose();
    void send(set, item ? "Changed." : "Added.");
  };
  const options = (input: Input): [string, string][] => {
    if (input.kind === "person") return [["", "Nobody in particular"], ...record.people.map((p): [string, string] => [p.id, p.name])];
    if (input.kind === "milestone" || input.kind === "stage") return [["", "None"], ...record.items.filter((i) => i.entity === input.kind).map((i): [string, string] => [i.id, nameOf(i)])];
    return (input.options ?? []).concat(item && values[input.name] && !input.options?.includes(values[input.name] ?? "") ? [values[input.name] ?? ""] : []).map((o) => [o, o === "ready" && entity === "task" ? "Not begun" : o === "provider" && input.name === "responsibility" ? "Ours" : words(o)]);
  };
  return (
    <Dialog title={item ? (entity === "project" ? "Change the project" : `Change ${nameOf(item)}`) : (section?.add ?? "Add")} onClose={onClose}>
      <form className="stack stack-3" noValidate onSubmit={save}>
        {list.map((input) => {
          const holder = item?.held[input.name];
          const hint = holder ? `Kept by ${holder}: change it there.` : input.hint;
          const set = (value: string) => setValues((v) => ({ ...v, [input.name]: value }));
          const value = values[input.name] ?? "";
          const off = holder !== undefined;
          if (input.kind === "yes") {
            return (
              <label key={input.name} className="row small">
                <input type="checkbox" checked={yes} disabled={off} onChange={(e) => setYes(e.target.checked)} /> {input.label}
              </label>
            );
          }
          if (input.kind === "tasks" || input.kind === "people") {
            const among: [string, string][] = input.kind === "people" ? record.people.map((p) => [p.id, p.name]) : record.items.filter((i) => i.entity === "task" && i.id !== item?.id).map((i) => [i.id, nameOf(i)]);
            const now = chosen[input.name] ?? [];
            return (
              <details key={input.name}>
                <summary>
                  {input.label} <span className="small muted">({now.length})</span>
                </summary>
                <fieldset className="plain-set stack stack-2">
                  <legend className="vh">{input.label}</legend>
                  {among.map(([id, name]) => (
                    <label key={id} className="row small">
                      <input type="checkbox" checked={now.includes(id)} onChange={(e) => setChosen((all) => ({ ...all, [input.name]: e.target.checked ? [...now, id] : now.filter((n) => n !== id) }))} /> <span dir="auto">{name}</span>
                    </label>
                  ))}
                </fieldset>
              </details>
            );
          }
          return (
            <Field key={input.name} label={input.label} hint={hint}>
              {(p) =>
                input.kind === "area" || input.kind === "lines" ? (
                  <textarea {...p} className="input" rows={2} dir="auto" disabled={off} value={value} onChange={(e) => set(e.target.value)} />
                ) : input.kind === "choice" || input.kind === "person" || input.kind === "milestone" || input.kind === "stage" ? (
                  <select {...p} className="input" disabled={off} value={value} onChange={(e) => set(e.target.value)}>
                    {options(input).map(([id, name]) => (
                      <option key={id} value={id}>
                        {name}
                      </option>
                    ))}
                  </select>
                ) : (
                  <input {...p} className="input" dir="auto" type={types[input.kind ?? ""] ?? "text"} min={input.kind === "number" ? 0 : undefined} disabled={off} value={value} onChange={(e) => set(e.target.value)} />
                )
              }
            </Field>
          );
        })}
        <Problem>{problem}</Problem>
        <div className="row">
          <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
            {item ? "Save" : "Add"}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          {item?.source && (
            <button type="button" className="btn btn-quiet" onClick={() => void send({ external_ref: "" }, `No longer kept by ${item.source}.`)}>
              Stop following {item.source}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
