import { type ReactNode, useEffect, useId, useRef } from "react";
import { fullTime, relativeTime, shortTime } from "./format";
import { Icon } from "./Icon";

export type Tone = "ok" | "warn" | "bad" | "info" | "brand" | "note" | "plain";

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={tone === "plain" ? "badge" : `badge tone-${tone}`}>{children}</span>;
}

export function Banner({ tone, children, action, role }: { tone: Tone; children: ReactNode; action?: ReactNode; role?: "status" | "alert" }) {
  return (
    <div className={`banner tone-${tone}`} role={role}>
      <div className="grow">{children}</div>
      {action}
    </div>
  );
}

/** A moment in time: short in the text, whole with its zone on hover. */
export function Time({ at, locale, zone, relative = false }: { at: string; locale: string; zone?: string; relative?: boolean }) {
  return (
    <time dateTime={at} title={fullTime(at, locale, zone)}>
      {relative ? relativeTime(at, locale) : shortTime(at, locale, zone)}
    </time>
  );
}

/**
 * A modal dialog on the platform's own element: focus stays inside, Escape
 * closes, and the focus goes back to what opened it.
 */
export function Dialog({ title, onClose, children, closeLabel = "Close" }: { title: string; onClose: () => void; children: ReactNode; closeLabel?: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      opener?.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className="dialog"
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-body">
        <div className="dialog-head">
          <h2 id={id}>{title}</h2>
          <button type="button" className="btn btn-quiet btn-icon" onClick={onClose} aria-label={closeLabel}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

type FieldProps = { label: string; hint?: string; error?: string; children: (props: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode };

/** A label, its control and what is wrong with it, tied together. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, ...(described && { "aria-describedby": described }), ...(error && { "aria-invalid": true as const }) })}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

export function Loading({ label }: { label: string }) {
  return (
    <p className="row muted" role="status">
      <span className="spin" aria-hidden="true" /> {label}
    </p>
  );
}

export function Empty({ icon, children }: { icon: Parameters<typeof Icon>[0]["name"]; children: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

/** A bar with its value also in words; the bar itself is decoration. */
export function Meter({ value, label }: { value: number; label: string }) {
  const part = Math.round(Math.max(0, Math.min(1, value)) * 100);
  return (
    <div className="meter" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={part}>
      <span style={{ inlineSize: `${part}%` }} />
    </div>
  );
}
