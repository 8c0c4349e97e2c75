import { useState } from "react";
import { call } from "../api/client";
import type { Gap, Proposal } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, locale, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Badge, Banner, Empty, Loading, Time } from "../ui/parts";
import { Markdown } from "../ui/Markdown";
import { Link, navigate } from "../ui/router";
import { useLoad } from "../ui/useLoad";

/** Questions nobody could answer from the articles, ranked by conversations. */
export function Gaps() {
  const list = useLoad((signal) => call("get", "/v1/admin/gaps", { signal }), "gaps");
  const [problem, setProblem] = useState("");
  const settle = async (gap: Gap, state: "closed" | "dismissed") => {
    setProblem("");
    try {
      await call("post", "/v1/admin/gaps/{id}/resolve", { params: { id: gap.id }, body: { state } });
      announce(`${words(state)}.`);
      list.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className="console-page">
      <Head title="Gaps" suffix="Knowledge" />
      <p className="muted small">Questions that were not answered, whose answer was voted down, that a search in the help centre did not find, or that the same organisation asked again within a week; most conversations first. Nothing becomes knowledge until you publish it.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {list.error !== undefined && !list.data && <Failed error={list.error} onRetry={list.reload} />}
      {!list.data && list.loading && <Loading label="Loading…" />}
      {list.data?.gaps.length === 0 && <Empty icon="gap">No gaps. Everything asked so far found an answer or a person.</Empty>}
      {(list.data?.gaps.length ?? 0) > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Gaps">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Question</th>
                <th scope="col">Conversations</th>
                <th scope="col">Last asked</th>
                <th scope="col">State</th>
                <th scope="col">Actions</th>
              </tr>
            </thead>
            <tbody>
              {list.data?.gaps.map((g) => (
                <tr key={g.id}>
                  <th scope="row" dir="auto">
                    {g.question}
                    {(g.examples?.length ?? 0) > 0 && <div className="tiny muted">{g.examples?.slice(0, 3).join(" · ")}</div>}
                  </th>
                  <td className="num">
                    {g.conversations}
                    {(g.repeats ?? 0) > 0 && <div className="tiny muted nowrap">{g.repeats} asked again</div>}
                    {(g.unhelpful ?? 0) > 0 && <div className="tiny muted nowrap">{g.unhelpful} voted down</div>}
                    {g.causes?.map((c) => (
                      <div key={c.cause} className="tiny muted nowrap">
                        {c.count} × {words(c.cause)}
                      </div>
                    ))}
                    {(g.searches ?? 0) > 0 && <div className="tiny muted nowrap">{g.searches} searched in vain</div>}
                  </td>
                  <td className="nowrap">
                    <Time at={g.last_seen_at} locale={locale} />
                  </td>
                  <td>
                    <Badge>{words(g.state)}</Badge>
                  </td>
                  <td>
                    <span className="row">
                      <Link className="btn btn-small" href={`/admin/articles/new?title=${encodeURIComponent(g.question.slice(0, 200))}&gap=${g.id}`}>
                        Write an article
                      </Link>
                      <button type="button" className="btn btn-small btn-quiet" onClick={() => void settle(g, "closed")}>
                        Close
                      </button>
                      <button type="button" className="btn btn-small btn-quiet" onClick={() => void settle(g, "dismissed")}>
                        Dismiss
                      </button>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Proposals />
    </div>
  );
}

/** Drafts made from tickets that people solved. */
function Proposals() {
  const list = useLoad((signal) => call("get", "/v1/admin/proposals", { signal }), "proposals");
  const [problem, setProblem] = useState("");
  const settle = async (p: Proposal, act: "accept" | "reject") => {
    setProblem("");
    try {
      const done = await call("post", "/v1/admin/proposals/{tenant}/{id}", { params: { tenant: p.tenant_id, id: p.id }, body: { act } });
      if (done.article_id) navigate(`/admin/articles/${done.article_id}`);
      else {
        announce("Turned down.");
        list.reload();
      }
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <section className="stack stack-3" aria-labelledby="proposals">
      <h2 id="proposals">Proposed from solved tickets</h2>
      <p className="muted small">What agents answered where no article did. Personal data is masked; read it all the same. A proposal waits four weeks.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {list.data?.proposals.length === 0 && <Empty icon="book">Nothing is proposed right now.</Empty>}
      <ul className="plain-list stack stack-2">
        {list.data?.proposals.map((p) => (
          <li key={p.id} className="card stack stack-2">
            <p className="row">
              <Badge tone="info">{p.kind === "update" ? `Add to ${p.article || "an article"}` : "New article"}</Badge>
              <b className="grow" dir="auto">
                {p.title}
              </b>
              <span className="small muted">
                <Link href={`/agent/tickets/${p.tenant_id}/${p.ticket_id}`}>#{p.ticket_number}</Link>
                {p.tickets > 1 && <> and {p.tickets - 1} more</>}
              </span>
            </p>
            <details>
              <summary className="small">Draft</summary>
              <div className="small" dir="auto">
                <Markdown text={p.body} headingBase={4} />
              </div>
            </details>
            <p className="row">
              <button type="button" className="btn btn-small" onClick={() => void settle(p, "accept")}>
                Take as a draft <span className="vh">{p.title}</span>
              </button>
              <button type="button" className="btn btn-small btn-quiet" onClick={() => void settle(p, "reject")}>
                Turn down <span className="vh">{p.title}</span>
              </button>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
