import { useState } from "react";
import { call, newKey } from "../api/client";
import { announce } from "../ui/announce";
import { readDraft, writeDraft } from "../ui/draft";
import { useWords } from "../ui/i18n";
import { Dialog } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { Offers } from "./Offers";
import { useSession } from "./session";

/** One question before a person is asked; what is known is not asked again. */
export function PersonDialog({ conversation, onClose, onDone }: { conversation?: string; onClose: () => void; onDone: (conversation: string) => void }) {
  const { t, language } = useWords();
  const session = useSession();
  const explain = useProblem();
  const draft = `${session.me.id}.${conversation ?? "new"}`;
  const [note, setNote] = useState(() => readDraft(draft));
  const [key] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const { me } = session;

  const send = async () => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    try {
      let id = conversation;
      if (!id) {
        const begun = await call("post", "/v1/conversations", { body: { subject: (note.trim() || t("talk")).slice(0, 120) }, headers: { "idempotency-key": key } });
        id = begun.conversation.id;
      }
      await call("post", "/v1/conversations/{id}/person", { params: { id }, body: { client_key: key, ...(note.trim() && { note: note.trim() }) } });
      writeDraft(draft, "");
      announce(`${t("passed_on")}. ${t("passed_on_body")}`);
      onDone(id);
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("talk_title")} onClose={onClose} closeLabel={t("close")}>
      <p>{t(conversation ? "talk_body" : "talk_body_new")}</p>
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          void send();
        }}
      >
        <div className="field">
          <label htmlFor="person-note">{t("talk_about")}</label>
          <textarea id="person-note" className="input" rows={3} dir="auto" value={note} onChange={(e) => setNote(e.target.value)} maxLength={16000} />
        </div>
        <Offers text={note} />
        {me.assistant?.expectation && (
          <p className="muted" lang={me.locale.startsWith(language) ? undefined : me.locale}>
            {me.assistant.expectation} {t("talk_here")}
          </p>
        )}
        {problem && (
          <p className="field-error" role="alert">
            {problem}
          </p>
        )}
        <div className="dialog-foot">
          <button type="button" className="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
            {t("talk_send")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
