import { useState } from "react";
import { call } from "../api/client";
import type { TaxonomyDraft, TaxonomySuggestion } from "../api/types";
import { announce } from "../ui/announce";
import { locale, problemOf } from "../ui/Console";
import { Badge, Banner, Field, Time } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

const titles = { new: "New value", overlap: "Overlap", unused: "Not used" } as const;

/** What is proposed for the taxonomy, with its reasons. */
export function Suggestions({ onDraft, onEdit }: { onDraft: (d: TaxonomyDraft) => void; onEdit: (value: string) => void }) {
  const list = useLoad((signal) => call("get", "/v1/admin/taxonomy/suggestions", { signal }), "suggestions", { every: 20_000 });
  const [problem, setProblem] = useState("");
  const settle = async (x: TaxonomySuggestion, act: "accept" | "dismiss", more?: { name: string; description: string }) => {
    setProblem("");
    try {
      const draft = await call("post", "/v1/admin/taxonomy/suggestions/{id}", { params: { id: x.id }, body: { act, ...more } });
      announce(act === "accept" ? "Added to the draft." : "Turned down. It will not be suggested again.");
      if (act === "accept") onDraft(draft);
      list.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const suggestions = list.data?.suggestions ?? [];
  if (suggestions.length === 0) return null;
  return (
    <section className="stack stack-3" aria-labelledby="suggestions">
      <h2 id="suggestions">Suggestions</h2>
      <p className="small muted">Made from customers’ questions of the last four weeks, from corrections and from the last training. Taking one adds a step to the draft; nothing else happens. A suggestion waits four weeks.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      <ul className="plain-list stack stack-2">
        {suggestions.map((x) => (
          <One key={x.id} x={x} onEdit={onEdit} onSettle={(act, more) => void settle(x, act, more)} />
        ))}
      </ul>
    </section>
  );
}

function One({ x, onSettle, onEdit }: { x: TaxonomySuggestion; onSettle: (act: "accept" | "dismiss", more?: { name: string; description: string }) => void; onEdit: (value: string) => void }) {
  const [name, setName] = useState(x.value);
  const [description, setDescription] = useState(x.words ? `Questions about ${x.words}.` : "");
  return (
    <li className="card stack stack-2">
      <p className="row">
        <Badge tone="info">{titles[x.kind]}</Badge>
        <b className="grow" dir="auto">
          {x.kind === "new" ? `Customers ask about “${x.words}”, and no value fits` : x.kind === "overlap" ? `“${x.value}” and “${x.other}” are taken for each other` : `No message was about “${x.value}”`}
        </b>
        <span className="tiny muted">
          until <Time at={x.expires_at} locale={locale} />
        </span>
      </p>
      <p className="small muted">{reason(x)}</p>
      {x.examples.length > 0 && (
        <ul className="small">
          {x.examples.map((text) => (
            <li key={text} dir="auto">
              {text}
            </li>
          ))}
        </ul>
      )}
      {x.kind === "new" && (
        <div className="fields">
          <Field label="Name">{(p) => <input {...p} className="input" maxLength={100} dir="ltr" value={name} onChange={(e) => setName(e.target.value)} />}</Field>
          <Field label="Description">{(p) => <input {...p} className="input" maxLength={1000} dir="auto" value={description} onChange={(e) => setDescription(e.target.value)} />}</Field>
        </div>
      )}
      <p className="row">
        {x.acceptable && (
          <button type="button" className="btn btn-small" onClick={() => onSettle("accept", x.kind === "new" ? { name: name.trim(), description: description.trim() } : undefined)}>
            {x.kind === "new" ? "Add it to the draft" : x.kind === "overlap" ? `Merge into ${x.other}` : "Switch it off"} <span className="vh">{x.kind === "overlap" ? x.value : name}</span>
          </button>
        )}
        {x.kind === "overlap" &&
          [x.value, x.other ?? ""].map((value) => (
            <button key={value} type="button" className="btn btn-small" onClick={() => onEdit(value)}>
              Sharpen {value}
            </button>
          ))}
        <button type="button" className="btn btn-small btn-quiet" onClick={() => onSettle("dismiss")}>
          Turn down <span className="vh">{x.words ?? x.value}</span>
        </button>
      </p>
    </li>
  );
}

function reason(x: TaxonomySuggestion): string {
  switch (x.kind) {
    case "new":
      return `${x.unfit} of ${x.questions} questions of ${x.tenants === 1 ? "one organisation" : `${x.tenants} organisations`} in four weeks fit no value.`;
    case "overlap": {
      const parts = [];
      if (x.corrected > 0) parts.push(`people changed one into the other ${x.corrected} times in 90 days`);
      if (x.mixed > 0) parts.push(`${x.mixed} of ${x.of} examples held back at the last training were taken for the other`);
      const text = parts.join("; ");
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}. Merge them, or sharpen what each is about.`;
    }
    case "unused":
      return `None of ${x.of} messages of the last 90 days was about it.`;
  }
}
