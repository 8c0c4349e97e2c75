import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, call, type FieldProblem } from "../api/client";
import type { AdminArticle, ArticleContent, Audience, Version } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, locale, problemOf } from "../ui/Console";
import { readDraft, writeDraft } from "../ui/draft";
import { longDate, words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { listOf } from "../ui/lists";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, Dialog, Field, Loading, Time } from "../ui/parts";
import { Link, navigate, useLocation } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { AudienceSelect, SpaceSelect, StateBadges } from "./Articles";
import { diffLines } from "./diff";
import { Effect } from "./Effect";

type Draft = { title: string; description: string; slug: string; locale: string; tags: string; body: string; audience: Audience };

const blank: Draft = { title: "", description: "", slug: "", locale: "en", tags: "", body: "", audience: { level: "customer" } };

const draftOf = (a: AdminArticle): Draft => ({
  title: a.title,
  description: a.description ?? "",
  slug: a.slug,
  locale: a.locale ?? "en",
  tags: (a.tags ?? []).join(", "),
  body: a.body ?? a.live_body ?? "",
  audience: a.audience,
});

function contentOf(d: Draft, base?: string): ArticleContent {
  return {
    title: d.title.trim(),
    body: d.body,
    audience: d.audience,
    tags: listOf(d.tags),
    ...(d.description.trim() && { description: d.description.trim() }),
    ...(d.slug.trim() && { slug: d.slug.trim() }),
    ...(d.locale.trim() && { locale: d.locale.trim() }),
    ...(base && { base }),
  };
}

/** Changes whenever the server's text does. */
const stampOf = (a: AdminArticle) => `${a.id} ${a.working_updated_at ?? ""} ${a.updated_at} ${a.state}`;

const newDraft = (tenant: string) => `article.${tenant || "shared"}`;

/** A new article: what was begun on this device, unless a question asks for another. */
function begun(tenant: string, title: string): Draft {
  if (title) return { ...blank, title };
  try {
    return { ...blank, ...(JSON.parse(readDraft(newDraft(tenant)) || "{}") as Partial<Draft>) };
  } catch {
    return blank;
  }
}

type Troubles = { text: string; fields: Record<string, string> };

function troubles(error: unknown): Troubles {
  const fields = error instanceof ApiError ? Object.fromEntries(error.errors.map((e) => [e.field, e.detail])) : {};
  const changed = error instanceof ApiError && error.status === 409;
  return { text: changed ? `${error.detail || "Somebody else changed this article."} Your text is kept here; open the article in another tab to compare.` : problemOf(error), fields };
}

