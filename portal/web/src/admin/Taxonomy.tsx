import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { TaxonomyDraft, TaxonomyValue } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Icon } from "../ui/Icon";
import { listOf } from "../ui/lists";
import { Badge, Dialog, Field, Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { AddToDraft } from "./AddToDraft";
import { Reshape } from "./Reshape";
import { Suggestions } from "./Suggestions";
import { Draft } from "./TaxonomyDraft";

const dimensions = ["intent", "product_area", "team"] as const;
const routes = ["acknowledge", "status", "answer", "clarify", "escalate"] as const;

/** What a message can be about, and what follows from it. */
export function Taxonomy() {
  const list = useLoad((signal) => call("get", "/v1/admin/taxonomy/draft", { signal }), "taxonomy");
  const [edit, setEdit] = useState<{ value: TaxonomyValue; fresh: boolean }>();
  const [reshape, setReshape] = useState<TaxonomyValue>();
  const kept = (d: TaxonomyDraft) => {
    setEdit(undefined);
    setReshape(undefined);
    list.set(d);
    announce("Added to the draft.");
  };
  return (
    <div className="console-page">
      <Head title="Taxonomy" suffix="Knowledge">
        <button type="button" className="btn btn-primary" onClick={() => setEdit({ value: { dimension: "intent", value: "", description: "", route: "answer", enabled: true }, fresh: true })}>
          <Icon name="plus" /> New value
        </button>
      </Head>
      <p className="muted small">A description alone is enough to start with; examples make it better. Changes go into a draft: see what it would change, then publish it. Below is the taxonomy with the draft.</p>
      {list.error !== undefined && !list.data && <Failed error={list.error} onRetry={list.reload} />}
      {!list.data && list.loading && <Loading label="Loading…" />}
      {list.data && <Draft draft={list.data} onDraft={list.set} onPublished={list.reload} />}
      {list.data && (
        <Suggestions
          onDraft={list.set}
          onEdit={(name) => {
            const value = list.data?.values.find((v) => v.dimension === "intent" && v.value === name);
            if (value) setEdit({ value, fresh: false });
          }}
        />
      )}
      {list.data &&
        dimensions.map((d) => {
          const values = list.data?.values.filter((v) => v.dimension === d) ?? [];
          return (
            <section key={d} className="stack stack-3" aria-labelledby={`dim-${d}`}>
              <h2 id={`dim-${d}`}>{{ intent: "Intents", product_area: "Product areas", team: "Teams" }[d]}</h2>
              {values.length === 0 ? (
                <p className="muted small">None yet.</p>
              ) : (
                <div className="table-wrap" tabIndex={0} role="region" aria-label={words(d)}>
                  <table className="table">
                    <thead>
                      <tr>
                        <th scope="col">Value</th>
                        <th scope="col">Description</th>
                        <th scope="col">Route</th>
                        <th scope="col">Examples</th>
                        <th scope="col">Actions</th>
                      </tr>
                    </thead>
                    <tbody>
                      {values.map((v) => (
                        <tr key={v.value}>
                          <th scope="row">
                            <code>{v.value}</code>
                            <div className="row" style={{ gap: "0.25rem" }}>
                              {v.sensitive && <Badge tone="warn">Always a person</Badge>}
                              {v.enabled === false && <Badge>Off</Badge>}
                              {v.priority && <Badge>{words(v.priority)}</Badge>}
                            </div>
                          </th>
                          <td dir="auto">{v.description}</td>
                          <td>
                            {words(v.route)}
                            {v.team && <div className="tiny muted">{v.team}</div>}
                          </td>
                          <td className="num">{v.examples?.length ?? 0}</td>
                          <td>
                            <span className="row">
                              <button type="button" className="btn btn-small" onClick={() => setEdit({ value: v, fresh: false })} aria-label={`Edit ${v.value}`}>
                                Edit
                              </button>
                              <button type="button" className="btn btn-small btn-quiet" onClick={() => setReshape(v)} aria-label={`Reshape ${v.value}`}>
                                Reshape
                              </button>
                            </span>
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              )}
            </section>
          );
        })}
      {edit && <Edit start={edit.value} fresh={edit.fresh} onClose={() => setEdit(undefined)} onDone={kept} />}
      {reshape && <Reshape value={reshape} others={list.data?.values.filter((v) => v.dimension === reshape.dimension && v.value !== reshape.value) ?? []} onClose={() => setReshape(undefined)} onDone={kept} />}
    </div>
  );
}

function Edit({ start, fresh, onClose, onDone }: { start: TaxonomyValue; fresh: boolean; onClose: () => void; onDone: (d: TaxonomyDraft) => void }) {
  const [value, setValue] = useState(start);
  const [examples, setExamples] = useState("");
  const [problem, setProblem] = useState("");
  const set = (part: Partial<TaxonomyValue>) => setValue((v) => ({ ...v, ...part }));
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    const added = listOf(examples, "\n");
    try {
      const { examples: _there, ...rest } = value;
      onDone(await call("post", "/v1/admin/taxonomy/draft", { body: { kind: "put", dimension: value.dimension, value: { ...rest, value: value.value.trim() }, examples: added } }));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={fresh ? "New value" : value.value} onClose={onClose}>
      <form className="stack" onSubmit={(e) => void save(e)}>
        {fresh && (
          <div className="fields">
            <Field label="Kind">
              {(p) => (
                <select {...p} className="input" value={value.dimension} onChange={(e) => set({ dimension: e.target.value as TaxonomyValue["dimension"] })}>
                  {dimensions.map((d) => (
                    <option key={d} value={d}>
                      {words(d)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Name">{(p) => <input {...p} className="input" required maxLength={100} dir="ltr" value={value.value} onChange={(e) => set({ value: e.target.value })} />}</Field>
          </div>
        )}
        <Field label="Description">{(p) => <textarea {...p} className="input" rows={2} maxLength={1000} dir="auto" value={value.description} onChange={(e) => set({ description: e.target.value })} />}</Field>
        <div className="fields">
          <Field label="Route">
            {(p) => (
              <select {...p} className="input" value={value.route} onChange={(e) => set({ route: e.target.value as TaxonomyValue["route"] })}>
                {routes.map((r) => (
                  <option key={r} value={r}>
                    {words(r)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Team">{(p) => <input {...p} className="input" value={value.team ?? ""} onChange={(e) => set({ team: e.target.value })} />}</Field>
          <Field label="Priority">
            {(p) => (
              <select {...p} className="input" value={value.priority ?? ""} onChange={(e) => set({ priority: e.target.value })}>
                <option value="">From the message</option>
                {["urgent", "high", "normal", "low"].map((x) => (
                  <option key={x} value={x}>
                    {words(x)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <label className="row">
          <input type="checkbox" checked={value.sensitive ?? false} onChange={(e) => set({ sensitive: e.target.checked })} /> Always a person’s work
        </label>
        <label className="row">
          <input type="checkbox" checked={value.enabled ?? true} onChange={(e) => set({ enabled: e.target.checked })} /> In use
        </label>
        <Field label="Examples to add" hint={`One on each line. There are ${start.examples?.length ?? 0} now.`}>
          {(p) => <textarea {...p} className="input" rows={4} dir="auto" value={examples} onChange={(e) => setExamples(e.target.value)} />}
        </Field>
        <AddToDraft problem={problem} onClose={onClose} />
      </form>
    </Dialog>
  );
}
