import { useState } from "react";
import { call } from "../api/client";
import type { Conversation } from "../api/types";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Badge, Empty, Loading, Time, type Tone } from "../ui/parts";
import { Link, usePage } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { ErrorPage } from "./pages";

const page = 30;
const tones: Record<Conversation["state"], Tone> = { open: "plain", with_person: "info", solved: "ok", closed: "plain" };

export function Conversations() {
  const { t } = useWords();
  const heading = usePage(t("conversations_title"), t("brand"));
  const list = useLoad((signal) => call("get", "/v1/conversations", { query: { limit: page }, signal }), "conversations", { every: 20_000 });
  const [older, setOlder] = useState<Conversation[]>([]);
  const [end, setEnd] = useState(false);
  if (list.error && !list.data) return <ErrorPage error={list.error} onRetry={list.reload} />;
  const known = new Set(list.data?.conversations.map((c) => c.id));
  const all = [...(list.data?.conversations ?? []), ...older.filter((c) => !known.has(c.id))];
  const more = async () => {
    const before = all.at(-1)?.id;
    const next = await call("get", "/v1/conversations", { query: { before, limit: page } });
    setOlder((o) => [...o, ...next.conversations]);
    setEnd(next.conversations.length < page);
  };
  return (
    <div className="page page-narrow">
      <div className="row">
        <h1 className="grow" ref={heading} tabIndex={-1}>
          {t("conversations_title")}
        </h1>
        <Link className="btn btn-primary" href="/">
          <Icon name="plus" /> {t("new_conversation")}
        </Link>
      </div>
      {!list.data && <Loading label={t("loading")} />}
      {list.data && all.length === 0 && <Empty icon="list">{t("conversations_empty")}</Empty>}
      {all.length > 0 && <ConversationList list={all} />}
      {!end && (list.data?.conversations.length ?? 0) === page && (
        <button type="button" className="btn" onClick={() => void more()}>
          {t("show_more")}
        </button>
      )}
    </div>
  );
}

export function ConversationList({ list }: { list: readonly Conversation[] }) {
  const { t, locale } = useWords();
  return (
    <ul className="conv-list plain-list">
      {list.map((c) => (
        <li key={c.id}>
          <Link href={`/c/${c.id}`} className={c.unread ? "unread" : undefined}>
            <b dir="auto">
              {c.unread && <span className="vh">{t("unread_from_here")}: </span>}
              {c.subject || c.last_line || t("untitled")}
            </b>
            <span className="tiny muted nowrap">
              <Time at={c.updated_at} locale={locale} />
            </span>
            <span className="line" dir="auto">
              {c.last_line}
            </span>
            <span className="row" style={{ justifyContent: "end" }}>
              {c.unread && (
                <Badge tone="brand">
                  <span aria-hidden="true">●</span> {t("unread_from_here")}
                </Badge>
              )}
              {c.state !== "open" && <Badge tone={tones[c.state]}>{t(`conv_${c.state}`)}</Badge>}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
