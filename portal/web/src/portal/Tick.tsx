// A customer's word on a task of theirs: done, or not after all. Part of the onboarding page.
import { createContext, useContext, useRef, useState } from "react";
import { ApiError, call } from "../api/client";
import { announce } from "../ui/announce";
import { longDate } from "../ui/format";
import { useWords } from "../ui/i18n";
import { useProblem } from "../ui/problem";
import { useOnboardingWords } from "./onboardingWords";
import type { Task } from "./view";

/** Takes the record as it is after a change. */
export const Changed = createContext<(view: unknown) => void>(() => {});

/** What staff wrote for the customer about a task, and which colleague ticked it. */
export function About({ task, zone }: { task: Task; zone: string }) {
  const { locale } = useWords();
  const { o } = useOnboardingWords();
  return (
    <>
      {task.note && (
        <p className="small" dir="auto">
          {task.note}
        </p>
      )}
      {task.state === "done" && task.done_at && <p className="small muted">{task.done_by ? o("ticked_by", { name: task.done_by, date: longDate(task.done_at, locale, zone) }) : o("done_on", { date: longDate(task.done_at, locale, zone) })}</p>}
    </>
  );
}

export function Tick({ task }: { task: Task }) {
  const { o } = useOnboardingWords();
  const explain = useProblem();
  const changed = useContext(Changed);
  const button = useRef<HTMLButtonElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  if (!task.tick && !problem) return null;
  const done = task.tick === "done";
  const say = async () => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    const list = button.current?.closest("section")?.querySelector("h2");
    try {
      changed(await call("put", "/v1/onboarding/tasks/{id}", { params: { id: task.id }, body: { done } }));
      announce(o(done ? "ticked" : "unticked", { name: task.title }));
      // Where the row has gone from its list, the list's heading has the focus.
      requestAnimationFrame(() => {
        if (document.activeElement !== document.body || !list) return;
        list.tabIndex = -1;
        list.focus();
      });
    } catch (error) {
      setProblem(error instanceof ApiError && error.code === "not_tickable" ? o("tick_not_now") : explain(error));
    }
    setBusy(false);
  };
  return (
    <>
      {task.tick && (
        <button ref={button} type="button" className={done ? "btn btn-small" : "btn btn-small btn-quiet"} aria-disabled={busy || undefined} onClick={() => void say()}>
          {o(done ? "tick" : "untick")} <span className="vh">: {task.title}</span>
        </button>
      )}
      {problem && (
        <span className="field-error" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
