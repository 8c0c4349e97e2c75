import { useState } from "react";
import { call } from "../api/client";
import type { OutcomeCounts, Outcomes as Data } from "../api/types";
import { Failed, locale } from "../ui/Console";
import { longDate, percent, words } from "../ui/format";
import { Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

const kinds = ["confirmed", "assumed", "reopened", "escalated", "wrong", "waiting", "unanswered"] as const;
const purposes: Record<string, string> = {
  classification: "Classifying messages",
  answer: "Writing answers",
  question_vectors: "Searching: vectors of questions",
  article_vectors: "Indexing: vectors of articles",
  trial: "Trying what a switch would change",
};
const number = new Intl.NumberFormat(locale);
const money = new Intl.NumberFormat(locale, { style: "currency", currency: "USD", maximumFractionDigits: 4 });
const share = (part: number, whole: number) => (whole > 0 ? percent(part / whole, locale) : "–");
const resolved = (c: OutcomeCounts) => c.confirmed + c.assumed;

/** What became of conversations: each kind apart, with its trend and its cost. */
export function Outcomes({ days }: { days: number }) {
  const [by, setBy] = useState<"weeks" | "intents" | "tenants" | "channels">("weeks");
  const load = useLoad((signal) => call("get", "/v1/metrics/outcomes", { query: { days }, signal }), `outcomes ${days}`, { every: 60_000 });
  if (load.error !== undefined && !load.data) return <Failed error={load.error} onRetry={load.reload} />;
  if (!load.data) return <Loading label="Loading…" />;
  const d = load.data as Data;
  const t = d.total;
  const solvedByPeople = t.people_confirmed + t.people_assumed + t.people_linked + t.people_reopened;
  const tiles: [string, string, string][] = [
    ["Resolved by the assistant", share(resolved(t), t.asked), `${number.format(t.confirmed)} confirmed, ${number.format(t.assumed)} assumed, of ${number.format(t.asked)}`],
    ["No person stepped in", share(t.asked - t.escalated, t.asked), "deflected, whether helped or not"],
    ["Handed over", share(t.escalated, t.asked), `${number.format(t.escalated)} conversations`],
    ["Came back", share(t.reopened, t.asked), `${number.format(t.reopened)} within seven days, or after it was settled`],
    ["Said to be wrong", share(t.wrong, t.asked), `${number.format(t.wrong)} conversations`],
    ["Cost", money.format(t.cost_usd), resolved(t) > 0 ? `${money.format(t.cost_usd / resolved(t))} for each one resolved` : `${number.format(t.tokens)} tokens`],
  ];
  const rows = d[by];
  const called = (name: string) => (by === "weeks" ? longDate(name, locale) : by === "intents" ? name || "none fits" : by === "channels" ? words(name) : name);
  return (
    <section className="card stack stack-3" aria-labelledby="m-outcomes">
      <div className="row">
        <h2 className="grow" id="m-outcomes">
          What became of conversations
        </h2>
        <a className="btn btn-small" href={`/v1/metrics/outcomes?days=${days}&format=csv`} download>
          Download CSV
        </a>
      </div>
      <dl className="tiles-3">
        {tiles.map(([name, value, note]) => (
          <div key={name} className="card stat">
            <dt className="small muted">{name}</dt>
            <dd className="value num">{value}</dd>
            <dd className="tiny muted">{note}</dd>
          </div>
        ))}
      </dl>
      <Field label="Show by">
        {(p) => (
          <select {...p} className="input" value={by} onChange={(e) => setBy(e.target.value as typeof by)}>
            <option value="weeks">Week</option>
            <option value="intents">What it is about</option>
            <option value="tenants">Customer</option>
            <option value="channels">Channel</option>
          </select>
        )}
      </Field>
      <div className="table-wrap" tabIndex={0} role="region" aria-label="Outcomes">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{{ weeks: "Week of", intents: "About", tenants: "Customer", channels: "Channel" }[by]}</th>
              <th scope="col">Asked</th>
              <th scope="col">Resolved</th>
              {kinds.map((k) => (
                <th key={k} scope="col">
                  {words(k)}
                </th>
              ))}
              <th scope="col">Cost</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr key={r.name}>
                <th scope="row">{called(r.name)}</th>
                <td className="num">{number.format(r.asked)}</td>
                <td className="num">{share(resolved(r), r.asked)}</td>
                {kinds.map((k) => (
                  <td key={k} className="num">
                    {number.format(r[k])}
                  </td>
                ))}
                <td className="num">{money.format(r.cost_usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="small">
        People solved {number.format(solvedByPeople)}: {number.format(t.people_confirmed)} confirmed, {number.format(t.people_assumed)} assumed, {number.format(t.people_linked)} because what they were about works again, {number.format(t.people_reopened)} came back.
        {t.direct > 0 && <> {number.format(t.direct)} were filed as tickets or by an integration; the assistant had no part in them.</>}
      </p>
      {d.features.length > 0 && (
        <details>
          <summary className="small">Cost by kind of answer</summary>
          <div className="table-wrap" tabIndex={0} role="region" aria-label="Cost by kind of answer">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Answer</th>
                  <th scope="col">Times</th>
                  <th scope="col">Tokens sent</th>
                  <th scope="col">Tokens received</th>
                  <th scope="col">Cost</th>
                </tr>
              </thead>
              <tbody>
                {d.features.map((f) => (
                  <tr key={f.route}>
                    <th scope="row">{words(f.route)}</th>
                    <td className="num">{number.format(f.runs)}</td>
                    <td className="num">{number.format(f.prompt_tokens)}</td>
                    <td className="num">{number.format(f.output_tokens)}</td>
                    <td className="num">{money.format(f.cost_usd)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
      {d.models && (
        <details>
          <summary className="small">Cost by what models are used for</summary>
          {d.models.length === 0 ? (
            <p className="small muted">No model was asked in this period.</p>
          ) : (
            <div className="table-wrap" tabIndex={0} role="region" aria-label="Cost by what models are used for">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">For</th>
                    <th scope="col">Model</th>
                    <th scope="col">Calls</th>
                    <th scope="col">Tokens sent</th>
                    <th scope="col">Tokens received</th>
                    <th scope="col">Cost</th>
                  </tr>
                </thead>
                <tbody>
                  {d.models.map((m) => (
                    <tr key={`${m.purpose} ${m.model}`}>
                      <th scope="row">{purposes[m.purpose] ?? words(m.purpose)}</th>
                      <td dir="ltr">{m.model}</td>
                      <td className="num">{number.format(m.calls)}</td>
                      <td className="num">{number.format(m.prompt_tokens)}</td>
                      <td className="num">{number.format(m.output_tokens)}</td>
                      <td className="num">{money.format(m.cost_usd)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <p className="tiny muted">Article drafts from tickets, suggestions to agents and their questions in Slack are made by rules and ask no model.</p>
        </details>
      )}
      <details>
        <summary className="small">What these numbers mean</summary>
        <dl className="dl small">
          {["asked", ...kinds, "resolved", "deflected", "handed_over", "people", "cost"].map((k) => (
            <div key={k} style={{ display: "contents" }}>
              <dt>{words(k)}</dt>
              <dd style={{ textAlign: "start" }}>{d.definitions[k]}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}
