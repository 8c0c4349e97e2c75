import { useState } from "react";
import { announce } from "../ui/announce";
import { problemOf } from "../ui/Console";

/** What a page's buttons do: the sentence that says it is done, given or come to, is said aloud and the page read again; what went wrong is its problem. */
export function useAct(reload: () => void) {
  const [problem, setProblem] = useState("");
  function act(what: () => Promise<string>): Promise<void>;
  function act(what: () => Promise<unknown>, done: string): Promise<void>;
  async function act(what: () => Promise<unknown>, done?: string) {
    setProblem("");
    try {
      const said = await what();
      announce(done ?? String(said));
      reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  return { problem, act };
}
