package intake

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/confirm"
)

// Errors of what holds a code.
var (
	// ErrCode says a message is the code its conversation waits for: EnterCode takes it.
	ErrCode = errors.New("the message is a code")
	// ErrCodeElsewhere says it is the code another conversation waits for.
	ErrCodeElsewhere = errors.New("the message is a code of another conversation")
)

// Session says that a message comes from a signed-in person, at the screen.
type Session struct {
	// Fresh: they have proven of late who they are.
	Fresh bool
}

func (s *Session) fresh() bool { return s != nil && s.Fresh }

// person is whose codes may be in an actor's text; false where they are sent none.
func (s *Service) person(actor triage.Actor) (confirm.Person, bool) {
	p := confirm.Person{Tenant: actor.TenantID, ID: actor.ID}
	return p, s.Codes != nil && actor.Kind == triage.ActorCustomer && userID(actor) != nil
}

// withoutCode is a text in which no code is left. Who enters one at the screen
// gets ErrCode, and what is stored then does not hold it either.
func (s *Service) withoutCode(ctx context.Context, tx pgx.Tx, actor triage.Actor, conversation uuid.UUID, text string, session *Session) (string, error) {
	p, ok := s.person(actor)
	if !ok || !confirm.Like(text) {
		return text, nil
	}
	read, err := s.Codes.Read(ctx, tx, p, text)
	switch {
	case err != nil:
		return "", err
	case !read.Entry || session == nil:
		return read.Text, nil
	case read.Question.Conversation == conversation:
		return "", ErrCode
	}
	return "", ErrCodeElsewhere
}

// Blot is a text without the codes its author was sent, for what is stored of it
// elsewhere than in a conversation.
func (s *Service) Blot(ctx context.Context, tx pgx.Tx, actor triage.Actor, text string) (string, error) {
	return s.withoutCode(ctx, tx, actor, uuid.Nil, text, nil)
}

// EnterCode takes the code that a question in a conversation waits for. A right
// one has the question answered; renew runs with it, for the session. The message
// says that a code was entered, or, where it was typed as a message, what was
// wrong with it. Left is how often it may be tried again.
func (s *Service) EnterCode(ctx context.Context, actor triage.Actor, conversationID uuid.UUID, code, typedAs string, renew func(ctx context.Context, tx pgx.Tx) error) (m triage.Message, left int, err error) {
	var tried error
	err = s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		p, err := s.waiting(ctx, tx, actor, conversationID)
		if err != nil {
			return err
		}
		if typedAs != "" {
			if m, err = triage.MessageByClientKey(ctx, tx, actor.TenantID, conversationID, typedAs); !errors.Is(err, triage.ErrMessageNotFound) {
				return err
			}
		}
		var q confirm.Question
		q, left, tried = s.Codes.Try(ctx, tx, p, conversationID, code)
		known := errors.Is(tried, confirm.ErrWrong) || errors.Is(tried, confirm.ErrSpent) || errors.Is(tried, confirm.ErrOver)
		if tried != nil && !known {
			return tried
		}
		if tried == nil || typedAs != "" {
			if m, err = s.note(ctx, tx, actor, conversationID, confirm.WordsOf(actor.Locale).Said(tried, left), typedAs); err != nil {
				return err
			}
		}
		if tried != nil {
			return nil // the try counts
		}
		if _, err := s.jobs.InsertTx(ctx, tx, ProcessArgs{TenantID: actor.TenantID, MessageID: q.Message, Fresh: true, Confirmed: true}, nil); err != nil {
			return err
		}
		return renew(ctx, tx)
	})
	if err == nil {
		s.wake(actor.TenantID, conversationID)
		err = tried
	}
	return m, left, err
}

// waiting is whose code a conversation may wait for. It holds the conversation:
// the assistant, too, takes first that and then the code.
func (s *Service) waiting(ctx context.Context, tx pgx.Tx, actor triage.Actor, conversation uuid.UUID) (confirm.Person, error) {
	p, ok := s.person(actor)
	if _, err := s.visible(ctx, tx, actor, conversation); err != nil {
		return p, err
	}
	if !ok {
		return p, confirm.ErrOver
	}
	_, err := triage.LockConversation(ctx, tx, actor.TenantID, conversation)
	return p, err
}

// note says something about a code in a conversation, in nobody's name.
func (s *Service) note(ctx context.Context, tx pgx.Tx, actor triage.Actor, conversation uuid.UUID, text, key string) (triage.Message, error) {
	m := triage.Message{
		TenantID: actor.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation,
		AuthorKind: triage.AuthorSystem, Visibility: triage.VisibleToCustomer, Body: text,
	}
	if key != "" {
		m.ClientKey = &key
	}
	stored, _, err := triage.InsertMessage(ctx, tx, m)
	return stored, err
}

// SendCode mails another code for the question in a conversation that waits for one.
func (s *Service) SendCode(ctx context.Context, actor triage.Actor, conversationID uuid.UUID) error {
	return s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		p, err := s.waiting(ctx, tx, actor, conversationID)
		if err != nil {
			return err
		}
		q, err := s.Codes.Waiting(ctx, tx, p, conversationID)
		if err != nil {
			return err
		}
		return s.Codes.Begin(ctx, tx, p, q)
	})
}
