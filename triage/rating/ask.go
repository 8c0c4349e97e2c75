package rating

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/portal/onboarding/notice"
	"github.com/usherdesk/usher/triage"
)

// AskArgs asks about one resolution.
type AskArgs struct {
	TenantID uuid.UUID `json:"tenant_id"`
	ID       uuid.UUID `json:"id"`
}

// Kind names the job.
func (AskArgs) Kind() string { return "ask_rating" }

type askWorker struct {
	river.WorkerDefaults[AskArgs]
	service *Service
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, s *Service) { river.AddWorker(workers, &askWorker{service: s}) }

func (w *askWorker) Work(ctx context.Context, job *river.Job[AskArgs]) error {
	wait, err := w.service.Ask(ctx, job.Args.TenantID, job.Args.ID)
	if err != nil {
		return err
	}
	if wait > 0 {
		return river.JobSnooze(wait)
	}
	return nil
}

// subject is a resolution with all that decides whether somebody is asked.
type subject struct {
	UserID       uuid.UUID  `db:"user_id"`
	Conversation uuid.UUID  `db:"conversation_id"`
	Present      bool       `db:"present"`
	SettledAt    time.Time  `db:"settled_at"`
	NotBefore    time.Time  `db:"not_before"`
	Channel      string     `db:"channel"`
	State        string     `db:"state"`
	HasTicket    bool       `db:"has_ticket"`
	InternalNow  *string    `db:"internal_state"`
	ClosedAs     *string    `db:"closed_as"`
	SolvedAt     *time.Time `db:"solved_at"`
	Person       string     `db:"person_state"`
	Email        string     `db:"email"`
	Zone         string     `db:"zone"`
	Lifecycle    string     `db:"lifecycle_state"`
	Asks         bool       `db:"asks"`
	EveryDays    *int       `db:"every_days"`
	Lately       *time.Time `db:"lately"`
}

// Ask asks about a resolution, now or never; positive is how long it has to wait.
func (s *Service) Ask(ctx context.Context, tenant, id uuid.UUID) (wait time.Duration, err error) {
	var conversation uuid.UUID
	err = s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		wait, conversation, err = s.ask(ctx, tx, tenant, id)
		return err
	})
	if err == nil && conversation != uuid.Nil {
		s.Wake(tenant, conversation)
	}
	return wait, err
}

