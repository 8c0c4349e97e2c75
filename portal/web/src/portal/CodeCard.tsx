import { useMemo, useState } from "react";
import { call } from "../api/client";
import { announce } from "../ui/announce";
import { CodeForm } from "../ui/CodeForm";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { useProblem } from "../ui/problem";
import { stepUpWords } from "../ui/stepUpWords";

/** Takes the code a question in the conversation waits for. */
export default function CodeCard({ conversation, to }: { conversation: string; to: string }) {
  const { language } = useWords();
  const w = stepUpWords[language];
  const explain = useProblem();
  const [done, setDone] = useState(false);
  const acts = useMemo(() => {
    const params = { id: conversation };
    return {
      send: () => call("post", "/v1/conversations/{id}/code", { params }),
      prove: (code: string) => call("put", "/v1/conversations/{id}/code", { params, body: { code } }),
    };
  }, [conversation]);
  if (done)
    return (
      <p className="row small" role="status">
        <Icon name="check" /> {w.done}
      </p>
    );
  return (
    <section className="card" aria-label={w.title}>
      <CodeForm
        language={language}
        explain={explain}
        sentTo={to}
        {...acts}
        onDone={() => {
          setDone(true);
          announce(w.done);
        }}
      />
    </section>
  );
}
