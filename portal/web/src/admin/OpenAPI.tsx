import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { OpenAPIOffer } from "../api/types";
import { announce } from "../ui/announce";
import { problemOf } from "../ui/Console";
import { Banner, Dialog, Empty, Field } from "../ui/parts";

type Operation = OpenAPIOffer["operations"][number];

/** What another system's OpenAPI description offers. Nothing is stored by choosing: a form is filled in. */
export function OpenAPI({ wants, onUse, onClose }: { wants: "action" | "source"; onUse: (operation: Operation) => void; onClose: () => void }) {
  const [text, setText] = useState("");
  const [offer, setOffer] = useState<OpenAPIOffer>();
  const [problem, setProblem] = useState("");
  const read = async (e: FormEvent) => {
    e.preventDefault();
    setProblem("");
    setOffer(undefined);
    try {
      const found = await call("post", "/v1/admin/openapi", { body: { document: text } });
      setOffer(found);
      announce(`${found.title} is read.`);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const fitting = offer?.operations.filter((o) => o[wants]) ?? [];
  return (
    <Dialog title="From OpenAPI" onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void read(e)}>
        <p className="small muted">Choose or paste the other system's OpenAPI 3 description, as JSON or YAML. No address in it is fetched, and nothing is stored.</p>
        <Field label="File">{(p) => <input {...p} className="input" type="file" accept=".json,.yaml,.yml" onChange={(e) => void e.target.files?.[0]?.text().then(setText)} />}</Field>
        <Field label="Description">{(p) => <textarea {...p} className="input" dir="ltr" rows={6} required maxLength={4000000} spellCheck={false} style={{ fontFamily: "var(--font-mono)" }} value={text} onChange={(e) => setText(e.target.value)} />}</Field>
        <p>
          <button type="submit" className="btn btn-primary">
            Read it
          </button>
        </p>
      </form>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {offer && fitting.length === 0 && <Empty icon="search">{wants === "action" ? "It offers nothing that changes something." : "It offers nothing that reads."}</Empty>}
      {fitting.length > 0 && (
        <ul className="plain-list stack stack-3" aria-label={offer?.title}>
          {fitting.map((o) => (
            <li key={`${o.method} ${o.path}`} className="stack stack-2">
              <p className="row">
                <span className="grow">
                  <b dir="auto">{o.title}</b>
                  <br />
                  <code className="tiny" style={{ overflowWrap: "anywhere" }}>
                    {o.method} {o.path}
                  </code>
                </span>
                <button type="button" className="btn btn-small" onClick={() => onUse(o)}>
                  Fill in <span className="vh">{o.title}</span>
                </button>
              </p>
              {o.notes.length > 0 && (
                <ul className="tiny muted" dir="auto">
                  {o.notes.map((n) => (
                    <li key={n}>{n}</li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
