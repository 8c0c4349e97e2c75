import { problemOf } from "../ui/Console";

/** A line that is no pair; its message says what to write. */
class PairError extends Error {}

/** Lines "name = value" as an object; whoever wrote another line is told what each is: a field with its place, say. */
export function readPairs(text: string, thing: string, value: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const line of text.split("\n").filter((l) => l.trim())) {
    const at = line.indexOf("=");
    if (at < 1) throw new PairError(`Write each ${thing} as name = ${value}. This line is not: ${line.trim()}`);
    out[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return out;
}

/** What to tell whoever wrote pairs and sent them off. */
export const pairProblem = (error: unknown) => (error instanceof PairError ? error.message : problemOf(error));
