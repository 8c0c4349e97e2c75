import { useId, useState } from "react";
import { call } from "../api/client";
import type { Message } from "../api/types";
import { announce } from "../ui/announce";
import { useProblem } from "../ui/problem";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";

type Vote = "helpful" | "not_helpful";

/** "Was this helpful?" under an automatic answer. The vote can be changed. */
export function Feedback({ message, onTalk }: { message: Message; onTalk: () => void }) {
  const { t } = useWords();
  const explain = useProblem();
  const id = useId();
  const [vote, setVote] = useState<Vote | undefined>(message.vote);
  const [stage, setStage] = useState<"ask" | "why" | "done">(message.vote ? "done" : "ask");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");

  const send = async (next: Vote, why = "") => {
    const before = vote;
    setVote(next);
    setProblem("");
    try {
      await call("put", "/v1/messages/{id}/feedback", { params: { id: message.id }, body: { vote: next, ...(why && { reason: why }) } });
      setStage(next === "not_helpful" && !why ? "why" : "done");
      announce(next === "helpful" ? t("helpful_thanks") : why ? t("helpful_sent") : t("helpful_sorry"));
    } catch (error) {
      setVote(before);
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
      {stage === "done" && vote && <span>{t("helpful_thanks")}</span>}
      {stage === "why" && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (reason.trim()) void send("not_helpful", reason.trim());
          }}
        >
          <p>{t("helpful_sorry")}</p>
          <div className="field">
            <label htmlFor={`${id}-why`}>{t("helpful_reason")}</label>
            <textarea id={`${id}-why`} className="input" rows={2} dir="auto" maxLength={1000} value={reason} onChange={(e) => setReason(e.target.value)} />
          </div>
          <div className="row">
            <button type="submit" className="btn btn-small">
              {t("helpful_send")}
            </button>
            <button type="button" className="btn btn-small" onClick={onTalk}>
              <Icon name="person" /> {t("talk")}
            </button>
          </div>
        </form>
      )}
      {problem && <span className="field-error">{problem}</span>}
    </div>
  );
}
