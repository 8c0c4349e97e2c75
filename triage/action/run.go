package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Sender sends one request, once: no redirect, no repetition of its own. It
// returns an error that is ErrNotSent where certainly nothing arrived.
// integrations/rest has one.
type Sender interface {
	Send(ctx context.Context, r Request) (Answer, error)
}

// Answer is what the other system said.
type Answer struct {
	Status     int
	RetryAfter time.Duration
	Text       string // untrusted, for agents; the secret may be in it
}

// ErrNotSent says that a request certainly did not reach the other system.
var ErrNotSent = errors.New("nothing was sent")

const (
	maxAttempts = 6
	// margin is how long after a request's time limit it is still believed to be under way.
	margin = 30 * time.Second
)

// Run carries out an approved proposal, or goes on with it after a crash. It
// returns how long to wait before looking again; zero: there is nothing left to do.
//
//	take: attempt written, committed ─▶ send ─▶ settle: outcome written
//
// A process killed in between leaves the attempt open. It is then not known
// whether the request was sent.
func (s *Service) Run(ctx context.Context, tenant, id uuid.UUID) (time.Duration, error) {
	var d Definition
	var signed Request
	var secret string
	var number int
	var wait time.Duration
	p, err := s.on(ctx, tenant, id, func(tx pgx.Tx, p *Proposal) (err error) {
		number, wait = 0, 0
		if p.State != Approved && p.State != Running {
			return nil
		}
		d, secret, err = definition(ctx, tx, p.Action)
		gone := errors.Is(err, ErrUnknown) || err == nil && (!d.Enabled || d.Revision != p.Revision)
		if err != nil && !gone {
			return err
		}
		number, wait, err = s.take(ctx, tx, p, d, gone)
		if number > 0 {
			signed = d.signed(p.Request, secret)
		}
		return err
	})
	if err != nil || number == 0 {
		if errors.Is(err, ErrNotFound) {
			return 0, nil // erased with its tenant
		}
		return wait, err
	}
	// A process that is asked to stop lets the request end: its fate is worth seconds.
	call, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), d.timeout(), fmt.Errorf("the other system took longer than %s", d.timeout()))
	answer, sendErr := s.Sender.Send(call, signed)
	cancel()
	answer.Text = triage.Line(d.hide(answer.Text, secret), 300) // in this order: a cut secret would not be found
	// What happened is written down even where we are stopping.
	return s.settle(context.WithoutCancel(ctx), p, d, number, answer, sendErr)
}

// take writes the next attempt down, or says why there is none.
func (s *Service) take(ctx context.Context, tx pgx.Tx, p *Proposal, d Definition, gone bool) (number int, wait time.Duration, err error) {
	now := s.Now().UTC().Truncate(time.Microsecond)
	before, err := attempts(ctx, tx, *p)
	if err != nil {
		return 0, 0, err
	}
	if len(before) > 0 {
		last := &before[len(before)-1]
		if last.EndedAt == nil {
			if over := last.StartedAt.Add(30*time.Second + margin); now.Before(over) {
				return 0, over.Sub(now), nil
			}
			last.Outcome, last.EndedAt = "unknown", &now
			if err := end(ctx, tx, p, last.Number, "unknown", 0, "The process ended while the request was under way.", now); err != nil {
				return 0, 0, err
			}
		}
		switch {
		case last.Outcome == "unknown" && (gone || !d.repeatable()), len(before) >= maxAttempts:
			return 0, 0, s.giveUp(ctx, tx, p, before, now)
		case p.NextAt != nil && now.Before(*p.NextAt):
			return 0, p.NextAt.Sub(now), nil
		}
	}
	if gone {
		if maybe(before) {
			return 0, 0, s.giveUp(ctx, tx, p, before, now)
		}
		return 0, 0, s.invalidate(ctx, tx, p, now)
	}
	number = len(before) + 1
	if _, err := tx.Exec(ctx, `insert into action_attempts (tenant_id, proposal_id, number, started_at) values ($1, $2, $3, $4)`, p.TenantID, p.ID, number, now); err != nil {
		return 0, 0, fmt.Errorf("begin attempt: %w", err)
	}
	p.NextAt = nil
	return number, 0, move(ctx, tx, p, Running, "", now)
}

// maybe reports whether one of the attempts may have had its effect.
func maybe(list []Attempt) bool {
	for _, a := range list {
		if a.Outcome == "unknown" {
			return true
		}
	}
	return false
}

