import type { RefObject } from "react";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { useSession } from "./session";

/** The first frame: who answers, how to reach a person, and where to start. */
export function Hello({ heading, onAsk }: { heading: RefObject<HTMLHeadingElement | null>; onAsk: (question: string) => void }) {
  const { t, language } = useWords();
  const { me } = useSession();
  const intro = me.assistant;
  const theirs = intro && me.locale.toLowerCase().startsWith(language) ? intro : undefined;
  return (
    <div className="log hello">
      <div className="hello-top">
        <h1 ref={heading} tabIndex={-1}>
          {t("ask_title")}
        </h1>
        <div className="disclosure">
          <div className="stack stack-2">
            <p>{theirs?.disclosure || t("disclosure")}</p>
            <p className="muted">{theirs?.person || t("disclosure_person")}</p>
            {intro?.expectation && (
              <p className="muted" lang={me.locale}>
                {intro.expectation}
              </p>
            )}
          </div>
        </div>
      </div>
      {(intro?.suggestions.length ?? 0) > 0 && (
        <section className="stack stack-3" aria-labelledby="suggested">
          <h2 id="suggested" className="label">
            {t("suggested")}
          </h2>
          <ul className="suggest plain-list">
            {intro?.suggestions.slice(0, 5).map((question) => (
              <li key={question} style={{ display: "grid" }}>
                <button type="button" dir="auto" lang={me.locale} onClick={() => onAsk(question)}>
                  {question} <Icon name="send" flip />
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
