import { type KeyboardEvent, type RefObject, Suspense, useRef, useState } from "react";
import { lazily } from "../ui/lazily";
import { useDraft } from "../ui/draft";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import type { Taken } from "./Attach";

const Attach = lazily(() => import("./Attach"));

/** Longest message the service takes, in characters; it measures bytes, so this is cautious. */
export const longestMessage = 16_000;

type Props = {
  /** Drafts are kept per conversation on this device. */
  draftKey: string;
  onSend: (text: string, files?: Taken) => void;
  /** Set while an answer is being written: the button stops it. */
  onStop?: () => void;
  inputRef: RefObject<HTMLTextAreaElement | null>;
  /** Whether the first frame is over: files come after it. */
  later: boolean;
};

/** The text box. A draft survives reloads and is this tab's own while typing. */
export function Composer({ draftKey, onSend, onStop, inputRef, later }: Props) {
  const { t } = useWords();
  const [text, setText] = useDraft(draftKey);
  const over = text.length - longestMessage;
  const take = useRef<() => Taken | undefined>(undefined);
  const [files, setFiles] = useState(0);

  const send = () => {
    const body = text.trim();
    if ((!body && !files) || over > 0) return;
    const taken = take.current ? take.current() : [];
    if (!taken) return;
    setText("");
    onSend(body, taken);
    inputRef.current?.focus({ preventScroll: true });
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className="composer"
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      <div className="composer-box">
        <Suspense>{later && <Attach key={draftKey} take={take} onCount={setFiles} inputRef={inputRef} />}</Suspense>
        <textarea
          ref={inputRef}
          rows={1}
          dir="auto"
          value={text}
          aria-label={t("composer")}
          aria-describedby="composer-hint"
          aria-invalid={over > 0 || undefined}
          placeholder={t("composer_placeholder")}
          onChange={(e) => setText(e.target.value)}
          onKeyDown={key}
          enterKeyHint="send"
        />
        {onStop ? (
          <button type="button" className="btn" onClick={onStop}>
            <Icon name="stop" /> {t("stop")}
          </button>
        ) : (
          <button type="submit" className="btn btn-primary" aria-disabled={(!text.trim() && !files) || over > 0 || undefined}>
            <Icon name="send" flip /> {t("send")}
          </button>
        )}
      </div>
      <p id="composer-hint" className={over > 0 ? "field-error" : "hint tiny"}>
        {over > 0 ? t("too_long", { n: over }) : t("composer_hint")}
      </p>
    </form>
  );
}
