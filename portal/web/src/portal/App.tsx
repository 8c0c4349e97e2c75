import { type ReactNode, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { lazily } from "../ui/lazily";
import { call, onSignedOut } from "../api/client";
import type { Me } from "../api/types";
import { Announcer } from "../ui/announce";
import { writeDraft } from "../ui/draft";
import { loadWords, type Locale, locales, pickLocale, useWords, type Words, WordsContext } from "../ui/i18n";
import { Icon, type IconName, Mark } from "../ui/Icon";
import { Offline } from "../ui/Offline";
import { Dialog, Loading } from "../ui/parts";
import { Link, match, navigate, useLocation } from "../ui/router";
import { store, stored, type Theme, useTheme } from "../ui/theme";
import { useLoad } from "../ui/useLoad";
import { Chat } from "./Chat";
import { ErrorPage, NotFound, SignedOut } from "./pages";
import { Session, SessionContext } from "./session";

// What the first page does not need comes when it is opened.
const Help = lazily(() => import("./Help").then((m) => ({ default: m.Help })));
const ArticlePage = lazily(() => import("./Help").then((m) => ({ default: m.ArticlePage })));
const Onboarding = lazily(() => import("./Onboarding").then((m) => ({ default: m.Onboarding })));
const Documents = lazily(() => import("./Documents").then((m) => ({ default: m.Documents })));
const Exports = lazily(() => import("./Exports").then((m) => ({ default: m.Exports })));
const Conversations = lazily(() => import("./Conversations").then((m) => ({ default: m.Conversations })));
const PersonDialog = lazily(() => import("./PersonDialog").then((m) => ({ default: m.PersonDialog })));
const RatePage = lazily(() => import("./Rating").then((m) => ({ default: m.RatePage })));
const Tickets = lazily(() => import("./Tickets").then((m) => ({ default: m.Tickets })));

/** The customer portal. */
export function App({ first }: { first: Words }) {
  const [language, setLanguage] = useState(first);
  useEffect(() => {
    document.documentElement.lang = language.language;
  }, [language]);
  const choose = useCallback((locale: Locale, keep = true) => {
    if (keep) store("usher.locale", locale);
    void loadWords(locale).then(setLanguage);
  }, []);
  return (
    <WordsContext value={language}>
      <Doors onLanguage={choose} />
      <Announcer />
    </WordsContext>
  );
}

/** A mailed question is answered without signing in. */
function Doors(props: { onLanguage: (locale: Locale, keep?: boolean) => void }) {
  const token = match("/rate/:token", useLocation().path)?.token;
  if (!token) return <Gate {...props} />;
  return (
    <Suspense>
      <RatePage token={token} />
    </Suspense>
  );
}

/** Decides between the signed-in portal, the open help centre and "sign in again". */
function Gate({ onLanguage }: { onLanguage: (locale: Locale, keep?: boolean) => void }) {
  const { t, language } = useWords();
  const { path } = useLocation();
  const me = useLoad((signal) => call("get", "/v1/me", { signal }), "me");
  const [signedOut, setSignedOut] = useState(false);
  useEffect(() => onSignedOut(() => setSignedOut(true)), []);

  // The person's own setting counts before the browser's, unless they chose here.
  const theirs = me.data?.locale;
  useEffect(() => {
    if (!theirs || stored("usher.locale")) return;
    const wanted = pickLocale([theirs]);
    if (wanted !== language) onLanguage(wanted, false);
  }, [theirs, language, onLanguage]);

  // Whoever opened a link while signed out gets there after signing in.
  useEffect(() => {
    if (signedOut && path !== "/" && path !== "/signin") store("usher.next", `${Date.now()} ${path}${location.hash}`);
  }, [signedOut, path]);

  if (me.data && path === "/signin" && !signedOut) location.replace("/");
  const help = path === "/help" || path.startsWith("/help/");
  if (me.data?.kind === "customer" && !signedOut) return <SignedIn me={me.data} onLanguage={onLanguage} />;
  if (help && (me.error || signedOut || me.data)) {
    return (
      <Frame onLanguage={onLanguage}>
        <HelpRoutes path={path} />
      </Frame>
    );
  }
  if (signedOut) return <SignedOut />;
  if (me.data?.kind === "staff") {
    location.replace("/agent");
    return null;
  }
  if (me.error) return <ErrorPage error={me.error} onRetry={me.reload} />;
  return (
    <main className="notice-page">
      <Loading label={t("loading")} />
    </main>
  );
}

function SignedIn({ me, onLanguage }: { me: Me; onLanguage: (locale: Locale) => void }) {
  const words = useWords();
  const { path } = useLocation();
  const session = useMemo(() => new Session(me), [me]);
  session.words = words;
  useEffect(() => {
    session.flush();
    return () => session.stop();
  }, [session]);
  // The sign-in page leads to the start; a link opened before it counts for a while.
  useEffect(() => {
    const kept = stored("usher.next");
    if (!kept) return;
    store("usher.next", undefined);
    const [at = "", to = ""] = kept.split(" ");
    // A path of this portal, never another site.
    if (location.pathname === "/" && /^\/\w/.test(to) && Date.now() - Number(at) < 900_000) navigate(to, { replace: true });
  }, []);
  const [talking, setTalking] = useState(false);
  const current = match("/c/:id", path)?.id;
  const talk = useCallback(() => setTalking(true), []);
  const ask = (question: string) => {
    if (question) writeDraft(`${me.id}.new`, question);
    navigate("/");
  };
  return (
    <SessionContext value={session}>
      <Frame me={me} onLanguage={onLanguage} onTalk={talk}>
        <Routes path={path} current={current} onTalk={talk} onAsk={ask} />
      </Frame>
      {talking && (
        <Suspense>
          <PersonDialog
            conversation={current}
            onClose={() => setTalking(false)}
            onDone={(id) => {
              setTalking(false);
              navigate(`/c/${id}`);
            }}
          />
        </Suspense>
      )}
    </SessionContext>
  );
}

function Routes({ path, current, onTalk, onAsk }: { path: string; current?: string; onTalk: () => void; onAsk: (question: string) => void }) {
  // A conversation that begins here keeps its component, and with it the focus and what is being typed.
  const [begun, setBegun] = useState<{ id?: string; turn: number }>({ turn: 0 });
  const begin = useCallback((id: string) => {
    setBegun((b) => ({ ...b, id }));
    navigate(`/c/${id}`, { replace: true });
  }, []);
  if (path !== "/" && begun.id && begun.id !== current) setBegun({ turn: begun.turn + 1 });
  if (path === "/" && begun.id) setBegun({ turn: begun.turn + 1 });
  if (path === "/" || (current && current === begun.id)) return <Chat key={`new ${begun.turn}`} id={current} onTalk={onTalk} onBegin={begin} />;
  if (current) return <Chat key={current} id={current} onTalk={onTalk} />;
  if (match("/conversations", path)) return <Conversations />;
  if (/^\/tickets(\/\d+)?$/.test(path)) return <Tickets />;
  if (match("/onboarding", path)) return <Onboarding onAsk={onAsk} />;
  if (match("/documents", path)) return <Documents />;
  if (match("/exports", path)) return <Exports />;
  if (path === "/help" || path.startsWith("/help/")) return <HelpRoutes path={path} onAsk={onAsk} />;
  return <NotFound />;
}

function HelpRoutes({ path, onAsk }: { path: string; onAsk?: (question: string) => void }) {
  const slug = decodeURIComponent(path.replace(/^\/help\/?/, "").replace(/\/+$/, ""));
  return slug ? <ArticlePage key={slug} slug={slug} onAsk={onAsk} /> : <Help onAsk={onAsk} />;
}

const places: { href: string; icon: IconName; word: "nav_ask" | "nav_conversations" | "nav_tickets" | "nav_onboarding" | "nav_documents" | "nav_help"; short?: "nav_conversations_short" | "nav_onboarding_short" | "nav_help_short"; open?: true }[] = [
  { href: "/", icon: "ask", word: "nav_ask" },
  { href: "/conversations", icon: "list", word: "nav_conversations", short: "nav_conversations_short" },
  { href: "/tickets", icon: "ticket", word: "nav_tickets" },
  { href: "/onboarding", icon: "road", word: "nav_onboarding", short: "nav_onboarding_short" },
  { href: "/documents", icon: "file", word: "nav_documents" },
  { href: "/help", icon: "book", word: "nav_help", short: "nav_help_short", open: true },
];

/** The frame around every page; the way to a person is always at its top end. */
function Frame({ me, onTalk, onLanguage, children }: { me?: Me; onTalk?: () => void; onLanguage: (locale: Locale) => void; children: ReactNode }) {
  const { t, count } = useWords();
  const { path } = useLocation();
  const unread = useUnread(me !== undefined, path);
  const [menu, setMenu] = useState(false);
  useEffect(() => setMenu(false), [path]);
  const here = (href: string) => (href === "/" ? path === "/" || path.startsWith("/c/") : path === href || path.startsWith(`${href}/`));
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t("skip")}
      </a>
      <header className="top">
        <Link className="wordmark only-narrow" href="/" aria-label={t("brand")}>
          <Mark size={26} />
        </Link>
        <span className="where">{me?.tenant?.name}</span>
        <button type="button" className="btn btn-quiet btn-icon only-narrow" aria-label={t("menu")} onClick={() => setMenu(true)}>
          <Icon name="menu" />
        </button>
        {onTalk && (
          <button type="button" className="btn" onClick={onTalk}>
            <Icon name="person" /> {t("talk")}
          </button>
        )}
      </header>
      <div className="rail">
        <Link className="wordmark" href="/">
          <Mark /> {t("brand")}
        </Link>
        <nav aria-label={t("nav")} style={{ display: "contents" }}>
          <ul className="nav">
            {places
              .filter((p) => me || p.open)
              .map((p) => (
                <li key={p.href} className={p.href === "/documents" ? "only-wide" : undefined}>
                  <Link href={p.href} aria-current={here(p.href) ? "page" : undefined}>
                    <Icon name={p.icon} /> <span className="txt">
                      <span className="only-wide">{t(p.word)}</span>
                      <span className="only-narrow">{t(p.short ?? p.word)}</span>
                    </span>
                    {p.href === "/conversations" && unread > 0 && (
                      <span className="count">
                        <span aria-hidden="true">{unread}</span>
                        <span className="vh">{count("unread", unread)}</span>
                      </span>
                    )}
                  </Link>
                </li>
              ))}
          </ul>
        </nav>
        <div className="rail-foot">
          <Settings onLanguage={onLanguage} />
          {me && <Who me={me} />}
        </div>
      </div>
      <main className="main" id="main" tabIndex={-1}>
        {!path.startsWith("/c/") && <Offline text={t(path === "/" ? "offline" : "offline_page")} />}
        <Suspense
          fallback={
            <div className="page">
              <Loading label={t("loading")} />
            </div>
          }
        >
          {children}
        </Suspense>
      </main>
      {menu && (
        <Dialog title={t("menu")} onClose={() => setMenu(false)} closeLabel={t("close")}>
          {me && (
            <p>
              <Link href="/documents">{t("nav_documents")}</Link>
            </p>
          )}
          <Settings onLanguage={onLanguage} />
          {me && <Who me={me} />}
        </Dialog>
      )}
    </div>
  );
}

