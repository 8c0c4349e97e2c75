import { useState } from "react";
import { call } from "../api/client";
import type { PendingDocument } from "../api/types";
import { announce } from "../ui/announce";
import { Failed, Head, locale, problemOf } from "../ui/Console";
import { bytes, words } from "../ui/format";
import { Badge, Banner, Dialog, Empty, Field, Loading, Time } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

/** Reasons a document is sent back for. The last ones are never told to customers: people talk to them. */
const reasons = ["illegible", "incomplete", "expired", "wrong_document", "wrong_name", "not_signed", "wrong_format", "tampered", "suspected_fraud", "mismatch_identity"] as const;
const restricted = new Set<string>(["tampered", "suspected_fraud", "mismatch_identity"]);

/** What customers sent and nobody has decided about yet. */
export function Reviews() {
  const load = useLoad((signal) => call("get", "/v1/agent/documents", { query: { limit: 100 }, signal }), "reviews", { every: 10_000 });
  const [problem, setProblem] = useState("");
  const [rejecting, setRejecting] = useState<PendingDocument>();
  const rows = load.data?.documents ?? [];
  const accept = async (d: PendingDocument) => {
    setProblem("");
    try {
      await call("post", "/v1/agent/documents/{tenant}/{id}/review", { params: { tenant: d.tenant.id, id: d.version.id }, body: { accept: true } });
      announce(`${d.version.file_name} is accepted.`);
      load.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className="console-page">
      <Head title="Documents" suffix="Agent console" />
      <p className="muted small">What customers sent for their onboarding and nobody has decided about. A file that was not checked for viruses stays closed, for you too.</p>
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {load.error !== undefined && !load.data && <Failed error={load.error} onRetry={load.reload} />}
      {!load.data && load.loading && <Loading label="Loading…" />}
      {load.data && rows.length === 0 && <Empty icon="file">Nothing waits for a decision.</Empty>}
      {rows.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Documents">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Document</th>
                <th scope="col">Customer</th>
                <th scope="col">File</th>
                <th scope="col">Sent</th>
                <th scope="col">Decision</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((d) => (
                <tr key={d.version.id}>
                  <th scope="row" dir="auto">
                    {d.title}
                  </th>
                  <td dir="auto">
                    {d.tenant.name}
                    {d.uploaded_by && <div className="tiny muted">{d.uploaded_by}</div>}
                  </td>
                  <td dir="auto">
                    {d.version.available ? (
                      <a href={`/v1/agent/documents/${d.tenant.id}/${d.version.id}/content`} download={d.version.file_name}>
                        {d.version.file_name}
                      </a>
                    ) : (
                      d.version.file_name
                    )}
                    <div className="tiny muted">
                      version {d.version.number} · {d.size > 0 && `${bytes(d.size, locale)} · `}<Badge tone={d.version.scan_state === "clean" ? "ok" : d.version.scan_state === "infected" ? "bad" : "warn"}>{words(d.version.scan_state)}</Badge>
                    </div>
                  </td>
                  <td className="nowrap">
                    <Time at={d.version.uploaded_at} locale={locale} />
                  </td>
                  <td>
                    <span className="row">
                      <button type="button" className="btn btn-small" onClick={() => void accept(d)}>
                        Accept <span className="vh">{d.version.file_name}</span>
                      </button>
                      <button type="button" className="btn btn-small btn-quiet" onClick={() => setRejecting(d)}>
                        Send back… <span className="vh">{d.version.file_name}</span>
                      </button>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rejecting && (
        <Reject
          document={rejecting}
          onClose={() => setRejecting(undefined)}
          onDone={() => {
            announce(`${rejecting.version.file_name} was sent back.`);
            setRejecting(undefined);
            load.reload();
          }}
        />
      )}
    </div>
  );
}

function Reject({ document: d, onClose, onDone }: { document: PendingDocument; onClose: () => void; onDone: () => void }) {
  const [code, setCode] = useState<string>("illegible");
  const [message, setMessage] = useState("");
  const [comment, setComment] = useState("");
  const [problem, setProblem] = useState("");
  const silent = restricted.has(code);
  const send = async () => {
    if (!silent && message.trim() === "") return setProblem("Say what is wrong and what to send instead.");
    try {
      await call("post", "/v1/agent/documents/{tenant}/{id}/review", {
        params: { tenant: d.tenant.id, id: d.version.id },
        body: { accept: false, codes: [code], ...(!silent && { message: message.trim() }), ...(comment.trim() && { comment: comment.trim() }) },
      });
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={`Send back ${d.title}`} onClose={onClose}>
      <form
        className="stack stack-3"
        onSubmit={(e) => {
          e.preventDefault();
          void send();
        }}
      >
        <Field label="Reason">
          {(props) => (
            <select {...props} className="input" value={code} onChange={(e) => setCode(e.target.value)}>
              {reasons.map((r) => (
                <option key={r} value={r}>
                  {words(r)}
                </option>
              ))}
            </select>
          )}
        </Field>
        {silent ? (
          <Banner tone="warn">The customer is not told this reason, only that the document is being looked at by a person.</Banner>
        ) : (
          <Field label="Message to the customer" hint="What is wrong, and what to send instead. The customer reads exactly this." error={problem && message.trim() === "" ? problem : undefined}>
            {(props) => <textarea {...props} className="input" rows={4} maxLength={2000} value={message} onChange={(e) => setMessage(e.target.value)} />}
          </Field>
        )}
        <Field label="Comment for your team" hint="The customer never sees it.">
          {(props) => <textarea {...props} className="input" rows={2} maxLength={2000} value={comment} onChange={(e) => setComment(e.target.value)} />}
        </Field>
        {problem && (silent || message.trim() !== "") && (
          <Banner tone="bad" role="alert">
            {problem}
          </Banner>
        )}
        <div className="row">
          <button type="submit" className="btn btn-primary">
            Send back
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
