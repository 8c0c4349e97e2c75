import { useEffect, useState } from "react";
import { call } from "../api/client";
import type { AdminArticle, Tenant } from "../api/types";
import { Failed, Head, locale } from "../ui/Console";
import { longDate, words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { Badge, Empty, Loading, Time, type Tone } from "../ui/parts";
import { Link, navigate, useLocation } from "../ui/router";
import { useLoad } from "../ui/useLoad";

const tones: Record<AdminArticle["state"], Tone> = { draft: "plain", published: "ok", retired: "bad" };

/** The states of an article as curators read them. */
export function StateBadges({ article: a }: { article: AdminArticle }) {
  const late = a.state === "published" && (!a.verified_until || Date.parse(a.verified_until) < Date.now());
  return (
    <span className="row" style={{ gap: "0.25rem" }}>
      <Badge tone={tones[a.state]}>{words(a.state)}</Badge>
      {a.working === "in_review" && <Badge tone="info">In review</Badge>}
      {a.working === "draft" && a.state !== "draft" && <Badge tone="note">Unpublished edit</Badge>}
      {late && <Badge tone="warn">Not verified</Badge>}
    </span>
  );
}

/** Whose articles: the operator's shared ones, or one tenant's own. */
export function SpaceSelect({ value, onChange }: { value: string; onChange: (tenant: string) => void }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  return (
    <div className="field">
      <label htmlFor="space">Space</label>
      <select id="space" className="input" value={value} onChange={(e) => onChange(e.target.value)}>
        <option value="">Shared by all tenants</option>
        {tenants.data?.tenants.map((t: Tenant) => (
          <option key={t.id} value={t.id}>
            {t.name}’s own
          </option>
        ))}
      </select>
    </div>
  );
}

/** Who may see an article, by the least they must be. */
export const levels: Record<AdminArticle["audience"]["level"], string> = { public: "Everyone", customer: "Signed-in customers", agent: "Staff only" };

/** The choice among them; a tenant's own articles are never for everyone. */
export function AudienceSelect({ tenant, value, onChange, ...field }: { tenant?: string; value: keyof typeof levels; onChange: (level: keyof typeof levels) => void; id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) {
  return (
    <select {...field} className="input" value={value} onChange={(e) => onChange(e.target.value as keyof typeof levels)}>
      {Object.entries(levels).map(
        ([level, name]) =>
          (level !== "public" || !tenant) && (
            <option key={level} value={level}>
              {name}
            </option>
          ),
      )}
    </select>
  );
}

export function Articles() {
  const { query } = useLocation();
  const tenant = query.get("tenant") ?? "";
  const [state, setState] = useState("");
  const [text, setText] = useState("");
  const [q, setQ] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setQ(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const list = useLoad((signal) => call("get", "/v1/admin/articles", { query: { tenant: tenant || undefined, state: (state || undefined) as AdminArticle["state"] | undefined, q: q || undefined }, signal }), `${tenant} ${state} ${q}`);
  const suffix = tenant ? `?tenant=${tenant}` : "";
  return (
    <div className="console-page">
      <Head title="Articles" suffix="Knowledge">
        <Link className="btn btn-primary" href={`/admin/articles/new${suffix}`}>
          <Icon name="plus" /> New article
        </Link>
      </Head>
      <div className="filters">
        <SpaceSelect value={tenant} onChange={(t) => navigate(t ? `/admin/articles?tenant=${t}` : "/admin/articles")} />
        <div className="field">
          <label htmlFor="a-state">State</label>
          <select id="a-state" className="input" value={state} onChange={(e) => setState(e.target.value)}>
            <option value="">All states</option>
            <option value="published">Published</option>
            <option value="draft">Draft</option>
            <option value="retired">Retired</option>
          </select>
        </div>
        <div className="field wide">
          <label htmlFor="a-q">Find</label>
          <input id="a-q" className="input" type="search" value={text} onChange={(e) => setText(e.target.value)} dir="auto" />
        </div>
      </div>
      {list.error !== undefined && <Failed error={list.error} onRetry={list.reload} />}
      {!list.data && list.loading && <Loading label="Loading…" />}
      {list.data && list.data.articles.length === 0 && <Empty icon="book">No articles here yet.</Empty>}
      {list.data && list.data.articles.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Articles">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Title</th>
                <th scope="col">State</th>
                <th scope="col">Audience</th>
                <th scope="col">Verified until</th>
                <th scope="col">Used</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {list.data.articles.map((a) => (
                <tr key={a.id}>
                  <th scope="row" dir="auto" lang={a.locale}>
                    <Link href={`/admin/articles/${a.id}${suffix}`}>{a.title}</Link>
                    <div className="tiny muted" dir="ltr">
                      {a.slug}
                      {a.locale && <> · {a.locale}</>}
                    </div>
                  </th>
                  <td>
                    <StateBadges article={a} />
                  </td>
                  <td>{audienceWords(a.audience)}</td>
                  <td className="nowrap">{a.verified_until ? longDate(a.verified_until, locale) : "–"}</td>
                  <td className="num nowrap">
                    {a.usage ? (
                      <>
                        {a.usage.cited ?? 0} cited
                        <div className="tiny muted">
                          {a.usage.helpful ?? 0} helpful, {a.usage.not_helpful ?? 0} not, {a.usage.escalated ?? 0} to a person
                        </div>
                      </>
                    ) : (
                      "–"
                    )}
                  </td>
                  <td className="nowrap">
                    <Time at={a.updated_at} locale={locale} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

/** An audience in words: who may see the article. */
export function audienceWords(a: AdminArticle["audience"]): string {
  const level = levels[a.level];
  const limits = [
    ["departments", a.departments],
    ["roles", a.roles],
    ["plans", a.plans],
    ["locales", a.locales],
  ] as const;
  const narrowed = limits.filter(([, list]) => list?.length).map(([name, list]) => `${name}: ${list?.join(", ")}`);
  return narrowed.length ? `${level} (${narrowed.join("; ")})` : level;
}
