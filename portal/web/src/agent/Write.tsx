import { type KeyboardEvent, useId, useRef, useState } from "react";
import { call, newKey } from "../api/client";
import type { AgentAction, AgentTicket, Suggestion } from "../api/types";
import { announce } from "../ui/announce";
import { problemOf } from "../ui/Console";
import { useDraft } from "../ui/draft";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, Dialog, Field } from "../ui/parts";
import { AttachFiles, type Reply } from "./Files";

type Props = { data: AgentTicket; act: (action: AgentAction, done: string) => Promise<boolean> };

/**
 * Where an agent writes. A reply leaves only through a preview that names who
 * gets it; a note never leaves. Each has its own text, so nothing written as a
 * note can be sent by a slip of the mode.
 */
export function Write({ data, act }: Props) {
  const { ticket } = data;
  const [mode, setMode] = useState<"reply" | "note">("reply");
  const [reply, setReply] = useDraft(`reply.${ticket.id}`);
  // The suggestion the reply began as. It is over when the box is emptied.
  const [from, setFrom] = useDraft(`reply.${ticket.id}.from`);
  const [note, setNote] = useDraft(`note.${ticket.id}`);
  const [preview, setPreview] = useState(false);
  const [then, setThen] = useState<NonNullable<AgentAction["then"]>>("open");
  const [key, setKey] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const files = useRef<Reply>(undefined);
  const id = useId();
  const closed = ticket.state === "closed";
  const who = ticket.customer || "the customer";

  const send = async (action: AgentAction, done: string, clear: () => void) => {
    if (busy) return;
    setBusy(true);
    const ok = await act({ ...action, client_key: key }, done);
    setBusy(false);
    if (!ok) return;
    clear();
    setKey(newKey());
    setPreview(false);
    box.current?.focus();
  };
  const tabKey = (e: KeyboardEvent) => {
    if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
    e.preventDefault();
    setMode((m) => (m === "reply" ? "note" : "reply"));
    (e.currentTarget.parentElement?.querySelector(`[role="tab"]:not([aria-selected="true"])`) as HTMLElement | null)?.focus();
  };
  if (closed) return <p className="muted small">This ticket is closed. A new message from the customer opens another one.</p>;
  return (
    <div className="stack stack-2">
      <Suggest
        data={data}
        onUse={(text, draft) => {
          setMode("reply");
          setFrom(draft ?? "");
          setReply(reply.trim() ? `${reply.trim()}\n\n${text}` : text);
          box.current?.focus();
          announce("The suggestion is in the reply. Check it before you send.");
        }}
      />
      <div>
        <div className="modes" role="tablist" aria-label="What to write">
          {(["reply", "note"] as const).map((m) => (
            <button key={m} type="button" role="tab" id={`${id}-${m}`} aria-selected={mode === m} aria-controls={`${id}-panel`} tabIndex={mode === m ? 0 : -1} className={`${m}-mode`} onClick={() => setMode(m)} onKeyDown={tabKey}>
              {m === "reply" ? "Reply to customer" : "Internal note"}
            </button>
          ))}
        </div>
        <form
          id={`${id}-panel`}
          role="tabpanel"
          aria-labelledby={`${id}-${mode}`}
          className={`write write-${mode} stack stack-2`}
          onSubmit={(e) => {
            e.preventDefault();
            if (mode === "note") {
              if (note.trim()) void send({ act: "note", text: note.trim() }, "Note added.", () => setNote(""));
            } else if (files.current?.busy) announce("Files are still on their way. Wait a moment, or cancel them.");
            else if (reply.trim()) setPreview(true);
          }}
        >
          <textarea
            ref={box}
            className="input"
            rows={4}
            dir="auto"
            aria-label={mode === "reply" ? `Reply to ${who}` : "Internal note, not shown to the customer"}
            value={mode === "reply" ? reply : note}
            onChange={(e) => {
              if (mode === "note") return setNote(e.target.value);
              setReply(e.target.value);
              if (!e.target.value.trim()) setFrom("");
            }}
          />
          <div hidden={mode !== "reply"}>
            <AttachFiles key={ticket.id} tenant={ticket.tenant.id} ticket={ticket.id} state={files} />
          </div>
          <div className="row">
            <span className="hint grow">{mode === "reply" ? `Goes to ${who} after a preview.` : "Stays with your team."}</span>
            <button type="submit" className="btn btn-primary btn-small" aria-disabled={!(mode === "reply" ? reply : note).trim() || busy || undefined}>
              {mode === "reply" ? "Preview reply" : "Add note"}
            </button>
          </div>
        </form>
      </div>
      {preview && (
        <Dialog title="Send this to the customer?" onClose={() => setPreview(false)}>
          <dl className="dl">
            <dt>Goes to</dt>
            <dd dir="auto">
              <b>{who}</b> at <b>{ticket.tenant.name}</b>
            </dd>
            <dt>Through</dt>
            <dd>{channelWords(data.conversation.channel)}</dd>
            <dt>Customer’s language</dt>
            <dd>{ticket.language || "not known"}</dd>
            {(files.current?.taken.length ?? 0) > 0 && (
              <>
                <dt>Files</dt>
                <dd dir="auto">{files.current?.taken.map((f) => f.name).join(", ")}</dd>
              </>
            )}
          </dl>
          <div className="preview" dir="auto" tabIndex={0} role="region" aria-label="The reply as the customer sees it">
            <Markdown text={reply.trim().replace(/([^\n])\n(?!\n)/g, "$1  \n")} headingBase={3} />
          </div>
          <Field label="Afterwards">
            {(p) => (
              <select {...p} className="input" value={then} onChange={(e) => setThen(e.target.value as typeof then)}>
                <option value="open">I keep working on it</option>
                <option value="pending">I wait for the customer</option>
                <option value="on_hold">It is on hold</option>
                <option value="solved">It is solved</option>
              </select>
            )}
          </Field>
          <div className="dialog-foot">
            <button type="button" className="btn" onClick={() => setPreview(false)}>
              Keep editing
            </button>
            <button type="button" className="btn btn-primary" aria-disabled={busy || undefined} onClick={() => {
                const taken = files.current?.taken.map((f) => f.id) ?? [];
                void send({ act: "reply", text: reply.trim(), attachments: taken, draft_id: from || undefined, then }, `Sent to ${who}.`, () => {
                  setReply("");
                  setFrom("");
                  setThen("open");
                  files.current?.sent(taken);
                });
              }}>
              <Icon name="send" flip /> Send to {who}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function channelWords(channel: string): string {
  switch (channel) {
    case "chat":
      return "the portal chat";
    case "email":
      return "e-mail";
    case "api":
      return "the portal (the ticket came by API)";
    default:
      return "the portal";
  }
}

function Suggest({ data, onUse }: { data: AgentTicket; onUse: (text: string, draft?: string) => void }) {
  const [state, setState] = useState<{ busy?: boolean; problem?: string; draft?: Suggestion }>({});
  const ask = async () => {
    setState({ busy: true });
    try {
      const draft = await call("post", "/v1/agent/tickets/{tenant}/{id}/suggestion", { params: { tenant: data.ticket.tenant.id, id: data.ticket.id } });
      setState({ draft });
      announce(draft.found ? `A suggestion with ${draft.citations.length} sources is ready.` : "No suggestion: nothing fitting was found.");
    } catch (error) {
      setState({ problem: problemOf(error) });
    }
  };
  const { draft } = state;
  return (
    <div className="stack stack-2">
      <p className="row">
        <button type="button" className="btn btn-small" onClick={() => void ask()} aria-disabled={state.busy || undefined}>
          {state.busy ? <span className="spin" aria-hidden="true" /> : <Icon name="flask" />} Suggest an answer
        </button>
      </p>
      {state.problem && (
        <Banner tone="bad" role="alert">
          {state.problem}
        </Banner>
      )}
      {draft && !draft.found && (
        <Banner tone="info" action={<Close onClose={() => setState({})} />}>
          Nothing in the knowledge base fits this question.
        </Banner>
      )}
      {draft?.found && (
        <section className="card stack stack-2 small" aria-label="Suggested answer">
          <p className="row">
            <Badge tone="note">AI draft · not sent</Badge>
            <span className="grow" />
            <Close onClose={() => setState({})} />
          </p>
          <div dir="auto">
            <Markdown text={draft.text} headingBase={3} />
          </div>
          {draft.citations.length > 0 && (
            <ul className="plain-list tiny">
              {draft.citations.map((c) => (
                <li key={c.chunk_id}>
                  {c.number}{" "}
                  <a href={c.url} target="_blank" rel="noopener">
                    {c.title}
                    {c.section && c.section !== c.title && <> › {c.section}</>}
                  </a>
                </li>
              ))}
            </ul>
          )}
          <p>
            <button
              type="button"
              className="btn btn-small"
              onClick={() => {
                onUse(draft.text.replace(/\s*\[\d{1,2}\]/g, ""), draft.draft_id);
                setState({});
              }}
            >
              Put into the reply
            </button>
          </p>
        </section>
      )}
    </div>
  );
}

const Close = ({ onClose }: { onClose: () => void }) => (
  <button type="button" className="btn btn-quiet btn-small" onClick={onClose}>
    Dismiss
  </button>
);
