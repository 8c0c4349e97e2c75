package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/triage"
)

// Service carries procedures on. DB and Look are needed.
type Service struct {
	DB *tenantdb.DB // of the worker role
	// Look answers a status question of a person from the record.
	Look func(ctx context.Context, asker triage.Actor, intent, language string) (Looked, error)
	// Actions keep what steps propose; nil: it goes to people without a proposal.
	Actions Actions
	Now     func() time.Time // default time.Now
}

// Request is one message of a customer.
type Request struct {
	Asker          triage.Actor
	ConversationID uuid.UUID
	Text           string
	Intent         string // as classified; empty: none
	Language       string
	// Waiting is the run that waits where none is stored; nil: the conversation's.
	Waiting *Run
}

// Next is what a message comes to: the next turn of the run that waits, or the
// first of the procedure of its intent. ErrNotFound: there is neither.
func (s *Service) Next(ctx context.Context, in Request) (Turn, error) {
	var p Procedure
	var run Run
	var facts map[string]string
	err := s.DB.WithTenant(ctx, in.Asker.TenantID, func(tx pgx.Tx) (err error) {
		if in.Waiting != nil {
			run = *in.Waiting
		} else {
			run, err = waiting(ctx, tx, in.Asker.TenantID, in.ConversationID)
		}
		switch {
		case err == nil:
			p, err = versionOf(ctx, tx, run.Key, run.Version)
		case errors.Is(err, ErrNotFound) && in.Intent != "":
			run = Run{ID: uuid.Must(uuid.NewV7())}
			p, err = published(ctx, tx, in.Intent)
		}
		if err != nil {
			return err
		}
		facts, err = s.facts(ctx, tx, in.Asker)
		return err
	})
	if err != nil {
		return Turn{}, err
	}
	turn, err := Advance(ctx, p, run, in.Text, s.world(facts, in))
	if err == nil && turn.Propose != nil {
		err = s.DB.WithTenant(ctx, in.Asker.TenantID, func(tx pgx.Tx) error { return s.fit(ctx, tx, &turn, in) })
	}
	if err == nil && turn.HandOver != nil {
		if collected := Collected(p, turn.Run); collected != "" {
			turn.HandOver.Why += "\nCollected by the procedure “" + p.Title + "”:\n" + collected
		}
	}
	return turn, err
}

func (s *Service) world(facts map[string]string, in Request) World {
	return World{Facts: facts, Language: in.Language, Locale: in.Asker.Locale, Now: s.now(), Look: func(ctx context.Context, intent string) (Looked, error) {
		return s.Look(ctx, in.Asker, intent, in.Language)
	}}
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Service) facts(ctx context.Context, tx pgx.Tx, a triage.Actor) (map[string]string, error) {
	asker := onboarding.Asker{TenantID: a.TenantID, UserID: a.ID, Roles: a.Roles, Departments: a.Departments, Locale: a.Locale, TimeZone: a.TimeZone}
	record, err := onboarding.Load(ctx, tx, a.TenantID)
	if err != nil && !errors.Is(err, onboarding.ErrNoProject) {
		return nil, err
	}
	return Facts(record, asker, s.now()), nil
}

// Keep stores where a turn has led, and what it proposes on the ticket it was
// handed over with, in the transaction that delivers it.
func (s *Service) Keep(ctx context.Context, tx pgx.Tx, tenant, conversation, ticket uuid.UUID, seq int64, t Turn) error {
	if err := keep(ctx, tx, tenant, conversation, seq, t.Run); err != nil || t.Propose == nil {
		return err
	}
	p := *t.Propose
	p.Key = fmt.Sprintf("procedure:%s:%d", t.Run.ID, seq)
	return s.Actions.Propose(ctx, tx, p, ticket)
}

// Leave ends the run of a conversation that people have now.
func (s *Service) Leave(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID) error {
	return Leave(ctx, tx, tenant, conversation)
}

// Intent is what the turn is about.
func (t Turn) Intent() string { return t.intent }

// Try goes through a procedure as a person would, message by message, without
// effect. It ends early where the procedure does.
func (s *Service) Try(ctx context.Context, p Procedure, asker triage.Actor, messages []string) ([]Turn, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var facts map[string]string
	err := s.DB.WithTenant(ctx, asker.TenantID, func(tx pgx.Tx) (err error) {
		facts, err = s.facts(ctx, tx, asker)
		return err
	})
	if err != nil {
		return nil, err
	}
	language, _, _ := strings.Cut(strings.ToLower(asker.Locale), "-")
	var turns []Turn
	run := Run{ID: uuid.Nil}
	for i, message := range append([]string{""}, messages...) {
		if i > 0 && run.State != Waiting {
			break
		}
		turn, err := Advance(ctx, p, run, message, s.world(facts, Request{Asker: asker, Language: language}))
		if err != nil {
			return nil, fmt.Errorf("try procedure: %w", err)
		}
		if turn.Propose != nil {
			err = s.DB.WithTenant(ctx, asker.TenantID, func(tx pgx.Tx) (err error) {
				if asker.ID, err = somebody(ctx, tx, asker); err != nil {
					return err
				}
				return s.fit(ctx, tx, &turn, Request{Asker: asker, Language: language})
			})
			if err != nil {
				return nil, fmt.Errorf("try procedure: %w", err)
			}
		}
		turns = append(turns, turn)
		run = turn.Run
	}
	return turns, nil
}

// somebody of an organisation stands for whoever would ask.
func somebody(ctx context.Context, tx pgx.Tx, asker triage.Actor) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `select id from users where tenant_id = $1 and state = 'active' order by created_at, id limit 1`, asker.TenantID).Scan(&id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return id, fmt.Errorf("find somebody: %w", err)
	}
	return id, nil
}
