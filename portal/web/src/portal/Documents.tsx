import { useEffect, useRef, useState } from "react";
import { ApiError, call } from "../api/client";
import type { Document, DocumentList, DocumentVersion } from "../api/types";
import { type Upload, upload } from "../api/upload";
import { announce } from "../ui/announce";
import { bytes, longDate } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Badge, Banner, Empty, Loading, Time } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { usePage } from "../ui/router";
import { useLoad } from "../ui/useLoad";
import { type OnboardingWords, useOnboardingWords } from "./onboardingWords";
import { useAnchor } from "./anchor";
import { ErrorPage } from "./pages";
import { Signatures } from "./Signatures";
import { tone } from "./tone";
import { useRecord } from "./useRecord";
import { isView } from "./view";

/** The requested documents: what was sent, what became of it, and sending more. */
export function Documents() {
  const { t, locale } = useWords();
  const { o } = useOnboardingWords();
  const heading = usePage(o("documents_title"), t("brand"));
  const record = useRecord();
  const event = isView(record.data) ? record.data.event : 0;
  const load = useLoad<DocumentList>((signal) => call("get", "/v1/documents", { signal }), "documents");
  const { reload } = load;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the record is a reason to look again
  useEffect(() => reload(), [event, reload]);
  useAnchor(load.data !== undefined, isView(record.data));
  const off = load.error instanceof ApiError && load.error.status === 404;
  if (load.error && !off && !load.data) return <ErrorPage error={load.error} onRetry={load.reload} />;
  const list = load.data;
  return (
    <div className="page">
      <h1 ref={heading} tabIndex={-1}>
        {o("documents_title")}
      </h1>
      {!list ? (
        off ? (
          <Empty icon="file">{o("documents_empty")}</Empty>
        ) : (
          <Loading label={t("loading")} />
        )
      ) : list.documents.length === 0 ? (
        <Empty icon="file">{o("documents_empty")}</Empty>
      ) : (
        <>
          <p className="muted" id="documents-limits">
            {o("doc_limits", { size: bytes(limit(list), locale), types: kinds(list.types, o).join(", ") })}
          </p>
          <ul className="plain-list stack stack-3">
            {list.documents.map((d) => (
              <Requested key={d.id} document={d} list={list} zone={isView(record.data) ? record.data.time_zone : undefined} onSent={reload} />
            ))}
          </ul>
        </>
      )}
      {isView(record.data) && <Signatures view={record.data} />}
    </div>
  );
}

/** The limit in whole megabytes, so that the sentence is a short one. */
const limit = (list: DocumentList) => (list.max_bytes > 1e6 ? Math.floor(list.max_bytes / 1e6) * 1e6 : list.max_bytes);

function kinds(types: string[], o: OnboardingWords["o"]): string[] {
  const of = (type: string) =>
    type === "application/pdf" ? o("kind_pdf") : type.startsWith("image/") ? o("kind_image") : type.startsWith("text/") ? o("kind_text") : /officedocument|opendocument/.test(type) ? o("kind_office") : "";
  return [...new Set(types.map(of))].filter(Boolean);
}

type Outcome = { tone: "ok" | "bad" | "note"; text: string };

function Requested({ document: d, list, zone, onSent }: { document: Document; list: DocumentList; zone?: string; onSent: () => void }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  return (
    <li className="card stack stack-3" id={`document-${d.id}`}>
      <div className="row">
        <h2 className="grow" dir="auto">{d.title}</h2>
        <span className="row">
          <Badge tone={tone(d.state)}>{state(d.state)}</Badge>
          {d.due && d.state !== "accepted" && d.state !== "waived" && <span className="small muted">{o("due", { date: longDate(d.due, locale) })}</span>}
        </span>
      </div>
      {d.versions.length > 0 && (
        <ul className="plain-list stack stack-2">
          {d.versions.map((v) => (
            <Sent key={v.id} version={v} zone={zone} />
          ))}
        </ul>
      )}
      {d.open && <Send document={d} list={list} onSent={onSent} />}
    </li>
  );
}

