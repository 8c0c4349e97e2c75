package feed

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/change"
)

// Record applies what the system called source says of the plan: a task, a
// milestone, a stage, a meeting, an environment, a document, the project. False
// means that it says nothing new.
func (f *Feed) Record(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, source string, in change.Change) (bool, error) {
	if in.At.IsZero() {
		return false, fmt.Errorf("apply %s event: %w: it needs a time", in.Entity, ErrBadEvent)
	}
	_, changed, err := change.Apply(ctx, tx, f.Rules, tenant, change.Author{Kind: change.Source, Name: source}, in)
	var invalid *change.InvalidError
	switch {
	case errors.As(err, &invalid):
		return false, fmt.Errorf("apply %s event: %w: %w", in.Entity, ErrBadEvent, err)
	case errors.Is(err, change.ErrNotFound):
		return false, fmt.Errorf("apply %s event: %w: %w", in.Entity, ErrUnknownRecord, err)
	}
	return changed, err
}