function Who({ me }: { me: Me }) {
  const { t } = useWords();
  return (
    <p className="row">
      <span className="grow muted" dir="auto">
        {me.name}
      </span>
      <button type="button" className="btn btn-quiet btn-small" onClick={() => void call("post", "/v1/auth/logout", {}).finally(() => location.assign("/"))}>
        {t("sign_out")}
      </button>
    </p>
  );
}

function Settings({ onLanguage }: { onLanguage: (locale: Locale) => void }) {
  const { t, language } = useWords();
  const [theme, setTheme] = useTheme();
  return (
    <div className="row">
      <label className="grow">
        <span className="vh">{t("language")}</span>
        <select className="input" value={language} onChange={(e) => onLanguage(e.target.value as Locale)}>
          {Object.entries(locales).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="grow">
        <span className="vh">{t("theme")}</span>
        <select className="input" value={theme} onChange={(e) => setTheme(e.target.value as Theme)}>
          <option value="auto">{t("theme_auto")}</option>
          <option value="light">{t("theme_light")}</option>
          <option value="dark">{t("theme_dark")}</option>
        </select>
      </label>
    </div>
  );
}

/** How many conversations have something new; looks again every few seconds while visible. */
function useUnread(on: boolean, path: string): number {
  const list = useLoad((signal) => (on ? call("get", "/v1/conversations", { query: { limit: 100 }, signal }) : Promise.resolve({ conversations: [] })), on ? "unread" : "off", on ? { every: 4_000 } : {});
  const { reload } = list;
  useEffect(() => {
    window.addEventListener("usher:read", reload);
    return () => window.removeEventListener("usher:read", reload);
  }, [reload]);
  const open = match("/c/:id", path)?.id;
  return list.data?.conversations.filter((c) => c.unread && c.id !== open).length ?? 0;
}
