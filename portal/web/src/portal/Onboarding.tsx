import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { fullTime, longDate, shortTime } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, Empty, Loading, Meter } from "../ui/parts";
import { Link, usePage } from "../ui/router";
import { ExportLink } from "./Exports";
import { useOnboardingWords } from "./onboardingWords";
import { ErrorPage } from "./pages";
import { useAnchor } from "./anchor";
import { Invited } from "./Invited";
import { Item, Section } from "./Section";
import { Signatures } from "./Signatures";
import { About, Changed, Tick } from "./Tick";
import { tone } from "./tone";
import { useRecord } from "./useRecord";
import { type Action, isView, type Task, type View } from "./view";

/** Shows the record, or what stands in its way. */
function Record({ title, children }: { title: string; children: (view: View) => ReactNode }) {
  const { t } = useWords();
  const { o } = useOnboardingWords();
  const heading = usePage(title, t("brand"));
  const load = useRecord();
  useAnchor(isView(load.data));
  const missing = load.error instanceof ApiError && load.error.status === 404;
  if (load.error && !missing && !load.data) return <ErrorPage error={load.error} onRetry={load.reload} />;
  return (
    <div className="page">
      <div className="row">
        <h1 className="grow" ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <ExportLink />
      </div>
      {isView(load.data) ? <Changed.Provider value={load.set}>{children(load.data)}</Changed.Provider> : load.loading && !missing ? <Loading label={t("loading")} /> : <Empty icon="road">{o("onboarding_empty")}</Empty>}
    </div>
  );
}