function Sent({ version: v, zone }: { version: DocumentVersion; zone?: string }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  const scan = { clean: "", pending: o("doc_checking"), infected: o("doc_infected"), not_scanned: o("doc_held"), error: o("doc_held") }[v.scan_state];
  return (
    <li>
      <span dir="auto">
        {v.number} · {v.file_name}
      </span>{" "}
      <span className="muted small">
        <Time at={v.uploaded_at} locale={locale} zone={zone} /> · {state(v.review_state)}
      </span>{" "}
      {v.available && (
        <a href={`/v1/document-versions/${v.id}/content`} download={v.file_name} aria-label={o("doc_download_of", { name: v.file_name })}>
          {o("doc_download")}
        </a>
      )}
      {scan && <p className="small muted">{scan}</p>}
      {v.message && (
        <p className="small" dir="auto">
          {o("doc_note")}: {v.message}
        </p>
      )}
    </li>
  );
}

/** Sends one file: by the picker, or by dropping it on the card. */
function Send({ document: d, list, onSent }: { document: Document; list: DocumentList; onSent: () => void }) {
  const { locale } = useWords();
  const { o } = useOnboardingWords();
  const problem = useProblem();
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const running = useRef<Upload<DocumentVersion>>(undefined);
  const [sending, setSending] = useState<{ name: string; part: number }>();
  const [over, setOver] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  useEffect(() => () => running.current?.cancel(), []);

  const tell = (next: Outcome) => {
    setOutcome(next);
    announce(next.text);
  };
  const send = async (files: FileList | null) => {
    const file = files?.[0];
    if (!file || running.current) return;
    if (files.length > 1) return tell({ tone: "bad", text: o("doc_one") });
    if (file.size > list.max_bytes) return tell({ tone: "bad", text: o("doc_too_large", { name: file.name, size: bytes(file.size, locale), limit: bytes(limit(list), locale) }) });
    setOutcome(undefined);
    setSending({ name: file.name, part: 0 });
    running.current = upload<DocumentVersion>(`/v1/documents/${d.id}/versions?file_name=${encodeURIComponent(file.name)}`, file, (part) => setSending({ name: file.name, part }));
    try {
      const version = await running.current.done;
      tell({ tone: "ok", text: o("doc_sent", { name: version.file_name, n: version.number }) });
      onSent();
    } catch (error) {
      tell(error instanceof DOMException && error.name === "AbortError" ? { tone: "note", text: o("doc_cancelled") } : { tone: "bad", text: problem(error) });
    } finally {
      running.current = undefined;
      setSending(undefined);
      if (input.current) input.current.value = "";
      requestAnimationFrame(() => button.current?.focus());
    }
  };

  return (
    <div
      className={over ? "drop drop-over" : "drop"}
      onDragOver={(e) => {
        if (!e.dataTransfer.types.includes("Files")) return;
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        setOver(false);
        void send(e.dataTransfer.files);
      }}
    >
      <input ref={input} type="file" hidden onChange={(e) => void send(e.target.files)} data-testid={`file-${d.id}`} />
      {sending ? (
        <div className="row grow">
          <progress value={sending.part} aria-label={o("doc_sending", { name: sending.name, n: Math.round(sending.part * 100) })} />
          <span className="small" dir="auto">
            {o("doc_sending", { name: sending.name, n: Math.round(sending.part * 100) })}
          </span>
          <button type="button" className="btn btn-small" onClick={() => running.current?.cancel()}>
            {o("doc_cancel")}
          </button>
        </div>
      ) : (
        <div className="row">
          <button ref={button} type="button" className="btn" onClick={() => input.current?.click()} aria-describedby="documents-limits">
            <Icon name="file" /> {d.versions.length > 0 ? o("doc_again") : o("doc_send")} <span className="vh">{d.title}</span>
          </button>
          <span className="small muted">{o("doc_drop")}</span>
        </div>
      )}
      {outcome && <Banner tone={outcome.tone}>{outcome.text}</Banner>}
    </div>
  );
}
