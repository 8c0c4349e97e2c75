import { type FormEvent, useState } from "react";
import { saveFile } from "../api/save";
import type { ExportSection } from "../api/types";
import { announce } from "./announce";
import type { Locale } from "./i18n";
import { Banner, Field } from "./parts";
import { needsStepUp, StepUp } from "./StepUp";

const forAll: readonly ExportSection[] = ["milestones", "tasks", "documents", "integrations", "tickets", "sla", "sla_attainment"];
const forAdmins: readonly ExportSection[] = [...forAll, "conversations", "ratings", "audit"];

export type ExportWords = {
  what: string;
  from: string;
  to: string;
  open: string;
  format: string;
  download: string;
  working: string;
  saved: (name: string) => string;
  backwards: string;
  section: Record<ExportSection, string>;
};

/** Chooses what to export and of which days, and hands the file over; some of it is for administrators only. */
export function ExportForm({ base, words: w, admin = false, language = "en", closeLabel, explain }: { base: string; words: ExportWords; admin?: boolean; language?: Locale; closeLabel?: string; explain: (error: unknown) => string }) {
  const [section, setSection] = useState<ExportSection>("milestones");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [format, setFormat] = useState("csv");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [backwards, setBackwards] = useState(false);
  const [saved, setSaved] = useState("");
  const [asked, setAsked] = useState(false);

  const take = async (e?: FormEvent) => {
    e?.preventDefault();
    if (busy) return;
    setProblem("");
    setSaved("");
    const wrong = Boolean(from && to && to < from);
    setBackwards(wrong);
    if (wrong) return announce(w.backwards);
    setBusy(true);
    try {
      const query = new URLSearchParams({ format, ...(from && { from }), ...(to && { to }) });
      const text = w.saved(await saveFile(`${base}/${section}?${query}`));
      setSaved(text);
      announce(text);
    } catch (error) {
      if (needsStepUp(error)) setAsked(true);
      else setProblem(explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
    {asked && (
      <StepUp
        language={language}
        closeLabel={closeLabel}
        explain={explain}
        onClose={() => setAsked(false)}
        onDone={() => {
          setAsked(false);
          void take();
        }}
      />
    )}
    <form className="card stack" noValidate onSubmit={(e) => void take(e)}>
      <div className="fields">
        <Field label={w.what}>
          {(p) => (
            <select {...p} className="input" value={section} onChange={(e) => setSection(e.target.value as ExportSection)}>
              {(admin ? forAdmins : forAll).map((s) => (
                <option key={s} value={s}>
                  {w.section[s]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={w.from} hint={w.open}>
          {(p) => <input {...p} className="input" type="date" value={from} onChange={(e) => setFrom(e.target.value)} />}
        </Field>
        <Field label={w.to} hint={w.open} error={backwards ? w.backwards : undefined}>
          {(p) => <input {...p} className="input" type="date" value={to} onChange={(e) => setTo(e.target.value)} />}
        </Field>
        <Field label={w.format}>
          {(p) => (
            <select {...p} className="input" value={format} onChange={(e) => setFormat(e.target.value)}>
              <option value="csv">CSV</option>
              <option value="json">JSON</option>
            </select>
          )}
        </Field>
      </div>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {saved && <Banner tone="ok">{saved}</Banner>}
      <p>
        <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
          {busy ? w.working : w.download}
        </button>
      </p>
    </form>
    </>
  );
}