/** The roadmap: where it stands, what is next, whose turn it is. */
export function Onboarding({ onAsk }: { onAsk: (question: string) => void }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  return (
    <Record title={o("onboarding_title")}>
      {(v) => (
        <>
          <p className="row small muted">
            <b dir="auto">{v.name}</b>
            {v.as_of && <AsOf at={v.as_of} zone={v.time_zone} />}
            <span>{o("zone", { zone: v.time_zone })}</span>
          </p>
          {v.state === "on_hold" && (
            <Banner tone="info">
              <b>{o("on_hold")}</b> <span dir="auto">{v.hold_reason}</span>
            </Banner>
          )}
          <Facts view={v} />
          <section className="stack stack-3" aria-labelledby="ob-stages">
            <h2 id="ob-stages">{o("stages")}</h2>
            <ol className="steps">
              {v.stages.map((s) => (
                <li key={s.id} className={s.state} aria-current={s.state === "active" ? "step" : undefined}>
                  <b dir="auto">{s.name}</b>
                  <span className="muted">{state(s.state)}</span>
                </li>
              ))}
            </ol>
          </section>
          <div className="tiles">
            <Section id="tasks" title={o("next_steps")} count={v.next_actions.length} empty={o("next_steps_none")}>
              {v.next_actions.map((action) => (
                <ActionRow key={`${action.kind} ${action.id}`} action={action} task={action.kind === "task" ? v.tasks.find((task) => task.id === action.id) : undefined} zone={v.time_zone} />
              ))}
            </Section>
            {v.blockers.length > 0 && (
              <Section id="blocked" title={o("blockers")} count={v.blockers.length}>
                {v.blockers.map((b) => (
                  <li key={b.task.id}>
                    <div className="grow">
                      <b dir="auto">{b.task.title}</b>
                      {b.reason && (
                        <p className="small" dir="auto">
                          {b.reason}
                        </p>
                      )}
                      {b.needs.length > 0 && <p className="small muted">{o("waits_for", { names: b.needs.join(", ") })}</p>}
                    </div>
                    <Turn who={b.turn} />
                  </li>
                ))}
              </Section>
            )}
          </div>
          <Milestones view={v} />
          <div className="tiles">
            <Section id="documents" title={o("documents_title")} count={v.documents.length} empty={o("documents_empty")} more="/documents">
              {v.documents.map((d) => (
                <Item key={d.id} name={d.title} state={d.state}>
                  {d.due && d.state !== "accepted" && d.state !== "waived" && o("due", { date: longDate(d.due, locale) })}
                </Item>
              ))}
            </Section>
            <Signatures view={v} />
            {v.verification.length > 0 && (
              <Section id="verification" title={o("verification")} count={v.verification.length}>
                {v.verification.map((c) => (
                  <Item key={c.kind} name={state(c.kind)} state={c.state}>
                    {c.requirements.map((q) => (
                      <span key={q.label} className="row">
                        <Badge tone={tone(q.bucket)}>{state(q.bucket)}</Badge> <span dir="auto">{q.label}</span>
                        {q.deadline && <span>{o("due", { date: longDate(q.deadline, locale) })}</span>}
                      </span>
                    ))}
                  </Item>
                ))}
              </Section>
            )}
            {v.integrations.length > 0 && (
              <Section id="integrations" title={o("integrations")} count={v.integrations.length}>
                {v.integrations.map((i) => (
                  <Item key={i.id} name={`${i.connector} (${state(i.environment)})`} state={i.auth_state === "connected" ? i.sync_state : i.auth_state}>
                    {i.last_success_at ? <span title={fullTime(i.last_success_at, locale, v.time_zone)}>{o("integration_last", { time: shortTime(i.last_success_at, locale, v.time_zone) })}</span> : o("integration_never")}
                    {i.records_total !== undefined && i.records_done !== undefined && <> · {o("records", { done: i.records_done.toLocaleString(locale), total: i.records_total.toLocaleString(locale) })}</>}
                    {i.next_run_at && <> · {o("next_run", { time: shortTime(i.next_run_at, locale, v.time_zone) })}</>}
                    {i.message && <span dir="auto"> · {i.message}</span>}
                  </Item>
                ))}
              </Section>
            )}
            {v.environments.length > 0 && (
              <Section id="environments" title={o("environments")} count={v.environments.length}>
                {v.environments.map((e) => (
                  <Item key={e.kind} name={state(e.kind)} state={e.state}>
                    {e.keys_state && o("keys", { state: state(e.keys_state) })}
                    {e.keys_until && <> · {o("keys_until", { date: longDate(e.keys_until, locale) })}</>}
                    {e.blocked_by.length > 0 && <> · {o("waits_for", { names: e.blocked_by.join(", ") })}</>}
                  </Item>
                ))}
              </Section>
            )}
            {v.training.length > 0 && (
              <Section id="training" title={o("trainings")} count={v.training.length}>
                {v.training.map((c) => (
                  <Item key={`${c.learner} ${c.course}`} name={`${c.course} · ${c.learner}`} state={c.state}>
                    {c.progress} %{c.certificate && <> · {o("certificate")}</>}
                    {c.due && <> · {o("due", { date: longDate(c.due, locale) })}</>}
                  </Item>
                ))}
              </Section>
            )}
            {v.things && v.things.length > 0 && (
              <Section id="things" title={o("things")} count={v.things.length}>
                {v.things.map((thing, i) => (
                  <li key={`${thing.entity} ${thing.key}`} id={v.things?.findIndex((t) => t.pack === thing.pack) === i ? thing.pack : undefined}>
                    <div className="grow" dir="auto">
                      <Markdown text={thing.text} />
                    </div>
                  </li>
                ))}
              </Section>
            )}
            {v.meetings.length > 0 && (
              <Section id="meetings" title={o("meetings")} count={v.meetings.length}>
                {v.meetings.map((m) => (
                  <li key={`${m.title} ${m.starts_at}`}>
                    <div className="grow">
                      <b dir="auto">{m.title}</b>
                      <p className="small muted">
                        {fullTime(m.starts_at, locale, v.time_zone)}
                        {m.attendees.length > 0 && <> · {o("with", { names: m.attendees.join(", ") })}</>}
                      </p>
                    </div>
                    {m.join_link && /^https:\/\//.test(m.join_link) && (
                      <a className="btn btn-small" href={m.join_link} target="_blank" rel="noopener noreferrer">
                        {o("meeting_join")} <Icon name="out" />
                      </a>
                    )}
                  </li>
                ))}
              </Section>
            )}
            {v.people.length > 0 && (
              <Section id="people" title={o("people")} count={v.people.length}>
                {v.people.map((p) => (
                  <li key={p.name}>
                    <div className="grow">
                      <b dir="auto">{p.name}</b>
                      <p className="small muted">
                        {p.roles.join(", ")}
                        {p.last_login_at && <> · {o("seen", { time: shortTime(p.last_login_at, locale, v.time_zone) })}</>}
                      </p>
                    </div>
                    {p.invitation && <Invited name={p.name} invitation={p.invitation} zone={v.time_zone} />}
                  </li>
                ))}
              </Section>
            )}
          </div>
          {v.suggestions.length > 0 && (
            <section className="stack stack-3" aria-labelledby="ob-ask">
              <h2 id="ob-ask">{o("ask_more")}</h2>
              <ul className="suggest plain-list">
                {v.suggestions.map((question) => (
                  <li key={question} style={{ display: "grid" }}>
                    <button type="button" dir="auto" onClick={() => onAsk(question)}>
                      {question} <Icon name="send" flip />
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
    </Record>
  );
}

function AsOf({ at, zone }: { at: string; zone: string }) {
  const { t, locale } = useWords();
  return <span title={fullTime(at, locale, zone)}>{t("as_of", { time: shortTime(at, locale, zone) })}</span>;
}

function Facts({ view: v }: { view: View }) {
  const { locale } = useWords();
  const { o } = useOnboardingWords();
  const date = v.go_live.actual ?? v.go_live.forecast ?? v.go_live.planned;
  const health = { on_track: o("health_on_track"), at_risk: o("health_at_risk"), off_track: o("health_off_track"), live: o("health_live") }[v.health.word];
  return (
    <div className="facts">
      <div className="card fact">
        <span className="label">{o("go_live")}</span>
        <span className="value">{date ? longDate(date, locale) : o("go_live_unknown")}</span>
        <span className="small muted">
          {v.go_live.actual ? o("go_live_actual") : v.go_live.forecast ? o("go_live_forecast") : v.go_live.planned ? o("go_live_planned") : ""}
          {!v.go_live.actual && v.go_live.forecast && v.go_live.planned && v.go_live.planned !== v.go_live.forecast && (
            <>
              {" · "}
              {o("go_live_planned")}: {longDate(v.go_live.planned, locale)}
            </>
          )}
        </span>
        {!v.go_live.actual && v.go_live.driver && <span className="small">{o("go_live_driver", { name: v.go_live.driver })}</span>}
      </div>
      <div className="card fact">
        <span className="label">{o("progress")}</span>
        <span className="value num">{v.progress.percent} %</span>
        <Meter value={v.progress.percent / 100} label={o("progress")} />
        <span className="small muted num">{o("progress_of", { n: `${v.progress.done} / ${v.progress.total}` })}</span>
      </div>
      <div className="card fact">
        <span className="row">
          {health && <Badge tone={tone(v.health.word)}>{health}</Badge>}
          {v.turn && <Turn who={v.turn} />}
        </span>
        {v.health.reason && (
          <span className="small" dir="auto">
            {v.health.reason}
          </span>
        )}
      </div>
      <div className="card fact" id="owner">
        <span className="label">{o("owner_ours")}</span>
        <span dir="auto">{v.owner.name}</span>
        <span className="small muted" dir="auto">
          {v.owner.contact}
          {v.owner.away_until && <> · {o("away", { date: longDate(v.owner.away_until, locale) })}</>}
          {v.owner.away_until && v.owner.stand_in && <> · {o("stand_in", { name: v.owner.stand_in })}</>}
        </span>
      </div>
    </div>
  );
}

function Turn({ who }: { who: string }) {
  const { o } = useOnboardingWords();
  if (who === "customer") return <Badge tone="brand">{o("whose_you")}</Badge>;
  if (who === "provider") return <Badge>{o("whose_us")}</Badge>;
  if (who === "third_party") return <Badge>{o("whose_third")}</Badge>;
  return null;
}

/** One thing that waits for the customer, with the way to where it is done. */
function ActionRow({ action: a, task, zone }: { action: Action; task?: Task; zone: string }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  const name = { verification: state(a.title), integration: `${a.title} (${state(a.environment ?? "")})`, team_courses: o("team_courses") }[a.kind] ?? a.title;
  const words = { signature: o("to_sign"), integration: o("to_relink"), course: o("to_finish"), team_courses: o("to_finish_n", { n: a.count ?? 0 }) }[a.kind];
  const about = a.kind === "task" && a.link.endsWith(`#task-${a.id}`);
  return (
    <li id={a.kind === "task" ? `task-${a.id}` : undefined}>
      <div className="grow">
        <b dir="auto">{about ? name : <Link href={a.link}>{name}</Link>}</b>
        <p className="small muted">
          {a.kind === "task" && a.assignee && <span dir="auto">{a.assignee} · </span>}
          {words}
          {words && a.due && " · "}
          {a.due && (a.overdue ? <span className="field-error">{o("overdue", { date: longDate(a.due, locale) })}</span> : o("due", { date: longDate(a.due, locale) }))}
        </p>
        {task && <About task={task} zone={zone} />}
      </div>
      <span className="row">
        {task && <Tick task={task} />}
        <Turn who="customer" />
        {a.state && !words && <Badge tone={tone(a.state)}>{state(a.state)}</Badge>}
      </span>
    </li>
  );
}

function TaskRow({ task, id, zone }: { task: Task; id?: string; zone: string }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  return (
    <li id={id}>
      <div className="grow">
        <b dir="auto">{task.title}</b>
        <p className="small muted">
          {task.assignee && <span dir="auto">{task.assignee} · </span>}
          {task.due && (task.overdue ? <span className="field-error">{o("overdue", { date: longDate(task.due, locale) })}</span> : o("due", { date: longDate(task.due, locale) }))}
        </p>
        <About task={task} zone={zone} />
      </div>
      <span className="row">
        <Tick task={task} />
        {task.state !== "done" && <Turn who={task.responsibility} />}
        <Badge tone={tone(task.state)}>{state(task.state)}</Badge>
      </span>
    </li>
  );
}

function Milestones({ view: v }: { view: View }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  const above = new Set(v.next_actions.map((a) => a.id));
  return (
    <section className="card stack stack-2" id="milestones" aria-labelledby="ob-milestones">
      <h2 id="ob-milestones">{o("milestones")}</h2>
      <ol className="items plain-list">
        {v.milestones.map((m) => {
          const tasks = v.tasks.filter((task) => task.milestone_id === m.id);
          return (
            <li key={m.id}>
              <div className="grow">
                <b dir="auto">{m.name}</b>
                <p className="small muted">
                  {m.completed_at ? o("done_on", { date: longDate(m.completed_at, locale, v.time_zone) }) : m.due && o("due", { date: longDate(m.due, locale) })}
                  {m.owner && <span dir="auto"> · {m.owner}</span>}
                  {m.open_tasks > 0 && <> · {o("tasks_open", { n: m.open_tasks })}</>}
                </p>
                {tasks.length > 0 && (
                  <details>
                    <summary className="small">
                      {o("tasks_show")} <span className="vh">{m.name}</span>
                    </summary>
                    <ul className="items plain-list">
                      {tasks.map((task) => (
                        <TaskRow key={task.id} task={task} zone={v.time_zone} id={above.has(task.id) ? undefined : `task-${task.id}`} />
                      ))}
                    </ul>
                  </details>
                )}
              </div>
              <Badge tone={tone(m.state)}>{state(m.state)}</Badge>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
