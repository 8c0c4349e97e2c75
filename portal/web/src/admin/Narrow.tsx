import { call } from "../api/client";
import { Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

interface Props {
  whose: string;
  tenant: string;
  onTenant: (id: string) => void;
  howMany: string;
  choices: number[];
  n: number;
  onN: (n: number) => void;
}

/** Two choices that narrow a list: one organisation or all of them, and how far back. */
export function Narrow({ whose, tenant, onTenant, howMany, choices, n, onN }: Props) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  return (
    <div className="fields">
      <Field label={whose}>
        {(p) => (
          <select {...p} className="input" value={tenant} onChange={(e) => onTenant(e.target.value)}>
            <option value="">All organisations</option>
            {tenants.data?.tenants.map((t) => (
              <option key={t.id} value={t.id}>
                {t.name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={howMany}>
        {(p) => (
          <select {...p} className="input" value={n} onChange={(e) => onN(Number(e.target.value))}>
            {choices.map((c) => (
              <option key={c} value={c}>
                The last {c}
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}
