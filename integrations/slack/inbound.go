package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	writes "github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/enquiry"
)

// maxBody bounds what Slack may send at once.
const maxBody = 1 << 20

// Articles searches the operator's knowledge for an agent. Optional.
type Articles interface {
	SearchArticles(ctx context.Context, query string) ([]desk.Link, error)
}

// Curation takes what agents write as a draft of an article. Optional. It
// returns the draft's absolute address.
type Curation interface {
	ProposeArticle(ctx context.Context, staff uuid.UUID, title, text string) (string, error)
}

// InboundConfig joins what Slack sends to the desk. DB is of the worker role.
type InboundConfig struct {
	Client         *Client
	SigningSecrets []string // more than one while rotating
	DB             *tenantdb.DB
	Jobs           desk.Jobs
	Desk           *desk.Service
	Articles       Articles
	Curation       Curation
	Files          Files     // nil: replies from Slack carry none
	Approvals      Approvals // nil: nothing is proposed
	ClaimEmoji     string    // its name takes a ticket as a reaction; default eyes, "off": none does
	ResolveEmoji   string    // its name solves one; default white_check_mark, "off": none does
	Now            func() time.Time
	Log            *slog.Logger
}

// Inbound takes in what happens in Slack.
type Inbound struct {
	client    *Client
	secrets   []string
	db        *tenantdb.DB
	jobs      desk.Jobs
	desk      *desk.Service
	articles  Articles
	curation  Curation
	files     Files
	approvals Approvals
	now       func() time.Time
	log       *slog.Logger
	claim     string // names of reactions, empty: none
	resolve   string

	enquiries *enquiry.Service
}

// NewInbound returns an Inbound.
func NewInbound(c InboundConfig) *Inbound {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Inbound{c.Client, c.SigningSecrets, c.DB, c.Jobs, c.Desk, c.Articles, c.Curation, c.Files, c.Approvals, c.Now, cmp.Or(c.Log, slog.Default()), emoji(c.ClaimEmoji, claimEmoji), emoji(c.ResolveEmoji, resolveEmoji), &enquiry.Service{Desk: c.Desk}}
}

// Mount adds /slack/events, /slack/interactions and /slack/commands.
func (in *Inbound) Mount(router gin.IRouter) {
	router.POST("/slack/events", in.events)
	router.POST("/slack/interactions", in.interactions)
	router.POST("/slack/commands", in.commands)
}

// verified reads the raw body and checks its signature. On failure it has answered.
func (in *Inbound) verified(c *gin.Context) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if err != nil {
		c.AbortWithStatus(http.StatusRequestEntityTooLarge)
		return nil, false
	}
	request := signature.Request{Method: c.Request.Method, Header: c.Request.Header, Body: body}
	if err := signature.Slack(request, in.now(), in.secrets...); err != nil {
		in.log.WarnContext(c, "refused a request to Slack's address", "error", err)
		c.AbortWithStatus(http.StatusUnauthorized)
		return nil, false
	}
	return body, true
}

