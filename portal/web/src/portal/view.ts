// The onboarding record as this person may see it: portal/onboarding.View, which
// the contract leaves open. Dates are YYYY-MM-DD, instants RFC 3339.

export type Task = {
  id: string;
  milestone_id?: string;
  title: string;
  state: string;
  responsibility: string;
  assignee?: string;
  due?: string;
  overdue: boolean;
  note?: string;
  done_at?: string;
  /** The colleague who ticked it. */
  done_by?: string;
  /** What this person may say of it. */
  tick?: "done" | "open";
};

/** Something that waits for the customer; `link` leads to where it is done. */
export type Action = {
  kind: string;
  id: string;
  title: string;
  state: string;
  assignee?: string;
  environment?: string;
  due?: string;
  overdue: boolean;
  count?: number;
  link: string;
};

export type View = {
  /** Number of the last change; the event stream goes on from it. */
  event: number;
  name: string;
  state: string;
  hold_reason?: string;
  as_of: string;
  time_zone: string;
  health: { word: string; reason?: string; variance_days: number; overdue_customer: number; overdue_provider: number };
  progress: { percent: number; done: number; total: number };
  go_live: { planned?: string; forecast?: string; actual?: string; driver?: string };
  turn: string;
  owner: { name: string; contact: string; away_until?: string; stand_in?: string };
  stages: { id: string; ordinal: number; name: string; state: string }[];
  milestones: { id: string; stage_id?: string; name: string; state: string; due?: string; completed_at?: string; owner?: string; open_tasks: number }[];
  next_actions: Action[];
  blockers: { task: Task; reason?: string; needs: string[]; turn: string }[];
  tasks: Task[];
  documents: {
    id: string;
    title: string;
    state: string;
    due?: string;
    final: boolean;
    versions: { number: number; file_name: string; scan_state: string; review_state: string; uploaded_at: string; reviewed_at?: string; message?: string }[];
  }[];
  signatures: { id: string; title: string; state: string; expires_on?: string; signers: { name: string; state: string }[] }[];
  verification: { kind: string; state: string; submitted_at?: string; completed_at?: string; requirements: { label: string; bucket: string; deadline?: string }[] }[];
  integrations: {
    id: string;
    connector: string;
    environment: string;
    auth_state: string;
    sync_state: string;
    last_success_at?: string;
    next_run_at?: string;
    records_done?: number;
    records_total?: number;
    message?: string;
  }[];
  environments: { kind: string; state: string; keys_state: string; keys_until?: string; blocked_by: string[] }[];
  training: { learner: string; course: string; state: string; progress: number; due?: string; certificate: boolean }[];
  meetings: { title: string; starts_at: string; attendees: string[]; join_link?: string }[];
  things?: { pack: string; entity: string; key: string; name: string; text: string; stale: boolean; as_of: string }[];
  people: { name: string; state: string; roles: string[]; last_login_at?: string; invitation?: Invitation }[];
  suggestions: string[];
};

/** Whether the service gave a record, and not an empty answer. */
export function isView(value: unknown): value is View {
  return typeof value === "object" && value !== null && Array.isArray((value as Partial<View>).stages) && Array.isArray((value as Partial<View>).milestones);
}

/** Where the invitation of somebody who has not signed in yet is. */
export interface Invitation {
  person_id: string;
  state: "waiting" | "sent" | "expired" | "bounced";
  expires_at?: string;
}