func (s *Service) ask(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (time.Duration, uuid.UUID, error) {
	var user, conversation uuid.UUID
	err := tx.QueryRow(ctx, `select user_id, conversation_id from ratings where tenant_id = $1 and id = $2 and state = 'due'`, tenant, id).Scan(&user, &conversation)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, uuid.Nil, nil // asked already, or erased
	}
	if err != nil {
		return 0, uuid.Nil, fmt.Errorf("read resolution: %w", err)
	}
	// Two matters of one person settled at once are one question; and who reopens
	// right now is not asked. The conversation is locked first, as everywhere.
	if _, err := triage.LockConversation(ctx, tx, tenant, conversation); err != nil {
		return 0, uuid.Nil, err
	}
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('rating ' || $1::text, 0))`, user); err != nil {
		return 0, uuid.Nil, fmt.Errorf("ask for a rating: %w", err)
	}
	rows, err := tx.Query(ctx, `select r.user_id, r.conversation_id, r.present, r.settled_at, r.not_before, c.channel, c.state,
		  r.ticket_id is not null as has_ticket, t.internal_state, t.closed_as, t.solved_at, u.state as person_state, u.email, coalesce(u.time_zone, n.time_zone) as zone,
		  n.lifecycle_state, coalesce(x.asks, true) as asks, x.every_days,
		  (select max(p.asked_at) from ratings p where p.tenant_id = r.tenant_id and p.user_id = r.user_id and p.state = 'asked') as lately
		from ratings r join conversations c on c.tenant_id = r.tenant_id and c.id = r.conversation_id
		join users u on u.tenant_id = r.tenant_id and u.id = r.user_id join tenants n on n.id = r.tenant_id
		left join tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id left join rating_settings x on x.tenant_id = r.tenant_id
		where r.tenant_id = $1 and r.id = $2 and r.state = 'due' for update of r`, tenant, id)
	if err != nil {
		return 0, uuid.Nil, fmt.Errorf("read resolution: %w", err)
	}
	of, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[subject])
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, uuid.Nil, nil
	}
	if err != nil {
		return 0, uuid.Nil, fmt.Errorf("read resolution: %w", err)
	}
	now := s.Now().UTC()
	if wait := of.NotBefore.Sub(now); wait > 0 {
		return wait, uuid.Nil, nil
	}
	why := s.whyNot(of, now)
	if why == "" && !of.Present {
		if morning := notice.Awake(now, of.Zone); morning.After(now) {
			return morning.Sub(now), uuid.Nil, nil
		}
	}
	if why != "" {
		if _, err := tx.Exec(ctx, `update ratings set state = 'skipped', why = $3 where tenant_id = $1 and id = $2`, tenant, id, why); err != nil {
			return 0, uuid.Nil, fmt.Errorf("skip rating: %w", err)
		}
		return 0, uuid.Nil, nil
	}
	channel := string(triage.ChannelChat)
	if of.Channel == string(triage.ChannelEmail) {
		channel = of.Channel
	}
	r, err := one(ctx, tx, `update ratings set state = 'asked', channel = $3, asked_at = $4, open_until = $5 where tenant_id = $1 and id = $2 returning `+columns,
		tenant, id, channel, now, now.Add(OpenFor))
	if err != nil {
		return 0, uuid.Nil, err
	}
	if channel == string(triage.ChannelEmail) {
		if err := s.Mail().AskRating(ctx, tx, r, of.Email); err != nil {
			return 0, uuid.Nil, err
		}
	}
	return 0, r.ConversationID, tell(ctx, tx, r)
}

// whyNot says why somebody is not asked; empty: they are.
func (s *Service) whyNot(of subject, now time.Time) string {
	every := s.EveryDays
	if of.EveryDays != nil {
		every = *of.EveryDays
	}
	settled := of.State == string(triage.ConversationSolved)
	if of.HasTicket {
		settled = of.SolvedAt != nil && of.SolvedAt.Equal(of.SettledAt)
	}
	switch {
	case s.Off || !of.Asks:
		return "off"
	case of.Lifecycle != "active" && of.Lifecycle != "live", of.Person == "deactivated":
		return "inactive"
	case of.ClosedAs != nil && (*of.ClosedAs == "merged" || *of.ClosedAs == "not_a_request"):
		return "merged"
	case !settled:
		return "reopened"
	case now.Sub(of.SettledAt) > tooLate:
		return "too_late"
	case of.Channel == string(triage.ChannelEmail) && (s.Mail() == nil || of.Email == ""),
		of.Channel != string(triage.ChannelEmail) && of.Channel != string(triage.ChannelChat) && of.Channel != string(triage.ChannelAPI):
		return "no_channel"
	case of.Lately != nil && every > 0 && now.Sub(*of.Lately) < time.Duration(every)*24*time.Hour:
		return "asked_lately"
	}
	return ""
}

// Setting is whether a tenant's people are asked, and how often at most.
type Setting struct {
	TenantID  uuid.UUID `db:"tenant_id"`
	Name      string    `db:"name"`
	Asks      bool      `db:"asks"`
	EveryDays *int      `db:"every_days"`
}

// Settings are every tenant's, by name. tx is of the worker role.
func Settings(ctx context.Context, tx pgx.Tx) ([]Setting, error) {
	rows, err := tx.Query(ctx, `select n.id as tenant_id, n.name, coalesce(x.asks, true) as asks, x.every_days from tenants n
		left join rating_settings x on x.tenant_id = n.id where n.lifecycle_state <> 'erased' order by n.name, n.id`)
	if err != nil {
		return nil, fmt.Errorf("read rating settings: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Setting])
	if err != nil {
		return nil, fmt.Errorf("read rating settings: %w", err)
	}
	return list, nil
}

// Set changes a tenant's setting; everyDays nil is the operator's.
func Set(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, asks bool, everyDays *int) error {
	if everyDays != nil && (*everyDays < 0 || *everyDays > 365) {
		return ErrBadPause
	}
	_, err := tx.Exec(ctx, `insert into rating_settings (tenant_id, asks, every_days) values ($1, $2, $3)
		on conflict (tenant_id) do update set asks = excluded.asks, every_days = excluded.every_days, updated_at = now()`, tenant, asks, everyDays)
	if err != nil {
		return fmt.Errorf("store rating setting: %w", err)
	}
	return nil
}
