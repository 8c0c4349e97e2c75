import { ApiError } from "../api/client";
import { useWords, type Words } from "./i18n";

/** What to tell a person about a failed call: what happened, what now, and a reference. */
export function explain(error: unknown, { t }: Pick<Words, "t">): string {
  if (!(error instanceof ApiError)) return t("err_server");
  const reference = error.requestId ? ` ${t("err_reference", { id: error.requestId })}` : "";
  if (error.status === 0) return t("err_offline");
  if (error.status === 429) return t("err_rate", { n: Math.ceil((error.retryAfter ?? 5000) / 1000) });
  if (error.status >= 500) return t("err_server") + reference;
  if (error.status === 403) return t("err_forbidden") + reference;
  const fields = error.errors.map((e) => `${e.field}: ${e.detail}`).join("; ");
  return (fields || error.detail || t("err_server")) + reference;
}

export function useProblem(): (error: unknown) => string {
  const words = useWords();
  return (error) => explain(error, words);
}
