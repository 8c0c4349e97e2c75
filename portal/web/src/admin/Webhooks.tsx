import { type FormEvent, useState } from "react";
import { call } from "../api/client";
import type { WebhookEndpoint } from "../api/types";
import { Head, locale, Pending, Problem } from "../ui/Console";
import { words } from "../ui/format";
import { Badge, Banner, Empty, Field, Time } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Organisation } from "./Organisation";
import { useAct } from "./useAct";

/** Addresses of customers' own systems that hear of their tickets. */
export function Webhooks() {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  const [chosen, setChosen] = useState("");
  const tenant = chosen || tenants.data?.tenants[0]?.id || "";
  return (
    <div className="console-page">
      <Head title="Webhooks" suffix="Knowledge" />
      <p className="muted small">A customer's own systems can hear of that customer's tickets: signed as Standard Webhooks describe, retried for days, and with nothing in them that the customer may not see.</p>
      <Pending load={tenants} />
      {tenants.data && (
        <Organisation label="Customer" all={tenants.data?.tenants} value={tenant} onChange={setChosen} />
      )}
      {tenant && <Endpoints key={tenant} tenant={tenant} />}
    </div>
  );
}

function Endpoints({ tenant }: { tenant: string }) {
  const load = useLoad((signal) => call("get", "/v1/admin/tenants/{tenant}/webhooks", { params: { tenant }, signal }), tenant, { every: 10_000 });
  const [url, setUrl] = useState("");
  const { problem, act: run } = useAct(load.reload);
  const [secret, setSecret] = useState<{ url: string; text: string }>();
  const add = (e: FormEvent) => {
    e.preventDefault();
    void run(async () => {
      const made = await call("post", "/v1/admin/tenants/{tenant}/webhooks", { params: { tenant }, body: { url: url.trim() } });
      setSecret({ url: made.endpoint.url, text: made.secret ?? "" });
      setUrl("");
      return "Added. Copy the secret now.";
    });
  };
  const act = (e: WebhookEndpoint, what: "test" | "enable" | "disable" | "rotate", done: string) =>
    run(async () => {
      const answer = await call("post", "/v1/admin/tenants/{tenant}/webhooks/{id}", { params: { tenant, id: e.id }, body: { act: what } });
      if (answer.secret) setSecret({ url: e.url, text: answer.secret });
      return done;
    });
  return (
    <>
      <form className="card stack" onSubmit={add}>
        <Field label="Address" hint="It must begin with https:// and lead outside your own network.">
          {(p) => <input {...p} className="input" dir="ltr" type="url" required maxLength={2000} placeholder="https://" value={url} onChange={(e) => setUrl(e.target.value)} />}
        </Field>
        <p>
          <button type="submit" className="btn btn-primary">
            Add address
          </button>
        </p>
      </form>
      <Problem>{problem}</Problem>
      {secret && (
        <Banner tone="note" role="status">
          The secret for {secret.url} is shown this once: <code style={{ overflowWrap: "anywhere" }}>{secret.text}</code>
        </Banner>
      )}
      <Pending load={load} />
      {load.data?.endpoints.length === 0 && <Empty icon="out">No addresses yet.</Empty>}
      <ul className="plain-list stack stack-2">
        {load.data?.endpoints.map((e) => (
          <li key={e.id} className="card stack stack-2">
            <p className="row">
              <b className="grow" dir="ltr" style={{ overflowWrap: "anywhere" }}>
                {e.url}
              </b>
              <Badge tone={e.state !== "active" ? "plain" : e.failing_since ? "warn" : "ok"}>{e.state !== "active" ? "Off" : e.failing_since ? "Failing" : "On"}</Badge>
            </p>
            <p className="small muted">
              {e.events.includes("*") ? "All events" : e.events.map(words).join(", ")}
              {e.failing_since && (
                <>
                  {" "}
                  · failing since <Time at={e.failing_since} locale={locale} />
                </>
              )}
              {e.reason && <> · {e.reason}</>}
            </p>
            <p className="row">
              <button type="button" className="btn btn-small" onClick={() => void act(e, "test", "A test event is on its way.")}>
                Send a test <span className="vh">to {e.url}</span>
              </button>
              <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(e, e.state === "active" ? "disable" : "enable", e.state === "active" ? "Switched off." : "Switched on.")}>
                Switch {e.state === "active" ? "off" : "on"} <span className="vh">{e.url}</span>
              </button>
              <button type="button" className="btn btn-small btn-quiet" onClick={() => void act(e, "rotate", "The new secret is shown above; the old one signs beside it until the next change.")}>
                New secret <span className="vh">for {e.url}</span>
              </button>
              <button
                type="button"
                className="btn btn-small btn-quiet"
                onClick={() =>
                  void run(() => call("delete", "/v1/admin/tenants/{tenant}/webhooks/{id}", { params: { tenant, id: e.id } }), "Removed.")
                }
              >
                Remove <span className="vh">{e.url}</span>
              </button>
            </p>
          </li>
        ))}
      </ul>
      <p className="small">
        <a href="/agent/deliveries">What was sent, and what waits: Deliveries</a>
      </p>
    </>
  );
}
