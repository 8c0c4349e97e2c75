import { type FormEvent, useCallback, useEffect, useState } from "react";
import { ApiError, call } from "../api/client";
import { announce } from "./announce";
import type { Locale } from "./i18n";
import { Banner, Dialog, Field } from "./parts";
import { stepUpWords } from "./stepUpWords";

/** Whether a failed call waits for the person to confirm that it is them. */
export const needsStepUp = (error: unknown): boolean => error instanceof ApiError && error.code === "step_up_required";

/** Has a code mailed and takes it; onDone repeats what was asked for. */
export function StepUp({ language, explain, onDone, onClose, closeLabel }: { language: Locale; explain: (error: unknown) => string; onDone: () => void; onClose: () => void; closeLabel?: string }) {
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
  const send = useCallback(async () => {
    setProblem("");
    setWrong("");
    try {
      const sent = await call("post", "/v1/auth/code", {});
      setTo(sent.to);
      announce(w.sent(sent.to));
    } catch (error) {
      tell(error);
    }
  }, [w, tell]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one code when the dialog opens
  useEffect(() => void send(), []);

  const prove = async (e: FormEvent) => {
    e.preventDefault();
    if (busy) return;
    setProblem("");
    const bad = code.replace(/\D/g, "").length === 6 ? "" : w.form;
    setWrong(bad);
    if (bad) return announce(bad);
    setBusy(true);
    try {
      await call("put", "/v1/auth/code", { body: { code } });
      onDone();
    } catch (error) {
      tell(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={w.title} onClose={onClose} closeLabel={closeLabel}>
      <form className="stack" noValidate onSubmit={(e) => void prove(e)}>
        {!problem && <p>{to ? w.sent(to) : w.sending}</p>}
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
          <button type="button" className="btn" onClick={() => void send()}>
            {w.again}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
