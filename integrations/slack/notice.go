package slack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// kindNotice is a delivery that concerns no ticket.
const kindNotice = "notice"

// Notice is something a member of staff should know about a tenant.
type Notice struct {
	TenantID uuid.UUID
	Key      string // the same for one happening: it is told once
	Name     string // whom it is for
	Email    string // theirs; where no member of staff has it, the channel reads the notice
	Text     string // untrusted: it is escaped
}

// Notices tells people what concerns no ticket: directly where they are known
// in Slack, else in the channel. Each is a row of deliveries. DB is of the worker role.
type Notices struct {
	Client *Client
	DB     *tenantdb.DB
	Jobs   desk.Jobs
	Now    func() time.Time // default time.Now
}

// DeliverNoticeArgs delivers one notice.
type DeliverNoticeArgs struct {
	TenantID   uuid.UUID `json:"tenant_id"`
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// Kind names the job.
func (DeliverNoticeArgs) Kind() string { return "deliver_slack_notice" }

// ReplayNotice is the job that repeats a delivery of this destination which
// belongs to no ticket, nil for other destinations.
func ReplayNotice(tenant, id uuid.UUID, destination string) river.JobArgs {
	if destination != System {
		return nil
	}
	return DeliverNoticeArgs{tenant, id}
}

type noticeWorker struct {
	river.WorkerDefaults[DeliverNoticeArgs]
	notices *Notices
}

// AddNoticeWorkers registers the job.
func AddNoticeWorkers(workers *river.Workers, n *Notices) {
	river.AddWorker(workers, &noticeWorker{notices: n})
}

func (w *noticeWorker) Work(ctx context.Context, job *river.Job[DeliverNoticeArgs]) error {
	return desk.Snoozed(w.notices.Deliver(ctx, job.Args.TenantID, job.Args.DeliveryID))
}

// Tell stores a notice with its job, in the transaction that makes it necessary.
func (n *Notices) Tell(ctx context.Context, tx pgx.Tx, in Notice) error {
	id, now := uuid.Must(uuid.NewV7()), n.now()
	tag, err := tx.Exec(ctx, `insert into deliveries (tenant_id, id, destination, kind, subject_key, payload, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict do nothing`,
		in.TenantID, id, System, kindNotice, in.Key, noticePayload{in.Name, in.Email, in.Text}, now)
	if err != nil {
		return fmt.Errorf("slack: store notice: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	if _, err := n.Jobs.InsertTx(ctx, tx, DeliverNoticeArgs{in.TenantID, id}, nil); err != nil {
		return fmt.Errorf("slack: insert job: %w", err)
	}
	return nil
}

func (n *Notices) now() time.Time {
	if n.Now != nil {
		return n.Now().UTC()
	}
	return time.Now().UTC()
}

type noticePayload struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Text  string `json:"text"`
}

// Deliver sends a notice. It returns how long to wait before the next try; zero
// when there is none.
func (n *Notices) Deliver(ctx context.Context, tenant, id uuid.UUID) (time.Duration, error) {
	var in noticePayload
	var key, user string
	var attempts int
	var retry bool
	err := n.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select payload, subject_key, attempts + 1, state = 'sending' from deliveries
			where tenant_id = $1 and id = $2 and destination = $3 and kind = $4 and state in ('pending', 'sending') for update`,
			tenant, id, System, kindNotice).Scan(&in, &key, &attempts, &retry)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("slack: take notice: %w", err)
		}
		if _, err := tx.Exec(ctx, `update deliveries set state = 'sending', attempts = $3, updated_at = $4 where tenant_id = $1 and id = $2`, tenant, id, attempts, n.now()); err != nil {
			return fmt.Errorf("slack: take notice: %w", err)
		}
		err = tx.QueryRow(ctx, `select coalesce(slack_user_id, '') from staff where email_normalized = lower($1) and state = 'active'`, in.Email).Scan(&user)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || attempts == 0 {
		return 0, err
	}
	at, sendErr := n.send(ctx, tenant, key, in, user, retry)
	return n.settle(context.WithoutCancel(ctx), tenant, id, attempts, at, sendErr)
}

func (n *Notices) send(ctx context.Context, tenant uuid.UUID, key string, in noticePayload, user string, retry bool) (desk.Ref, error) {
	text := escape(clamp(inert(in.Text), 2500))
	mark := meta("notice:"+key, tenant.String(), "")
	if user != "" {
		return n.Client.direct(ctx, user, text, []slack.Block{slack.NewSectionBlock(mrkdwn(text), nil, nil)}, mark)
	}
	if retry {
		found, err := n.Client.find(ctx, n.Client.channel, "", "notice:"+key, n.now().Add(-24*time.Hour))
		if err != nil || !found.IsZero() {
			return found, err
		}
	}
	if in.Name != "" {
		text = "For " + bare(in.Name, 60) + ": " + text
	}
	return n.Client.post(ctx, text, []slack.Block{slack.NewSectionBlock(mrkdwn(text), nil, nil)}, mark)
}

func (n *Notices) settle(ctx context.Context, tenant, id uuid.UUID, attempts int, at desk.Ref, sendErr error) (time.Duration, error) {
	var temporary *desk.TemporaryError
	state, problem, wait := "delivered", "", time.Duration(0)
	switch {
	case sendErr == nil:
	case errors.As(sendErr, &temporary): // it is tried until it arrives
		state, problem = "pending", desk.Safe(sendErr)
		wait = max(temporary.After, min(time.Hour, time.Second<<min(attempts, 12)))
		wait += time.Duration(rand.Int64N(int64(wait/10) + 1))
	default:
		state, problem = "failed", desk.Safe(sendErr)
	}
	err := n.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update deliveries set state = $3, last_error = $4, updated_at = $5, external_ref = $6,
			next_attempt_at = case when $3 = 'pending' then $7::timestamptz end, delivered_at = case when $3 = 'delivered' then $5::timestamptz end
			where tenant_id = $1 and id = $2`, tenant, id, state, triage.Line(problem, 500), n.now(), at, n.now().Add(wait))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("slack: settle notice: %w", err)
	}
	return wait, nil
}

// direct writes to one person.
func (c *Client) direct(ctx context.Context, user, text string, blocks []slack.Block, options ...slack.MsgOption) (desk.Ref, error) {
	at, err := c.write(ctx, user, text, blocks, options...)
	if err == nil {
		return at, nil
	}
	err = c.err(ctx, "write to a person", err)
	var limited *desk.TemporaryError
	if errors.As(err, &limited) {
		limited.Here = true // Slack counts each conversation by itself
	}
	return desk.Ref{}, err
}
