// Package confirm lets a signed-in person prove once more who they are, by a
// code of six digits in a mail, before exports and the like.
//
//	Begin → a row and a job, the job mails the code
//	Try   → right within ten minutes and three tries, once; then a pause
//
// A page asks for a code before it does something; the chat before it answers a
// question, which then waits for the code in its conversation. A code asked for
// in one place is none in another.
//
// A code is derived from its row and a secret of the service, so it is nowhere
// at rest: not in the row, not in the job, not in a log. Codes are looked up by
// person, so another person's is just a number.
package confirm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"golang.org/x/text/unicode/norm"

	"github.com/usherdesk/usher/triage"
)

// How long a code lives, how often it may be tried, and how many there are.
const (
	Lifetime = 10 * time.Minute
	Tries    = 3
	Pause    = 10 * time.Minute // after the last wrong try, before another code
	perHour  = 5
)

// Remembered is how long what was proven counts.
const Remembered = 15 * time.Minute

// Errors of Try.
var (
	// ErrWrong says the code is not right and may be tried again.
	ErrWrong = errors.New("the code is not right")
	// ErrSpent says it was not right for the last time.
	ErrSpent = errors.New("the code was wrong too often")
	// ErrOver says there is no code to try: none was asked for, or it is too old, or used.
	ErrOver = errors.New("there is no code to try")
)

// PauseError says that no new code is sent yet.
type PauseError struct{ Wait time.Duration }

// Error implements error.
func (e *PauseError) Error() string { return "no new code yet" }

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Service makes and checks codes.
type Service struct {
	key  []byte
	jobs Jobs
	now  func() time.Time
}

// New returns a Service. The secret is the service's own; now may be nil.
func New(secret string, jobs Jobs, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("confirmation codes"))
	return &Service{key: mac.Sum(nil), jobs: jobs, now: now}
}

// Person is whose code it is; Tenant is zero for staff.
type Person struct{ Tenant, ID uuid.UUID }

// code is the row's: six digits.
func (s *Service) code(id uuid.UUID) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(id[:])
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac.Sum(nil))%1_000_000)
}

// Question is what waits for a code in the chat; zero: something on a page.
type Question struct{ Conversation, Message uuid.UUID }

// row is a code that was made.
type row struct {
	ID       uuid.UUID
	Tries    int
	Created  time.Time
	Expires  time.Time
	Proven   *time.Time
	Question Question
}

func (r row) live(now time.Time) bool {
	return r.Proven == nil && r.Tries < Tries && now.Before(r.Expires)
}

// locked says that what was read is about to change: no other try at the same time.
const locked = " for update"

