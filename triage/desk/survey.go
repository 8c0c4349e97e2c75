package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Group is what tickets are counted by.
type Group string

// The groups.
const (
	ByCustomer Group = "customer"
	ByTeam     Group = "team"
	ByOwner    Group = "owner"
	ByPriority Group = "priority"
	ByState    Group = "state"
	ByTopic    Group = "topic"
)

var groupColumn = map[Group]string{
	ByCustomer: "n.name", ByTeam: "t.team", ByOwner: "t.assignee_name", ByPriority: "t.priority", ByState: "t.internal_state", ByTopic: "t.intent",
}

// Counted is how many tickets share a label; the label is empty where they have none.
type Counted struct {
	Label string `db:"label"`
	Count int64  `db:"count"`
}

// Day is what happened on one day.
type Day struct {
	Day    time.Time `db:"day"`
	Opened int64     `db:"opened"`
	Solved int64     `db:"solved"`
}

// MayWork returns ErrRefused for who may not see and work on tickets.
func (s *Service) MayWork(ctx context.Context, actor triage.Actor) error {
	return s.DB.WithSystem(ctx, "check who asks about tickets", func(tx pgx.Tx) error {
		_, err := s.mayAct(ctx, tx, actor)
		return err
	})
}

// Count counts the tickets a filter leaves.
func (s *Service) Count(ctx context.Context, f Filter) (n int64, err error) {
	err = s.DB.WithSystem(ctx, "count agents' queue", func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `select count(*)`+queued, s.filterArgs(f)).Scan(&n); err != nil {
			return fmt.Errorf("count queue: %w", err)
		}
		return nil
	})
	return n, err
}

// Groups counts the tickets a filter leaves by what they share, the largest
// first, at most limit of them.
func (s *Service) Groups(ctx context.Context, f Filter, by Group, limit int) (out []Counted, err error) {
	column, known := groupColumn[by]
	if !known {
		return nil, ErrBadValue
	}
	args := s.filterArgs(f)
	args["limit"] = limit
	err = s.DB.WithSystem(ctx, "count agents' queue", func(tx pgx.Tx) (err error) {
		out, err = list[Counted](ctx, tx, `select `+column+` as label, count(*) as count`+queued+` group by 1 order by 2 desc, 1 limit @limit`, args)
		return err
	})
	return out, err
}

// Trend counts the tickets a filter leaves by the days before until, as days of
// its zone: how many were opened and how many solved. Days without either are
// there too, the earliest first.
func (s *Service) Trend(ctx context.Context, f Filter, until time.Time, days int) (out []Day, err error) {
	f.View, f.From, f.Until = "all", time.Time{}, time.Time{}
	args := s.filterArgs(f)
	args["zone"], args["days"], args["last"] = zoneName(until), days, until.Format(time.DateOnly)
	err = s.DB.WithSystem(ctx, "count agents' queue", func(tx pgx.Tx) (err error) {
		out, err = list[Day](ctx, tx, `with seen as (select (t.created_at at time zone @zone)::date as opened, (t.solved_at at time zone @zone)::date as solved`+queued+`
			and (t.created_at > @last::date - (@days::int + 2) or t.solved_at > @last::date - (@days::int + 2))),
			span as (select day::date from generate_series(@last::date - (@days::int - 1), @last::date, interval '1 day') day)
			select day, (select count(*) from seen where opened = day) as opened, (select count(*) from seen where solved = day) as solved
			from span order by day`, args)
		return err
	})
	return out, err
}

// zoneName is the zone of a time as Postgres knows it.
func zoneName(t time.Time) string {
	if name := t.Location().String(); name != "Local" && name != "" {
		return name
	}
	return "UTC"
}
