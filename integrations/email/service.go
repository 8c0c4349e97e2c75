package email

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// System is the name of this source and destination.
const System = "email"

// Intake takes messages in. *intake.Service is one.
type Intake interface {
	Start(ctx context.Context, actor triage.Actor, in intake.Start) (triage.Conversation, triage.Message, error)
	Post(ctx context.Context, actor triage.Actor, conversation uuid.UUID, in intake.Post) (triage.Message, error)
}

// Files takes files in and hands them on. *attachment.Service, of the worker's
// role, is one.
type Files interface {
	Upload(ctx context.Context, in attachment.Incoming) (attachment.File, error)
	Allowed(f attachment.File, by triage.Actor, confirmed bool) error
	Read(ctx context.Context, f attachment.File) (io.ReadCloser, error)
}

// Desk tells agents of mail that did not arrive. *desk.Service is one.
type Desk interface {
	NotReached(ctx context.Context, tx pgx.Tx, in desk.Unreached) error
}

// Config joins e-mail to its surroundings. DB is of the worker role.
type Config struct {
	From       string // address mail comes from: support@example.com
	FromName   string
	ReplyTo    string // address answers go to; default From. Its domain must deliver plus addresses.
	Secret     string // signs reply addresses
	AuthServer string // authserv-id of the receiving server in Authentication-Results; empty: no new mail is verified
	PublicURL  string
	SMTP       SMTP
	DB         *tenantdb.DB
	Jobs       desk.Jobs
	Intake     Intake
	Files      Files
	Desk       Desk                                 // nil: nobody is told of mail that comes back
	Wake       func(tenant, conversation uuid.UUID) // told after commit which conversation changed; nil: nothing is
	Now        func() time.Time
	Log        *slog.Logger
	// MaxAutomatic is how many automatic mails one address gets per hour; default 5.
	MaxAutomatic int
	// WebhookSecrets check mail a provider posts; empty: that way is off.
	WebhookSecrets []string
}

// Service takes mail in and sends it.
type Service struct{ Config }

// New returns a Service.
func New(c Config) (*Service, error) {
	c.ReplyTo = cmp.Or(c.ReplyTo, c.From)
	c.FromName = cmp.Or(c.FromName, "Support")
	c.MaxAutomatic = cmp.Or(c.MaxAutomatic, 5)
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Log = cmp.Or(c.Log, slog.Default())
	if len(c.Secret) < 16 {
		return nil, errors.New("email: the secret that signs reply addresses is shorter than 16 characters")
	}
	return &Service{c}, nil
}

// HandleMailArgs asks to work on a stored mail.
type HandleMailArgs struct {
	EventID string `json:"event_id"`
}

// Kind names the job.
func (HandleMailArgs) Kind() string { return "handle_mail" }

// SendMailArgs asks to send one message to its recipient.
type SendMailArgs struct {
	TenantID   uuid.UUID `json:"tenant_id"`
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// Kind names the job.
func (SendMailArgs) Kind() string { return "send_mail" }

// SweepMailArgs looks for messages in e-mail conversations that have to be sent. Periodic.
type SweepMailArgs struct{}

// Kind names the job.
func (SweepMailArgs) Kind() string { return "sweep_mail" }

// ReplayJob is for desk.Config.Other: the job of a mail's delivery.
func ReplayJob(tenant, id uuid.UUID, destination string) river.JobArgs {
	if destination != System {
		return nil
	}
	return SendMailArgs{tenant, id}
}

// AddWorkers registers e-mail's jobs.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &handleWorker{service: s})
	river.AddWorker(workers, &sendWorker{service: s})
	river.AddWorker(workers, &sweepWorker{service: s})
}

// PeriodicJobs look for mail to send every ten seconds.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(10*time.Second),
		func() (river.JobArgs, *river.InsertOpts) { return SweepMailArgs{}, nil }, nil)}
}

type handleWorker struct {
	river.WorkerDefaults[HandleMailArgs]
	service *Service
}

func (w *handleWorker) Work(ctx context.Context, job *river.Job[HandleMailArgs]) error {
	err := w.service.Handle(ctx, job.Args.EventID)
	if errors.Is(err, errUnsettled) {
		return river.JobSnooze(time.Minute)
	}
	return err
}

type sendWorker struct {
	river.WorkerDefaults[SendMailArgs]
	service *Service
}

func (w *sendWorker) Work(ctx context.Context, job *river.Job[SendMailArgs]) error {
	return desk.Snoozed(w.service.Send(ctx, job.Args.TenantID, job.Args.DeliveryID))
}

type sweepWorker struct {
	river.WorkerDefaults[SweepMailArgs]
	service *Service
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepMailArgs]) error {
	_, err := w.service.Sweep(ctx)
	return err
}
