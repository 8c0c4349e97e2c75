import type { Tenant } from "../api/types";
import { Field } from "../ui/parts";

interface Props {
  label: string;
  all?: Tenant[];
  value: string;
  onChange: (id: string) => void;
  /** What choosing none is called; absent: one has to be chosen. */
  none?: string;
  required?: boolean;
}

/** A choice of one organisation. */
export function Organisation({ label, all, value, onChange, none, required }: Props) {
  return (
    <Field label={label}>
      {(p) => (
        <select {...p} className="input" required={required} value={value} onChange={(e) => onChange(e.target.value)}>
          {none !== undefined && <option value="">{none}</option>}
          {all?.map((t) => (
            <option key={t.id} value={t.id}>
              {t.name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
