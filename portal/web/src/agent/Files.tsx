// Files of messages: what customers and agents sent, and what goes with a reply.
import { type RefObject, useEffect, useId, useRef, useState } from "react";
import { call } from "../api/client";
import type { Attachment, AttachmentLimits, Message } from "../api/types";
import { accept, busy, type Sending, usable, useUploads, wholeMegabytes } from "../files/uploads";
import "../files/files.css";
import { announce } from "../ui/announce";
import { locale, problemOf } from "../ui/Console";
import { bytes } from "../ui/format";
import { Icon } from "../ui/Icon";
import { Dialog } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

/** The files of a message. One that was not checked opens only after a look at what that means. */
export function Files({ message, tenant }: { message: Message; tenant: string }) {
  const [asked, setAsked] = useState<Attachment>();
  useEffect(() => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("file-") && message.attachments?.some((a) => `file-${a.id}` === hash)) document.getElementById(hash)?.scrollIntoView({ block: "center" });
  }, [message.attachments]);
  return (
    <>
      <ul className="files small" aria-label="Files">
        {message.attachments?.map((a) => (
          <li key={a.id} id={`file-${a.id}`} data-state={a.state}>
            <Icon name={a.state === "infected" ? "warn" : "file"} />
            {a.state === "clean" ? (
              <a className="name" dir="auto" href={address(tenant, a)} download={a.name} aria-label={`Download ${a.name}`}>
                {a.name}
              </a>
            ) : (
              <span className="name" dir="auto">
                {a.name}
              </span>
            )}
            <span className="muted">{bytes(a.size, locale)}</span>
            {a.state !== "clean" && <span className={a.state === "infected" ? "field-error" : "muted"}>{stateWords(a.state)}</span>}
            {(a.state === "not_scanned" || a.state === "error") && (
              <button type="button" className="btn btn-quiet btn-small" onClick={() => setAsked(a)}>
                Open anyway… <span className="vh">{a.name}</span>
              </button>
            )}
            {a.state === "clean" && /^(text\/|application\/json)/.test(a.content_type) && <Look tenant={tenant} file={a} />}
          </li>
        ))}
      </ul>
      {asked && (
        <Dialog title="Open a file that was not checked?" onClose={() => setAsked(undefined)}>
          <p>
            Nothing looked for viruses in <b dir="auto">{asked.name}</b>. Open it only if you expect it from this customer. That you opened it is kept in the audit.
          </p>
          <div className="dialog-foot">
            <button type="button" className="btn" onClick={() => setAsked(undefined)}>
              Leave it
            </button>
            <a className="btn btn-primary" href={`${address(tenant, asked)}?unchecked=true`} download={asked.name} onClick={() => setTimeout(() => setAsked(undefined))}>
              Download it unchecked
            </a>
          </div>
        </Dialog>
      )}
    </>
  );
}

const address = (tenant: string, a: Attachment) => `/v1/agent/attachments/${tenant}/${a.id}/content`;

/** How a plain text begins, without downloading it. */
function Look({ tenant, file }: { tenant: string; file: Attachment }) {
  const [text, setText] = useState<string>();
  return (
    <details
      className="grow"
      onToggle={(e) => {
        if (!e.currentTarget.open || text !== undefined) return;
        call("get", "/v1/agent/attachments/{tenant}/{id}", { params: { tenant, id: file.id } }).then(
          (a) => setText(a.preview ?? "There is nothing to show."),
          (error: unknown) => setText(problemOf(error)),
        );
      }}
    >
      <summary>
        Look inside <span className="vh">{file.name}</span>
      </summary>
      <pre className="preview" dir="auto" tabIndex={0} role="region" aria-label={`Beginning of ${file.name}`}>
        {text ?? "Loading…"}
      </pre>
    </details>
  );
}

function stateWords(state: Sending["state"]): string {
  switch (state) {
    case "waiting":
      return "waiting";
    case "pending":
      return "being checked for viruses";
    case "infected":
      return "removed: it did not pass the virus check";
    case "error":
      return "not checked: the virus check did not work";
    case "clean":
      return "checked, ready to send";
    default:
      return "not checked for viruses";
  }
}

