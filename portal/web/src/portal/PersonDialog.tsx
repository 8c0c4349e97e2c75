import { useState } from "react";
import { call, newKey } from "../api/client";
import { announce } from "../ui/announce";
import { readDraft, writeDraft } from "../ui/draft";
import { type Locale, useWords } from "../ui/i18n";
import { Dialog } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { Offers } from "./Offers";
import { useSession } from "./session";

// Its words come with it: the first frame does without them.
const texts: Record<Locale, { body: string; begin: string; about: string; send: string; here: string; passed: string; next: string }> = {
  en: { body: "We pass this conversation on with everything already written, so you do not have to repeat yourself.", begin: "Write what it is about, if you like. It reaches our support team.", about: "What is it about? (optional)", send: "Pass on to a person", here: "The reply appears here and in your conversations.", passed: "Passed on to a person", next: "Our support team has the whole conversation." },
  de: { body: "Wir geben dieses Gespräch mit allem weiter, was schon geschrieben ist. Sie müssen nichts wiederholen.", begin: "Schreiben Sie, wenn Sie möchten, worum es geht. Es erreicht unser Support-Team.", about: "Worum geht es? (freiwillig)", send: "An einen Menschen weitergeben", here: "Die Antwort erscheint hier und in Ihren Gesprächen.", passed: "An einen Menschen weitergegeben", next: "Unser Support-Team hat das ganze Gespräch." },
  es: { body: "Pasamos esta conversación con todo lo ya escrito, para que no tenga que repetirse.", begin: "Escriba de qué se trata, si quiere. Llega a nuestro equipo de soporte.", about: "¿De qué se trata? (opcional)", send: "Pasar a una persona", here: "La respuesta aparece aquí y en sus conversaciones.", passed: "Pasado a una persona", next: "Nuestro equipo tiene toda la conversación." },
  fr: { body: "Nous transmettons cette conversation avec tout ce qui est déjà écrit ; vous n’avez rien à répéter.", begin: "Écrivez de quoi il s’agit, si vous le souhaitez. Cela parvient à notre équipe.", about: "De quoi s’agit-il ? (facultatif)", send: "Transmettre à une personne", here: "La réponse apparaît ici et dans vos conversations.", passed: "Transmis à une personne", next: "Notre équipe dispose de toute la conversation." },
  pt: { body: "Passamos esta conversa com tudo o que já foi escrito, para não ter de repetir.", begin: "Escreva do que se trata, se quiser. Chega à nossa equipa de suporte.", about: "Do que se trata? (opcional)", send: "Passar a uma pessoa", here: "A resposta aparece aqui e nas suas conversas.", passed: "Passado a uma pessoa", next: "A nossa equipa tem a conversa toda." },
};

/** One question before a person is asked; what is known is not asked again. */
export function PersonDialog({ conversation, onClose, onDone }: { conversation?: string; onClose: () => void; onDone: (conversation: string) => void }) {
  const { t, language } = useWords();
  const own = texts[language];
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
      announce(`${own.passed}. ${own.next}`);
      onDone(id);
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("talk_title")} onClose={onClose} closeLabel={t("close")}>
      <p>{conversation ? own.body : own.begin}</p>
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          void send();
        }}
      >
        <div className="field">
          <label htmlFor="person-note">{own.about}</label>
          <textarea id="person-note" className="input" rows={3} dir="auto" value={note} onChange={(e) => setNote(e.target.value)} maxLength={16000} />
        </div>
        <Offers text={note} />
        {me.assistant?.expectation && (
          <p className="muted" lang={me.locale.startsWith(language) ? undefined : me.locale}>
            {me.assistant.expectation} {own.here}
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
            {own.send}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
