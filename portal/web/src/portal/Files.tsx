// The files of a message, as customers see them.
import type { Attachment, Message } from "../api/types";
import "../files/files.css";
import { bytes } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { fileWords, filled } from "./fileWords";

/** `own`: the reader sent the message, and has its files anyway. */
export default function Files({ message, own }: { message: Message; own: boolean }) {
  const { language, locale } = useWords();
  const w = fileWords[language];
  // A file of ours that was not checked is there only where the operator lets it through.
  const open = (a: Attachment) => a.state === "clean" || (a.state !== "infected" && own) || (a.state === "not_scanned" && message.author.kind === "agent");
  const note = (a: Attachment) => {
    switch (a.state) {
      case "clean":
        return "";
      case "infected":
        return w.infected;
      case "pending":
        return w.pending;
      case "error":
        return own ? w.unchecked : w.broken;
      default:
        return open(a) ? w.unchecked : w.held;
    }
  };
  return (
    <ul className="files small" aria-label={w.files}>
      {message.attachments?.map((a) => (
        <li key={a.id} data-state={a.state}>
          <Icon name={a.state === "infected" ? "warn" : "file"} />
          {open(a) ? (
            <a className="name" dir="auto" href={`/v1/attachments/${a.id}/content`} download={a.name} aria-label={filled(w.download, { name: a.name })}>
              {a.name}
            </a>
          ) : (
            <span className="name" dir="auto">
              {a.name}
            </span>
          )}
          <span className="muted">{bytes(a.size, locale)}</span>
          {note(a) && <span className={a.state === "infected" ? "field-error" : "muted"}>{note(a)}</span>}
        </li>
      ))}
    </ul>
  );
}