export type Taken = { id: string; name: string }[];
export type Reply = { files: readonly Sending[]; taken: Taken; busy: boolean; sent: (ids: string[]) => void };

/** The files of a reply to come; `state` tells the form about them. */
export function AttachFiles({ tenant, ticket, state }: { tenant: string; ticket: string; state: RefObject<Reply | undefined> }) {
  const limits = useLoad<AttachmentLimits>((signal) => call("get", "/v1/agent/attachments", { signal }), "attachments").data;
  const uploads = useUploads(
    {
      url: (name) => `/v1/agent/tickets/${tenant}/${ticket}/attachments?file_name=${encodeURIComponent(name)}`,
      look: (id) => call("get", "/v1/agent/attachments/{tenant}/{id}", { params: { tenant, id } }).then((a) => a.attachment),
      discard: (id) => call("delete", "/v1/agent/attachments/{tenant}/{id}", { params: { tenant, id } }),
    },
    problemOf,
  );
  const { files } = uploads;
  const chooser = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [over, setOver] = useState(false);
  const told = useRef(new Map<string, string>());
  const id = useId();
  useEffect(() => {
    for (const f of files) {
      const news = busy(f) ? "" : (f.problem ?? stateWords(f.state));
      if (!news || told.current.get(f.key) === news) continue;
      told.current.set(f.key, news);
      announce(`${f.name}: ${news}`);
    }
  }, [files]);
  state.current = { files, taken: files.filter(usable).map((f) => ({ id: f.id ?? "", name: f.name })), busy: files.some(busy), sent: uploads.sent };
  if (!limits) return null;
  if (!limits.to_customers) return <p className="hint">Files cannot be sent to customers: no virus check is set up.</p>;
  const size = bytes(wholeMegabytes(limits.max_bytes), locale);
  const add = (list: Iterable<File>) =>
    uploads.add(list, (file, already) => {
      if (already >= limits.per_message) return `a reply carries at most ${limits.per_message} files`;
      if (file.size > limits.max_bytes) return `too large (${bytes(file.size, locale)}); at most ${size} are possible`;
      return "";
    });
  const remove = (f: Sending) => {
    announce(busy(f) ? `${f.name} is not sent.` : `${f.name} was removed.`);
    button.current?.focus();
    uploads.remove(f.key);
  };
  return (
    <div
      className={over ? "stack stack-2 attach-panel drop-here" : "stack stack-2"}
      onDragOver={(e) => {
        if (!e.dataTransfer.types.includes("Files")) return;
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        setOver(false);
        add(e.dataTransfer.files);
      }}
    >
      {files.length > 0 && (
        <ul className="files small" aria-label="Files to send">
          {files.map((f) => (
            <li key={f.key} data-state={f.state}>
              <Icon name={f.state === "failed" || f.state === "infected" ? "warn" : "file"} />
              <span className="name" dir="auto">
                {f.name}
              </span>
              {f.state === "sending" && <progress value={f.part} aria-label={f.name} />}
              <span className={f.state === "failed" || f.state === "infected" ? "field-error" : "muted"}>{f.problem ?? (f.state === "sending" ? `${Math.round(f.part * 100)} % uploaded` : stateWords(f.state))}</span>
              <button type="button" className="btn btn-quiet btn-small" aria-label={busy(f) ? `Cancel uploading ${f.name}` : `Remove ${f.name}`} onClick={() => remove(f)}>
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="row">
        <button ref={button} type="button" className="btn btn-small" aria-describedby={`${id}-limits`} onClick={() => chooser.current?.click()}>
          <Icon name="file" /> Attach files
        </button>
        <span className="hint" id={`${id}-limits`}>
          Up to {limits.per_message} of {size}: PDF, images, texts, office documents. {limits.scanned ? "The customer gets each once it is checked." : "Not checked for viruses; the customer is told so."}
        </span>
      </p>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        accept={accept(limits.types)}
        data-testid="attach-files"
        onChange={(e) => {
          if (e.target.files) add([...e.target.files]);
          e.target.value = "";
        }}
      />
    </div>
  );
}
