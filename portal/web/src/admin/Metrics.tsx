import { useState } from "react";
import { call } from "../api/client";
import type { Accuracy as Agreement, Metrics as Data } from "../api/types";
import { Failed, Head, locale } from "../ui/Console";
import { longDate, percent, words } from "../ui/format";
import { Field, Loading, Meter } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Outcomes } from "./Outcomes";
import { Ratings } from "./Ratings";
import { Topics } from "./Topics";

/** Counts rebuilt from stored events. */
export function Metrics() {
  const [days, setDays] = useState(30);
  const load = useLoad((signal) => call("get", "/v1/metrics/summary", { query: { days }, signal }), `metrics ${days}`, { every: 30_000 });
  return (
    <div className="console-page">
      <Head title="Metrics" suffix="Knowledge">
        <Field label="Period">
          {(p) => (
            <select {...p} className="input" value={days} onChange={(e) => setDays(Number(e.target.value))}>
              {[7, 30, 90].map((n) => (
                <option key={n} value={n}>
                  Last {n} days
                </option>
              ))}
            </select>
          )}
        </Field>
      </Head>
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data && <Page data={load.data} />}
      <Outcomes days={days} />
      <Ratings days={days} />
      <Topics />
      <Accuracy days={days} />
    </div>
  );
}

const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);

