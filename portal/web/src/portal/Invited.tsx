import { useState } from "react";
import { call } from "../api/client";
import { announce } from "../ui/announce";
import { longDate } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Badge } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { useOnboardingWords } from "./onboardingWords";
import type { Invitation } from "./view";

/** Where somebody's invitation is, and sending it again. */
export function Invited({ name, invitation, zone }: { name: string; invitation: Invitation; zone: string }) {
  const { locale } = useWords();
  const explain = useProblem();
  const { o } = useOnboardingWords();
  const [said, setSaid] = useState<{ text: string; bad?: boolean }>();
  const again = async () => {
    try {
      await call("post", "/v1/people/{id}/invitation", { params: { id: invitation.person_id } });
      setSaid({ text: o("invite_again_done") });
      announce(o("invite_again_done"));
    } catch (error) {
      setSaid({ text: explain(error), bad: true });
      announce(explain(error));
    }
  };
  const date = invitation.expires_at ? longDate(invitation.expires_at, locale, zone) : "";
  return (
    <div className="stack stack-1">
      <span>
        <Badge tone={invitation.state === "sent" || invitation.state === "waiting" ? "info" : "warn"}>{o(`invited_${invitation.state}`, { date })}</Badge>
      </span>
      {said && <span className={said.bad ? "small" : "small muted"}>{said.text}</span>}
      {!said && (
        <button type="button" className="btn btn-small btn-quiet" onClick={() => void again()}>
          {o("invite_again")} <span className="vh">{name}</span>
        </button>
      )}
    </div>
  );
}