func (in *Inbound) events(c *gin.Context) {
	body, ok := in.verified(c)
	if !ok {
		return
	}
	var envelope struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
		EventID   string `json:"event_id"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	switch {
	case envelope.Type == "url_verification":
		c.JSON(http.StatusOK, gin.H{"challenge": envelope.Challenge})
	case envelope.Type == "event_callback" && envelope.EventID != "":
		in.answer(c, in.store(c, "event:"+envelope.EventID, body))
	default: // app_rate_limited and what is not known yet
		in.log.WarnContext(c, "Slack sent something without an event", "type", envelope.Type)
		c.Status(http.StatusOK)
	}
}

func (in *Inbound) answer(c *gin.Context, err error) {
	if err != nil {
		in.log.ErrorContext(c, "store what Slack sent", "error", err)
		c.AbortWithStatus(http.StatusServiceUnavailable) // Slack sends it again
		return
	}
	c.Status(http.StatusOK)
}

// store keeps an event under its id with its job. What is known already is done.
func (in *Inbound) store(ctx context.Context, id string, body []byte) error {
	return in.db.WithSystem(ctx, "store inbound Slack event", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `insert into inbound_events (source, event_id, payload) values ($1, $2, $3) on conflict do nothing`, System, id, body)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		_, err = in.jobs.InsertTx(ctx, tx, HandleEventArgs{EventID: id}, nil)
		return err
	})
}

func (in *Inbound) interactions(c *gin.Context) {
	body, ok := in.verified(c)
	if !ok {
		return
	}
	// Only the signed body is read: a payload in the query string is not Slack's.
	form, err := url.ParseQuery(string(body))
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeoutCause(c, 2500*time.Millisecond, errors.New("slack waits three seconds"))
	defer cancel()
	answer, err := in.interacted(ctx, []byte(form.Get("payload")))
	switch {
	case errors.Is(err, errUnreadable):
		c.AbortWithStatus(http.StatusBadRequest)
	case err == nil && answer != nil:
		c.JSON(http.StatusOK, answer)
	default:
		in.answer(c, err)
	}
}

var errUnreadable = errors.New("slack: payload cannot be read")

// interacted takes a button, a modal or a shortcut in. A modal is carried out at
// once and has an answer; the rest is stored for a job.
func (in *Inbound) interacted(ctx context.Context, raw []byte) (any, error) {
	var call interactionCall
	if err := json.Unmarshal(raw, &call); err != nil {
		return nil, errUnreadable
	}
	switch call.Type {
	case slack.InteractionTypeViewSubmission:
		return in.submitted(ctx, call), nil
	case slack.InteractionTypeBlockActions, slack.InteractionTypeMessageAction:
		stored := interaction{Payload: raw}
		if in.opensView(call) {
			stored.ViewID = in.openLoading(ctx, call)
		}
		return nil, in.keep(ctx, raw, stored)
	}
	return nil, nil
}

// A press is kept however slow the window was to open and whether or not who
// asked still waits: Slack does not send it again.
const (
	openFor = 1500 * time.Millisecond
	keepFor = 5 * time.Second
)

// interaction is a stored button press, with the view that was opened for it.
type interaction struct {
	Payload json.RawMessage `json:"payload"`
	ViewID  string          `json:"view_id,omitempty"`
}

func (in *Inbound) keep(ctx context.Context, raw []byte, stored interaction) error {
	body, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), keepFor, errors.New("the database did not keep a press in time"))
	defer cancel()
	return in.store(ctx, "interaction:"+hex.EncodeToString(sum[:16]), body)
}

func (in *Inbound) commands(c *gin.Context) {
	body, ok := in.verified(c)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeoutCause(c, 2500*time.Millisecond, errors.New("slack waits three seconds"))
	defer cancel()
	c.JSON(http.StatusOK, in.command(ctx, form.Get("user_id"), form.Get("command"), form.Get("text")))
}

// HandleEventArgs asks to work on something Slack sent.
type HandleEventArgs struct {
	EventID string `json:"event_id"`
}

// Kind names the job.
func (HandleEventArgs) Kind() string { return "handle_slack_event" }

// AddWorkers registers Slack's jobs.
func AddWorkers(workers *river.Workers, in *Inbound) {
	river.AddWorker(workers, &eventWorker{in: in})
}

type eventWorker struct {
	river.WorkerDefaults[HandleEventArgs]
	in *Inbound
}

func (w *eventWorker) Work(ctx context.Context, job *river.Job[HandleEventArgs]) error {
	err := w.in.Handle(ctx, job.Args.EventID)
	var temporary *desk.TemporaryError
	if errors.As(err, &temporary) && temporary.After > 0 {
		return river.JobSnooze(temporary.After)
	}
	return err
}

// Handle works on a stored event. Done ones are left alone, so it may be repeated.
func (in *Inbound) Handle(ctx context.Context, id string) error {
	var payload []byte
	var state string
	err := in.db.Pool().QueryRow(ctx, `select payload, state from inbound_events where source = $1 and event_id = $2`, System, id).Scan(&payload, &state)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && state != "received" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("slack: read event: %w", err)
	}
	outcome := "done"
	if err := in.work(ctx, id, payload); err != nil {
		var permanent *desk.PermanentError
		if !errors.As(err, &permanent) {
			return err
		}
		in.log.WarnContext(ctx, "a Slack event could not be worked on", "event_id", id, "error", err)
		outcome = "failed"
	}
	// The payload has done its duty; people's words are kept where they belong.
	_, err = in.db.Pool().Exec(ctx, `update inbound_events set state = $3, payload = '' where source = $1 and event_id = $2`, System, id, outcome)
	if err != nil {
		return fmt.Errorf("slack: finish event: %w", err)
	}
	return nil
}

func (in *Inbound) work(ctx context.Context, id string, payload []byte) error {
	kind, _, _ := cutKind(id)
	if kind == "reply" {
		return in.replyWithFiles(ctx, payload)
	}
	if kind == "interaction" {
		var stored interaction
		if err := json.Unmarshal(payload, &stored); err != nil {
			return &desk.PermanentError{Safe: "The stored interaction cannot be read.", Err: err}
		}
		var call interactionCall
		if err := json.Unmarshal(stored.Payload, &call); err != nil {
			return &desk.PermanentError{Safe: "The stored interaction cannot be read.", Err: err}
		}
		return in.act(ctx, call, stored.ViewID)
	}
	return in.event(ctx, payload)
}

func cutKind(id string) (kind, rest string, ok bool) {
	for i := range id {
		if id[i] == ':' {
			return id[:i], id[i+1:], true
		}
	}
	return "", id, false
}

// ticketAt finds the ticket whose root is at a place in Slack, or was before
// somebody deleted it: its thread goes on.
func (in *Inbound) ticketAt(ctx context.Context, channel, ts string) (desk.TicketRef, error) {
	var ref desk.TicketRef
	err := in.db.WithSystem(ctx, "find ticket of a Slack thread", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select tenant_id, ticket_id from (
			select tenant_id, ticket_id, 'infinity' as until from ticket_links where system = $1 and external_id = $2
			union all select tenant_id, ticket_id, until from former_links where system = $1 and external_id = $2) at order by until desc limit 1`, System, channel+":"+ts).
			Scan(&ref.TenantID, &ref.ID)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return ref, triage.ErrTicketNotFound
	}
	if err != nil {
		return ref, fmt.Errorf("slack: find ticket: %w", err)
	}
	return ref, nil
}

