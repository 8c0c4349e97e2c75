package change

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

// Tick is a customer's word that a task is done, or that it is not after all. Saying
// again what is so changes nothing; a task they may not see is not there.
func Tick(ctx context.Context, tx pgx.Tx, rules *rule.Engine, asker onboarding.Asker, name string, task uuid.UUID, done bool, now time.Time) error {
	// Waits for others' changes first, so that what is read stays so.
	if _, err := tx.Exec(ctx, `select from tenants where id = $1 for no key update`, asker.TenantID); err != nil {
		return fmt.Errorf("tick a task: %w", err)
	}
	record, err := onboarding.Load(ctx, tx, asker.TenantID, onboarding.PartWork)
	if err != nil {
		return fmt.Errorf("tick a task: %w", err)
	}
	mine := record.For(asker)
	i := slices.IndexFunc(mine.Tasks, func(t onboarding.Task) bool { return t.ID == task })
	if i < 0 {
		return ErrNotFound
	}
	want, state := onboarding.TickDone, "done"
	if !done {
		want, state = onboarding.TickOpen, "ready"
	}
	if mine.Tick(asker, mine.Tasks[i]) != want {
		if (mine.Tasks[i].State == "done") == done && mine.Tasks[i].Responsibility == "customer" {
			return nil
		}
		return ErrTick
	}
	_, _, err = Apply(ctx, tx, rules, asker.TenantID, Author{Kind: Customer, ID: asker.UserID, Name: name}, Change{
		Entity: "task", ID: task, Set: map[string]any{"state": state}, At: now,
	})
	return err
}
