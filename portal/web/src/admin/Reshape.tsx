import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { TaxonomyDraft, TaxonomyEdit, TaxonomyValue } from "../api/types";
import { problemOf } from "../ui/Console";
import { Dialog, Field } from "../ui/parts";
import { AddToDraft } from "./AddToDraft";

type Kind = "rename" | "merge" | "split" | "forget";
const kinds: Record<Kind, string> = {
  rename: "Give it another name",
  merge: "Merge it into another value",
  split: "Split some examples off as a new value",
  forget: "Forget some examples",
};

/** Renames, merges or splits a value, in the draft. */
export function Reshape({ value, others, onClose, onDone }: { value: TaxonomyValue; others: TaxonomyValue[]; onClose: () => void; onDone: (d: TaxonomyDraft) => void }) {
  const [kind, setKind] = useState<Kind>("rename");
  const [to, setTo] = useState("");
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [problem, setProblem] = useState("");
  const picks = kind === "split" || kind === "forget";
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    const edit: TaxonomyEdit = { kind, dimension: value.dimension, from: value.value };
    if (kind !== "forget") edit.to = to.trim();
    if (kind === "split") edit.description = description;
    if (picks) edit.examples = chosen;
    try {
      onDone(await call("post", "/v1/admin/taxonomy/draft", { body: edit }));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={`Reshape ${value.value}`} onClose={onClose}>
      <form className="stack" onSubmit={(e) => void save(e)}>
        <Field label="What to do">
          {(p) => (
            <select
              {...p}
              className="input"
              value={kind}
              onChange={(e) => {
                setKind(e.target.value as Kind);
                setTo("");
              }}
            >
              {Object.entries(kinds).map(([k, text]) => (
                <option key={k} value={k}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        {kind === "merge" && (
          <Field label="Into" hint="All its examples go there; it is gone then.">
            {(p) => (
              <select {...p} className="input" required value={to} onChange={(e) => setTo(e.target.value)}>
                <option value="">Choose a value</option>
                {others.map((v) => (
                  <option key={v.value} value={v.value}>
                    {v.value}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        {(kind === "rename" || kind === "split") && <Field label={kind === "rename" ? "New name" : "Name of the new value"}>{(p) => <input {...p} className="input" required maxLength={100} dir="ltr" value={to} onChange={(e) => setTo(e.target.value)} />}</Field>}
        {kind === "split" && <Field label="What it is about">{(p) => <textarea {...p} className="input" rows={2} maxLength={1000} dir="auto" value={description} onChange={(e) => setDescription(e.target.value)} />}</Field>}
        {picks && (
          <fieldset className="stack stack-2" style={{ border: 0, padding: 0, margin: 0 }}>
            <legend className="small">{kind === "split" ? "Examples that move" : "Examples to forget"}</legend>
            <div className="stack stack-2" style={{ maxBlockSize: "16rem", overflow: "auto" }} tabIndex={0} role="group" aria-label="Examples">
              {value.examples?.map((text) => (
                <label key={text} className="row small" dir="auto">
                  <input type="checkbox" checked={chosen.includes(text)} onChange={(e) => setChosen((was) => (e.target.checked ? [...was, text] : was.filter((x) => x !== text)))} /> {text}
                </label>
              ))}
              {(value.examples?.length ?? 0) === 0 && <p className="small muted">It has no examples.</p>}
            </div>
          </fieldset>
        )}
        <AddToDraft problem={problem} onClose={onClose} />
      </form>
    </Dialog>
  );
}
