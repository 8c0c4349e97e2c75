import { useState } from "react";
import { call } from "../api/client";
import type { TopicList } from "../api/types";
import { Failed, locale } from "../ui/Console";
import { longDate, percent } from "../ui/format";
import { Badge, Empty, Loading } from "../ui/parts";
import { Link } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { Narrow } from "./Narrow";

type Topic = TopicList["topics"][number];

/** What customers ask about, by week. */
export function Topics() {
  const [tenant, setTenant] = useState("");
  const [weeks, setWeeks] = useState(8);
  const query = { weeks, ...(tenant && { tenant_id: tenant }) };
  const load = useLoad((signal) => call("get", "/v1/metrics/topics", { query, signal }), `topics ${tenant} ${weeks}`, { every: 20_000 });
  const topics = load.data?.topics ?? [];
  return (
    <section className="card stack stack-3" aria-labelledby="m-topics">
      <h2 id="m-topics">Topics</h2>
      <p className="small muted">All questions, grouped by what they are about and named by the words they share. New ones join within a minute of opening this page; a topic stays the same from week to week. “Asked again” counts questions that the same organisation had asked within seven days in another conversation.</p>
      <Narrow whose="Questions of" tenant={tenant} onTenant={setTenant} howMany="Weeks" choices={[4, 8, 12]} n={weeks} onN={setWeeks} />
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data && topics.length === 0 && <Empty icon="chart">Nobody has asked anything in these weeks.</Empty>}
      {load.data && topics.length > 0 && (
        <>
          <div className="table-wrap" tabIndex={0} role="region" aria-label="Topics">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Topic</th>
                  <th scope="col">Questions</th>
                  <th scope="col">Last seven days</th>
                  <th scope="col">By week</th>
                  <th scope="col">Without a person</th>
                  <th scope="col">Asked again</th>
                  <th scope="col">Organisations</th>
                </tr>
              </thead>
              <tbody>
                {topics.map((t) => (
                  <Row key={t.id} topic={t} />
                ))}
              </tbody>
            </table>
          </div>
          <details>
            <summary className="small">Every week as numbers</summary>
            <div className="table-wrap" tabIndex={0} role="region" aria-label="Topics by week">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">Topic</th>
                    {load.data.weeks.map((w) => (
                      <th key={w} scope="col" className="nowrap">
                        {longDate(w.slice(0, 10), locale)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {topics.map((t) => (
                    <tr key={t.id}>
                      <th scope="row" dir="auto">
                        {t.name}
                      </th>
                      {t.weeks.map((n, i) => (
                        <td key={i} className="num">
                          {n}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
          <p>
            <a className="btn btn-small" href={`/v1/metrics/topics.csv?weeks=${weeks}${tenant && `&tenant_id=${tenant}`}`} download>
              Download as CSV
            </a>
          </p>
        </>
      )}
    </section>
  );
}

function Row({ topic: t }: { topic: Topic }) {
  const most = Math.max(1, ...t.weeks);
  const now = t.weeks[t.weeks.length - 1] ?? 0;
  return (
    <tr>
      <th scope="row" dir="auto">
        {t.name || t.examples[0]}
        <details>
          <summary className="tiny muted">
            Examples<span className="vh"> of {t.name}</span>
          </summary>
          <ul className="small">
            {t.examples.map((x) => (
              <li key={x} dir="auto">
                {x}
              </li>
            ))}
          </ul>
          <p className="small">
            {t.intent && (
              <>
                Intent <code>{t.intent}</code>.{" "}
              </>
            )}
            {t.article && (
              <>
                Mostly answered from <Link href={`/admin/articles/${t.article.id}`}>{t.article.title}</Link>.{" "}
              </>
            )}
            {t.gap_id && <Link href="/admin/gaps">There is a gap about it.</Link>}
          </p>
        </details>
      </th>
      <td className="num">{t.count}</td>
      <td className="num nowrap">
        {now} {t.change !== 0 && <Badge tone={t.change > 0 ? "warn" : "ok"}>{t.change > 0 ? `${t.change} more` : `${-t.change} fewer`}</Badge>}
      </td>
      <td>
        <div className="bars bars-row" aria-hidden="true">
          {t.weeks.map((n, i) => (
            <div key={i}>
              <span style={{ blockSize: `${(n / most) * 100}%` }} />
            </div>
          ))}
        </div>
      </td>
      <td className="num">{percent(t.count > 0 ? t.alone / t.count : 0, locale)}</td>
      <td className="num">{t.again}</td>
      <td className="num">{t.tenants}</td>
    </tr>
  );
}
