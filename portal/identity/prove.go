package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/confirm"
)

// oldFor is how long the session before a proof still answers, for requests
// already under way. It is as unproven as it was.
const oldFor = 10 * time.Second

// Fresh reports whether a principal has proven of late who they are, by a code
// or at their provider. Where nobody can be asked to, everybody has.
func (s *Service) Fresh(p Principal) bool {
	return s.confirm == nil || p.Kind != Key && s.now().Sub(p.FreshAt) < confirm.Remembered
}

func person(p Principal) confirm.Person { return confirm.Person{Tenant: p.Tenant.ID, ID: p.Actor.ID} }

// SendCode mails the principal a code. It returns *confirm.PauseError where they
// have to wait for one.
func (s *Service) SendCode(ctx context.Context, p Principal) error {
	if s.confirm == nil {
		return ErrNoMail
	}
	err := s.in(ctx, p.Tenant.ID, func(tx pgx.Tx) error { return s.confirm.Begin(ctx, tx, person(p), confirm.Question{}) })
	if err != nil {
		return fmt.Errorf("send code: %w", err)
	}
	return nil
}

// Prove takes the code. A right one makes the session fresh under a new token,
// which replaces the old one.
func (s *Service) Prove(ctx context.Context, p Principal, token, code string) (session string, left int, err error) {
	if s.confirm == nil {
		return "", 0, ErrNoMail
	}
	var tried error
	err = s.in(ctx, p.Tenant.ID, func(tx pgx.Tx) (err error) {
		_, left, tried = s.confirm.Try(ctx, tx, person(p), uuid.Nil, code)
		if errors.Is(tried, confirm.ErrWrong) || errors.Is(tried, confirm.ErrSpent) {
			return nil // the try counts
		}
		if tried != nil {
			return tried
		}
		session, err = s.Renew(ctx, tx, p.Tenant.ID, token)
		return err
	})
	if err == nil {
		err = tried
	}
	if err != nil {
		return "", left, fmt.Errorf("prove: %w", err)
	}
	return session, 0, nil
}

// Renew gives a session a new token and notes that its person has proven themselves.
func (s *Service) Renew(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, token string) (string, error) {
	var session, insert, end string
	var args []any
	switch {
	case tenant == uuid.Nil && strings.HasPrefix(token, staffSessionPrefix):
		session = staffSessionPrefix + secret()
		insert = `insert into staff_sessions (token_hash, staff_id, created_at, last_seen_at, expires_at, fresh_at)
			select $2, staff_id, created_at, $3, expires_at, $3 from staff_sessions where token_hash = $1 and revoked_at is null`
		end = `update staff_sessions set expires_at = least(expires_at, $2) where token_hash = $1`
	case tenant != uuid.Nil && strings.HasPrefix(token, sessionPrefix):
		session = tenantToken(sessionPrefix, tenant)
		insert = `insert into sessions (tenant_id, token_hash, user_id, created_at, last_seen_at, expires_at, fresh_at)
			select tenant_id, $2, user_id, created_at, $3, expires_at, $3 from sessions where token_hash = $1 and revoked_at is null and tenant_id = $4`
		end = `update sessions set expires_at = least(expires_at, $2) where token_hash = $1 and tenant_id = $3`
		args = []any{tenant}
	default:
		return "", ErrUnauthenticated
	}
	tag, err := tx.Exec(ctx, insert, append([]any{hash(token), hash(session), s.now()}, args...)...)
	if err != nil {
		return "", fmt.Errorf("renew session: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return "", ErrUnauthenticated
	}
	if _, err := tx.Exec(ctx, end, append([]any{hash(token), s.now().Add(oldFor)}, args...)...); err != nil {
		return "", fmt.Errorf("end old session: %w", err)
	}
	return session, nil
}
