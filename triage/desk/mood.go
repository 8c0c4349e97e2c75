package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Mood is what a tenant's tickets and votes say of how they are.
type Mood struct {
	OpenTickets int       // of people; not solved yet
	Oldest      time.Time // when the oldest of them was opened; zero: there is none
	NotHelpful  int       // answers voted down within the last week
}

// MoodOf reads a tenant's mood. Tickets nobody of theirs opened, such as those of
// a failing integration, do not count.
func MoodOf(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, now time.Time) (Mood, error) {
	var m Mood
	var oldest *time.Time
	err := tx.QueryRow(ctx, `select count(*), min(created_at), (select count(*) from feedback where tenant_id = $1 and vote = 'not_helpful' and created_at > $2)
		from tickets where tenant_id = $1 and internal_state not in ('solved', 'closed') and origin <> 'integration_error'`,
		tenant, now.Add(-7*24*time.Hour)).Scan(&m.OpenTickets, &oldest, &m.NotHelpful)
	if err != nil {
		return Mood{}, fmt.Errorf("read mood: %w", err)
	}
	if oldest != nil {
		m.Oldest = *oldest
	}
	return m, nil
}