// recent are a person's codes of the last day, latest first.
func (s *Service) recent(ctx context.Context, tx pgx.Tx, p Person, lock string) ([]row, error) {
	query, args := `select id, tries, created_at, expires_at, proven_at, conversation_id, message_id from confirmations
		where tenant_id = $3 and person_id = $1 and created_at > $2 order by created_at desc, id desc`, []any{p.ID, s.now().Add(-24 * time.Hour), p.Tenant}
	if p.Tenant == uuid.Nil {
		query, args = `select id, tries, created_at, expires_at, proven_at, null::uuid, null::uuid from staff_confirmations
			where person_id = $1 and created_at > $2 order by created_at desc, id desc`, args[:2]
	}
	rows, err := tx.Query(ctx, query+lock, args...)
	if err != nil {
		return nil, fmt.Errorf("read codes: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(from pgx.CollectableRow) (r row, err error) {
		var conversation, message *uuid.UUID
		err = from.Scan(&r.ID, &r.Tries, &r.Created, &r.Expires, &r.Proven, &conversation, &message)
		if conversation != nil && message != nil {
			r.Question = Question{*conversation, *message}
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read codes: %w", err)
	}
	return list, nil
}

// Begin makes a code and the job that mails it. One that was just made for the
// same place is not made again; the later question is then the one that waits.
func (s *Service) Begin(ctx context.Context, tx pgx.Tx, p Person, q Question) error {
	// Two requests at once make one code.
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('confirm ' || $1::text, 0))`, p.ID); err != nil {
		return fmt.Errorf("begin confirmation: %w", err)
	}
	recent, err := s.recent(ctx, tx, p, locked)
	if err != nil {
		return err
	}
	now, hour := s.now(), 0
	for _, r := range recent {
		switch {
		case r.Tries >= Tries && r.Proven == nil && now.Before(r.Expires.Add(Pause)):
			return &PauseError{r.Expires.Add(Pause).Sub(now)}
		case r.live(now) && now.Sub(r.Created) < time.Minute && r.Question.Conversation == q.Conversation:
			return s.move(ctx, tx, p, r, q)
		}
		if now.Sub(r.Created) < time.Hour {
			if hour++; hour >= perHour {
				return &PauseError{r.Created.Add(time.Hour).Sub(now)}
			}
		}
	}
	// The one before is over: one code at a time.
	id := uuid.Must(uuid.NewV7())
	if p.Tenant == uuid.Nil {
		_, err = tx.Exec(ctx, `update staff_confirmations set expires_at = $2 where person_id = $1 and proven_at is null and tries < 3 and expires_at > $2`, p.ID, now)
		if err == nil {
			_, err = tx.Exec(ctx, `insert into staff_confirmations (id, person_id, created_at, expires_at) values ($1, $2, $3, $4)`, id, p.ID, now, now.Add(Lifetime))
		}
	} else {
		_, err = tx.Exec(ctx, `update confirmations set expires_at = $3 where tenant_id = $1 and person_id = $2 and proven_at is null and tries < 3 and expires_at > $3`, p.Tenant, p.ID, now)
		if err == nil {
			_, err = tx.Exec(ctx, `insert into confirmations (tenant_id, id, person_id, created_at, expires_at, conversation_id, message_id) values ($1, $2, $3, $4, $5, $6, $7)`,
				p.Tenant, id, p.ID, now, now.Add(Lifetime), some(q.Conversation), some(q.Message))
		}
	}
	if err != nil {
		return fmt.Errorf("begin confirmation: %w", err)
	}
	if _, err := s.jobs.InsertTx(ctx, tx, SendArgs{p.Tenant, id}, nil); err != nil {
		return fmt.Errorf("begin confirmation: %w", err)
	}
	return nil
}

// move lets another question wait for a code.
func (s *Service) move(ctx context.Context, tx pgx.Tx, p Person, r row, q Question) error {
	if r.Question == q {
		return nil
	}
	if _, err := tx.Exec(ctx, `update confirmations set message_id = $3 where tenant_id = $1 and id = $2`, p.Tenant, r.ID, q.Message); err != nil {
		return fmt.Errorf("move question: %w", err)
	}
	return nil
}

func some(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Read is how a text of somebody's is to be taken who was sent codes by the chat.
type Read struct {
	Question Question // whose code it is; zero: nothing waits for one
	Entry    bool     // the text enters the code, and nothing else
	Text     string   // without it
}

// Read looks for a code in what a person writes, so that it is stored nowhere.
// While one is live every six digits count, or whoever tries could read from what
// is left standing which are not it; of a dead one the code itself.
func (s *Service) Read(ctx context.Context, tx pgx.Tx, p Person, text string) (Read, error) {
	recent, err := s.recent(ctx, tx, p, "")
	if err != nil {
		return Read{}, err
	}
	found := sixes(text)
	for _, r := range recent {
		code := s.code(r.ID)
		if r.Question != (Question{}) && (r.live(s.now()) || slices.ContainsFunc(found, func(f six) bool { return f.digits == code })) {
			return Read{r.Question, entry(text, found), blotted(text, found)}, nil
		}
	}
	return Read{Text: text}, nil
}

// Waiting is the question in a conversation that still waits for a code, whatever
// became of those sent so far. ErrOver: none does.
func (s *Service) Waiting(ctx context.Context, tx pgx.Tx, p Person, conversation uuid.UUID) (Question, error) {
	recent, err := s.recent(ctx, tx, p, "")
	if err != nil {
		return Question{}, err
	}
	at := slices.IndexFunc(recent, func(r row) bool { return r.Question.Conversation == conversation })
	if at < 0 || recent[at].Proven != nil {
		return Question{}, ErrOver
	}
	return recent[at].Question, nil
}

// Try takes a code in a conversation, or on a page where that is zero. It gives
// back the question that waited for it, and says how often it may be tried again.
// A wrong one counts: commit whatever it returns.
func (s *Service) Try(ctx context.Context, tx pgx.Tx, p Person, conversation uuid.UUID, code string) (q Question, left int, err error) {
	recent, err := s.recent(ctx, tx, p, locked)
	if err != nil {
		return q, 0, err
	}
	at := slices.IndexFunc(recent, func(r row) bool { return r.live(s.now()) && r.Question.Conversation == conversation })
	if at < 0 {
		return q, 0, ErrOver
	}
	r := recent[at]
	r.Tries++
	var proven *time.Time
	if subtle.ConstantTimeCompare([]byte(s.code(r.ID)), []byte(digits(code))) == 1 {
		now := s.now()
		proven = &now
	}
	if err := s.note(ctx, tx, p, r, proven); err != nil {
		return q, 0, err
	}
	switch {
	case proven != nil:
		return r.Question, 0, nil
	case r.Tries >= Tries:
		return q, 0, ErrSpent
	}
	return q, Tries - r.Tries, ErrWrong
}

// note keeps a try, and in the audit that somebody proved themselves or failed for good.
func (s *Service) note(ctx context.Context, tx pgx.Tx, p Person, r row, proven *time.Time) error {
	var err error
	if p.Tenant == uuid.Nil {
		_, err = tx.Exec(ctx, `update staff_confirmations set tries = $2, proven_at = $3 where id = $1`, r.ID, r.Tries, proven)
	} else {
		_, err = tx.Exec(ctx, `update confirmations set tries = $3, proven_at = $4 where tenant_id = $1 and id = $2`, p.Tenant, r.ID, r.Tries, proven)
	}
	if err != nil {
		return fmt.Errorf("note try: %w", err)
	}
	action := "person.confirmed"
	if proven == nil {
		if r.Tries < Tries {
			return nil
		}
		action = "person.confirm_failed"
	}
	if p.Tenant == uuid.Nil {
		return triage.AuditOperator(ctx, tx, triage.Actor{Kind: triage.ActorStaff, ID: p.ID}, action, p.ID.String(), nil)
	}
	return triage.Audit(ctx, tx, p.Tenant, triage.Actor{Kind: triage.ActorCustomer, ID: p.ID}, action, p.ID.String(), nil)
}

var notDigits = regexp.MustCompile(`[^0-9]`)

// digits are those of a text, in whatever script they are written.
func digits(text string) string { return notDigits.ReplaceAllString(norm.NFKC.String(text), "") }
