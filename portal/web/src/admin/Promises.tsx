import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { Promises as Agreed, PromisesShown } from "../api/types";
import { announce } from "../ui/announce";
import { Head, Pending, Problem, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { listOf } from "../ui/lists";
import { Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Organisation } from "./Organisation";

const priorities = ["urgent", "high", "normal", "low"] as const;
const metrics = ["first_reply", "next_reply", "resolution"] as const;
const days = [
  ["mon", "Monday"],
  ["tue", "Tuesday"],
  ["wed", "Wednesday"],
  ["thu", "Thursday"],
  ["fri", "Friday"],
  ["sat", "Saturday"],
  ["sun", "Sunday"],
] as const;

type Priority = (typeof priorities)[number];
type Metric = (typeof metrics)[number];

/** What is promised to a customer's people, and when ours are there. */
export function Promises() {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [chosen, setChosen] = useState("");
  const tenant = chosen || tenants.data?.tenants[0]?.id || "";
  return (
    <div className="console-page">
      <Head title="Promised times" suffix="Knowledge" />
      <p className="muted small">How soon people reply and solve, by priority, and the hours in which it counts. Tickets that are open go on as agreed now; a promise that was broken stays broken.</p>
      <Pending load={tenants} />
      {tenants.data && <Organisation label="Customer" all={tenants.data.tenants} value={tenant} onChange={setChosen} />}
      {tenant && <Of key={tenant} tenant={tenant} />}
    </div>
  );
}

function Of({ tenant }: { tenant: string }) {
  const load = useLoad((signal) => call("get", "/v1/admin/tenants/{tenant}/promises", { params: { tenant }, signal }), tenant);
  if (!load.data) return <Pending load={load} />;
  return <Form tenant={tenant} shown={load.data} />;
}

type Cell = { minutes: string; always: boolean };

function targetsOf(p: Agreed): Record<string, Cell> {
  return Object.fromEntries(p.targets.map((t) => [`${t.priority} ${t.metric}`, { minutes: String(t.minutes), always: t.always }]));
}

const spansText = (spans: string[][] | undefined) => (spans ?? []).map(([from, to]) => `${from}-${to}`).join(", ");

function Form({ tenant, shown }: { tenant: string; shown: PromisesShown }) {
  const usual = targetsOf(shown.default);
  const [cells, setCells] = useState(() => targetsOf(shown.agreed));
  const [own, setOwn] = useState(shown.agreed.hours !== undefined);
  const start = shown.agreed.hours ?? shown.default.hours;
  const [zone, setZone] = useState(start?.time_zone ?? "UTC");
  const [week, setWeek] = useState<Record<string, string>>(() => Object.fromEntries(days.map(([day]) => [day, spansText(start?.days[day])])));
  const [holidays, setHolidays] = useState((start?.holidays ?? []).join("\n"));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const set = (key: string, change: Partial<Cell>) => setCells((was) => ({ ...was, [key]: { ...(was[key] ?? { minutes: "", always: usual[key]?.always ?? false }), ...change } }));
  const save = async (e: FormEvent) => {
    e.preventDefault();
    if (busy) return;
    setProblem("");
    const targets: Agreed["targets"] = [];
    for (const priority of priorities) {
      for (const metric of metrics) {
        const cell = cells[`${priority} ${metric}`];
        if (!cell?.minutes.trim()) continue;
        const minutes = Number(cell.minutes);
        if (!Number.isInteger(minutes) || minutes < 1) return setProblem(`Write whole minutes for ${words(metric).toLowerCase()}, ${priority}, or leave it empty.`);
        targets.push({ priority, metric, minutes, always: cell.always });
      }
    }
    const body: Agreed = { targets };
    if (own) {
      const open: Record<string, string[][]> = {};
      for (const [day, name] of days) {
        const spans = listOf(week[day] ?? "");
        const pairs = spans.map((s) => s.split(/\s*[-–]\s*/));
        if (pairs.some((p) => p.length !== 2)) return setProblem(`Write the hours of ${name} like 09:00-12:00, 13:00-17:00, or leave them empty.`);
        if (pairs.length > 0) open[day] = pairs;
      }
      body.hours = { time_zone: zone.trim(), days: open, holidays: holidays.split(/\s+/).filter(Boolean) };
    }
    setBusy(true);
    try {
      await call("put", "/v1/admin/tenants/{tenant}/promises", { params: { tenant }, body });
      announce("Saved. Open tickets go on as agreed now.");
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <form className="stack stack-4" onSubmit={(e) => void save(e)}>
      <section className="card stack stack-3" aria-labelledby="p-targets">
        <h2 id="p-targets">Times</h2>
        <p className="small muted">In minutes. Leave a field empty to use the usual time, shown in grey.</p>
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Times by priority">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Priority</th>
                {metrics.map((m) => (
                  <th key={m} scope="col">
                    {words(m)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {priorities.map((p) => (
                <tr key={p}>
                  <th scope="row">{words(p)}</th>
                  {metrics.map((m) => (
                    <td key={m}>
                      <Target priority={p} metric={m} cell={cells[`${p} ${m}`]} usual={usual[`${p} ${m}`]} onChange={(c) => set(`${p} ${m}`, c)} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section className="card stack stack-3" aria-labelledby="p-hours">
        <h2 id="p-hours">Business hours</h2>
        <label className="row">
          <input type="checkbox" checked={own} onChange={(e) => setOwn(e.target.checked)} />
          <span>Hours of their own (otherwise Monday to Friday, 09:00 to 17:00, in the customer’s time zone)</span>
        </label>
        {own && (
          <>
            <Field label="Time zone" hint="Such as Europe/Berlin.">
              {(p) => <input {...p} className="input" value={zone} onChange={(e) => setZone(e.target.value)} />}
            </Field>
            {days.map(([day, name]) => (
              <Field key={day} label={name}>
                {(p) => <input {...p} className="input" placeholder="closed" value={week[day] ?? ""} onChange={(e) => setWeek((was) => ({ ...was, [day]: e.target.value }))} />}
              </Field>
            ))}
            <Field label="Holidays" hint="A date in each line, such as 2026-12-25.">
              {(p) => <textarea {...p} className="input" rows={5} value={holidays} onChange={(e) => setHolidays(e.target.value)} />}
            </Field>
          </>
        )}
      </section>
      <Problem>{problem}</Problem>
      <p>
        <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
          Save
        </button>
      </p>
    </form>
  );
}

function Target({ priority, metric, cell, usual, onChange }: { priority: Priority; metric: Metric; cell?: Cell; usual?: Cell; onChange: (c: Partial<Cell>) => void }) {
  const name = `${words(metric)}, ${priority}`;
  const agreed = (cell?.minutes ?? "").trim() !== "";
  return (
    <span className="stack stack-1">
      <input className="input" inputMode="numeric" aria-label={`${name}, minutes`} placeholder={usual?.minutes} value={cell?.minutes ?? ""} onChange={(e) => onChange({ minutes: e.target.value })} />
      <label className="row tiny">
        <input type="checkbox" aria-label={`${name}, round the clock`} disabled={!agreed} checked={agreed ? (cell?.always ?? false) : (usual?.always ?? false)} onChange={(e) => onChange({ always: e.target.checked })} />
        <span>round the clock</span>
      </label>
    </span>
  );
}
