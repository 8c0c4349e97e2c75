import { useId, useState } from "react";
import { call } from "../api/client";
import type { Message } from "../api/types";
import { announce } from "../ui/announce";
import { useProblem } from "../ui/problem";
import { type Locale, useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";

type Vote = "helpful" | "not_helpful";
type Cause = "did_not_answer" | "wrong" | "outdated" | "hard_to_understand" | "want_person";
type Texts = { why: string; causes: Record<Cause, string>; passed: string };

const texts: Record<Locale, Texts> = {
  en: {
    why: "What was it?",
    causes: { did_not_answer: "Did not answer my question", wrong: "It is wrong", outdated: "It is out of date", hard_to_understand: "Hard to understand", want_person: "I want a person" },
    passed: "Passed on. A person will answer you here.",
  },
  de: {
    why: "Woran lag es?",
    causes: { did_not_answer: "Beantwortet meine Frage nicht", wrong: "Stimmt nicht", outdated: "Ist veraltet", hard_to_understand: "Schwer zu verstehen", want_person: "Ich möchte mit einem Menschen sprechen" },
    passed: "Weitergegeben. Ein Mensch antwortet Ihnen hier.",
  },
  es: {
    why: "¿Qué falló?",
    causes: { did_not_answer: "No responde a mi pregunta", wrong: "Es incorrecto", outdated: "Está desactualizado", hard_to_understand: "Difícil de entender", want_person: "Quiero hablar con una persona" },
    passed: "Hecho. Una persona le responderá aquí.",
  },
  fr: {
    why: "Qu’est-ce qui n’allait pas ?",
    causes: { did_not_answer: "Ne répond pas à ma question", wrong: "C’est faux", outdated: "Ce n’est plus à jour", hard_to_understand: "Difficile à comprendre", want_person: "Je veux parler à une personne" },
    passed: "C’est transmis. Une personne vous répondra ici.",
  },
  pt: {
    why: "O que falhou?",
    causes: { did_not_answer: "Não responde à minha pergunta", wrong: "Está errado", outdated: "Está desatualizado", hard_to_understand: "Difícil de entender", want_person: "Quero falar com uma pessoa" },
    passed: "Encaminhado. Uma pessoa vai responder-lhe aqui.",
  },
};

/** "Was this helpful?" under an automatic answer. The vote and its cause can be changed. */
export function Feedback({ message }: { message: Message }) {
  const { t, language } = useWords();
  const w = texts[language];
  const explain = useProblem();
  const id = useId();
  const [vote, setVote] = useState<Vote | undefined>(message.vote);
  const [stage, setStage] = useState<"ask" | "why" | "done">(message.vote ? "done" : "ask");
  const [cause, setCause] = useState<Cause>();
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");

  const send = async (next: Vote, given?: { cause?: Cause; reason?: string }) => {
    const before = [vote, cause] as const;
    setVote(next);
    setCause(given?.cause);
    setProblem("");
    try {
      await call("put", "/v1/messages/{id}/feedback", { params: { id: message.id }, body: { vote: next, cause: given?.cause, reason: given?.reason || undefined } });
      const finished = next === "helpful" || given?.reason || given?.cause === "want_person";
      setStage(finished ? "done" : "why");
      announce(next === "helpful" ? t("helpful_thanks") : given?.cause === "want_person" ? w.passed : given ? t("helpful_sent") : t("helpful_sorry"));
    } catch (error) {
      setVote(before[0]);
      setCause(before[1]);
      setProblem(explain(error));
    }
  };
  return (
    <div className="feedback" role="group" aria-labelledby={id}>
      <span id={id}>{t("helpful")}</span>
      <button type="button" className="btn btn-quiet btn-small" aria-pressed={vote === "helpful"} onClick={() => void send("helpful")}>
        <Icon name="up" /> {t("helpful_yes")}
      </button>
      <button type="button" className="btn btn-quiet btn-small" aria-pressed={vote === "not_helpful"} onClick={() => void send("not_helpful")}>
        <Icon name="down" /> {t("helpful_no")}
      </button>
      {stage === "done" && vote && <span>{cause === "want_person" ? w.passed : t("helpful_thanks")}</span>}
      {stage === "why" && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (reason.trim()) void send("not_helpful", { cause, reason: reason.trim() });
          }}
        >
          <p>{t("helpful_sorry")}</p>
          <div className="row" role="group" aria-label={w.why}>
            {(Object.keys(w.causes) as Cause[]).map((c) => (
              <button key={c} type="button" className="btn btn-small" aria-pressed={cause === c} onClick={() => void send("not_helpful", { cause: c, reason: c === "want_person" ? reason.trim() : undefined })}>
                {c === "want_person" && <Icon name="person" />} {w.causes[c]}
              </button>
            ))}
          </div>
          <div className="field">
            <label htmlFor={`${id}-why`}>{t("helpful_reason")}</label>
            <textarea id={`${id}-why`} className="input" rows={2} dir="auto" maxLength={1000} value={reason} onChange={(e) => setReason(e.target.value)} />
          </div>
          <div className="row">
            <button type="submit" className="btn btn-small">
              {t("helpful_send")}
            </button>
          </div>
        </form>
      )}
      {problem && <span className="field-error">{problem}</span>}
    </div>
  );
}
