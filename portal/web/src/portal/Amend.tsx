// Changing or taking back what one wrote. Loaded with the first own message.
import { useEffect, useId, useRef, useState } from "react";
import { call } from "../api/client";
import type { Message } from "../api/types";
import { announce } from "../ui/announce";
import { type Locale, useWords } from "../ui/i18n";
import { useProblem } from "../ui/problem";

type Page = { open: string; text: string; save: string; take: string; close: string; late: string; note: string; saved: string; taken: string };

const texts: Record<Locale, Page> = {
  en: {
    open: "Change",
    text: "Your message",
    save: "Save",
    take: "Take it back",
    close: "Cancel",
    late: "A message can be changed for 15 minutes. You can still take it back, or write another one.",
    note: "People who help you see the new text. It is not answered again: for a new question, send a new message.",
    saved: "Your message was changed.",
    taken: "Your message was taken back.",
  },
  de: {
    open: "Ändern",
    text: "Ihre Nachricht",
    save: "Speichern",
    take: "Zurückziehen",
    close: "Abbrechen",
    late: "Eine Nachricht lässt sich 15 Minuten lang ändern. Sie können sie noch zurückziehen oder eine neue schreiben.",
    note: "Wer Ihnen hilft, sieht den neuen Text. Er wird nicht noch einmal beantwortet: Für eine neue Frage senden Sie bitte eine neue Nachricht.",
    saved: "Ihre Nachricht wurde geändert.",
    taken: "Ihre Nachricht wurde zurückgezogen.",
  },
  es: {
    open: "Cambiar",
    text: "Su mensaje",
    save: "Guardar",
    take: "Retirarlo",
    close: "Cancelar",
    late: "Un mensaje se puede cambiar durante 15 minutos. Todavía puede retirarlo o escribir otro.",
    note: "Quienes le ayudan ven el texto nuevo. No se responde otra vez: para una pregunta nueva, envíe un mensaje nuevo.",
    saved: "Su mensaje se ha cambiado.",
    taken: "Su mensaje se ha retirado.",
  },
  fr: {
    open: "Modifier",
    text: "Votre message",
    save: "Enregistrer",
    take: "Le retirer",
    close: "Annuler",
    late: "Un message peut être modifié pendant 15 minutes. Vous pouvez encore le retirer ou en écrire un autre.",
    note: "Les personnes qui vous aident voient le nouveau texte. Il ne reçoit pas de nouvelle réponse : pour une nouvelle question, envoyez un nouveau message.",
    saved: "Votre message a été modifié.",
    taken: "Votre message a été retiré.",
  },
  pt: {
    open: "Alterar",
    text: "A sua mensagem",
    save: "Guardar",
    take: "Retirar",
    close: "Cancelar",
    late: "Uma mensagem pode ser alterada durante 15 minutos. Ainda a pode retirar ou escrever outra.",
    note: "Quem o ajuda vê o novo texto. Não é respondido de novo: para uma nova pergunta, envie uma nova mensagem.",
    saved: "A sua mensagem foi alterada.",
    taken: "A sua mensagem foi retirada.",
  },
};

const changeFor = 15 * 60_000;

export function Amend({ message }: { message: Message }) {
  const { language } = useWords();
  const words = texts[language];
  const explain = useProblem();
  const id = useId();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(message.body);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const was = useRef(false);
  const late = Date.now() - Date.parse(message.created_at) > changeFor;

  useEffect(() => {
    if (open) area.current?.focus();
    else if (was.current) button.current?.focus();
    was.current = open;
  }, [open]);

  const carry = async (work: () => Promise<unknown>, done: string) => {
    setBusy(true);
    setProblem("");
    try {
      await work();
      announce(done);
      setOpen(false);
    } catch (cause) {
      setProblem(explain(cause));
    }
    setBusy(false);
  };
  const params = { id: message.id };

  if (!open) {
    return (
      <button
        ref={button}
        type="button"
        className="btn btn-quiet btn-small"
        onClick={() => {
          setText(message.body);
          setProblem("");
          setOpen(true);
        }}
      >
        {words.open}
      </button>
    );
  }
  return (
    <form
      className="stack stack-2"
      onSubmit={(e) => {
        e.preventDefault();
        if (text.trim() && text.trim() !== message.body) void carry(() => call("put", "/v1/messages/{id}", { params, body: { text } }), words.saved);
        else setOpen(false);
      }}
      onKeyDown={(e) => {
        if (e.key === "Escape") setOpen(false);
      }}
    >
      <div className="field">
        <label htmlFor={id}>{words.text}</label>
        <textarea ref={area} id={id} className="input" rows={3} dir="auto" readOnly={late} aria-describedby={`${id}-note`} value={text} onChange={(e) => setText(e.target.value)} />
        <p id={`${id}-note`} className="muted small">
          {late ? words.late : words.note}
        </p>
      </div>
      <div className="row">
        {!late && (
          <button type="submit" className="btn btn-small" disabled={busy}>
            {words.save}
          </button>
        )}
        <button type="button" className="btn btn-small" disabled={busy} onClick={() => void carry(() => call("delete", "/v1/messages/{id}", { params }), words.taken)}>
          {words.take}
        </button>
        <button type="button" className="btn btn-quiet btn-small" onClick={() => setOpen(false)}>
          {words.close}
        </button>
      </div>
      {problem && (
        <p className="field-error" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
