import { useState } from "react";
import { call } from "../api/client";
import type { RatingCount, Ratings as Data } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, locale } from "../ui/Console";
import { longDate, percent, words } from "../ui/format";
import { Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

const number = new Intl.NumberFormat(locale);
const mean = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const scale = ["Very poor", "Poor", "Okay", "Good", "Very good"];
const content = (c: RatingCount) => (c.answered ? `${percent(c.content / c.answered, locale)} (${percent(c.low, locale)} to ${percent(c.high, locale)})` : "–");
const answered = (c: RatingCount) => (c.asked ? percent(c.answered / c.asked, locale) : "–");

const views = { weeks: "Week", by: "Settled by", agents: "Agent", teams: "Team", topics: "What it was about", tenants: "Customer" } as const;
const reasons: Record<string, string> = {
  off: "switched off",
  asked_lately: "the person was asked lately",
  reopened: "it was taken up again",
  merged: "it was merged, or no request",
  no_channel: "there is no way to ask",
  too_late: "too long ago",
  inactive: "the person or the workspace is not active",
};

/** How customers rate what was settled, and whose people are asked. */
export function Ratings({ days }: { days: number }) {
  const [by, setBy] = useState<keyof typeof views>("weeks");
  const load = useLoad<Data>((signal) => call("get", "/v1/metrics/ratings", { query: { days }, signal }), `ratings ${days}`, { every: 60_000 });
  if (load.error !== undefined && !load.data) return <Failed error={load.error} onRetry={load.reload} />;
  if (!load.data) return <Loading label="Loading…" />;
  const d = load.data;
  const t = d.total;
  const skipped = Object.entries(d.skipped);
  const called = (name: string) => (by === "weeks" ? longDate(name, locale) : by === "by" ? (name === "person" ? "People" : "The assistant alone") : name || "none");
  return (
    <section className="card stack stack-3" aria-labelledby="m-ratings">
      <h2 id="m-ratings">How customers rate it</h2>
      <dl className="tiles-3">
        <div className="card stat">
          <dt className="small muted">Good or very good</dt>
          <dd className="value num">{t.answered ? percent(t.content / t.answered, locale) : "–"}</dd>
          <dd className="tiny muted">{t.answered ? `of ${number.format(t.answered)}; between ${percent(t.low, locale)} and ${percent(t.high, locale)}, with 95 % confidence` : "nobody has answered yet"}</dd>
        </div>
        <div className="card stat">
          <dt className="small muted">Mean of 1 to 5</dt>
          <dd className="value num">{t.answered ? mean.format(t.mean) : "–"}</dd>
          <dd className="tiny muted">{scale.map((word, i) => `${word} ${number.format(t.scores[i] ?? 0)}`).join(", ")}</dd>
        </div>
        <div className="card stat">
          <dt className="small muted">Answered</dt>
          <dd className="value num">{answered(t)}</dd>
          <dd className="tiny muted">
            {number.format(t.answered)} of {number.format(t.asked)} asked
          </dd>
        </div>
      </dl>
      <Field label="Show by">
        {(p) => (
          <select {...p} className="input" value={by} onChange={(e) => setBy(e.target.value as typeof by)}>
            {Object.entries(views).map(([key, name]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      {d[by].length === 0 ? (
        <p className="muted">Nobody was asked in this period.</p>
      ) : (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Ratings">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{by === "weeks" ? "Week of" : views[by]}</th>
                <th scope="col">Asked</th>
                <th scope="col">Answered</th>
                <th scope="col">Good or very good, 95 % confidence</th>
                <th scope="col">Mean</th>
              </tr>
            </thead>
            <tbody>
              {d[by].map((r) => (
                <tr key={r.name}>
                  <th scope="row">{called(r.name)}</th>
                  <td className="num">{number.format(r.asked)}</td>
                  <td className="num">
                    {number.format(r.answered)} ({answered(r)})
                  </td>
                  <td className="num">{content(r)}</td>
                  <td className="num">{r.answered ? mean.format(r.mean) : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className="tiny muted">A matter counts once for each person, in the week of its question; of one that was reopened or merged the last answer counts. A range that is wide says that few have answered.</p>
      {skipped.length > 0 && <p className="small">Not asked: {skipped.map(([why, n]) => `${number.format(n)} because ${reasons[why] ?? words(why)}`).join("; ")}.</p>}
      <details>
        <summary className="small">Who is asked</summary>
        <Who />
      </details>
    </section>
  );
}

function Who() {
  const load = useLoad((signal) => call("get", "/v1/admin/rating-settings", { signal }), "rating settings");
  const [problem, setProblem] = useState("");
  const [chosen, setChosen] = useState<Record<string, boolean>>({}); // on its way to the server
  if (load.error !== undefined && !load.data) return <Failed error={load.error} onRetry={load.reload} />;
  if (!load.data) return <Loading label="Loading…" />;
  const { every_days: usual, settings } = load.data;
  const set = async (tenant: string, name: string, asks: boolean, every_days: number | undefined) => {
    setChosen((c) => ({ ...c, [tenant]: asks }));
    try {
      await call("put", "/v1/admin/tenants/{tenant}/rating-settings", { params: { tenant }, body: { asks, every_days } });
      setProblem("");
      announce(`${name}: ${asks ? "asked" : "not asked"}.`);
      load.reload();
    } catch {
      setChosen(({ [tenant]: _, ...others }) => others);
      setProblem(`The setting of ${name} was not kept. Try again.`);
    }
  };
  return (
    <div className="stack stack-2">
      <p className="small muted">After something is settled, the customer is asked once, where they write to us, and not at night. Each person is asked at most once in so many days.</p>
      {problem && (
        <p className="field-error" role="alert">
          {problem}
        </p>
      )}
      <div className="table-wrap" tabIndex={0} role="region" aria-label="Who is asked">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Customer</th>
              <th scope="col">Asked</th>
              <th scope="col">At most once in</th>
            </tr>
          </thead>
          <tbody>
            {settings.map((s) => (
              <tr key={s.tenant_id}>
                <th scope="row">{s.name}</th>
                <td>
                  <label>
                    <input type="checkbox" checked={chosen[s.tenant_id] ?? s.asks} onChange={(e) => void set(s.tenant_id, s.name, e.target.checked, s.every_days)} /> Ask<span className="vh"> people of {s.name}</span>
                  </label>
                </td>
                <td>
                  <select
                    className="input"
                    aria-label={`Pause for people of ${s.name}`}
                    value={s.every_days ?? ""}
                    onChange={(e) => void set(s.tenant_id, s.name, chosen[s.tenant_id] ?? s.asks, e.target.value === "" ? undefined : Number(e.target.value))}
                  >
                    <option value="">{usual} days, as everywhere</option>
                    {[...new Set([0, 7, 14, 30, 90, s.every_days ?? 0])]
                      .sort((a, b) => a - b)
                      .map((n) => (
                        <option key={n} value={n}>
                          {n === 0 ? "No pause" : `${n} days`}
                        </option>
                      ))}
                  </select>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
