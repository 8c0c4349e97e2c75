import { type FormEvent, useCallback, useEffect, useState } from "react";
import { ApiError } from "../api/client";
import { announce } from "./announce";
import type { Locale } from "./i18n";
import { Banner, Field } from "./parts";
import { stepUpWords } from "./stepUpWords";

type Props = {
  language: Locale;
  explain: (error: unknown) => string;
  /** Has a code mailed; says where to. */
  send: () => Promise<{ to: string }>;
  prove: (code: string) => Promise<unknown>;
  onDone: () => void;
  /** Where a code is on its way already; else one is sent at once. */
  sentTo?: string;
};

/** Takes a code that was mailed, and has another one mailed. */
export function CodeForm({ language, explain, send, prove, onDone, sentTo }: Props) {
  const w = stepUpWords[language];
  const [to, setTo] = useState("");
  const [code, setCode] = useState("");
  const [wrong, setWrong] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const tell = useCallback(
    (error: unknown) => {
      const known = error instanceof ApiError ? error.code : "";
      if (known === "wrong_code") return setWrong(w.wrong);
      const minutes = Math.max(1, Math.ceil((error instanceof ApiError ? (error.retryAfter ?? 60_000) : 60_000) / 60_000));
      setProblem(known === "code_over" ? w.over : known === "code_spent" ? w.spent : known === "code_paused" ? w.paused(minutes) : explain(error));
    },
    [w, explain],
  );
  const mail = useCallback(async () => {
    setProblem("");
    setWrong("");
    try {
      const sent = await send();
      setTo(sent.to);
      announce(w.sent(sent.to));
    } catch (error) {
      tell(error);
    }
  }, [send, w, tell]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one code when the field appears
  useEffect(() => void (sentTo || mail()), []);

  const enter = async (e: FormEvent) => {
    e.preventDefault();
    if (busy) return;
    setProblem("");
    const bad = code.replace(/\D/g, "").length === 6 ? "" : w.form;
    setWrong(bad);
    if (bad) return announce(bad);
    setBusy(true);
    try {
      await prove(code);
      onDone();
    } catch (error) {
      tell(error);
      setBusy(false);
    }
  };
  return (
    <form className="stack" noValidate onSubmit={(e) => void enter(e)}>
      {!problem && (!sentTo || to) && <p>{to ? w.sent(to) : w.sending}</p>}
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      <Field label={w.code} error={wrong || undefined}>
        {(p) => <input {...p} className="input" inputMode="numeric" autoComplete="one-time-code" maxLength={20} value={code} onChange={(e) => setCode(e.target.value)} />}
      </Field>
      <p className="row">
        <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
          {w.go}
        </button>
        <button type="button" className="btn" onClick={() => void mail()}>
          {w.again}
        </button>
      </p>
    </form>
  );
}
