import { type FormEvent, useState } from "react";
import { ApiError, call } from "../api/client";
import type { AdminArticle, KnowledgeSource, UploadedArticle, Website, WebsitePage } from "../api/types";
import { upload } from "../api/upload";
import { announce } from "../ui/announce";
import { Failed, Head, locale, Pending, Problem, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { counted, listOf } from "../ui/lists";
import { Badge, Banner, Dialog, Empty, Field, Loading, Time, type Tone } from "../ui/parts";
import { Link, navigate, useLocation } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { AudienceSelect, levels, SpaceSelect } from "./Articles";
import { useAct } from "./useAct";

const kinds: Record<string, string> = { website: "Website", files: "Uploaded files", markdown: "Folder of Markdown", html: "Folder of HTML", jsonl: "JSON lines", manual: "Import" };
const cadences: Record<NonNullable<Website["cadence"]>, string> = { manual: "Only when asked", hourly: "Hourly", daily: "Daily", weekly: "Weekly" };

/** Where articles come from: websites, files, and what operators import. */
export function Websites() {
  const { query } = useLocation();
  const tenant = query.get("tenant") ?? "";
  const space = tenant || undefined;
  const load = useLoad((signal) => call("get", "/v1/admin/sources", { query: { tenant: space }, signal }), tenant, { every: 3_000 });
  const { problem, act } = useAct(load.reload);
  const [editing, setEditing] = useState<KnowledgeSource | "new">();
  const [removing, setRemoving] = useState<KnowledgeSource>();
  const [sending, setSending] = useState(false);
  const [open, setOpen] = useState("");
  const does = (s: KnowledgeSource, what: "sync" | "pause" | "resume", done: string) => void act(() => call("post", "/v1/admin/sources/{id}", { params: { id: s.id }, query: { tenant: space }, body: { act: what } }), done);
  return (
    <div className="console-page">
      <Head title="Websites and files" suffix="Knowledge">
        <button type="button" className="btn" onClick={() => setSending(true)}>
          <Icon name="file" /> Upload file
        </button>
        <button type="button" className="btn btn-primary" onClick={() => setEditing("new")}>
          <Icon name="plus" /> Add website
        </button>
      </Head>
      <p className="muted small">Where articles come from. New and changed pages wait as drafts unless a website publishes at once; what somebody edited by hand is never overwritten.</p>
      <div className="filters">
        <SpaceSelect value={tenant} onChange={(t) => navigate(t ? `/admin/websites?tenant=${t}` : "/admin/websites")} />
      </div>
      <Problem>{problem}</Problem>
      <Pending load={load} />
      {load.data?.sources.length === 0 && <Empty icon="book">No websites or files here yet. Articles are written by hand.</Empty>}
      <ul className="plain-list stack stack-2">
        {load.data?.sources.map((s) => (
          <li key={s.id} className="card stack stack-2">
            <p className="row">
              <b className="grow" dir="auto" style={{ overflowWrap: "anywhere" }}>
                {s.name}
              </b>
              <State source={s} />
            </p>
            <Facts source={s} />
            {s.last_error && !s.status?.running && <Banner tone="note">{s.last_error}</Banner>}
            <p className="row">
              {s.website && s.status && (
                <>
                  <button type="button" className="btn btn-small" aria-expanded={open === s.id} onClick={() => setOpen(open === s.id ? "" : s.id)}>
                    Pages <span className="vh">of {s.name}</span>
                  </button>
                  {!s.status.paused && (
                    <button type="button" className="btn btn-small" disabled={s.status.running} onClick={() => does(s, "sync", "The website is read now.")}>
                      Sync now <span className="vh">: {s.name}</span>
                    </button>
                  )}
                  <button type="button" className="btn btn-small" onClick={() => setEditing(s)}>
                    Edit <span className="vh">{s.name}</span>
                  </button>
                  <button type="button" className="btn btn-small btn-quiet" onClick={() => does(s, s.status?.paused ? "resume" : "pause", s.status?.paused ? "It goes on." : "Paused.")}>
                    {s.status.paused ? "Go on" : "Pause"} <span className="vh">: {s.name}</span>
                  </button>
                </>
              )}
              <button type="button" className="btn btn-small btn-quiet" onClick={() => setRemoving(s)}>
                Remove <span className="vh">{s.name}</span>
              </button>
            </p>
            {open === s.id && <Pages key={s.id + (s.last_sync_at ?? "")} source={s} tenant={tenant} />}
          </li>
        ))}
      </ul>
      {editing && (
        <Edit
          source={editing === "new" ? undefined : editing}
          tenant={tenant}
          onClose={() => setEditing(undefined)}
          onDone={() => {
            announce(editing === "new" ? "Added. Its pages are being read." : "Saved. Its pages are read again soon.");
            setEditing(undefined);
            load.reload();
          }}
        />
      )}
      {sending && <Send tenant={tenant} onClose={() => setSending(false)} onDone={load.reload} />}
      {removing && (
        <Dialog title={`Remove ${removing.name}?`} onClose={() => setRemoving(undefined)}>
          <div className="stack stack-3">
            <p>All articles that came from it are retired: customers do not see them any more, and the assistant does not quote them. They stay in the list of articles as retired.</p>
            <div className="row">
              <button
                type="button"
                className="btn btn-danger"
                onClick={() => {
                  const { id } = removing;
                  setRemoving(undefined);
                  void act(() => call("delete", "/v1/admin/sources/{id}", { params: { id }, query: { tenant: space } }), "Removed. Its articles are retired.");
                }}
              >
                Remove and retire its articles
              </button>
              <button type="button" className="btn" onClick={() => setRemoving(undefined)}>
                Cancel
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function State({ source: s }: { source: KnowledgeSource }) {
  if (!s.status) return <Badge>{kinds[s.kind] ?? words(s.kind)}</Badge>;
  if (s.status.paused) return <Badge>Paused</Badge>;
  if (s.status.running) return <Badge tone="info">Reading</Badge>;
  if (s.status.pages.conflict) return <Badge tone="warn">{counted(s.status.pages.conflict, "page")} to decide</Badge>;
  if (s.last_error) return <Badge tone="warn">Look at it</Badge>;
  return s.last_sync_at ? <Badge tone="ok">Up to date</Badge> : <Badge>Not read yet</Badge>;
}

/** Last and next sync, and what the last one did. */
function Facts({ source: s }: { source: KnowledgeSource }) {
  return (
    <p className="small muted">
      {s.status && kinds[s.kind] + " · "}
      {s.last_sync_at ? (
        <>
          last synced <Time at={s.last_sync_at} locale={locale} relative />
        </>
      ) : (
        "never synced"
      )}
      {s.status?.running && `, ${counted(s.status.read, "page")} read so far`}
      {s.website && !s.status?.paused && !s.status?.running && (s.next_sync_at ? <> · next sync <Time at={s.next_sync_at} locale={locale} relative /></> : " · only when asked")}
      {s.last_sync_at && (
        <>
          {" · "}
          {s.added} new, {s.updated} changed, {s.unchanged} unchanged, {s.retired} gone
        </>
      )}
      {s.website && (
        <>
          <br />
          {s.website.publish ? "Publishes at once" : "Drafts for review"} · {levels[s.website.audience ?? "customer"]}
        </>
      )}
    </p>
  );
}

const shown: Record<WebsitePage["state"], [string, Tone]> = {
  waiting: ["Not read yet", "plain"],
  ok: ["Article", "ok"],
  alias: ["Leads on", "plain"],
  duplicate: ["Same text", "plain"],
  skipped: ["Not taken in", "plain"],
  failed: ["Failed", "warn"],
  missing: ["Missing", "warn"],
  removed: ["Gone", "bad"],
  conflict: ["Needs a decision", "warn"],
};

const order = Object.keys(shown) as WebsitePage["state"][];

/** The pages of a website, a hundred at a time. */
function Pages({ source, tenant }: { source: KnowledgeSource; tenant: string }) {
  const counts = source.status?.pages ?? {};
  const [state, setState] = useState<WebsitePage["state"] | "">(counts.conflict ? "conflict" : "");
  const [after, setAfter] = useState<string[]>([]);
  const last = after.at(-1);
  const space = tenant || undefined;
  const load = useLoad((signal) => call("get", "/v1/admin/sources/{id}/pages", { params: { id: source.id }, query: { tenant: space, state: state || undefined, after: last }, signal }), `${source.id} ${state} ${last ?? ""}`);
  const { problem, act } = useAct(load.reload);
  const settle = (p: WebsitePage, choice: "page" | "mine" | "retire", done: string) => void act(() => call("post", "/v1/admin/sources/{id}/pages", { params: { id: source.id }, query: { tenant: space }, body: { url: p.url, choice } }), done);
  const suffix = tenant ? `?tenant=${tenant}` : "";
  return (
    <section className="stack stack-2" aria-label={`Pages of ${source.name}`}>
      <Field label="Show">
        {(p) => (
          <select
            {...p}
            className="input"
            value={state}
            onChange={(e) => {
              setState(e.target.value as WebsitePage["state"]);
              setAfter([]);
            }}
          >
            <option value="">All pages</option>
            {order.map((s) => (
              <option key={s} value={s}>
                {shown[s][0]} ({counts[s] ?? 0})
              </option>
            ))}
          </select>
        )}
      </Field>
      <Problem>{problem}</Problem>
      {load.error !== undefined && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data?.pages.length === 0 && <p className="muted small">No such pages.</p>}
      <ul className="plain-list stack stack-2">
        {load.data?.pages.map((p) => (
          <li key={p.url} className="stack" style={{ borderTop: "1px solid var(--line)", paddingTop: "0.5rem" }}>
            <p className="row">
              <span className="grow" style={{ overflowWrap: "anywhere" }}>
                {p.article_id ? (
                  <Link href={`/admin/articles/${p.article_id}${suffix}`}>
                    <bdi>{p.title || p.url}</bdi>
                  </Link>
                ) : (
                  <bdi>{p.title || p.url}</bdi>
                )}
              </span>
              {p.outcome && ["new", "changed"].includes(p.outcome) && <Badge tone="info">{words(p.outcome)}</Badge>}
              {p.outcome === "failed" && p.state !== "failed" && <Badge tone="warn">Failed</Badge>}
              {p.article_state && p.article_state !== "published" && <Badge>{words(p.article_state)}</Badge>}
              <Badge tone={shown[p.state][1]}>{shown[p.state][0]}</Badge>
            </p>
            <p className="tiny muted" dir="ltr" style={{ overflowWrap: "anywhere" }}>
              {p.url}
              {p.read_at && (
                <>
                  {" · read "}
                  <Time at={p.read_at} locale={locale} relative />
                </>
              )}
            </p>
            {p.problem && (
              <p className="small" style={{ overflowWrap: "anywhere" }}>
                {p.problem}
              </p>
            )}
            {p.signals.length > 0 && <Banner tone="note">Part of this text reads like an instruction to the assistant. Read it before you publish it.</Banner>}
            {p.state === "conflict" && (
              <p className="row">
                <button type="button" className="btn btn-small" onClick={() => settle(p, "mine", "The edit stays.")}>
                  Keep the edit <span className="vh">of {p.title}</span>
                </button>
                <button type="button" className="btn btn-small" onClick={() => settle(p, "page", source.website?.publish ? "The page's text is live." : "The page's text is a draft now.")}>
                  Take the page’s text <span className="vh">of {p.title}</span>
                </button>
              </p>
            )}
            {(p.state === "removed" || p.state === "missing") && p.article_state && p.article_state !== "retired" && (
              <p>
                <button type="button" className="btn btn-small" onClick={() => settle(p, "retire", "Retired.")}>
                  Retire its article <span className="vh">{p.title}</span>
                </button>
              </p>
            )}
          </li>
        ))}
      </ul>
      {(after.length > 0 || load.data?.more) && (
        <p className="row">
          {after.length > 0 && (
            <button type="button" className="btn btn-small" onClick={() => setAfter(after.slice(0, -1))}>
              Back
            </button>
          )}
          {load.data?.more && (
            <button type="button" className="btn btn-small" onClick={() => setAfter([...after, load.data?.pages.at(-1)?.url ?? ""])}>
              More pages
            </button>
          )}
        </p>
      )}
    </section>
  );
}

/** A website as it is added or changed. */
function Edit({ source, tenant, onClose, onDone }: { source?: KnowledgeSource; tenant: string; onClose: () => void; onDone: () => void }) {
  const was = source?.website;
  const [form, setForm] = useState<Website>(was ?? { url: "", cadence: "daily", max_pages: 500, audience: tenant ? "customer" : "public", publish: false });
  const [include, setInclude] = useState((was?.include ?? []).join("\n"));
  const [exclude, setExclude] = useState((was?.exclude ?? []).join("\n"));
  const [problem, setProblem] = useState("");
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const set = (part: Partial<Website>) => setForm((f) => ({ ...f, ...part }));
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    setWrong({});
    const body: Website = { ...form, url: form.url.trim(), include: listOf(include, "\n"), exclude: listOf(exclude, "\n") };
    const query = { tenant: tenant || undefined };
    try {
      if (source) await call("put", "/v1/admin/sources/{id}", { params: { id: source.id }, query, body });
      else await call("post", "/v1/admin/sources", { query, body });
      onDone();
    } catch (error) {
      const fields = error instanceof ApiError ? Object.fromEntries(error.errors.map((f) => [f.field, f.detail])) : {};
      setWrong(fields);
      if (!["url", "include", "exclude"].some((f) => fields[f])) setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={source ? `Edit ${source.name}` : "Add website"} onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void save(e)}>
        <Field label="Address" hint="A page to begin with, or a sitemap. Only this host is read." error={wrong.url}>
          {(p) => <input {...p} className="input" dir="ltr" type="url" required maxLength={2000} placeholder="https://" value={form.url} onChange={(e) => set({ url: e.target.value })} />}
        </Field>
        <div className="fields">
          <Field label="Paths to take in" hint="One a line, such as /docs/. Empty: all." error={wrong.include}>
            {(p) => <textarea {...p} className="input" dir="ltr" rows={3} spellCheck={false} value={include} onChange={(e) => setInclude(e.target.value)} />}
          </Field>
          <Field label="Paths to leave out" hint="One a line" error={wrong.exclude}>
            {(p) => <textarea {...p} className="input" dir="ltr" rows={3} spellCheck={false} value={exclude} onChange={(e) => setExclude(e.target.value)} />}
          </Field>
        </div>
        <div className="fields">
          <Field label="At most, pages">{(p) => <input {...p} className="input" type="number" required min={1} max={5000} value={form.max_pages ?? ""} onChange={(e) => set({ max_pages: e.target.value === "" ? undefined : Number(e.target.value) })} />}</Field>
          <Field label="Look again">
            {(p) => (
              <select {...p} className="input" value={form.cadence} onChange={(e) => set({ cadence: e.target.value as Website["cadence"] })}>
                {Object.entries(cadences).map(([value, name]) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Who may see the articles">
            {(p) => <AudienceSelect {...p} tenant={tenant} value={form.audience ?? "customer"} onChange={(audience) => set({ audience })} />}
          </Field>
          <Field label="Language" hint="Such as en; empty: what each page says">
            {(p) => <input {...p} className="input" dir="ltr" maxLength={20} value={form.locale ?? ""} onChange={(e) => set({ locale: e.target.value })} />}
          </Field>
        </div>
        <label className="row">
          <input type="checkbox" checked={form.publish ?? false} onChange={(e) => set({ publish: e.target.checked })} /> Publish at once, and retire the articles of pages that are gone
        </label>
        <p className="muted small">Without this, both wait for a curator’s decision.</p>
        <Problem>{problem}</Problem>
        <div className="row">
          <button type="submit" className="btn btn-primary">
            {source ? "Save" : "Add"}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const made: Record<UploadedArticle["outcome"], string> = { new: "A new draft was made.", changed: "The article has a new draft.", unchanged: "The article says the same already; nothing was changed." };

/** A file that becomes a draft. */
function Send({ tenant, onClose, onDone }: { tenant: string; onClose: () => void; onDone: () => void }) {
  const [file, setFile] = useState<File>();
  const [audience, setAudience] = useState<AdminArticle["audience"]["level"]>(tenant ? "customer" : "public");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [edited, setEdited] = useState(false);
  const [result, setResult] = useState<UploadedArticle>();
  const send = async (e: FormEvent) => {
    e.preventDefault();
    if (!file) return;
    setProblem("");
    setBusy(true);
    const query = new URLSearchParams({ file_name: file.name, audience, ...(tenant && { tenant }), ...(edited && { overwrite: "true" }) });
    try {
      const answer = await upload<UploadedArticle>(`/v1/admin/article-files?${query}`, file, () => {}).done;
      setResult(answer);
      setEdited(false);
      announce(made[answer.outcome]);
      onDone();
    } catch (error) {
      if (error instanceof ApiError && error.code === "edited_by_hand") setEdited(true);
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Upload file" onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void send(e)}>
        <Field label="File" hint="PDF with text, Word (.docx), Markdown or HTML, up to 20 MB. It becomes a draft; the same file again changes its article.">
          {(p) => (
            <input
              {...p}
              className="input"
              type="file"
              required
              accept=".pdf,.docx,.md,.markdown,.html,.htm"
              onChange={(e) => {
                setFile(e.target.files?.[0]);
                setProblem("");
                setEdited(false);
                setResult(undefined);
              }}
            />
          )}
        </Field>
        <Field label="Who may see the article">
          {(p) => <AudienceSelect {...p} tenant={tenant} value={audience} onChange={setAudience} />}
        </Field>
        <Problem>{problem}</Problem>
        {result && (
          <Banner tone="ok">
            {made[result.outcome]} <Link href={`/admin/articles/${result.article.id}${tenant ? `?tenant=${tenant}` : ""}`}>{result.article.title}</Link>
          </Banner>
        )}
        {result && result.signals.length > 0 && <Banner tone="note">Part of this text reads like an instruction to the assistant. Read it before you publish it.</Banner>}
        <div className="row">
          <button type="submit" className="btn btn-primary" disabled={busy || !file}>
            {edited ? "Replace the edit with a new draft" : "Upload"}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Close
          </button>
        </div>
      </form>
    </Dialog>
  );
}