// giveUp ends a proposal without a success: it failed, or nobody knows.
func (s *Service) giveUp(ctx context.Context, tx pgx.Tx, p *Proposal, list []Attempt, now time.Time) error {
	p.NextAt = nil
	if maybe(list) {
		return s.happened(ctx, tx, p, Unknown, "It is not known whether the request had its effect. Please look in the other system, then say here what you found.", system, now,
			telling{say: speak(p.Language).unknown, promises: true})
	}
	return s.happened(ctx, tx, p, Failed, "The other system could not be reached. Nothing was changed.", system, now, telling{say: speak(p.Language).failed, promises: true})
}

func end(ctx context.Context, tx pgx.Tx, p *Proposal, number int, outcome string, status int, detail string, now time.Time) error {
	tag, err := tx.Exec(ctx, `update action_attempts set ended_at = $4, outcome = $5, status = $6, detail = $7
		where tenant_id = $1 and proposal_id = $2 and number = $3 and ended_at is null`, p.TenantID, p.ID, number, now, outcome, status, triage.Line(triage.Plain(detail), 500))
	if err != nil {
		return fmt.Errorf("end attempt: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil // given up as lost before
	}
	return triage.Audit(ctx, tx, p.TenantID, system, "action.attempt", p.ID.String(), map[string]any{"number": number, "outcome": outcome, "status": status})
}

// judge says what an answer means: done, refused (certainly without effect), later
// or not_sent (not yet, may be tried again), or unknown.
func judge(answer Answer, err error, again bool) (outcome, detail string) {
	switch code := answer.Status; {
	case errors.Is(err, ErrNotSent):
		return "not_sent", err.Error()
	case err != nil:
		return "unknown", err.Error()
	case code >= 200 && code < 300:
		return "done", ""
	case code == http.StatusTooManyRequests:
		return "later", "It asked to be called later."
	case code == http.StatusConflict && again: // the first request with this key is still under way
		return "unknown", "It says that the same request is still under way."
	case code >= 500:
		return "unknown", fmt.Sprintf("It answered with status %d.", code)
	case code >= 300 && code < 400:
		return "refused", fmt.Sprintf("It sends us elsewhere (status %d), which is not followed.", code)
	}
	return "refused", fmt.Sprintf("It refused (status %d).", answer.Status)
}

func (s *Service) settle(ctx context.Context, p Proposal, d Definition, number int, answer Answer, sendErr error) (wait time.Duration, err error) {
	if sendErr != nil {
		s.Log.WarnContext(ctx, "action did not succeed", "action", p.Action, "tenant_id", p.TenantID, "proposal_id", p.ID, "attempt", number, "error", sendErr)
	}
	_, err = s.on(ctx, p.TenantID, p.ID, func(tx pgx.Tx, p *Proposal) error {
		wait = 0
		now := s.Now().UTC().Truncate(time.Microsecond)
		before, err := attempts(ctx, tx, *p)
		if err != nil {
			return err
		}
		if p.State != Running || len(before) != number || before[number-1].EndedAt != nil {
			return nil // another worker took this attempt for lost; what it found counts
		}
		outcome, detail := judge(answer, sendErr, maybe(before))
		if text := strings.TrimSpace(answer.Text); text != "" && outcome != "done" {
			detail += " " + text
		}
		if err := end(ctx, tx, p, number, outcome, answer.Status, detail, now); err != nil {
			return err
		}
		before[number-1].Outcome = outcome
		switch {
		case outcome == "done":
			return s.happened(ctx, tx, p, Done, "", system, now, telling{say: p.Done, ready: true, settles: true})
		case outcome == "refused" && maybe(before): // by the repetition; the first may have had its effect
			return s.giveUp(ctx, tx, p, before, now)
		case outcome == "refused":
			return s.happened(ctx, tx, p, Failed, detail+" Nothing was changed.", system, now, telling{say: speak(p.Language).failed, promises: true})
		case outcome == "unknown" && !d.repeatable(), number >= maxAttempts:
			return s.giveUp(ctx, tx, p, before, now)
		}
		wait = max(answer.RetryAfter, s.Backoff(number))
		wait = min(wait, time.Hour)
		next := now.Add(wait)
		p.NextAt = &next
		return move(ctx, tx, p, Running, "", now)
	})
	return wait, err
}

// Expire ends a proposal whose time is over.
func (s *Service) Expire(ctx context.Context, tenant, id uuid.UUID) error {
	_, err := s.on(ctx, tenant, id, func(tx pgx.Tx, p *Proposal) error {
		now := s.Now().UTC().Truncate(time.Microsecond)
		if p.State != Proposed || now.Before(p.ExpiresAt) {
			return nil
		}
		return s.expire(ctx, tx, p, now)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
