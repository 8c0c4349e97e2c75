import { useEffect, useMemo, useRef, useState } from "react";
import { call } from "../api/client";
import type { ArticleSummary, Passage } from "../api/types";
import { announce } from "../ui/announce";
import { longDate } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { headings } from "../ui/markdown";
import { Badge, Loading } from "../ui/parts";
import { Link, navigate, useLocation, usePage } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { byArticle, useSettled } from "./find";
import { ErrorPage } from "./pages";
import { articleLink } from "./Source";

/** The help centre: search as you type, or browse. */
export function Help({ onAsk }: { onAsk?: (question: string) => void }) {
  const { t, count, locale } = useWords();
  const heading = usePage(t("help_title"), t("brand"));
  const { query } = useLocation();
  const [text, setText] = useState(query.get("q") ?? "");
  const q = useSettled(text.trim(), 200);
  const articles = useLoad((signal) => call("get", "/v1/kb/articles", { signal }), "articles");
  const found = useLoad((signal) => (q ? call("get", "/v1/kb/search", { query: { q, limit: 20 }, signal }) : Promise.resolve({ passages: [] as Passage[] })), `search ${q}`);
  const hits = useMemo(() => byArticle(found.data?.passages ?? []), [found.data]);

  useEffect(() => navigate(q ? `/help?q=${encodeURIComponent(q)}` : "/help", { replace: true }), [q]);
  useEffect(() => {
    if (q && found.data) announce(hits.length ? count("help_results", hits.length) : t("help_none", { q }));
  }, [q, found.data, hits.length, count, t]);

  // What nobody found an answer to is a gap; words still being typed are not.
  const inVain = Boolean(onAsk && q.length > 2 && found.data && hits.length === 0);
  useEffect(() => {
    if (!inVain) return;
    const timer = setTimeout(() => void call("post", "/v1/kb/searches", { body: { q } }).catch(() => undefined), 2500);
    return () => clearTimeout(timer);
  }, [inVain, q]);

  return (
    <div className="page">
      <h1 ref={heading} tabIndex={-1}>
        {t("help_title")}
      </h1>
      <form role="search" className="field" onSubmit={(e) => e.preventDefault()}>
        <label htmlFor="help-q">{t("help_search")}</label>
        <input id="help-q" className="input" type="search" dir="auto" value={text} onChange={(e) => setText(e.target.value)} aria-describedby="help-q-hint" maxLength={500} />
        <p id="help-q-hint" className="hint">
          {t("help_search_hint")}
        </p>
      </form>
      {q && found.error !== undefined && <ErrorPage error={found.error} onRetry={found.reload} />}
      {q && found.data && hits.length === 0 && (
        <div className="card stack stack-3">
          <p>{t("help_none", { q })}</p>
          {onAsk && (
            <p>
              <button type="button" className="btn btn-primary" onClick={() => onAsk(q)}>
                <Icon name="ask" /> {t("help_ask")}
              </button>
            </p>
          )}
        </div>
      )}
      {q && hits.length > 0 && (
        <ul className="conv-list plain-list" aria-label={count("help_results", hits.length)}>
          {hits.map((p) => (
            <li key={p.chunk_id}>
              <Link href={p.url} lang={p.language}>
                <b dir="auto">
                  {p.title}
                  {p.section && p.section !== p.title && <span className="muted"> › {p.section}</span>}
                </b>
                <span />
                <span className="line" dir="auto">
                  {snippet(p.text)}
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {!q && (
        <section className="stack stack-3" aria-labelledby="browse">
          <h2 id="browse">{t("help_browse")}</h2>
          {articles.loading && !articles.data && <Loading label={t("loading")} />}
          {articles.error !== undefined && <ErrorPage error={articles.error} onRetry={articles.reload} />}
          {articles.data && <Browse articles={articles.data.articles} locale={locale} />}
        </section>
      )}
    </div>
  );
}

function Browse({ articles, locale }: { articles: readonly ArticleSummary[]; locale: string }) {
  const groups = useMemo(() => {
    const map = new Map<string, ArticleSummary[]>();
    for (const a of articles) {
      const tag = a.tags?.[0] ?? "";
      map.set(tag, [...(map.get(tag) ?? []), a]);
    }
    return [...map].sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a.localeCompare(b, locale)));
  }, [articles, locale]);
  const single = groups.length > articles.length / 2;
  return (
    <div className="browse">
      {(single ? [["", [...articles]] as [string, ArticleSummary[]]] : groups).map(([tag, list]) => (
        <section key={tag} className="card stack stack-2" aria-label={tag || undefined}>
          {tag && <h3 style={{ textTransform: "capitalize" }}>{tag.replaceAll("-", " ")}</h3>}
          <ul className="items plain-list">
            {[...list]
              .sort((a, b) => a.title.localeCompare(b.title, locale))
              .map((a) => (
                <li key={a.id}>
                  <div className="grow" dir="auto" lang={a.locale}>
                    <Link href={`/help/${a.slug}`}>{a.title}</Link>
                    {a.description && <p className="small muted">{a.description}</p>}
                  </div>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

const snippet = (text: string) => text.replace(/[#*`>|_]+/g, " ").replace(/\s+/g, " ").trim().slice(0, 200);

/** One article with its table of contents. */
export function ArticlePage({ slug, onAsk }: { slug: string; onAsk?: (question: string) => void }) {
  const { t, locale } = useWords();
  const article = useLoad((signal) => call("get", "/v1/kb/articles/{slug}", { params: { slug }, signal }), slug);
  const { hash } = useLocation();
  const heading = usePage(article.data?.title ?? t("help_title"), t("brand"));
  const body = useRef<HTMLDivElement>(null);
  const contents = useMemo(() => headings(withoutTitle(article.data?.body ?? "", article.data?.title ?? "")), [article.data]);

  useEffect(() => {
    if (!article.data || !hash) return;
    const target = document.getElementById(hash);
    if (!target || !body.current?.contains(target)) return;
    target.scrollIntoView({ block: "start" });
    target.focus({ preventScroll: true });
  }, [article.data, hash]);

  if (article.error) return <ErrorPage error={article.error} onRetry={article.reload} />;
  if (!article.data) {
    return (
      <div className="page">
        <Loading label={t("loading")} />
      </div>
    );
  }
  const a = article.data;
  return (
    <div className="page">
      <p>
        <Link href="/help">
          <Icon name="back" flip /> {t("help_title")}
        </Link>
      </p>
      <div className="article">
        <article className="stack" lang={a.locale} dir="auto">
          <h1 ref={heading} tabIndex={-1}>
            {a.title}
          </h1>
          <p className="row small muted" lang={locale}>
            {t("help_updated", { date: longDate(a.updated_at, locale) })}
            {a.verified_until && Date.parse(a.verified_until) < Date.now() && <Badge tone="warn">{t("help_unverified")}</Badge>}
          </p>
          <div ref={body}>
            <Markdown text={withoutTitle(a.body, a.title)} headingBase={2} trusted anchors resolve={articleLink} />
          </div>
          {onAsk && (
            <p lang={locale}>
              <button type="button" className="btn" onClick={() => onAsk("")}>
                <Icon name="ask" /> {t("help_ask")}
              </button>
            </p>
          )}
        </article>
        {contents.length > 1 && (
          <nav className="toc" aria-label={t("help_contents")}>
            <b>{t("help_contents")}</b>
            <ul>
              {contents.map((h) => (
                <li key={h.id} className={h.level === 3 ? "deep" : undefined}>
                  <Link href={`/help/${slug}#${h.id}`}>{h.text}</Link>
                </li>
              ))}
            </ul>
          </nav>
        )}
      </div>
    </div>
  );
}

/** Bodies may begin with the title as a heading; the page shows it already. */
function withoutTitle(body: string, title: string): string {
  const m = /^\s*#\s+(.+?)\s*\n/.exec(body);
  return m && m[1] === title ? body.slice(m[0].length) : body;
}
