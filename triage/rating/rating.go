package rating

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
)

// Settling is who settled a matter.
type Settling string

// Who settles.
const (
	ByAssistant Settling = "assistant"
	ByPerson    Settling = "person"
)

// Scores up to Low make people look, from Good on a customer counts as content.
const (
	Low  = 2
	Good = 4
	Best = 5
)

// How long after a person's resolution the question waits, so that one taken back
// is not asked about; how long the answer can be given, changed and withdrawn; and
// how late, after an outage, a question still makes sense.
const (
	askAfter = 10 * time.Minute
	OpenFor  = 14 * 24 * time.Hour
	tooLate  = 4 * 24 * time.Hour
)

// MaxComment is how many characters a comment keeps.
const MaxComment = 2000

// Errors of giving a rating.
var (
	ErrNotAsked = errors.New("nobody asked for this rating")
	ErrClosed   = errors.New("the rating is closed")
	ErrBadScore = errors.New("a score is a number from 1 to 5")
	ErrBadLink  = errors.New("the link is not one of ours")
	ErrBadPause = errors.New("the pause between two questions is 0 to 365 days")
)

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Desk shows an internal message to those who work on the conversation's ticket,
// once. *desk.Service is one.
type Desk interface {
	Noted(ctx context.Context, tx pgx.Tx, m triage.Message) error
}

// Publisher tells a tenant's own systems. *webhook.Service is one.
type Publisher interface {
	Publish(ctx context.Context, tx pgx.Tx, tenant, event uuid.UUID, kind string, data any) error
}

// Mail asks by e-mail, in the caller's transaction. *email.Service is one.
type Mail interface {
	AskRating(ctx context.Context, tx pgx.Tx, r Rating, to string) error
}

// Config joins the service to its surroundings.
type Config struct {
	DB        *tenantdb.DB // of the worker role, for Ask
	Desk      Desk
	Events    Publisher // nil: tenants' own systems are told nothing
	Mail      func() Mail
	EveryDays int // a person is asked at most once in so many days; negative: whenever something is settled
	Off       bool
	Wake      func(tenant, conversation uuid.UUID)
	Now       func() time.Time
}

// Service asks and takes ratings.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wake == nil {
		c.Wake = func(_, _ uuid.UUID) {}
	}
	if c.Mail == nil {
		c.Mail = func() Mail { return nil }
	}
	return &Service{c}
}

// Resolution is a matter that was just settled.
type Resolution struct {
	TenantID, ConversationID, UserID uuid.UUID
	TicketID                         *uuid.UUID // nil: the assistant settled it alone
	At                               time.Time
	AgentID                          *uuid.UUID
	AgentName, Team, Topic           string
	// Present says that the customer settled it just now: they can be asked at once.
	Present bool
}

// Settled stores a resolution and the job that asks about it. Told twice of the
// same one, it is one question; a customer who confirms is asked at once.
func Settled(ctx context.Context, tx pgx.Tx, jobs Jobs, r Resolution) error {
	if r.UserID == uuid.Nil {
		return nil // nobody to ask: an integration's error, a ticket of nobody
	}
	by, due := ByPerson, r.At.Add(askAfter)
	if r.TicketID == nil {
		by = ByAssistant
	}
	if r.Present {
		due = r.At
	}
	id := uuid.NewSHA1(r.ConversationID, []byte("rating:"+r.At.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)))
	_, err := tx.Exec(ctx, `insert into ratings (tenant_id, id, conversation_id, ticket_id, user_id, settled_at, settled_by, agent_id, agent_name, team, topic, present, not_before)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (tenant_id, id) do update
		set present = ratings.present or excluded.present, not_before = least(ratings.not_before, excluded.not_before) where ratings.state = 'due'`,
		r.TenantID, id, r.ConversationID, r.TicketID, r.UserID, r.At.UTC().Truncate(time.Microsecond), by, r.AgentID, triage.Line(r.AgentName, 200), r.Team, r.Topic, r.Present, due)
	if err != nil {
		return fmt.Errorf("store resolution: %w", err)
	}
	if _, err := jobs.InsertTx(ctx, tx, AskArgs{r.TenantID, id}, &river.InsertOpts{ScheduledAt: due}); err != nil {
		return fmt.Errorf("insert job %s: %w", AskArgs{}.Kind(), err)
	}
	return nil
}