/** An article's text with its live preview, its states and its versions. */
export function Editor({ id }: { id?: string }) {
  const { query } = useLocation();
  const tenant = query.get("tenant") ?? "";
  const space = { tenant: tenant || undefined };
  const loaded = useLoad((signal) => (id ? call("get", "/v1/admin/articles/{id}", { params: { id }, query: space, signal }) : Promise.resolve(undefined)), id ?? "new");
  const article = loaded.data;
  const [draft, setDraft] = useState<Draft>(() => (id ? blank : begun(tenant, query.get("title") ?? "")));
  const [saved, setSaved] = useState(JSON.stringify(blank));
  const [problem, setProblem] = useState<Troubles>({ text: "", fields: {} });
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const [broken, setBroken] = useState<FieldProblem[]>();
  const [sure, setSure] = useState<"retire" | "discard">();
  const dirty = JSON.stringify(draft) !== saved;

  const stamp = article && stampOf(article);
  const taken = useRef("");
  useEffect(() => {
    if (!article || !stamp || taken.current === stamp) return;
    taken.current = stamp;
    const d = draftOf(article);
    setDraft(d);
    setSaved(JSON.stringify(d));
  }, [article, stamp]);

  useEffect(() => {
    if (!dirty) return;
    const warn = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [dirty]);

  // What was typed is kept after a pause: as the unpublished edit on the server,
  // or on this device while there is no article yet.
  const live = useRef(article);
  if (article) live.current = article;
  const saving = useRef<Promise<void>>(undefined);
  const quietly = async () => {
    const from = live.current;
    if (!id || !from || !dirty || busy || !draft.title.trim()) return;
    try {
      const a = await call("put", "/v1/admin/articles/{id}", { params: { id }, query: space, body: contentOf(draft, from.working_updated_at ?? from.updated_at) });
      live.current = a;
      taken.current = stampOf(a); // what is typed meanwhile stays
      setSaved(JSON.stringify(draft));
      loaded.set(a);
      setSaid("Saved by itself. The live version is unchanged until you publish.");
      setProblem({ text: "", fields: {} });
    } catch (error) {
      setProblem(troubles(error));
    }
  };
  const keep = useRef(quietly);
  keep.current = quietly;
  useEffect(() => {
    const text = JSON.stringify(draft);
    if (!id) {
      if (text !== JSON.stringify(blank)) writeDraft(newDraft(tenant), text);
      return;
    }
    const timer = setTimeout(() => (saving.current = keep.current()), 2500);
    return () => clearTimeout(timer);
  }, [id, tenant, draft]);

  if (loaded.error && !article) {
    const missing = loaded.error instanceof ApiError && loaded.error.status === 404;
    return <div className="console-page">{missing ? <p className="empty">There is no such article in this space.</p> : <Failed error={loaded.error} onRetry={loaded.reload} />}</div>;
  }
  if (id && !article) {
    return (
      <div className="console-page">
        <Loading label="Loading the article…" />
      </div>
    );
  }

  const run = async (what: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setProblem({ text: "", fields: {} });
    setSaid("");
    try {
      await saving.current;
      await what();
    } catch (error) {
      setProblem(troubles(error));
    } finally {
      setBusy(false);
    }
  };
  const done = (text: string) => {
    setSaid(text);
    announce(text);
  };
  const save = async (): Promise<AdminArticle> => {
    if (!id) {
      const gap = query.get("gap");
      const made = await call("post", "/v1/admin/articles", { query: space, body: contentOf(draft) });
      writeDraft(newDraft(tenant), "");
      if (gap) await call("post", "/v1/admin/gaps/{id}/resolve", { params: { id: gap }, body: { state: "closed", article_id: made.id } });
      return made;
    }
    return call("put", "/v1/admin/articles/{id}", { params: { id }, query: space, body: contentOf(draft, live.current?.working_updated_at ?? live.current?.updated_at) });
  };
  const take = (a: AdminArticle) => {
    const d = draftOf(a);
    setDraft(d);
    setSaved(JSON.stringify(d));
    live.current = a;
    taken.current = stampOf(a);
    if (id) loaded.set(a);
    else navigate(`/admin/articles/${a.id}${tenant ? `?tenant=${tenant}` : ""}`, { replace: true });
  };
  const onSave = (e: FormEvent) => {
    e.preventDefault();
    void run(async () => {
      take(await save());
      done("Saved. The live version is unchanged until you publish.");
    });
  };
  const act = (what: "submit" | "publish" | "retire" | "verify" | "discard", text: string, anyway = false) =>
    run(async () => {
      setBroken(undefined);
      const current = dirty && what !== "discard" && what !== "retire" ? await save() : article;
      if (!current) return;
      try {
        take(await call("post", "/v1/admin/articles/{id}/{act}", { params: { id: current.id, act: what }, query: space, body: anyway ? { anyway } : {} }));
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "questions_would_fail") throw error;
        take(current);
        setBroken(error.errors);
        return;
      }
      done(text);
      setSure(undefined);
    });
  const back = async (v: Version) =>
    run(async () => {
      if (!id) return;
      take(await call("post", "/v1/admin/articles/{id}/{act}", { params: { id, act: "rollback" }, query: space, body: { version_id: v.id } }));
      done(`Version ${v.number} is the text again.`);
    });
  const set = (part: Partial<Draft>) => setDraft((d) => ({ ...d, ...part }));

  return (
    <div className="console-page">
      <p>
        <Link href={`/admin/articles${tenant ? `?tenant=${tenant}` : ""}`}>
          <Icon name="back" flip /> Articles
        </Link>
      </p>
      <Head title={article?.title ?? "New article"} suffix="Knowledge">
        {article && <StateBadges article={article} />}
        {dirty && <Badge tone="note">Not saved</Badge>}
      </Head>
      {article && (
        <p className="small muted">
          {article.published_at ? <>Published {longDate(article.published_at, locale)}. </> : <>Never published. </>}
          {article.indexed_at && <>Answerable since {longDate(article.indexed_at, locale)}. </>}
          {article.verified_until && <>Verified until {longDate(article.verified_until, locale)}. </>}
          {article.usage && (
            <>
              Cited {article.usage.cited ?? 0} times: {article.usage.helpful ?? 0} helpful, {article.usage.not_helpful ?? 0} not, {article.usage.escalated ?? 0} led to a person.
            </>
          )}
        </p>
      )}
      {article?.working && !dirty && <Effect article={article.id} tenant={tenant} />}
      <form className="stack" onSubmit={onSave}>
        <div className="row">
          <button type="submit" className="btn" aria-disabled={busy || !dirty || undefined}>
            Save draft
          </button>
          {(article?.working === "draft" || dirty || !article) && (
            <button type="button" className="btn" aria-disabled={busy || undefined} onClick={() => void act("submit", "Submitted for review.")} hidden={!article}>
              Submit for review
            </button>
          )}
          {article && (
            <button type="button" className="btn btn-primary" aria-disabled={busy || undefined} onClick={() => void act("publish", "Published. Answers use it as soon as it is indexed.")}>
              Publish
            </button>
          )}
          {article && (
            <Link className="btn btn-quiet" href={`/admin/test?drafts=1${tenant ? `&tenant=${tenant}` : ""}`}>
              <Icon name="flask" /> Test a question on drafts
            </Link>
          )}
          <span className="grow" />
          {article?.state === "published" && (
            <>
              <button type="button" className="btn btn-quiet" onClick={() => void act("verify", "Verified.")}>
                <Icon name="check" /> Still right
              </button>
              <button type="button" className="btn btn-danger" onClick={() => setSure("retire")}>
                Retire
              </button>
            </>
          )}
          {article?.working && article.state !== "draft" && (
            <button type="button" className="btn btn-quiet" onClick={() => setSure("discard")}>
              Discard edit
            </button>
          )}
        </div>
        {problem.text && (
          <Banner tone="bad" role="alert">
            {problem.text}
          </Banner>
        )}
        {said && <Banner tone="ok">{said}</Banner>}
        <div className="fields">
          {!id && <SpaceSelect value={tenant} onChange={(t) => navigate(t ? `/admin/articles/new?tenant=${t}` : "/admin/articles/new", { replace: true })} />}
          <Field label="Title" error={problem.fields.title}>
            {(p) => <input {...p} className="input" required maxLength={300} dir="auto" value={draft.title} onChange={(e) => set({ title: e.target.value })} />}
          </Field>
          <Field label="Description" error={problem.fields.description}>
            {(p) => <input {...p} className="input" maxLength={1000} dir="auto" value={draft.description} onChange={(e) => set({ description: e.target.value })} />}
          </Field>
          <Field label="Address" hint={id ? undefined : "Made from the title when empty."} error={problem.fields.slug}>
            {(p) => <input {...p} className="input" maxLength={200} dir="ltr" value={draft.slug} onChange={(e) => set({ slug: e.target.value })} />}
          </Field>
          <Field label="Language" error={problem.fields.locale}>
            {(p) => <input {...p} className="input" maxLength={20} dir="ltr" value={draft.locale} onChange={(e) => set({ locale: e.target.value })} />}
          </Field>
          <Field label="Tags" hint="Separated by commas.">
            {(p) => <input {...p} className="input" dir="auto" value={draft.tags} onChange={(e) => set({ tags: e.target.value })} />}
          </Field>
        </div>
        <AudienceFields value={draft.audience} onChange={(audience) => set({ audience })} error={problem.fields.audience} />
        <div className="editor">
          <Field label="Text (Markdown)" error={problem.fields.body}>
            {(p) => <textarea {...p} className="input" dir="auto" spellCheck value={draft.body} onChange={(e) => set({ body: e.target.value })} />}
          </Field>
          <section className="field" aria-labelledby="preview-title">
            <h2 id="preview-title" className="label">
              Preview
            </h2>
            <div className="card live" dir="auto" lang={draft.locale} tabIndex={0} role="region" aria-label="Preview of the article">
              {draft.body.trim() ? <Markdown text={draft.body} headingBase={3} trusted /> : <p className="muted">The text appears here as you write.</p>}
            </div>
          </section>
        </div>
      </form>
      {id && <Versions id={id} tenant={tenant} stamp={stamp ?? ""} current={draft.body} onBack={back} />}
      {broken && (
        <Dialog title="Kept questions would fail" onClose={() => setBroken(undefined)}>
          <p>With this edit these questions would no longer be answered as expected. Nothing was published.</p>
          <ul className="stack stack-2">
            {broken.map((b) => (
              <li key={b.field}>
                <b dir="auto">{b.field}</b>
                <br />
                <span className="muted">{b.detail}</span>
              </li>
            ))}
          </ul>
          <div className="dialog-foot">
            <button type="button" className="btn" onClick={() => setBroken(undefined)}>
              Keep editing
            </button>
            <button type="button" className="btn btn-danger" onClick={() => void act("publish", "Published. Answers use it as soon as it is indexed.", true)}>
              Publish anyway
            </button>
          </div>
        </Dialog>
      )}
      {sure && (
        <Dialog title={sure === "retire" ? "Retire this article?" : "Discard the unpublished edit?"} onClose={() => setSure(undefined)}>
          <p>{sure === "retire" ? "It leaves the help centre, search and answers at once. Its versions are kept, and you can publish it again." : "The live version stays as it is. The edit is kept in the versions as discarded."}</p>
          <div className="dialog-foot">
            <button type="button" className="btn" onClick={() => setSure(undefined)}>
              Cancel
            </button>
            <button type="button" className="btn btn-danger" onClick={() => void act(sure, sure === "retire" ? "Retired." : "Discarded.")}>
              {sure === "retire" ? "Retire" : "Discard edit"}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function AudienceFields({ value, onChange, error }: { value: Audience; onChange: (a: Audience) => void; error?: string }) {
  const narrow = (name: "departments" | "roles" | "plans" | "locales", label: string, hint: string) => (
    <Field label={label} hint={hint}>
      {(p) => (
        <input
          {...p}
          key={name}
          className="input"
          defaultValue={(value[name] ?? []).join(", ")}
          onBlur={(e) => {
            const values = listOf(e.target.value);
            const { [name]: _, ...rest } = value;
            onChange(values.length ? { ...rest, [name]: values } : rest);
          }}
        />
      )}
    </Field>
  );
  return (
    <fieldset className="card stack stack-3">
      <legend className="label">Who may see it</legend>
      <div className="fields" key={JSON.stringify(value)}>
        <Field label="Audience" error={error}>
          {(p) => <AudienceSelect {...p} value={value.level} onChange={(level) => onChange({ ...value, level })} />}
        </Field>
        {narrow("departments", "Departments", "Empty: all.")}
        {narrow("roles", "Roles", "Empty: all.")}
        {narrow("plans", "Plans", "Empty: all.")}
        {narrow("locales", "Locales", "Empty: all.")}
      </div>
    </fieldset>
  );
}

function Versions({ id, tenant, stamp, current, onBack }: { id: string; tenant: string; stamp: string; current: string; onBack: (v: Version) => void }) {
  const versions = useLoad((signal) => call("get", "/v1/admin/articles/{id}/versions", { params: { id }, query: { tenant: tenant || undefined }, signal }), `${id} ${stamp}`);
  const [shown, setShown] = useState<Version>();
  const diff = useMemo(() => (shown ? diffLines(shown.body ?? "", current) : []), [shown, current]);
  return (
    <section className="stack stack-3" aria-labelledby="versions">
      <h2 id="versions">Versions</h2>
      {versions.error !== undefined && <Failed error={versions.error} onRetry={versions.reload} />}
      {versions.data && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Versions">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Number</th>
                <th scope="col">State</th>
                <th scope="col">Title</th>
                <th scope="col">Made</th>
                <th scope="col">Actions</th>
              </tr>
            </thead>
            <tbody>
              {versions.data.versions.map((v) => (
                <tr key={v.id}>
                  <th scope="row" className="num">
                    {v.number}
                  </th>
                  <td>
                    <Badge tone={v.state === "published" ? "ok" : v.state === "in_review" ? "info" : "plain"}>{words(v.state)}</Badge>
                  </td>
                  <td dir="auto">
                    {v.title}
                    {v.note && <div className="tiny muted">{v.note}</div>}
                  </td>
                  <td className="nowrap">
                    <Time at={v.published_at ?? v.created_at} locale={locale} />
                  </td>
                  <td>
                    <span className="row">
                      <button type="button" className="btn btn-small" onClick={() => setShown(v)} aria-label={`Compare version ${v.number}`}>
                        Compare
                      </button>
                      {v.state !== "published" && (
                        <button type="button" className="btn btn-small btn-quiet" onClick={() => onBack(v)} aria-label={`Roll back to version ${v.number}`}>
                          Roll back
                        </button>
                      )}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown && (
        <div className="wide-dialog">
          <Dialog title={`Version ${shown.number} compared with the text now`} onClose={() => setShown(undefined)}>
            <div className="diff" tabIndex={0} role="region" aria-label="Differences" dir="auto">
              {diff.map((line, i) => (
                <div key={i} className={line.kind}>
                  {line.kind === "added" ? "+ " : line.kind === "removed" ? "− " : "  "}
                  {line.text}
                </div>
              ))}
            </div>
            {diff.every((l) => l.kind === "same") && <p className="muted">The texts are the same.</p>}
          </Dialog>
        </div>
      )}
    </section>
  );
}
