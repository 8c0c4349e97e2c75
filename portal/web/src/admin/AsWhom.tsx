import { call } from "../api/client";
import type { TestQuestion } from "../api/types";
import { words } from "../ui/format";
import { Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

type Whom = Pick<TestQuestion, "tenant_id" | "role">;

/** As whose person, and with which role, a question is asked. */
export function AsWhom({ whom, onChange }: { whom: Whom; onChange: (part: Whom) => void }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  return (
    <>
      <Field label="As somebody of">
        {(p) => (
          <select {...p} className="input" value={whom.tenant_id ?? ""} onChange={(e) => onChange({ tenant_id: e.target.value || undefined })}>
            <option value="">No tenant (signed out)</option>
            {tenants.data?.tenants.map((t) => (
              <option key={t.id} value={t.id}>
                {t.name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="With the role">
        {(p) => (
          <select {...p} className="input" value={whom.role} onChange={(e) => onChange({ role: e.target.value as Whom["role"] })}>
            {["visitor", "member", "manager", "admin", "agent"].map((r) => (
              <option key={r} value={r}>
                {words(r)}
              </option>
            ))}
          </select>
        )}
      </Field>
    </>
  );
}
