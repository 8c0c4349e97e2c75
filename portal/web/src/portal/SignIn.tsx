import { useEffect, useState } from "react";
import { ApiError, call } from "../api/client";
import { useWords } from "../ui/i18n";
import { Loading } from "../ui/parts";
import { useLocation } from "../ui/router";
import { ErrorPage, ExpiredPage } from "./pages";

/** Where each kind of person starts. */
export function homeOf(me: { kind: string; roles: string[] }): string {
  if (me.kind !== "staff") return "/";
  return me.roles.some((r) => r === "agent" || r === "lead" || r === "admin") ? "/agent" : "/admin";
}

/** Exchanges the token of a sign-in link for a session. The token leaves the address at once. */
export function SignIn() {
  const { t } = useWords();
  const { query, hash } = useLocation();
  const [token] = useState(() => query.get("token") || new URLSearchParams(hash).get("token") || hash);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    history.replaceState(null, "", "/signin");
    if (!token) {
      setError(new ApiError(401, "link_missing", "", ""));
      return;
    }
    let live = true;
    call("post", "/v1/auth/link", { body: { token } }).then(
      (me) => location.replace(safeNext(query.get("next")) ?? homeOf(me)),
      (cause: unknown) => live && setError(cause),
    );
    return () => {
      live = false;
    };
  }, []); // eslint-disable-line react-hooks/exhaustive-deps -- a link is exchanged once
  if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) return <ExpiredPage link />;
  if (error) {
    return (
      <main className="notice-page" id="main">
        <ErrorPage error={error} onRetry={() => location.assign(`/signin#token=${encodeURIComponent(token)}`)} />
      </main>
    );
  }
  return (
    <main className="notice-page" id="main">
      <Loading label={t("loading")} />
    </main>
  );
}

/** Only an address of this site may be next. */
export function safeNext(next: string | null): string | undefined {
  return next && /^\/(?![/\\])/.test(next) ? next : undefined;
}
