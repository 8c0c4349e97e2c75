import { Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { lazily } from "../ui/lazily";
import { call, onSignedOut } from "../api/client";
import type { Me } from "../api/types";
import { Announcer } from "../ui/announce";
import { useWords, type Words, WordsContext } from "../ui/i18n";
import { Icon, Mark } from "../ui/Icon";
import { Loading } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Chat } from "../portal/Chat";
import { Session, SessionContext } from "../portal/session";

const SignIn = lazily(() => import("../portal/SignIn").then((m) => ({ default: m.SignIn })));
const PersonDialog = lazily(() => import("../portal/PersonDialog").then((m) => ({ default: m.PersonDialog })));

/** Asks the page around the frame to close it; it gives the focus back to its button. */
const close = () => window.parent.postMessage({ usher: "close" }, "*");

/** The chat for a frame in another page: one conversation, no navigation. */
export function Embed({ words }: { words: Words }) {
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key === "Escape" && !e.defaultPrevented && !document.querySelector("dialog[open]")) close();
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  return (
    <WordsContext value={words}>
      <Inside />
      <Announcer />
    </WordsContext>
  );
}

function Inside() {
  const { t } = useWords();
  const me = useLoad((signal) => call("get", "/v1/me", { signal }), "me");
  const [signedOut, setSignedOut] = useState(false);
  useEffect(() => onSignedOut(() => setSignedOut(true)), []);
  // Whoever has signed in elsewhere comes back here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: an answer, not what it says
  useEffect(() => setSignedOut(false), [me.data]);
  const { reload } = me;
  const out = !me.loading && (signedOut || me.data?.kind !== "customer");
  useEffect(() => {
    if (!out) return;
    const again = () => {
      if (document.visibilityState === "visible") reload();
    };
    window.addEventListener("focus", again);
    document.addEventListener("visibilitychange", again);
    return () => {
      window.removeEventListener("focus", again);
      document.removeEventListener("visibilitychange", again);
    };
  }, [out, reload]);
  if (me.data?.kind === "customer" && !signedOut) return <Talk me={me.data} />;
  return (
    <div className="embed">
      <Top />
      <main className="notice-page" id="main">
        {me.loading && !me.error && !signedOut ? (
          <Loading label={t("loading")} />
        ) : (
          <>
            <h1>{t("signed_out")}</h1>
            <Suspense>
              <SignIn framed />
            </Suspense>
            <p>
              <a className="btn" href="/help" target="_blank" rel="noopener">
                {t("nav_help")}
              </a>
            </p>
          </>
        )}
      </main>
    </div>
  );
}

function Top({ onTalk }: { onTalk?: () => void }) {
  const { t } = useWords();
  return (
    <header className="top">
      <Mark size={24} />
      <span className="grow" />
      {onTalk && (
        <button type="button" className="btn btn-small" onClick={onTalk}>
          <Icon name="person" /> {t("talk")}
        </button>
      )}
      {window.parent !== window && (
        <button type="button" className="btn btn-quiet btn-icon" onClick={close} aria-label={t("close")}>
          <Icon name="close" />
        </button>
      )}
    </header>
  );
}

function Talk({ me }: { me: Me }) {
  const words = useWords();
  const session = useMemo(() => new Session(me), [me]);
  session.words = words;
  const [id, setId] = useState<string>();
  const [talking, setTalking] = useState(false);
  const talk = useCallback(() => setTalking(true), []);
  useEffect(() => {
    session.flush();
    return () => session.stop();
  }, [session]);
  return (
    <SessionContext value={session}>
      <div className="embed">
        <Top onTalk={talk} />
        <main id="main">
          <Chat id={id} framed onTalk={talk} onBegin={setId} />
        </main>
      </div>
      {talking && (
        <Suspense>
          <PersonDialog
            conversation={id}
            onClose={() => setTalking(false)}
            onDone={(now) => {
              setTalking(false);
              setId(now);
            }}
          />
        </Suspense>
      )}
    </SessionContext>
  );
}
