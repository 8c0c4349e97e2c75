import { call } from "../api/client";
import { Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Organisation } from "./Organisation";

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
      <Organisation label={whose} all={tenants.data?.tenants} none="All organisations" value={tenant} onChange={onTenant} />
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
