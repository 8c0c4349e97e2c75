import type { Tone } from "../ui/parts";

/** The colour of a state of the record; its word always stands beside it. */
export function tone(state: string): Tone {
  switch (state) {
    case "done":
    case "accepted":
    case "completed":
    case "signed":
    case "verified":
    case "ok":
    case "passed":
    case "on_track":
    case "live":
      return "ok";
    case "blocked":
    case "missed":
    case "rejected":
    case "failing":
    case "failed":
    case "declined":
    case "bounced":
    case "off_track":
    case "past_due":
      return "bad";
    case "at_risk":
    case "expired":
    case "warning":
    case "relink_needed":
    case "needs_information":
    case "currently_due":
      return "warn";
    case "in_review":
    case "active":
    case "in_progress":
    case "syncing":
    case "received":
      return "info";
    default:
      return "plain";
  }
}
