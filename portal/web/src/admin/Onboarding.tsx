import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { Lifecycle, OnboardingRule, OnboardingRules, OnboardingTemplate } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Badge, Banner, Dialog, Empty, Field, Loading } from "../ui/parts";
import { ExportForm, type ExportWords } from "../ui/ExportForm";
import { needsStepUp, StepUp } from "../ui/StepUp";
import { useLoad } from "../ui/useLoad";

/** What curators set about onboardings: workspaces, templates, rules. */
export function Onboarding() {
  return (
    <div className="console-page">
      <Head title="Onboarding" suffix="Knowledge" />
      <Workspaces />
      <Templates />
      <Rules />
    </div>
  );
}

function Workspaces() {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [open, setOpen] = useState<{ id: string; name: string }>();
  return (
    <section className="stack stack-3" aria-labelledby="ob-workspaces">
      <h2 id="ob-workspaces">Workspaces</h2>
      {tenants.error !== undefined && !tenants.data && <Failed error={tenants.error} onRetry={tenants.reload} />}
      {!tenants.data && tenants.loading && <Loading label="Loading…" />}
      {tenants.data?.tenants.length === 0 && <Empty icon="inbox">No workspaces yet. A signed contract makes the first one.</Empty>}
      <ul className="plain-list stack stack-2">
        {tenants.data?.tenants.map((t) => (
          <li key={t.id} className="card row">
            <b className="grow" dir="auto">
              {t.name}
            </b>
            <button type="button" className="btn btn-small" onClick={() => setOpen(t)}>
              State and go-live <span className="vh">of {t.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {open && <Workspace tenant={open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

const exportWords: ExportWords = {
  what: "What",
  from: "From",
  to: "To",
  open: "Empty: no limit.",
  format: "Format",
  download: "Download",
  working: "Being prepared…",
  saved: (name) => `${name} was handed to your browser.`,
  backwards: "The last day is before the first one.",
  section: { milestones: "Milestones", tasks: "Tasks", documents: "Documents", integrations: "Integrations", tickets: "Tickets", sla: "Promised times, ticket by ticket", sla_attainment: "Promised times, kept in percent", conversations: "Conversations", ratings: "Ratings", audit: "Who did what" },
};

const explains: Record<string, string> = {
  active: "Back to onboarding",
  live: "Go live",
  suspended: "Suspend",
  offboarding: "Start offboarding",
};

/** What a step means for the customer, where it is not to be taken by accident. */
const consequences: Partial<Record<Lifecycle["next"][number], string>> = {
  suspended: "Its people cannot sign in and its API keys stop working until it is active again.",
  offboarding: "The workspace is wound up. It can be made active again until it is erased.",
};

function Workspace({ tenant, onClose }: { tenant: { id: string; name: string }; onClose: () => void }) {
  const load = useLoad<Lifecycle>((signal) => call("get", "/v1/admin/tenants/{tenant}/lifecycle", { params: { tenant: tenant.id }, signal }), tenant.id);
  const [problem, setProblem] = useState("");
  const [sure, setSure] = useState<Lifecycle["next"][number]>();
  const [asked, setAsked] = useState<Lifecycle["next"][number]>();
  const move = async (to: Lifecycle["next"][number]) => {
    setProblem("");
    setSure(undefined);
    try {
      load.set(await call("post", "/v1/admin/tenants/{tenant}/lifecycle", { params: { tenant: tenant.id }, body: { to } }));
      announce(`${tenant.name} is now ${words(to)}.`);
    } catch (error) {
      if (needsStepUp(error)) setAsked(to);
      else setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={tenant.name} onClose={onClose}>
      {asked && (
        <StepUp
          language="en"
          explain={problemOf}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            setAsked(undefined);
            void move(asked);
          }}
        />
      )}
      {!load.data ? (
        <Loading label="Loading…" />
      ) : (
        <div className="stack stack-3">
          <p>
            State: <Badge tone={load.data.state === "live" ? "ok" : "info"}>{words(load.data.state)}</Badge>
          </p>
          {load.data.checks.length > 0 && load.data.state !== "live" && (
            <>
              <h3>Before it can go live</h3>
              <ul className="plain-list stack stack-2">
                {load.data.checks.map((c) => (
                  <li key={c.name}>
                    <Badge tone={c.ok ? "ok" : "warn"}>{c.ok ? "Done" : "Open"}</Badge> {words(c.name)}
                    {c.open && (
                      <p className="small muted" dir="auto">
                        {c.open}
                      </p>
                    )}
                  </li>
                ))}
              </ul>
            </>
          )}
          {problem && (
            <Banner tone="bad" role="alert">
              {problem}
            </Banner>
          )}
          <div className="row">
            {load.data.next.map((to) => (
              <button key={to} type="button" className={to === "live" ? "btn btn-primary" : "btn"} onClick={() => (consequences[to] ? setSure(to) : void move(to))}>
                {explains[to] ?? words(to)}
              </button>
            ))}
          </div>
          {sure && (
            <Banner tone="warn" role="alert">
              <p>
                {consequences[sure]} {explains[sure]} for {tenant.name}?
              </p>
              <div className="row">
                <button type="button" className="btn btn-danger" onClick={() => void move(sure)}>
                  Yes, {(explains[sure] ?? words(sure)).toLowerCase()}
                </button>
                <button type="button" className="btn" onClick={() => setSure(undefined)}>
                  No, leave it
                </button>
              </div>
            </Banner>
          )}
          <h3>Export</h3>
          <ExportForm base={`/v1/admin/tenants/${tenant.id}/exports`} words={exportWords} explain={problemOf} />
        </div>
      )}
    </Dialog>
  );
}

function Templates() {
  const load = useLoad((signal) => call("get", "/v1/admin/onboarding/templates", { signal }), "templates");
  const [editing, setEditing] = useState<OnboardingTemplate>();
  return (
    <section className="stack stack-3" aria-labelledby="ob-templates">
      <h2 id="ob-templates">Templates</h2>
      <p className="muted small">How a new project is laid out. A published version is for projects that begin from now on; running ones keep theirs.</p>
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      <ul className="plain-list stack stack-2">
        {load.data?.templates.map((t) => (
          <li key={t.key} className="card row">
            <span className="grow">
              <b dir="auto">{t.name}</b>{" "}
              <span className="muted small">
                {t.key} · version {t.version} · {t.industry}
              </span>
            </span>
            <button type="button" className="btn btn-small" onClick={() => setEditing(t)}>
              Edit <span className="vh">{t.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {editing && (
        <EditTemplate
          template={editing}
          onClose={() => setEditing(undefined)}
          onDone={() => {
            setEditing(undefined);
            load.reload();
          }}
        />
      )}
    </section>
  );
}

function EditTemplate({ template, onClose, onDone }: { template: OnboardingTemplate; onClose: () => void; onDone: () => void }) {
  const [body, setBody] = useState(template.body);
  const [problem, setProblem] = useState("");
  const publish = async (e: FormEvent) => {
    e.preventDefault();
    try {
      const done = await call("put", "/v1/admin/onboarding/templates", { body: { body } });
      announce(`${done.name} is published as version ${done.version}.`);
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={`Edit ${template.name}`} onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void publish(e)}>
        <Field label="Template" hint="YAML: stages with milestones and tasks. A task names its code, title, side, days and what it needs." error={problem}>
          {(p) => <textarea {...p} className="input" dir="ltr" rows={18} spellCheck={false} style={{ fontFamily: "var(--font-mono)" }} value={body} onChange={(e) => setBody(e.target.value)} />}
        </Field>
        <div className="row">
          <button type="submit" className="btn btn-primary">
            Publish as version {template.version + 1}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Undelivered({ of }: { of: OnboardingRules["undelivered"][number] | undefined }) {
  if (!of) return null;
  return (
    <div className="tiny stack stack-1">
      <span>
        <Badge tone="bad">{of.count === 1 ? "1 notice was not delivered" : `${of.count} notices were not delivered`}</Badge>
      </span>
      <span className="muted">Last reason: {of.error}</span>
    </div>
  );
}

const conditions = (r: OnboardingRule) => (r.when ?? []).map((c) => `${words(c.field)} ${words(c.op).toLowerCase()} ${c.value}`).join(" and ");

function Rules() {
  const load = useLoad((signal) => call("get", "/v1/admin/onboarding/rules", { signal }), "rules");
  const [problem, setProblem] = useState("");
  const [trying, setTrying] = useState("");
  const [fields, setFields] = useState("");
  const [fired, setFired] = useState<OnboardingRule[]>();
  const flip = async (r: OnboardingRule) => {
    setProblem("");
    try {
      await call("put", "/v1/admin/onboarding/rules", { body: { ...r, enabled: !r.enabled } });
      announce(`${words(r.key)} is ${r.enabled ? "off" : "on"}.`);
      load.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const attempt = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    try {
      const given = Object.fromEntries(
        fields
          .split(",")
          .map((pair) => pair.split("=").map((s) => s.trim()))
          .filter((pair) => pair.length === 2 && pair[0]),
      ) as Record<string, string>;
      const answer = await call("post", "/v1/admin/onboarding/rules/try", { body: { on: trying || (load.data?.events[0] ?? ""), fields: given } });
      setFired(answer.rules);
      announce(`${answer.rules.length} rules would act.`);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <section className="stack stack-3" aria-labelledby="ob-rules">
      <h2 id="ob-rules">Rules</h2>
      <p className="muted small">What Usher does by itself when something happens, once for each happening.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data && (
        <>
          <div className="table-wrap" tabIndex={0} role="region" aria-label="Rules">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Rule</th>
                  <th scope="col">When</th>
                  <th scope="col">It does</th>
                  <th scope="col">State</th>
                </tr>
              </thead>
              <tbody>
                {load.data.rules.map((r) => (
                  <tr key={r.key}>
                    <th scope="row">{words(r.key)}</th>
                    <td>
                      {words(r.on)}
                      {conditions(r) && <div className="tiny muted">if {conditions(r)}</div>}
                    </td>
                    <td>
                      {words(r.do)}
                      <Undelivered of={load.data?.undelivered.find((u) => u.rule === r.key)} />
                      {r.title && <div className="tiny muted">{r.title}</div>}
                    </td>
                    <td>
                      <span className="row">
                        <Badge tone={r.enabled ? "ok" : "plain"}>{r.enabled ? "On" : "Off"}</Badge>
                        <button type="button" className="btn btn-small btn-quiet" onClick={() => void flip(r)}>
                          Switch {r.enabled ? "off" : "on"} <span className="vh">{words(r.key)}</span>
                        </button>
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <form className="card stack" onSubmit={(e) => void attempt(e)}>
            <h3>Dry run</h3>
            <div className="fields">
              <Field label="If this happened">
                {(p) => (
                  <select {...p} className="input" value={trying} onChange={(e) => setTrying(e.target.value)}>
                    {load.data?.events.map((kind) => (
                      <option key={kind} value={kind}>
                        {words(kind)}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
              <Field label="With these facts" hint="For example: rejections=2">
                {(p) => <input {...p} className="input" dir="ltr" value={fields} onChange={(e) => setFields(e.target.value)} />}
              </Field>
            </div>
            <p>
              <button type="submit" className="btn">
                Show what would happen
              </button>
            </p>
            {fired && (fired.length === 0 ? <p className="muted">No rule would act.</p> : <ul>{fired.map((r) => <li key={r.key}>{`${words(r.key)}: ${words(r.do).toLowerCase()}`}</li>)}</ul>)}
          </form>
        </>
      )}
    </section>
  );
}
