import { useState } from "react";
import { call } from "../api/client";
import type { Delivery } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, locale, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { Badge, Banner, Empty, Loading, Time, type Tone } from "../ui/parts";
import { Link } from "../ui/router";
import { useLoad } from "../ui/useLoad";

export const stateTone: Record<Delivery["state"], Tone> = { pending: "info", sending: "info", delivered: "ok", failed: "bad", discarded: "plain" };
const states = ["pending", "sending", "delivered", "failed", "discarded"] as const;

/** Every effect outside the database: what left, what waits, what failed, and the way to repeat it. */
export function Deliveries() {
  const [state, setState] = useState("");
  const [destination, setDestination] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [older, setOlder] = useState<{ key: string; rows: Delivery[]; next?: string }>();
  const key = `${state} ${destination}`;
  const query = { state: (state || undefined) as Delivery["state"] | undefined, destination: destination || undefined, limit: 50 };
  const first = useLoad((signal) => call("get", "/v1/agent/deliveries", { query, signal }), key, { every: 5_000 });
  const extra = older?.key === key ? older : undefined;
  const known = new Set(first.data?.deliveries.map((d) => d.id));
  const rows = [...(first.data?.deliveries ?? []), ...(extra?.rows.filter((d) => !known.has(d.id)) ?? [])];
  const next = extra ? extra.next : first.data?.next;

  const act = async (d: Delivery, what: "replay" | "discard") => {
    setProblem("");
    try {
      await call("post", "/v1/agent/deliveries/{tenant}/{id}/{act}", { params: { tenant: d.tenant_id, id: d.id, act: what } });
      announce(what === "replay" ? "It is tried again now." : "Discarded.");
      first.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  // What the list shows and what can be tried again: the server takes the same filter, also for what is not loaded yet.
  const again = rows.some((d) => d.state === "failed" || (d.state === "pending" && d.attempts > 0) || (state === "discarded" && d.state === "discarded"));
  const replayAll = async () => {
    setProblem("");
    setBusy(true);
    try {
      const { replayed } = await call("post", "/v1/agent/deliveries/replay", {
        body: { state: (state || undefined) as "pending" | "failed" | "discarded" | undefined, destination: destination || undefined },
      });
      announce(replayed === 1 ? "1 is tried again now." : `${replayed} are tried again now.`);
      first.reload();
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const more = async () => {
    const page = await call("get", "/v1/agent/deliveries", { query: { ...query, cursor: next } });
    setOlder({ key, rows: [...(extra?.rows ?? []), ...page.deliveries], next: page.next });
  };
  return (
    <div className="console-page">
      <Head title="Deliveries" suffix="Agent console" />
      <p className="muted small">Everything that leaves for Slack, the CRM, e-mail or a webhook is a row here. Repeating one never makes a second record: the row is its key.</p>
      <div className="filters">
        <div className="field">
          <label htmlFor="d-state">State</label>
          <select id="d-state" className="input" value={state} onChange={(e) => setState(e.target.value)}>
            <option value="">All states</option>
            {states.map((s) => (
              <option key={s} value={s}>
                {words(s)}
              </option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor="d-to">Destination</label>
          <select id="d-to" className="input" value={destination} onChange={(e) => setDestination(e.target.value)}>
            <option value="">All destinations</option>
            {["slack", "hubspot", "salesforce", "email", "webhook"].map((s) => (
              <option key={s} value={s}>
                {words(s)}
              </option>
            ))}
          </select>
        </div>
        {again && (
          <button type="button" className="btn" disabled={busy} onClick={() => void replayAll()}>
            Replay all of these
          </button>
        )}
      </div>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {first.error !== undefined && !first.data && <Failed error={first.error} onRetry={first.reload} />}
      {!first.data && first.loading && <Loading label="Loading…" />}
      {first.data && rows.length === 0 && <Empty icon="truck">Nothing has left yet. With Slack and the CRM switched off, everything happens in this console.</Empty>}
      {rows.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Deliveries">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">To</th>
                <th scope="col">What</th>
                <th scope="col">Ticket</th>
                <th scope="col">State</th>
                <th scope="col">Tries</th>
                <th scope="col">Changed</th>
                <th scope="col">Actions</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((d) => (
                <tr key={d.id}>
                  <th scope="row">{words(d.destination)}</th>
                  <td>{words(d.kind)}</td>
                  <td dir="auto">
                    {d.ticket_id ? <Link href={`/agent/tickets/${d.tenant_id}/${d.ticket_id}`}>#{d.ticket_number}</Link> : d.ticket_number ? `#${d.ticket_number}` : "–"}
                    <div className="tiny muted">{d.tenant_name}</div>
                  </td>
                  <td>
                    {d.state === "pending" && d.attempts > 0 ? <Badge tone="warn">Late</Badge> : <Badge tone={stateTone[d.state]}>{words(d.state)}</Badge>}
                    {d.last_error && <div className="tiny muted">{d.last_error}</div>}
                    {d.next_attempt_at && d.state === "pending" && (
                      <div className="tiny muted">
                        next try <Time at={d.next_attempt_at} locale={locale} relative />
                      </div>
                    )}
                  </td>
                  <td className="num">{d.attempts}</td>
                  <td className="nowrap">
                    <Time at={d.updated_at} locale={locale} />
                  </td>
                  <td>
                    <span className="row">
                      {(d.state === "failed" || d.state === "discarded" || d.state === "pending") && (
                        <button type="button" className="btn btn-small" onClick={() => void act(d, "replay")} aria-label={`Replay ${d.destination} ${d.kind} of ticket ${d.ticket_number ?? ""}`}>
                          Replay
                        </button>
                      )}
                      {(d.state === "failed" || d.state === "pending") && (
                        <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(d, "discard")} aria-label={`Discard ${d.destination} ${d.kind} of ticket ${d.ticket_number ?? ""}`}>
                          Discard
                        </button>
                      )}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <p>
          <button type="button" className="btn" onClick={() => void more()}>
            Show more
          </button>
        </p>
      )}
    </div>
  );
}
