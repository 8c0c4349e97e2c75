import { type ReactNode, Suspense } from "react";
import { lazily } from "../ui/lazily";
import { ApiError } from "../api/client";
import { useWords } from "../ui/i18n";
import { Mark } from "../ui/Icon";
import { useProblem } from "../ui/problem";
import { Link, usePage } from "../ui/router";

const SignIn = lazily(() => import("./SignIn").then((m) => ({ default: m.SignIn })));

/** A page that only says something: no frame around it, one way on. */
export function NoticePage({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useWords();
  const heading = usePage(title, t("brand"));
  return (
    <main className="notice-page" id="main">
      <Mark size={40} />
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </main>
  );
}

/** No session, or it is over: the way back in. */
export function SignedOut() {
  const { t } = useWords();
  return (
    <NoticePage title={t("signed_out")}>
      <p>{t("signed_out_body")}</p>
      <Suspense>
        <SignIn />
      </Suspense>
      <p className="row">
        <a className="btn" href="/help">
          {t("nav_help")}
        </a>
      </p>
    </NoticePage>
  );
}

/** Inside the frame: the page or the thing is not there. */
export function NotFound() {
  const { t } = useWords();
  const heading = usePage(t("not_found"), t("brand"));
  return (
    <div className="page page-narrow">
      <h1 ref={heading} tabIndex={-1}>
        {t("not_found")}
      </h1>
      <p>{t("not_found_body")}</p>
      <p>
        <Link className="btn" href="/">
          {t("to_start")}
        </Link>
      </p>
    </div>
  );
}

/** Inside the frame: loading failed. A missing thing and a forbidden one look alike. */
export function ErrorPage({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useWords();
  const explain = useProblem();
  const status = error instanceof ApiError ? error.status : ((error as { status?: number } | undefined)?.status ?? 500);
  if (status === 404 || status === 400 || status === 403 || status === 410) return <NotFound />;
  return (
    <div className="page page-narrow" role="alert">
      <p>{explain(error)}</p>
      <p>
        <button type="button" className="btn" onClick={onRetry ?? (() => location.reload())}>
          {t("retry")}
        </button>
      </p>
    </div>
  );
}