// SettledByAssistant is Settled for a conversation without a ticket, with the
// customer as its witness. Where people had a part, or nothing was answered, it
// does nothing.
func SettledByAssistant(ctx context.Context, tx pgx.Tx, jobs Jobs, r Resolution) error {
	err := tx.QueryRow(ctx, `select coalesce((select coalesce(k.corrected_intent, k.intent) from classifications k where k.tenant_id = $1 and k.conversation_id = $2
		  and coalesce(k.corrected_intent, k.intent) <> '' order by k.created_at, k.id limit 1), '')
		where not exists (select from tickets where tenant_id = $1 and conversation_id = $2)
		  and exists (select from messages where tenant_id = $1 and conversation_id = $2 and author_kind = 'assistant' and visibility = 'customer' and state in ('final', 'stopped'))`,
		r.TenantID, r.ConversationID).Scan(&r.Topic)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read conversation: %w", err)
	}
	r.TicketID = nil
	return Settled(ctx, tx, jobs, r)
}

// Rating is a question and what was said.
type Rating struct {
	TenantID       uuid.UUID  `db:"tenant_id"`
	ID             uuid.UUID  `db:"id"`
	ConversationID uuid.UUID  `db:"conversation_id"`
	TicketID       *uuid.UUID `db:"ticket_id"`
	UserID         uuid.UUID  `db:"user_id"`
	SettledAt      time.Time  `db:"settled_at"`
	State          string     `db:"state"`
	Channel        string     `db:"channel"`
	AskedAt        *time.Time `db:"asked_at"`
	OpenUntil      *time.Time `db:"open_until"`
	Score          *int       `db:"score"`
	Comment        string     `db:"comment"`
	RatedAt        *time.Time `db:"rated_at"`
	Changes        int        `db:"changes"`
}

const columns = `tenant_id, id, conversation_id, ticket_id, user_id, settled_at, state, channel, asked_at, open_until, score, comment, rated_at, changes`

// Latest is the last question of a conversation to a person.
func Latest(ctx context.Context, tx pgx.Tx, tenant, conversation, user uuid.UUID) (Rating, error) {
	return one(ctx, tx, `select `+columns+` from ratings where tenant_id = $1 and conversation_id = $2 and user_id = $3 and state = 'asked'
		order by asked_at desc, id desc limit 1`, tenant, conversation, user)
}

// ByID is a question that was asked.
func ByID(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Rating, error) {
	return one(ctx, tx, `select `+columns+` from ratings where tenant_id = $1 and id = $2 and state = 'asked'`, tenant, id)
}