// explain is an error in words for the person who acted. Unknown causes stay here.
func explain(err error) string {
	var claimed *desk.ClaimedError
	switch {
	case errors.As(err, &claimed):
		return "This ticket is already claimed by " + bare(claimed.By, 80) + "."
	case errors.Is(err, errNotMember):
		return "Choose a full member of this workspace: not a guest, an app or somebody of another organisation."
	case errors.Is(err, desk.ErrNoColleagues):
		return "Colleagues cannot be asked from here."
	case errors.Is(err, desk.ErrNotAsked):
		return "You are not asked about this ticket any more, so this did not reach the team."
	case errors.Is(err, errUnmapped):
		return "You cannot act on tickets from Slack: ask an admin to add you to Usher with the e-mail address you use here."
	case errors.Is(err, desk.ErrRefused):
		return "You are not allowed to do this."
	case errors.Is(err, desk.ErrTicketClosed):
		return "This ticket is closed. Reopen it first."
	case errors.Is(err, triage.ErrMessageNotFound):
		return "This message is not there any more."
	case errors.Is(err, triage.ErrTicketNotFound):
		return "There is no such ticket any more."
	case errors.Is(err, triage.ErrEmptyMessage):
		return "Please write something."
	case errors.Is(err, triage.ErrMessageTooLong):
		return "This is too long."
	case errors.Is(err, desk.ErrNoDraft):
		return "No article answers this, so there is nothing to suggest."
	case errors.Is(err, blob.ErrTooLarge):
		return "A file is too large."
	case errors.Is(err, blob.ErrType):
		return "A file is of a type that is not accepted: send a PDF, an image, a text or an office document."
	case errors.Is(err, blob.ErrEmpty):
		return "A file is empty."
	case errors.Is(err, attachment.ErrInfected):
		return "The virus check found something in a file."
	case errors.Is(err, attachment.ErrNoScanner):
		return "Files cannot be sent to customers: no virus check is set up."
	case errors.Is(err, attachment.ErrTooMany), errors.Is(err, attachment.ErrManyWaiting):
		return "These are too many files."
	case errors.Is(err, desk.ErrNotTakenBack):
		return "A mail that was sent cannot be taken back. Send a correction."
	case errors.Is(err, desk.ErrBadValue):
		return "This value is not known here."
	}
	if text := writes.Explain(err); text != "" {
		return text
	}
	return "This did not work. Please try again, or use the agent console."
}

// forPerson reports whether an error is answered by telling the person, rather
// than by trying again.
func forPerson(err error) bool {
	var claimed *desk.ClaimedError
	for _, known := range []error{
		errUnmapped, errNotMember, desk.ErrNoColleagues, desk.ErrNotAsked, desk.ErrRefused, desk.ErrTicketClosed, triage.ErrTicketNotFound, triage.ErrMessageNotFound, triage.ErrEmptyMessage,
		triage.ErrMessageTooLong, desk.ErrNoDraft, desk.ErrNotTakenBack, desk.ErrBadValue,
		blob.ErrTooLarge, blob.ErrType, blob.ErrEmpty, attachment.ErrInfected, attachment.ErrNoScanner, attachment.ErrTooMany, attachment.ErrManyWaiting,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return errors.As(err, &claimed) || writes.Explain(err) != ""
}

func parseID(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}
