import { useState } from "react";
import { call } from "../api/client";
import type { Ticket } from "../api/types";
import { useWords } from "../ui/i18n";
import { Badge, Empty, Loading, Time, type Tone } from "../ui/parts";
import { Link, usePage } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { useAnchor } from "./anchor";
import { ExportLink } from "./Exports";
import { ErrorPage } from "./pages";
import { ticketWords } from "./spoken";

const tones: Record<Ticket["state"], Tone> = { received: "info", working_on_it: "brand", waiting_for_you: "warn", solved: "ok" };

export function Tickets() {
  const { t, locale } = useWords();
  const heading = usePage(t("tickets_title"), t("brand"));
  const first = useLoad((signal) => call("get", "/v1/tickets", { query: { limit: 50 }, signal }), "tickets", { every: 20_000 });
  useAnchor(first.data !== undefined);
  const [older, setOlder] = useState<{ tickets: Ticket[]; next?: string }>();
  if (first.error && !first.data) return <ErrorPage error={first.error} onRetry={first.reload} />;
  const known = new Set(first.data?.tickets.map((x) => x.number));
  const all = [...(first.data?.tickets ?? []), ...(older?.tickets.filter((x) => !known.has(x.number)) ?? [])];
  const next = older ? older.next : first.data?.next;
  const more = async () => {
    const page = await call("get", "/v1/tickets", { query: { before: next, limit: 50 } });
    setOlder((o) => ({ tickets: [...(o?.tickets ?? []), ...page.tickets], next: page.next }));
  };
  return (
    <div className="page">
      <div className="row">
        <h1 className="grow" ref={heading} tabIndex={-1}>
          {t("tickets_title")}
        </h1>
        <ExportLink />
      </div>
      {!first.data && <Loading label={t("loading")} />}
      {first.data && all.length === 0 && <Empty icon="ticket">{t("tickets_empty")}</Empty>}
      {all.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label={t("tickets_title")}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t("ticket_no")}</th>
                <th scope="col">{t("ticket_subject")}</th>
                <th scope="col">{t("ticket_state")}</th>
                <th scope="col">{t("ticket_updated")}</th>
              </tr>
            </thead>
            <tbody>
              {all.map((x) => (
                <tr key={x.number} id={`ticket-${x.number}`}>
                  <th scope="row" className="num">
                    #{x.number}
                  </th>
                  <td dir="auto">
                    <Link href={`/c/${x.conversation_id}`}>{x.subject}</Link>
                  </td>
                  <td>
                    <Badge tone={tones[x.state]}>{ticketWords(x.state, t)}</Badge>
                    {x.assignee && <div className="tiny muted">{x.assignee}</div>}
                  </td>
                  <td className="nowrap">
                    <Time at={x.updated_at} locale={locale} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <button type="button" className="btn" onClick={() => void more()}>
          {t("show_more")}
        </button>
      )}
    </div>
  );
}
