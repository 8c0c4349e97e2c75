import { type FormEvent, useState } from "react";
import { ApiError, call } from "../api/client";
import { announce } from "../ui/announce";
import { useWords } from "../ui/i18n";
import { Banner, Field } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { stored } from "../ui/theme";
import { useSignInWords } from "./signInWords";

/** Where the person wanted to go: this page, or what led here. */
function wanted(): string {
  const asked = new URLSearchParams(location.search).get("next");
  if (asked) return asked;
  if (location.pathname !== "/" && location.pathname !== "/signin") return location.pathname + location.search;
  return stored("usher.next")?.split(" ")[1]?.split("#")[0] ?? "";
}

/**
 * Asks for the work address; nothing to remember, copy or solve. Inside another page an organisation's
 * sign-in, which no frame may show, opens in a tab of its own.
 */
export function SignIn({ framed = false }: { framed?: boolean }) {
  const { language } = useWords();
  const w = useSignInWords();
  const explain = useProblem();
  const [email, setEmail] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const [problem, setProblem] = useState("");
  const [sent, setSent] = useState(false);
  const [tab, setTab] = useState(false);

  const go = async (e: FormEvent) => {
    e.preventDefault();
    if (busy) return;
    setProblem("");
    setSent(false);
    const bad = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email.trim()) ? "" : w.wrong;
    setWrong(bad);
    if (bad) return announce(bad);
    setBusy(true);
    try {
      const step = await call("post", "/v1/auth/start", { body: { email: email.trim(), next: wanted() || undefined, language } });
      if (step.url && framed) return setTab(true);
      if (step.url) return location.assign(step.url);
      setSent(true);
      announce(w.sent);
    } catch (error) {
      const code = error instanceof ApiError ? error.code : "";
      if (code === "bad_address") setWrong(w.wrong);
      else setProblem(code === "no_mail" ? w.noMail : code === "provider_unavailable" ? w.away : explain(error));
    }
    setBusy(false);
  };
  if (tab)
    return (
      <p>
        <a className="btn btn-primary" href="/signin" target="_blank" rel="noopener">
          {w.tab}
        </a>
      </p>
    );
  return (
    <form className="stack" noValidate onSubmit={(e) => void go(e)}>
      {framed && <p>{w.framed}</p>}
      <Field label={w.email} hint={w.hint} error={wrong || undefined}>
        {(p) => <input {...p} className="input" type="email" autoComplete="username" inputMode="email" value={email} onChange={(e) => setEmail(e.target.value)} />}
      </Field>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {sent && <Banner tone="ok">{w.sent}</Banner>}
      <p>
        <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
          {w.go}
        </button>
      </p>
    </form>
  );
}
