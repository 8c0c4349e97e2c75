import { ApiError, call } from "../api/client";
import { CodeForm } from "./CodeForm";
import type { Locale } from "./i18n";
import { Dialog } from "./parts";
import { stepUpWords } from "./stepUpWords";

/** Whether a failed call waits for the person to confirm that it is them. */
export const needsStepUp = (error: unknown): boolean => error instanceof ApiError && error.code === "step_up_required";

const send = () => call("post", "/v1/auth/code", {});
const prove = (code: string) => call("put", "/v1/auth/code", { body: { code } });

/** Has a code mailed and takes it; onDone repeats what was asked for. */
export function StepUp({ language, explain, onDone, onClose, closeLabel }: { language: Locale; explain: (error: unknown) => string; onDone: () => void; onClose: () => void; closeLabel?: string }) {
  return (
    <Dialog title={stepUpWords[language].title} onClose={onClose} closeLabel={closeLabel}>
      <CodeForm language={language} explain={explain} send={send} prove={prove} onDone={onDone} />
    </Dialog>
  );
}
