package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage/desk"
)

// System is the name of this destination in deliveries.
const System = "webhook"

// schedule is the wait before each try after the first.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// disableAfter is how long an endpoint may fail without one success.
const disableAfter = 5 * 24 * time.Hour

// Config joins the package to its surroundings. DB may be of either role to
// publish, of the worker role to deliver.
type Config struct {
	DB   *tenantdb.DB
	Jobs desk.Jobs
	Now  func() time.Time
	Log  *slog.Logger
	// Inside are networks endpoints may lie in although they are not public. With
	// them, http will do.
	Inside []netip.Prefix
}

// Service publishes events and delivers them.
type Service struct {
	db        *tenantdb.DB
	jobs      desk.Jobs
	now       func() time.Time
	log       *slog.Logger
	client    *http.Client
	plainHTTP bool
}

// New returns a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{c.DB, c.Jobs, c.Now, c.Log, client(egress.Guard{Allow: c.Inside, AnyPort: true}), len(c.Inside) > 0}
}

// DeliverArgs asks to send one event to one endpoint.
type DeliverArgs struct {
	TenantID   uuid.UUID `json:"tenant_id"`
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// Kind names the job.
func (DeliverArgs) Kind() string { return "deliver_webhook" }

// AddWorkers registers the package's jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &deliverWorker{service: s})
}

// ReplayJob is for desk.Config.Other: the job of a webhook's delivery.
func ReplayJob(tenant, id uuid.UUID, destination string) river.JobArgs {
	if destination != System {
		return nil
	}
	return DeliverArgs{tenant, id}
}

// body is what is sent.
type body struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// Publish implements desk.Publisher: it stores one delivery with its job for
// each of the tenant's endpoints that wants the event, in the caller's
// transaction. event names the occurrence: published twice, it is sent once.
func (s *Service) Publish(ctx context.Context, tx pgx.Tx, tenant, event uuid.UUID, kind string, data any) error {
	rows, err := tx.Query(ctx, `select `+endpointColumns+` from webhook_endpoints
		where tenant_id = $1 and state = 'active' and (events @> array[$2] or events @> array['*'])`, tenant, kind)
	if err != nil {
		return fmt.Errorf("read webhook endpoints: %w", err)
	}
	endpoints, err := pgx.CollectRows(rows, pgx.RowToStructByName[Endpoint])
	if err != nil {
		return fmt.Errorf("read webhook endpoints: %w", err)
	}
	for _, e := range endpoints {
		if err := s.enqueue(ctx, tx, e, event, kind, data); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) enqueue(ctx context.Context, tx pgx.Tx, e Endpoint, event uuid.UUID, kind string, data any) error {
	id, now := uuid.Must(uuid.NewV7()), s.now().UTC()
	payload := map[string]any{"endpoint": e.ID, "event": event, "body": body{kind, now, data}}
	// The delivery belongs to no ticket's lane: endpoints do not wait for each other.
	tag, err := tx.Exec(ctx, `insert into deliveries (tenant_id, id, destination, kind, subject_key, payload, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict do nothing`,
		e.TenantID, id, System, kind, e.ID.String()+":"+event.String(), payload, now)
	if err != nil {
		return fmt.Errorf("store webhook delivery: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	if _, err := s.jobs.InsertTx(ctx, tx, DeliverArgs{e.TenantID, id}, nil); err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

type deliverWorker struct {
	river.WorkerDefaults[DeliverArgs]
	service *Service
}

func (w *deliverWorker) Work(ctx context.Context, job *river.Job[DeliverArgs]) error {
	return desk.Snoozed(w.service.Deliver(ctx, job.Args.TenantID, job.Args.DeliveryID))
}

// sending is a delivery on its way.
type sending struct {
	endpoint Endpoint
	attempts int
	event    uuid.UUID
	body     []byte
}

// Deliver sends one event. It returns how long to wait before the next try; zero
// when there is none. It may be repeated: receivers know an event by webhook-id.
func (s *Service) Deliver(ctx context.Context, tenant, id uuid.UUID) (time.Duration, error) {
	out, err := s.take(ctx, tenant, id)
	if err != nil || out == nil {
		return 0, err
	}
	status, sendErr := s.send(ctx, out)
	var wait time.Duration
	err = s.db.WithTenant(context.WithoutCancel(ctx), tenant, func(tx pgx.Tx) error {
		wait, err = s.settle(ctx, tx, tenant, id, out, status, sendErr)
		return err
	})
	return wait, err
}

func (s *Service) take(ctx context.Context, tenant, id uuid.UUID) (*sending, error) {
	var out *sending
	err := s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		out = nil
		var payload struct {
			Endpoint uuid.UUID       `json:"endpoint"`
			Event    uuid.UUID       `json:"event"`
			Body     json.RawMessage `json:"body"`
		}
		var attempts int
		err := tx.QueryRow(ctx, `update deliveries set state = 'sending', attempts = attempts + 1, updated_at = $4
			where tenant_id = $1 and id = $2 and destination = $3 and state in ('pending', 'sending') returning payload, attempts`,
			tenant, id, System, s.now().UTC()).Scan(&payload, &attempts)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take webhook delivery: %w", err)
		}
		e, err := endpoint(ctx, tx, tenant, payload.Endpoint)
		if errors.Is(err, ErrEndpointNotFound) {
			return s.drop(ctx, tx, tenant, id, "The endpoint was deleted.")
		}
		if err != nil {
			return err
		}
		var kind struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal(payload.Body, &kind)
		if e.State != "active" && kind.Type != testType {
			return s.drop(ctx, tx, tenant, id, "The endpoint is switched off.")
		}
		out = &sending{e, attempts, payload.Event, payload.Body}
		return nil
	})
	return out, err
}

func (s *Service) drop(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, why string) error {
	_, err := tx.Exec(ctx, `update deliveries set state = 'discarded', last_error = $3, updated_at = $4 where tenant_id = $1 and id = $2`, tenant, id, why, s.now().UTC())
	if err != nil {
		return fmt.Errorf("drop webhook delivery: %w", err)
	}
	return nil
}

func (s *Service) send(ctx context.Context, out *sending) (int, error) {
	header, err := signature.SignStandard("msg_"+out.event.String(), s.now(), out.body, out.endpoint.Secrets...)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, out.endpoint.URL, bytes.NewReader(out.body))
	if err != nil {
		return 0, err
	}
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Usher-Webhooks/1")
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, nil
}

