import { useState } from "react";
import { call } from "../api/client";
import type { OnboardingStanding } from "../api/types";
import { Head, locale, Pending, Problem, problemOf } from "../ui/Console";
import { longDate, shortTime, words } from "../ui/format";
import { Badge, Empty } from "../ui/parts";
import { Link } from "../ui/router";
import { useLoad } from "../ui/useLoad";

export const healthTone = { on_track: "ok", live: "ok", at_risk: "warn", off_track: "bad" } as const;
export const turns: Record<string, string> = { customer: "The customer", provider: "Us", third_party: "A third party" };

/** Every customer's onboarding and how it stands. */
export function Customers() {
  const load = useLoad((signal) => call("get", "/v1/admin/onboardings", { signal }), "onboardings", { every: 30_000 });
  const [more, setMore] = useState<{ onboardings: OnboardingStanding[]; more?: string }>();
  const [problem, setProblem] = useState("");
  const next = more ? more.more : load.data?.more;
  const all = [...(load.data?.onboardings ?? []), ...(more?.onboardings ?? [])];
  const fetchMore = async () => {
    setProblem("");
    try {
      const page = await call("get", "/v1/admin/onboardings", { query: { after: next } });
      setMore({ onboardings: [...(more?.onboardings ?? []), ...page.onboardings], more: page.more });
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className="console-page">
      <Head title="Customers" suffix="Knowledge" />
      <p className="muted small">How every onboarding stands, from its record, the customer's tickets and how long they have been away. Open one to change it.</p>
      <Pending load={load} />
      {load.data?.onboardings.length === 0 && <Empty icon="road">No onboardings yet. A signed contract makes the first one.</Empty>}
      {all.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Onboardings">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Customer</th>
                <th scope="col">Stage</th>
                <th scope="col">Health</th>
                <th scope="col">Go-live</th>
                <th scope="col">Next</th>
                <th scope="col">Turn</th>
              </tr>
            </thead>
            <tbody>
              {all.map((o) => (
                <tr key={o.tenant.id}>
                  <th scope="row">
                    <Link href={`/admin/customers/${o.tenant.id}`} dir="auto">
                      {o.tenant.name}
                    </Link>
                    <br />
                    <span className="small muted" dir="auto">
                      {o.owner || "Nobody manages it"}
                    </span>
                  </th>
                  <td dir="auto">
                    {o.stage ?? "–"} {o.state === "on_hold" && <Badge>On hold</Badge>}
                  </td>
                  <td>
                    <Standing of={o} />
                  </td>
                  <td>
                    {o.actual ? `Live since ${longDate(o.actual, locale)}` : o.forecast ? longDate(o.forecast, locale) : "No forecast"}
                    {!o.actual && o.planned && o.planned !== o.forecast && <p className="small muted">Planned {longDate(o.planned, locale)}</p>}
                  </td>
                  <td dir="auto">
                    {o.next ?? "–"}
                    {o.next_due && <p className="small muted">due {longDate(o.next_due, locale)}</p>}
                  </td>
                  <td>{turns[o.turn] ?? words(o.turn)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Problem>{problem}</Problem>
      {next && (
        <p>
          <button type="button" className="btn" onClick={() => void fetchMore()}>
            Show more
          </button>
        </p>
      )}
    </div>
  );
}

/** Health with its reasons, and whether it stands still. */
export function Standing({ of: o }: { of: OnboardingStanding }) {
  return (
    <>
      <Badge tone={healthTone[o.health]}>{words(o.health)}</Badge> {o.stalled && <Badge tone="warn">Stands still</Badge>}
      {o.reasons.length > 0 && <p className="small muted">{o.reasons.join(", ")}</p>}
      {o.stalled && o.last_seen && <p className="small muted">Last there {shortTime(o.last_seen, locale)}</p>}
    </>
  );
}
