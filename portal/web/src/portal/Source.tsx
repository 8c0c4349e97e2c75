import { call } from "../api/client";
import type { Citation } from "../api/types";
import { useWords } from "../ui/i18n";
import { Markdown } from "../ui/Markdown";
import { Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

/** The slug in a citation's address, /help/{slug}#{anchor}. */
export const slugOf = (url: string): string => decodeURIComponent(/^\/help\/([^#?]+)/.exec(url)?.[1] ?? "");

/** A source opened in place: the passage that was used, then its article. */
export function Source({ citation }: { citation: Citation }) {
  const { t } = useWords();
  const slug = slugOf(citation.url);
  const article = useLoad((signal) => call("get", "/v1/kb/articles/{slug}", { params: { slug }, signal }), slug);
  return (
    <div className="source-body" lang={citation.language}>
      {citation.quote && (
        <figure className="stack stack-2">
          <figcaption className="label">{t("source_excerpt")}</figcaption>
          <blockquote className="passage" dir="auto">
            <Markdown text={citation.quote} headingBase={4} />
          </blockquote>
        </figure>
      )}
      {article.loading && <Loading label={t("loading")} />}
      {article.error !== undefined && <p className="muted">{t("source_gone")}</p>}
      {article.data && (
        <div className="article-peek" dir="auto" tabIndex={0} role="region" aria-label={article.data.title}>
          <Markdown text={article.data.body} headingBase={3} trusted resolve={articleLink} />
        </div>
      )}
      <p>
        <a href={citation.url} target="_blank" rel="noopener">
          {t("source_open")}
        </a>
      </p>
    </div>
  );
}

/** Articles link to each other by slug or file name; here that is a help page. */
export function articleLink(href: string): string {
  if (href.startsWith("/") || href.startsWith("#")) return href;
  const [path = "", anchor] = href.split("#");
  const slug = path.replace(/^\.{1,2}\//g, "").replace(/\.md$/, "");
  return `/help/${slug}${anchor ? `#${anchor}` : ""}`;
}
