import { type FormEvent, useState } from "react";
import type { AgentAction, AgentTicket, Message } from "../api/types";
import { Dialog, Field } from "../ui/parts";

type Act = (action: AgentAction, done: string) => Promise<boolean>;
type Open = "merge" | "raise" | "to_knowledge";

/** The acts that need a word more than a click. */
export function More({ data, act }: { data: AgentTicket; act: Act }) {
  const [open, setOpen] = useState<Open>();
  const done = data.ticket.state === "closed";
  return (
    <>
      {!done && (
        <button type="button" className="btn btn-small btn-quiet" onClick={() => setOpen("merge")}>
          Merge…
        </button>
      )}
      {!done && (
        <button type="button" className="btn btn-small btn-quiet" onClick={() => setOpen("raise")}>
          Raise to the lead…
        </button>
      )}
      <button type="button" className="btn btn-small btn-quiet" onClick={() => setOpen("to_knowledge")}>
        Add to knowledge base…
      </button>
      {open === "merge" && <Merge data={data} act={act} onClose={() => setOpen(undefined)} />}
      {open === "raise" && <Raise act={act} onClose={() => setOpen(undefined)} />}
      {open === "to_knowledge" && <ToKnowledge data={data} act={act} onClose={() => setOpen(undefined)} />}
    </>
  );
}

function Form({ title, submit, onSubmit, onClose, children }: { title: string; submit: string; onSubmit: () => Promise<boolean>; onClose: () => void; children: React.ReactNode }) {
  const send = async (e: FormEvent) => {
    e.preventDefault();
    if (await onSubmit()) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack stack-3" onSubmit={(e) => void send(e)}>
        {children}
        <div className="row">
          <button type="submit" className="btn btn-primary">
            {submit}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Merge({ data, act, onClose }: { data: AgentTicket; act: Act; onClose: () => void }) {
  const [number, setNumber] = useState("");
  const [wrong, setWrong] = useState("");
  const into = Number(number.replace("#", ""));
  return (
    <Form
      title={`Merge #${data.ticket.number}`}
      submit="Merge"
      onClose={onClose}
      onSubmit={async () => {
        const bad = !Number.isInteger(into) || into < 1 || into === data.ticket.number;
        setWrong(bad ? "Write the number of another ticket of this customer, such as 1004." : "");
        return !bad && (await act({ act: "merge", into }, `Merged into #${into}.`));
      }}
    >
      <Field label="Into ticket number" hint="This ticket is closed and the customer gets a sentence that says so. What they write here from now on reaches the other one, and they see how it stands." error={wrong}>
        {(p) => <input {...p} className="input" inputMode="numeric" value={number} onChange={(e) => setNumber(e.target.value)} />}
      </Field>
    </Form>
  );
}

function Raise({ act, onClose }: { act: Act; onClose: () => void }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  return (
    <Form
      title="Raise to the lead"
      submit="Raise"
      onClose={onClose}
      onSubmit={async () => {
        setWrong(text.trim() === "" ? "Say why." : "");
        return text.trim() !== "" && (await act({ act: "raise", text: text.trim() }, "Raised to the lead."));
      }}
    >
      <Field label="Why" hint="The leads are told and your team reads it; the customer does not." error={wrong}>
        {(p) => <textarea {...p} className="input" rows={3} maxLength={500} value={text} onChange={(e) => setText(e.target.value)} />}
      </Field>
    </Form>
  );
}

function ToKnowledge({ data, act, onClose }: { data: AgentTicket; act: Act; onClose: () => void }) {
  const reply = [...data.messages].reverse().find((m) => m.author.kind === "agent" && m.visibility === "customer");
  const [subject, setSubject] = useState(data.ticket.subject ?? "");
  const [text, setText] = useState(reply?.body ?? "");
  const [wrong, setWrong] = useState("");
  return (
    <Form
      title="Add to knowledge base"
      submit="Send to the curators"
      onClose={onClose}
      onSubmit={async () => {
        const bad = subject.trim() === "" || text.trim() === "";
        setWrong(bad ? "A draft needs a title and a text." : "");
        return !bad && (await act({ act: "to_knowledge", subject: subject.trim().slice(0, 200), text: text.trim() }, "The curators have your draft."));
      }}
    >
      <Field label="Title" error={wrong}>
        {(p) => <input {...p} className="input" dir="auto" maxLength={200} value={subject} onChange={(e) => setSubject(e.target.value)} />}
      </Field>
      <Field label="Text" hint="Leave out names and other personal data. Nobody but curators reads it before it is published.">
        {(p) => <textarea {...p} className="input" dir="auto" rows={8} maxLength={20000} value={text} onChange={(e) => setText(e.target.value)} />}
      </Field>
    </Form>
  );
}

/** Opens a ticket of its own for a message that is another matter. */
export function Split({ message, act }: { message: Message; act: Act }) {
  const [open, setOpen] = useState(false);
  const [subject, setSubject] = useState("");
  const [wrong, setWrong] = useState("");
  return (
    <>
      <button type="button" className="btn btn-small btn-quiet" onClick={() => setOpen(true)}>
        Split off…
      </button>
      {open && (
        <Form
          title="Split off a second ticket"
          submit="Split off"
          onClose={() => setOpen(false)}
          onSubmit={async () => {
            setWrong(subject.trim() === "" ? "Say what the second ticket is about." : "");
            return subject.trim() !== "" && (await act({ act: "split", message_id: message.id, subject: subject.trim() }, "A second ticket is open."));
          }}
        >
          <Field label="What it is about" hint="The message is quoted there; the customer sees both." error={wrong}>
            {(p) => <input {...p} className="input" dir="auto" maxLength={200} value={subject} onChange={(e) => setSubject(e.target.value)} />}
          </Field>
        </Form>
      )}
    </>
  );
}

/** What can still be done about a reply the customer got. */
export function Amend({ message, mail, act }: { message: Message; mail: boolean; act: Act }) {
  const [open, setOpen] = useState<"correct" | "withdraw">();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  return (
    <>
      <button type="button" className="btn btn-small btn-quiet" onClick={() => setOpen("correct")}>
        Correct…
      </button>
      {!mail && (
        <button type="button" className="btn btn-small btn-quiet" onClick={() => setOpen("withdraw")}>
          Take back…
        </button>
      )}
      {open === "correct" && (
        <Form
          title="Correct a reply"
          submit="Send correction"
          onClose={() => setOpen(undefined)}
          onSubmit={async () => {
            setWrong(text.trim() === "" ? "Write what is right." : "");
            return text.trim() !== "" && (await act({ act: "correct_reply", message_id: message.id, text: text.trim() }, "The correction was sent."));
          }}
        >
          <Field label="What is right" hint="The customer gets this as a correction. What you wrote before stays where it is." error={wrong}>
            {(p) => <textarea {...p} className="input" rows={4} dir="auto" value={text} onChange={(e) => setText(e.target.value)} />}
          </Field>
        </Form>
      )}
      {open === "withdraw" && (
        <Form title="Take a reply back" submit="Take back" onClose={() => setOpen(undefined)} onSubmit={() => act({ act: "withdraw_reply", message_id: message.id }, "The reply was taken back.")}>
          <p>The customer sees that a message was removed. They may have read it: a correction says more.</p>
        </Form>
      )}
    </>
  );
}
