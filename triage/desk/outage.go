package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Outage is a destination that takes nothing, or has refused what it was sent.
type Outage struct {
	Destination string    `db:"destination"`
	Since       time.Time `db:"since"` // the oldest effect that waits
	Waiting     int       `db:"waiting"`
	LastError   string    `db:"last_error"` // safe to show
}

// WatchOutages tells people once about a destination that has taken nothing for
// OutageAfter, and forgets the outage when it is over.
func (s *Service) WatchOutages(ctx context.Context) error {
	if s.Outage == nil {
		return nil
	}
	now := s.Now().UTC()
	var begun []Outage
	err := s.DB.WithSystem(ctx, "find destinations that take nothing", func(tx pgx.Tx) error {
		begun = nil
		down, err := list[Outage](ctx, tx, `select d.destination, min(d.created_at) as since, count(*)::int as waiting, max(d.last_error) as last_error
			from deliveries d where (d.state in ('pending', 'sending') and d.created_at < $1 or d.state = 'failed' and d.updated_at > $2) and d.attempts > 0
			  and not exists (select from deliveries ok where ok.destination = d.destination and ok.delivered_at > $1)
			group by d.destination`, now.Add(-s.OutageAfter), now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		names := []string{}
		for _, o := range down {
			names = append(names, o.Destination)
			tag, err := tx.Exec(ctx, `insert into delivery_outages (destination, since, told_at) values ($1, $2, $3) on conflict do nothing`, o.Destination, o.Since, now)
			if err != nil {
				return fmt.Errorf("keep outage: %w", err)
			}
			if tag.RowsAffected() == 1 {
				begun = append(begun, o)
			}
		}
		if _, err := tx.Exec(ctx, `delete from delivery_outages where destination <> all($1)`, names); err != nil {
			return fmt.Errorf("end outage: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range begun {
		if err := s.Outage(ctx, o); err != nil {
			// Not told: the next look tries again.
			_, forget := s.DB.Pool().Exec(context.WithoutCancel(ctx), `delete from delivery_outages where destination = $1`, o.Destination)
			return fmt.Errorf("tell about outage of %s: %w", o.Destination, errors.Join(err, forget))
		}
	}
	return nil
}
