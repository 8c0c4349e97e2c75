import { call } from "../api/client";
import type { TestQuestion } from "../api/types";
import { words } from "../ui/format";
import { Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Organisation } from "./Organisation";

type Whom = Pick<TestQuestion, "tenant_id" | "role">;

const roles = ["visitor", "member", "manager", "admin", "agent"];

/** As whose person, and with which role, a question is asked. Only people of organisations go on talking. */
export function AsWhom({ whom, people = false, onChange }: { whom: Whom; people?: boolean; onChange: (part: Whom) => void }) {
  const tenants = useLoad((signal) => call("get", "/v1/admin/tenants", { signal }), "tenants");
  return (
    <>
      <Organisation label="As somebody of" all={tenants.data?.tenants} none={people ? "Choose an organisation" : "No tenant (signed out)"} required={people} value={whom.tenant_id ?? ""} onChange={(id) => onChange({ tenant_id: id || undefined })} />
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