// settle writes what became of a try.
func (s *Service) settle(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, out *sending, status int, sendErr error) (time.Duration, error) {
	now := s.now().UTC()
	if status >= 200 && status < 300 {
		_, err := tx.Exec(ctx, `update deliveries set state = 'delivered', delivered_at = $3, updated_at = $3, last_error = '', next_attempt_at = null
			where tenant_id = $1 and id = $2`, tenant, id, now)
		if err == nil {
			_, err = tx.Exec(ctx, `update webhook_endpoints set failing_since = null where tenant_id = $1 and id = $2 and failing_since is not null`, tenant, out.endpoint.ID)
		}
		return 0, err
	}
	problem := describe(status, sendErr)
	if status == http.StatusGone {
		if err := s.disable(ctx, tx, out.endpoint, "The address says it is gone (410)."); err != nil {
			return 0, err
		}
		return 0, s.drop(ctx, tx, tenant, id, problem)
	}
	_, err := tx.Exec(ctx, `update webhook_endpoints set failing_since = coalesce(failing_since, $3) where tenant_id = $1 and id = $2`, tenant, out.endpoint.ID, now)
	if err != nil {
		return 0, fmt.Errorf("note failing endpoint: %w", err)
	}
	if since := out.endpoint.FailingSince; since != nil && now.Sub(*since) > disableAfter {
		if err := s.disable(ctx, tx, out.endpoint, "No delivery has succeeded for five days."); err != nil {
			return 0, err
		}
	}
	if out.attempts > len(schedule) {
		_, err := tx.Exec(ctx, `update deliveries set state = 'failed', last_error = $3, updated_at = $4, next_attempt_at = null where tenant_id = $1 and id = $2`, tenant, id, problem, now)
		return 0, err
	}
	wait := schedule[out.attempts-1]
	wait += time.Duration(rand.Int64N(int64(wait/10) + 1))
	_, err = tx.Exec(ctx, `update deliveries set state = 'pending', last_error = $3, updated_at = $4, next_attempt_at = $5 where tenant_id = $1 and id = $2`,
		tenant, id, problem, now, now.Add(wait))
	return wait, err
}

func (s *Service) disable(ctx context.Context, tx pgx.Tx, e Endpoint, why string) error {
	_, err := tx.Exec(ctx, `update webhook_endpoints set state = 'disabled', reason = $3, updated_at = $4 where tenant_id = $1 and id = $2`, e.TenantID, e.ID, why, s.now().UTC())
	if err != nil {
		return fmt.Errorf("disable endpoint: %w", err)
	}
	s.log.WarnContext(ctx, "webhook endpoint disabled", "tenant_id", e.TenantID, "endpoint_id", e.ID, "reason", why)
	return nil
}

// describe is a failed try for the deliveries page.
func describe(status int, err error) string {
	switch {
	case errors.Is(err, egress.ErrForbidden):
		return "The address leads into a private network; nothing was sent."
	case err != nil:
		return "The address could not be reached."
	case status >= 300 && status < 400:
		return fmt.Sprintf("It answered %d; redirects are not followed.", status)
	}
	return fmt.Sprintf("It answered %d.", status)
}
