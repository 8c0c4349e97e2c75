package feeds

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// maxBody is more than any of these systems sends.
const maxBody = 2 << 20

// Jobs inserts jobs; *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Config of an Inbound. DB is of the worker role.
type Config struct {
	DB        *tenantdb.DB
	Jobs      Jobs
	Feed      *feed.Feed
	Sources   *source.Reader // what sources push goes here; nil: it is ignored
	PublicURL string         // as senders call us
	// Secrets by source; several while one is rotated. A source without is off.
	Secrets map[string][]string
	Now     func() time.Time
	Log     *slog.Logger
}

// Inbound takes webhooks in.
type Inbound struct{ Config }

// kind is how one source signs, names and means its events.
type kind struct {
	verify signature.Verify
	// identity names an event so that it is never applied twice.
	identity func(header http.Header, body []byte) string
	parse    func(body []byte) ([]event, error)
}

var kinds = map[string]kind{
	"docusign":    {signature.DocuSign, docuSignID, docuSign},
	"pandadoc":    {signature.PandaDoc, digest, pandaDoc},
	"stripe":      {signature.Stripe, field("id"), stripe},
	"onfido":      {signature.Onfido, digest, onfido},
	"sumsub":      {signature.Sumsub, digest, sumsub},
	"contract":    {signature.StandardWebhooks, header("Webhook-Id"), each(contract)},
	"integration": {signature.StandardWebhooks, header("Webhook-Id"), each(integration)},
	"learning":    {signature.StandardWebhooks, header("Webhook-Id"), each(learning)},
	change.Feed:   {signature.StandardWebhooks, header("Webhook-Id"), each(plan)},
	"source":      {signature.StandardWebhooks, header("Webhook-Id"), each(pushed)},
}

// Sources are the names of all sources.
func Sources() []string {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New returns an Inbound; unknown names among the secrets are an error.
func New(c Config) (*Inbound, error) {
	for name := range c.Secrets {
		if _, ok := kinds[name]; !ok {
			return nil, fmt.Errorf("unknown webhook source %q; there are %s", name, strings.Join(Sources(), ", "))
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Log = cmp.Or(c.Log, slog.Default())
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	return &Inbound{c}, nil
}

// Mount adds POST /v1/hooks/{source} for every source that has a secret.
func (in *Inbound) Mount(router gin.IRouter) {
	for _, source := range Sources() {
		if len(in.Secrets[source]) > 0 {
			router.POST("/v1/hooks/"+source, func(c *gin.Context) { in.receive(c, source) })
		}
	}
}

func (in *Inbound) receive(c *gin.Context, source string) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if err != nil {
		c.AbortWithStatus(http.StatusRequestEntityTooLarge)
		return
	}
	k := kinds[source]
	request := signature.Request{Method: c.Request.Method, URL: in.PublicURL + c.Request.URL.RequestURI(), Header: c.Request.Header, Body: body}
	if err := k.verify(request, in.Now(), in.Secrets[source]...); err != nil {
		in.Log.WarnContext(c, "refused a webhook", "source", source, "error", err)
		c.AbortWithStatus(http.StatusUnauthorized)
		return
	}
	id := k.identity(c.Request.Header, body)
	if !utf8.Valid(body) || !json.Valid(body) || id == "" || len(id) > 500 {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	if err := in.store(c, source, id, body); err != nil {
		in.Log.ErrorContext(c, "store webhook", "source", source, "error", err)
		c.AbortWithStatus(http.StatusServiceUnavailable) // they send it again
		return
	}
	c.Status(http.StatusOK)
}

// store keeps a new event with its job, in one transaction.
func (in *Inbound) store(ctx context.Context, source, id string, body []byte) error {
	return in.DB.WithSystem(ctx, "take a webhook in", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `insert into inbound_events (source, event_id, payload) values ($1, $2, $3) on conflict do nothing`, source, id, body)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		_, err = in.Jobs.InsertTx(ctx, tx, ApplyArgs{source, id}, nil)
		return err
	})
}

// ApplyArgs is the job that works on a stored event.
type ApplyArgs struct {
	Source  string `json:"source"`
	EventID string `json:"event_id"`
}

// Kind names the job.
func (ApplyArgs) Kind() string { return "apply_webhook" }

type worker struct {
	river.WorkerDefaults[ApplyArgs]
	inbound *Inbound
}

func (w *worker) Work(ctx context.Context, job *river.Job[ApplyArgs]) error {
	return w.inbound.Apply(ctx, job.Args.Source, job.Args.EventID)
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, in *Inbound) { river.AddWorker(workers, &worker{inbound: in}) }

// errIgnored says an event is none of ours to act on.
var errIgnored = errors.New("nothing to do")

// Apply works on a stored event; one already worked on changes nothing.
func (in *Inbound) Apply(ctx context.Context, source, id string) error {
	state, why := "done", ""
	err := in.DB.WithSystem(ctx, "apply a webhook", func(tx pgx.Tx) error {
		var body []byte
		var before string
		if err := tx.QueryRow(ctx, `select payload, state from inbound_events where source = $1 and event_id = $2 for update`, source, id).Scan(&body, &before); err != nil {
			return err
		}
		if before != "received" {
			return nil
		}
		note, err := in.apply(ctx, tx, source, body)
		switch {
		case err == nil:
			why = note
		case ignorable(err):
			// What is not ours is put away; the transaction has changed nothing.
			state, why = "ignored", err.Error()
		default:
			return err
		}
		_, err = tx.Exec(ctx, `update inbound_events set state = $3, error = left($4, 500), payload = '' where source = $1 and event_id = $2`, source, id, state, why)
		return err
	})
	if err != nil {
		return fmt.Errorf("apply webhook %s: %w", source, err)
	}
	return nil
}

// ignorable are outcomes that trying again does not change.
func ignorable(err error) bool {
	for _, sentinel := range []error{
		errIgnored, feed.ErrUnknownRecord, feed.ErrBadEvent, lifecycle.ErrBadContract, lifecycle.ErrNoTemplate, onboarding.ErrNoProject,
		source.ErrUnknownSource, source.ErrBadPush,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	// Values the schema refuses (a NUL in a text, an unknown word) stay refused, and
	// so does what we cannot put into a statement.
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || slices.Contains(unfinished, refused.Code) {
		return false
	}
	return slices.Contains([]string{"22", "23", "42"}, refused.Code[:min(2, len(refused.Code))])
}

// unfinished are refusals of a schema that is not there yet, while a new version
// starts: what is missing (a table, a column, a function, a grant) comes.
var unfinished = []string{"42P01", "42703", "42883", "42501"}

// apply works on all events of a delivery, and says which were left out.
func (in *Inbound) apply(ctx context.Context, tx pgx.Tx, source string, body []byte) (note string, err error) {
	events, err := kinds[source].parse(body)
	if err != nil {
		return "", fmt.Errorf("%w: %w", feed.ErrBadEvent, err)
	}
	if len(events) == 0 {
		return "", errIgnored
	}
	var ignored error
	applied := 0
	for _, e := range events {
		// One event of a batch must not undo the others.
		err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error { return e.apply(ctx, inner, in) })
		switch {
		case err == nil:
			applied++
		case ignorable(err):
			ignored = err
		default:
			return "", err
		}
	}
	switch {
	case applied == 0:
		return "", ignored
	case applied < len(events):
		return fmt.Sprintf("%d of %d events were left out, the last because: %v", len(events)-applied, len(events), ignored), nil
	}
	return "", nil
}
