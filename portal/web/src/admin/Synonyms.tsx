import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { Synonym } from "../api/types";
import { Failed, Head } from "../ui/Console";
import { listOf } from "../ui/lists";
import { Badge, Banner, Empty, Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { useAct } from "./useAct";

/** Words that mean the same when somebody searches. */
export function Synonyms() {
  const list = useLoad((signal) => call("get", "/v1/admin/synonyms", { signal }), "synonyms");
  const [terms, setTerms] = useState("");
  const [language, setLanguage] = useState("");
  const { problem, act } = useAct(list.reload);
  const [wrong, setWrong] = useState("");
  const add = async (e: FormEvent) => {
    e.preventDefault();
    const words = listOf(terms);
    setWrong(words.length < 2 ? "Write at least two terms, separated by commas." : "");
    if (words.length < 2) return;
    await act(async () => {
      await call("post", "/v1/admin/synonyms", { body: { terms: words, ...(language.trim() && { locale: language.trim() }) } });
      setTerms("");
    }, "Added.");
  };
  const remove = (s: Synonym) =>
    act(async () => {
      if (s.id) await call("delete", "/v1/admin/synonyms/{id}", { params: { id: s.id } });
    }, "Removed.");
  return (
    <div className="console-page">
      <Head title="Synonyms" suffix="Knowledge" />
      <form className="card stack" onSubmit={(e) => void add(e)}>
        <div className="fields">
          <Field label="Terms that mean the same" hint="Separated by commas." error={wrong}>
            {(p) => <input {...p} className="input" dir="auto" value={terms} onChange={(e) => setTerms(e.target.value)} />}
          </Field>
          <Field label="Language" hint="Empty: all.">
            {(p) => <input {...p} className="input" dir="ltr" maxLength={20} value={language} onChange={(e) => setLanguage(e.target.value)} />}
          </Field>
        </div>
        <p>
          <button type="submit" className="btn btn-primary">
            Add
          </button>
        </p>
      </form>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {list.error !== undefined && !list.data && <Failed error={list.error} onRetry={list.reload} />}
      {!list.data && list.loading && <Loading label="Loading…" />}
      {list.data?.synonyms.length === 0 && <Empty icon="swap">No synonyms yet.</Empty>}
      <ul className="plain-list stack stack-2">
        {list.data?.synonyms.map((s) => (
          <li key={s.id ?? s.terms.join()} className="card row">
            <span className="row grow" dir="auto">
              {s.terms.map((t) => (
                <Badge key={t}>{t}</Badge>
              ))}
              {s.locale && <span className="tiny muted">{s.locale}</span>}
            </span>
            <button type="button" className="btn btn-small btn-quiet" onClick={() => void remove(s)} aria-label={`Remove ${s.terms.join(", ")}`}>
              Remove
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
