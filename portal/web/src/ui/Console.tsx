import { type ReactNode, useEffect, useState } from "react";
import { call, onSignedOut } from "../api/client";
import type { Me } from "../api/types";
import { Announcer } from "./announce";
import { Icon, type IconName, Mark } from "./Icon";
import { Offline } from "./Offline";
import { Banner, Loading } from "./parts";
import { explain } from "./problem";
import { words } from "./i18n";
import { en } from "./i18n/en";
import { Link, useLocation } from "./router";
import { type Theme, useTheme } from "./theme";
import { type Loaded, useLoad } from "./useLoad";

/** The staff's screens are in English; the customer's words keep their language. */
export const english = words("en", en);
export const locale = english.locale;
export const problemOf = (error: unknown): string => explain(error, english);

export type Place = { href: string; icon: IconName; name: string; exact?: boolean };

/** Lets staff in, and shows the frame with its places. */
export function Console({ title, places, allowed, children }: { title: string; places: Place[]; allowed: (me: Me) => boolean; children: (me: Me) => ReactNode }) {
  const me = useLoad((signal) => call("get", "/v1/me", { signal }), "me");
  const [signedOut, setSignedOut] = useState(false);
  useEffect(() => onSignedOut(() => setSignedOut(true)), []);
  if (signedOut) {
    return (
      <Notice title="You are signed out">
        <p>What you wrote on this device is kept.</p>
        <p>
          <a className="btn btn-primary" href={`/signin?next=${encodeURIComponent(location.pathname)}`}>
            Sign in
          </a>
        </p>
      </Notice>
    );
  }
  if (me.data && (me.data.kind !== "staff" || !allowed(me.data))) {
    return (
      <Notice title="This page is not for this account">
        <p>You are signed in as {me.data.name}. These screens need another role; ask an administrator for it.</p>
        <p>
          <a className="btn" href="/">
            Go to the start page
          </a>
        </p>
      </Notice>
    );
  }
  if (!me.data) {
    return (
      <main className="notice-page" id="main">
        {me.error ? (
          <>
            <p role="alert">{problemOf(me.error)}</p>
            <p>
              <button type="button" className="btn" onClick={me.reload}>
                Try again
              </button>
            </p>
          </>
        ) : (
          <Loading label="Loading…" />
        )}
      </main>
    );
  }
  return (
    <div className="console">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="console-bar">
        <Link className="wordmark" href={places[0]?.href ?? "/"}>
          <Mark size={24} /> {title}
        </Link>
        <Nav places={places} />
        <Who me={me.data} />
      </header>
      <main className="console-main" id="main" tabIndex={-1}>
        <Offline text={english.t("offline_page")} />
        {children(me.data)}
      </main>
      <Announcer />
    </div>
  );
}

function Notice({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="notice-page" id="main">
      <Mark size={40} />
      <h1>{title}</h1>
      {children}
    </main>
  );
}

function Nav({ places }: { places: Place[] }) {
  const { path } = useLocation();
  return (
    <nav className="console-nav" aria-label="Main">
      {places.map((p) => {
        const inside = p.exact ? path === p.href : path === p.href || path.startsWith(`${p.href}/`);
        const to = p.href.split("/")[1];
        const props = { href: p.href, "aria-current": inside ? ("page" as const) : undefined };
        const body = (
          <>
            <Icon name={p.icon} /> {p.name}
          </>
        );
        return path.startsWith(`/${to}`) ? (
          <Link key={p.href} {...props}>
            {body}
          </Link>
        ) : (
          <a key={p.href} {...props}>
            {body}
          </a>
        );
      })}
    </nav>
  );
}

function Who({ me }: { me: Me }) {
  const [theme, setTheme] = useTheme();
  return (
    <div className="who">
      <span dir="auto" className="muted">
        {me.name}
      </span>
      <label>
        <span className="vh">Appearance</span>
        <select className="input" value={theme} onChange={(e) => setTheme(e.target.value as Theme)}>
          <option value="auto">Auto</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <button type="button" className="btn btn-quiet btn-small" onClick={() => void call("post", "/v1/auth/logout", {}).finally(() => location.assign("/"))}>
        Sign out
      </button>
    </div>
  );
}

/** A failed load inside a page, with the way to try again. */
export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div className="banner tone-bad" role="alert">
      <span className="grow">{problemOf(error)}</span>
      <button type="button" className="btn btn-small" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

/** What went wrong with what somebody did; nothing while it is "". */
export function Problem({ children }: { children: string }) {
  return (
    children && (
      <Banner tone="bad" role="alert">
        {children}
      </Banner>
    )
  );
}

/** What stands where data is to be: that it loads, or why it cannot be shown. */
export function Pending({ load }: { load: Omit<Loaded<unknown>, "set"> }) {
  if (load.data) return null;
  return (
    <>
      {load.error !== undefined && <Failed error={load.error} onRetry={load.reload} />}
      {load.loading && <Loading label="Loading…" />}
    </>
  );
}

/** A page's heading with what belongs beside it; names the document too. */
export function Head({ title, suffix, children }: { title: string; suffix: string; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${suffix}`;
  }, [title, suffix]);
  return (
    <div className="console-head">
      <h1 dir="auto">{title}</h1>
      {children}
    </div>
  );
}