func one(ctx context.Context, tx pgx.Tx, query string, args ...any) (Rating, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Rating{}, fmt.Errorf("read rating: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Rating])
	if errors.Is(err, pgx.ErrNoRows) {
		return Rating{}, ErrNotAsked
	}
	if err != nil {
		return Rating{}, fmt.Errorf("read rating: %w", err)
	}
	return r, nil
}

// Give stores what the customer says; said again, it replaces what was said.
func (s *Service) Give(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, score int, comment string) (Rating, error) {
	if score < 1 || score > Best {
		return Rating{}, ErrBadScore
	}
	comment = clean(comment)
	r, err := s.hold(ctx, tx, tenant, id)
	if err != nil {
		return r, err
	}
	if r.Score != nil && *r.Score == score && r.Comment == comment {
		return r, nil
	}
	now := s.Now().UTC()
	r, err = one(ctx, tx, `update ratings set score = $3, comment = $4, rated_at = $5, changes = changes + 1 where tenant_id = $1 and id = $2 returning `+columns,
		tenant, id, score, comment, now)
	if err != nil {
		return r, err
	}
	if score <= Low && r.TicketID != nil {
		if err := s.warn(ctx, tx, r); err != nil {
			return r, err
		}
	}
	if err := s.publish(ctx, tx, r); err != nil {
		return r, err
	}
	return r, tell(ctx, tx, r)
}

// Withdraw takes back what was said: it counts as not answered.
func (s *Service) Withdraw(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Rating, error) {
	r, err := s.hold(ctx, tx, tenant, id)
	if err != nil || r.Score == nil {
		return r, err
	}
	r, err = one(ctx, tx, `update ratings set score = null, comment = '', rated_at = null, changes = changes + 1 where tenant_id = $1 and id = $2 returning `+columns, tenant, id)
	if err != nil {
		return r, err
	}
	if err := s.publish(ctx, tx, r); err != nil {
		return r, err
	}
	return r, tell(ctx, tx, r)
}

// hold reads an open question for a change. Locks go conversation first, as in
// the desk.
func (s *Service) hold(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Rating, error) {
	r, err := ByID(ctx, tx, tenant, id)
	if err != nil {
		return r, err
	}
	if _, err := triage.LockConversation(ctx, tx, tenant, r.ConversationID); err != nil {
		return r, err
	}
	if r, err = one(ctx, tx, `select `+columns+` from ratings where tenant_id = $1 and id = $2 and state = 'asked' for update`, tenant, id); err != nil {
		return r, err
	}
	if s.Now().After(*r.OpenUntil) {
		return r, ErrClosed
	}
	return r, nil
}

// warn tells those who worked on it of a low score: an internal note on the
// ticket, once, however often the score is changed.
func (s *Service) warn(ctx context.Context, tx pgx.Tx, r Rating) error {
	key := "rating:" + r.ID.String()
	text := fmt.Sprintf("The customer rated how this was settled %d of %d (%s).", *r.Score, Best, Words[*r.Score])
	if r.Comment != "" {
		text += "\n\n“" + r.Comment + "”"
	}
	m, created, err := triage.InsertMessage(ctx, tx, triage.Message{
		TenantID: r.TenantID, ID: uuid.NewSHA1(r.ID, []byte("note")), ConversationID: r.ConversationID, AuthorKind: triage.AuthorSystem, AuthorName: "Rating",
		Visibility: triage.Internal, Body: text, Language: "en", ClientKey: &key, State: triage.MessageFinal,
	})
	if err != nil || !created || s.Desk == nil {
		return err
	}
	return s.Desk.Noted(ctx, tx, m)
}

// Words are the scores as staff read them.
var Words = map[int]string{1: "very poor", 2: "poor", 3: "okay", 4: "good", 5: "very good"}

// publish tells the tenant's own systems what their person said; a withdrawn
// rating has the score null.
func (s *Service) publish(ctx context.Context, tx pgx.Tx, r Rating) error {
	if s.Events == nil {
		return nil
	}
	var number *int64
	if r.TicketID != nil {
		if err := tx.QueryRow(ctx, `select number from tickets where tenant_id = $1 and id = $2`, r.TenantID, *r.TicketID).Scan(&number); err != nil {
			return fmt.Errorf("read ticket: %w", err)
		}
	}
	event := uuid.NewSHA1(r.ID, fmt.Appendf(nil, "change:%d", r.Changes))
	return s.Events.Publish(ctx, tx, r.TenantID, event, EventRated, map[string]any{
		"id": r.ID, "conversation_id": r.ConversationID, "ticket_number": number, "score": r.Score, "best": Best, "comment": r.Comment, "rated_at": r.RatedAt,
	})
}

// EventRated is the webhook's type.
const EventRated = "ticket.rated"

// tell lets the pages of the conversation follow. It is no news to read: who has
// read everything still has.
func tell(ctx context.Context, tx pgx.Tx, r Rating) error {
	seq, err := triage.AppendEvent(ctx, tx, r.TenantID, r.ConversationID, triage.EventRatingUpdated, triage.VisibleToCustomer, map[string]any{"rating": r.ID})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update conversations set customer_read_seq = $3 where tenant_id = $1 and id = $2 and customer_read_seq = $3 - 1`, r.TenantID, r.ConversationID, seq); err != nil {
		return fmt.Errorf("mark read: %w", err)
	}
	return nil
}

func clean(comment string) string {
	comment = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(comment, string(utf8.RuneError)), "\x00", ""))
	if runes := []rune(comment); len(runes) > MaxComment {
		comment = string(runes[:MaxComment])
	}
	return comment
}
