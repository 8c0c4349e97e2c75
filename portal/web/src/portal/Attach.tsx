// Files for a message: by the chooser, the camera, dropping or pasting.
import { type RefObject, useEffect, useId, useRef, useState } from "react";
import { ApiError, call } from "../api/client";
import type { AttachmentLimits } from "../api/types";
import { accept, busy, type Sending, type Target, usable, useUploads, wholeMegabytes } from "../files/uploads";
import "../files/files.css";
import { announce } from "../ui/announce";
import { bytes } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { useProblem } from "../ui/problem";
import { useLoad } from "../ui/useLoad";
import { fileWords, filled } from "./fileWords";

/** What the composer asks when it sends: the files, or nothing while some are on their way. */
export type Taken = { id: string; name: string }[];

type Props = {
  take: RefObject<(() => Taken | undefined) | undefined>;
  /** How many files are there to send. */
  onCount: (n: number) => void;
  inputRef: RefObject<HTMLTextAreaElement | null>;
};

const target: Target = {
  url: (name) => `/v1/attachments?file_name=${encodeURIComponent(name)}`,
  look: (id) => call("get", "/v1/attachments/{id}", { params: { id } }),
  discard: (id) => call("delete", "/v1/attachments/{id}", { params: { id } }),
};

export default function Attach({ take, onCount, inputRef }: Props) {
  const { language, locale } = useWords();
  const w = fileWords[language];
  const explain = useProblem();
  const limits = useLoad<AttachmentLimits>((signal) => call("get", "/v1/attachments", { signal }), "attachments").data;
  const uploads = useUploads(target, (error) => {
    const code = error instanceof ApiError ? error.code : "";
    return code === "file_type" ? w.kind : code === "file_empty" ? w.empty : explain(error);
  });
  const { files } = uploads;
  const [open, setOpen] = useState(false);
  const [over, setOver] = useState(false);
  const id = useId();
  const chooser = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const told = useRef(new Map<string, string>());

  const add = (list: Iterable<File>) => {
    if (!limits) return;
    setOpen(true);
    uploads.add(list, (file, already) => {
      if (already >= limits.per_message) return filled(w.many, { n: limits.per_message });
      if (file.size > limits.max_bytes) return filled(w.large, { size: bytes(file.size, locale), limit: bytes(wholeMegabytes(limits.max_bytes), locale) });
      return "";
    });
  };
  const adding = useRef(add);
  adding.current = add;

  const count = files.filter(usable).length;
  useEffect(() => onCount(count), [count, onCount]);
  take.current = () => {
    if (files.some(busy)) {
      setOpen(true);
      announce(w.wait);
      return undefined;
    }
    const sending = files.filter(usable).map((f) => ({ id: f.id ?? "", name: f.name }));
    uploads.sent(sending.map((f) => f.id));
    if (files.length === sending.length) setOpen(false);
    return sending;
  };

  // Each file's news once, not each percent.
  useEffect(() => {
    for (const f of files) {
      const news = f.state === "sending" || f.state === "waiting" ? "" : (f.problem ?? stateWords(f, w));
      if (!news || told.current.get(f.key) === news) continue;
      told.current.set(f.key, news);
      announce(`${f.name}: ${news}`);
    }
  }, [files, w]);

  const on = Boolean(limits);
  useEffect(() => {
    if (!on) return;
    const box = inputRef.current;
    const hasFiles = (e: DragEvent) => e.dataTransfer?.types.includes("Files") ?? false;
    const paste = (e: ClipboardEvent) => {
      if (!e.clipboardData?.files.length || e.clipboardData.types.includes("text/plain")) return;
      e.preventDefault();
      adding.current(e.clipboardData.files);
    };
    const dragOver = (e: DragEvent) => {
      if (!hasFiles(e)) return;
      e.preventDefault();
      setOpen(true);
      setOver(true);
    };
    const dragLeave = (e: DragEvent) => !e.relatedTarget && setOver(false);
    const drop = (e: DragEvent) => {
      if (!hasFiles(e)) return;
      e.preventDefault();
      setOver(false);
      if (e.dataTransfer) adding.current(e.dataTransfer.files);
    };
    box?.addEventListener("paste", paste);
    window.addEventListener("dragover", dragOver);
    window.addEventListener("dragleave", dragLeave);
    window.addEventListener("drop", drop);
    return () => {
      box?.removeEventListener("paste", paste);
      window.removeEventListener("dragover", dragOver);
      window.removeEventListener("dragleave", dragLeave);
      window.removeEventListener("drop", drop);
    };
  }, [on, inputRef]);

  const remove = (f: Sending) => {
    announce(filled(busy(f) ? w.cancelled : w.removed, { name: f.name }));
    // The focus stays near: on the next file's button, else where files are chosen.
    const buttons = [...(panel.current?.querySelectorAll<HTMLButtonElement>("li button") ?? [])];
    const at = files.indexOf(f);
    (buttons[at + 1] ?? buttons[at - 1] ?? panel.current?.querySelector<HTMLButtonElement>("[data-choose]"))?.focus();
    uploads.remove(f.key);
  };
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const chosen = (input: HTMLInputElement) => {
    if (input.files) add([...input.files]);
    input.value = "";
  };
  if (!limits) return null;
  const shown = open || files.length > 0;
  return (
    <>
      {shown && (
        <div
          ref={panel}
          id={id}
          className={over ? "attach-panel drop-here" : "attach-panel"}
          role="group"
          aria-label={w.attach}
          onKeyDown={(e) => {
            if (e.key !== "Escape" || files.length > 0) return;
            e.preventDefault();
            close();
          }}
        >
          <p className="small muted" id={`${id}-limits`}>
            {filled(w.limits, { n: limits.per_message, size: bytes(wholeMegabytes(limits.max_bytes), locale), kinds: w.kinds })} {w.unread}
          </p>
          {files.length > 0 && (
            <ul className="files small" aria-label={w.list}>
              {files.map((f) => (
                <li key={f.key} data-state={f.state}>
                  <Icon name={f.state === "failed" || f.state === "infected" ? "warn" : "file"} />
                  <span className="name" dir="auto">
                    {f.name}
                  </span>
                  {f.state === "sending" && <progress value={f.part} aria-label={f.name} />}
                  <span className={f.state === "failed" || f.state === "infected" ? "field-error" : "muted"}>{f.problem ?? stateWords(f, w)}</span>
                  <button type="button" className="btn btn-quiet btn-small" onClick={() => remove(f)} aria-label={filled(busy(f) ? w.cancel : w.remove, { name: f.name })}>
                    <Icon name="close" />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <div className="row">
            <button type="button" data-choose className="btn btn-small" aria-describedby={`${id}-limits`} onClick={() => chooser.current?.click()}>
              <Icon name="file" /> {w.choose}
            </button>
            {matchMedia("(pointer: coarse)").matches && (
              <button type="button" className="btn btn-small" aria-describedby={`${id}-limits`} onClick={() => camera.current?.click()}>
                {w.photo}
              </button>
            )}
            {files.length === 0 && (
              <button type="button" className="btn btn-quiet btn-small" onClick={close}>
                {w.close}
              </button>
            )}
            {!matchMedia("(pointer: coarse)").matches && <span className="small muted">{w.drop}</span>}
          </div>
          <input ref={chooser} type="file" multiple hidden accept={accept(limits.types)} onChange={(e) => chosen(e.target)} data-testid="attach-files" />
          <input ref={camera} type="file" hidden accept="image/*" capture="environment" onChange={(e) => chosen(e.target)} data-testid="attach-photo" />
        </div>
      )}
      <button
        ref={button}
        type="button"
        className="btn btn-quiet attach"
        aria-label={w.attach}
        title={w.attach}
        aria-expanded={shown}
        aria-controls={shown ? id : undefined}
        onClick={() => {
          if (open && files.length === 0) return setOpen(false);
          setOpen(true);
          requestAnimationFrame(() => panel.current?.querySelector<HTMLButtonElement>("[data-choose]")?.focus());
        }}
      >
        <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
          <path d="m20 11-8.500 8.500a5 5 0 0 1-7-7L13 4a3.400 3.400 0 0 1 4.800 4.800l-8.500 8.500a1.700 1.700 0 0 1-2.400-2.400L14.500 7.500" />
        </svg>
      </button>
    </>
  );
}

function stateWords(f: Sending, w: (typeof fileWords)["en"]): string {
  switch (f.state) {
    case "waiting":
      return w.waiting;
    case "sending":
      return filled(w.sending, { n: Math.round(f.part * 100) });
    case "pending":
      return w.pending;
    case "clean":
      return w.ready;
    case "infected":
      return w.infected;
    default:
      return w.unchecked;
  }
}