function Page({ data: d }: { data: Data }) {
  const number = new Intl.NumberFormat(locale);
  const suggested = d.drafts.offered + d.drafts.used + d.drafts.edited + d.drafts.ignored;
  const votes = d.helpful + d.not_helpful;
  const tiles: [string, string, string?][] = [
    ["Conversations", number.format(d.conversations)],
    ["Without an agent", percent(share(d.automated, d.conversations), locale), number.format(d.automated)],
    ["Passed to a person", percent(share(d.escalated, d.conversations), locale), number.format(d.escalated)],
    ["Status questions", percent(d.status_share, locale)],
    ["Helpful votes", votes ? percent(d.helpful / votes, locale) : "–", `${number.format(votes)} votes`],
    ["Answer time", d.p50_ms === undefined ? "–" : `${number.format(Math.round(d.p50_ms))} ms`, d.p95_ms === undefined ? undefined : `95 %: ${number.format(Math.round(d.p95_ms))} ms`],
  ];
  if (suggested > 0) tiles.push(["Suggestions sent as they were", percent(share(d.drafts.used, suggested), locale), `${number.format(d.drafts.edited)} changed and sent, ${number.format(d.drafts.ignored)} ignored, of ${number.format(suggested)}`]);
  if (d.tenants !== undefined) tiles.push(["Organisations", number.format(d.tenants), `${percent(share(d.tenants_weekly ?? 0, d.tenants), locale)} active this week`]);
  if (d.days_to_go_live !== undefined) tiles.push(["Days to go live", number.format(Math.round(d.days_to_go_live)), "median"]);
  const most = Math.max(1, ...d.by_day.map((x) => x.conversations));
  const top = Math.max(1, ...d.intents.map((i) => i.count));
  return (
    <>
      <dl className="tiles-3">
        {tiles.map(([name, value, note]) => (
          <div key={name} className="card stat">
            <dt className="small muted">{name}</dt>
            <dd className="value num">{value}</dd>
            {note && <dd className="tiny muted">{note}</dd>}
          </div>
        ))}
      </dl>
      {(d.usage?.length ?? 0) > 0 && (
        <section className="card stack stack-3" aria-labelledby="m-usage">
          <h2 id="m-usage">What customers use</h2>
          <div className="table-wrap" tabIndex={0} role="region" aria-label="What customers use">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">Times</th>
                  <th scope="col">Organisations</th>
                </tr>
              </thead>
              <tbody>
                {d.usage?.map((u) => (
                  <tr key={u.action}>
                    <th scope="row">{words(u.action.replace(".", " "))}</th>
                    <td className="num">{number.format(u.count)}</td>
                    <td className="num">{number.format(u.tenants)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p className="tiny muted">Counts by organisation and day, without people or texts.</p>
        </section>
      )}
      <section className="card stack stack-3" aria-labelledby="m-days">
        <h2 id="m-days">By day</h2>
        <div className="bars" aria-hidden="true">
          {d.by_day.map((x) => (
            <div key={x.day} title={`${longDate(x.day, locale)}: ${x.conversations} conversations, ${x.escalated} to a person`}>
              <span style={{ blockSize: `${((x.conversations - x.escalated) / most) * 100}%` }} />
              <span className="esc" style={{ blockSize: `${(x.escalated / most) * 100}%` }} />
            </div>
          ))}
        </div>
        <p className="tiny muted">Plum: conversations the assistant kept. Brass: passed to a person.</p>
        <details>
          <summary className="small">As a table</summary>
          <div className="table-wrap" tabIndex={0} role="region" aria-label="By day">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Day</th>
                  <th scope="col">Conversations</th>
                  <th scope="col">Passed to a person</th>
                </tr>
              </thead>
              <tbody>
                {d.by_day.map((x) => (
                  <tr key={x.day}>
                    <th scope="row">{longDate(x.day, locale)}</th>
                    <td className="num">{x.conversations}</td>
                    <td className="num">{x.escalated}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      </section>
      <div className="split">
        <section className="card stack stack-3" aria-labelledby="m-out">
          <h2 id="m-out">How messages were handled</h2>
          <dl className="dl">
            {Object.entries(d.outcomes).map(([name, n]) => (
              <div key={name} style={{ display: "contents" }}>
                <dt>{words(name)}</dt>
                <dd className="num">{number.format(n)}</dd>
              </div>
            ))}
          </dl>
          <p className="tiny muted">Each message once, as it was decided. What became of conversations stands below.</p>
        </section>
        <section className="card stack stack-3" aria-labelledby="m-int">
          <h2 id="m-int">What people ask</h2>
          <ul className="plain-list stack stack-2 small">
            {d.intents.map((i) => (
              <li key={i.intent} className="stack" style={{ gap: "0.15rem" }}>
                <span className="row" style={{ justifyContent: "space-between" }}>
                  <code>{i.intent || "none fits"}</code> <span className="num">{number.format(i.count)}</span>
                </span>
                <Meter value={i.count / top} label={i.intent || "none fits"} />
              </li>
            ))}
          </ul>
        </section>
      </div>
    </>
  );
}

/** How often people agreed with the machine: what it got right, how sure it was, what it takes for what. */
function Accuracy({ days }: { days: number }) {
  const load = useLoad<Agreement>((signal) => call("get", "/v1/metrics/triage", { query: { days }, signal }), `accuracy ${days}`);
  const d = load.data;
  if (!d) return null;
  const share = (right: number, of: number) => (of > 0 ? percent(right / of, locale) : "–");
  return (
    <section className="card stack stack-3" aria-labelledby="m-acc">
      <h2 id="m-acc">Classification, as people judged it</h2>
      {d.reviewed === 0 ? (
        <p className="muted">Nobody has worked on a classified ticket in this period.</p>
      ) : (
        <>
          <p>
            {share(d.right, d.reviewed)} of {d.reviewed} were right. Calibration error {percent(d.ece, locale, 1)}: how far its confidence is from how often it is right.
          </p>
          <div className="split">
            <Table caption="By value" head={["Value", "Seen", "Right"]} rows={d.intents.map((i) => [i.intent || "none fits", String(i.reviewed), share(i.right, i.reviewed)])} />
            <Table caption="By confidence" head={["About this sure", "Seen", "Right"]} rows={d.bins.map((b) => [percent(b.confidence, locale), String(b.reviewed), share(b.right, b.reviewed)])} />
            <Table caption="By week" head={["Week of", "Seen", "Right"]} rows={d.weeks.map((w) => [longDate(w.week, locale), String(w.reviewed), share(w.right, w.reviewed)])} />
            {d.confused.length > 0 && <Table caption="Taken for" head={["It said", "People said", "Times"]} rows={d.confused.map((c) => [c.was || "none fits", c.became || "none fits", String(c.count)])} />}
          </div>
        </>
      )}
    </section>
  );
}

function Table({ caption, head, rows }: { caption: string; head: string[]; rows: string[][] }) {
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={caption}>
      <table className="table">
        <caption className="small">{caption}</caption>
        <thead>
          <tr>
            {head.map((h) => (
              <th key={h} scope="col">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.join("|")}>
              <th scope="row">{r[0]}</th>
              {r.slice(1).map((cell, i) => (
                <td key={i} className="num">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
