import { call } from "../api/client";
import type { TestQuestion } from "../api/types";
import { words } from "../ui/format";
import { Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";

type Whom = Pick<TestQuestion, "tenant_id" | "role">;

const roles = ["visitor", "member", "manager", "admin", "agent"];

/** As whose person, and with which role, a question is asked. Only people of organisations go on talking. */
export function AsWhom({ whom, people = false, onChange }: { whom: Whom; people?: boolean; onChange: (part: Whom) => void }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  return (
    <>
      <Field label="As somebody of">
        {(p) => (
          <select {...p} className="input" required={people} value={whom.tenant_id ?? ""} onChange={(e) => onChange({ tenant_id: e.target.value || undefined })}>
            <option value="">{people ? "Choose an organisation" : "No tenant (signed out)"}</option>
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
            {(people ? roles.slice(1, 4) : roles).map((r) => (
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
