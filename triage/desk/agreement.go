package desk

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/sla"
)

// agreeing is the part of the clocks that takes a new agreement.
type agreeing interface {
	Agree(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, a sla.Agreement, out *sla.Changes) error
}

// Agree replaces what was agreed with a tenant about times, with its entry in the
// audit; the clocks that run go on as is agreed now.
func (s *Service) Agree(ctx context.Context, actor triage.Actor, tenant uuid.UUID, a sla.Agreement) error {
	clocks, ok := s.Clocks.(agreeing)
	if !ok {
		return fmt.Errorf("agree: nothing is promised here: %w", ErrBadValue)
	}
	return s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		w := &work{tx: tx, actor: actor, at: s.Now().UTC()}
		w.writes()
		if err := clocks.Agree(ctx, tx, tenant, a, &w.out); err != nil {
			return err
		}
		targets := 0
		for _, metrics := range a.Targets {
			targets += len(metrics)
		}
		if err := triage.Audit(ctx, tx, tenant, actor, "promises.set", "", map[string]any{"targets": targets, "own_hours": a.Hours != nil}); err != nil {
			return err
		}
		return s.flush(ctx, w)
	})
}
