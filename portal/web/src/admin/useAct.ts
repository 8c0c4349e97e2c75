import { useState } from "react";
import { announce } from "../ui/announce";
import { problemOf } from "../ui/Console";

/** What a page's buttons do: done is said aloud and the page read again; what went wrong is its problem. */
export function useAct(reload: () => void) {
  const [problem, setProblem] = useState("");
  const act = async (what: () => Promise<unknown>, done: string) => {
    setProblem("");
    try {
      await what();
      announce(done);
      reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return { problem, act };
}
