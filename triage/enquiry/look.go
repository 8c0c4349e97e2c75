package enquiry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

const (
	mostShown  = 10  // tickets or groups in an answer
	mostNames  = 500 // of each kind in the vocabulary
	mostSystem = 20  // integrations in an answer
)

// Service looks.
type Service struct {
	Desk *desk.Service
}

// Answer is what was seen.
type Answer struct {
	Enquiry
	Count        int64 // of tickets the filter leaves
	Tickets      []desk.TicketRow
	Groups       []desk.Counted
	Days         []desk.Day // twice the asked span: the first half is what it is compared with
	Integrations []Integration
}

// Integration is the state of a customer's integration.
type Integration struct {
	TenantName    string     `db:"tenant_name"`
	TenantID      uuid.UUID  `db:"tenant_id"`
	ID            uuid.UUID  `db:"id"`
	Connector     string     `db:"connector"`
	Environment   string     `db:"environment"`
	AuthState     string     `db:"auth_state"`
	SyncState     string     `db:"sync_state"`
	LastSuccessAt *time.Time `db:"last_success_at"`
	ErrorCode     string     `db:"error_code"`
	ObservedAt    time.Time  `db:"observed_at"`
	Ticket        int64      `db:"-"` // the open ticket about its failing, 0: none
}

// Failing reports whether the integration does not do its work.
func (i Integration) Failing() bool {
	return i.SyncState == "failing" || i.AuthState == "relink_needed" || i.AuthState == "revoked"
}

// Ask understands a question of a member of staff and looks, with their rights:
// who may not work on tickets gets desk.ErrRefused.
func (s *Service) Ask(ctx context.Context, actor triage.Actor, text string) (Answer, error) {
	if err := s.Desk.MayWork(ctx, actor); err != nil {
		return Answer{}, err
	}
	v, err := s.vocabulary(ctx, text)
	if err != nil {
		return Answer{}, err
	}
	e := Read(text, v, Asker{ID: actor.ID, Now: s.Desk.Now().In(zone(actor.TimeZone))})
	a := Answer{Enquiry: e}
	if e.Look == LookNone || len(e.Choices) > 0 || e.Customer != "" {
		return a, nil // what was not understood is asked back, not guessed
	}
	switch e.Look {
	case LookIntegrations:
		a.Integrations, err = s.integrations(ctx, e)
	case LookGroups:
		a.Groups, err = s.Desk.Groups(ctx, e.Filter, e.By, mostShown)
	case LookTrend:
		a.Days, err = s.Desk.Trend(ctx, e.Filter, s.Desk.Now().In(zone(actor.TimeZone)), 2*e.Days)
	default:
		if a.Count, err = s.Desk.Count(ctx, e.Filter); err == nil && a.Count > 0 {
			a.Tickets, err = s.Desk.Queue(ctx, e.Filter, triage.Page{Limit: mostShown})
		}
	}
	return a, err
}

func zone(name string) *time.Location {
	if location, err := time.LoadLocation(name); err == nil && name != "" {
		return location
	}
	return time.UTC
}

// vocabulary reads the names a text may hold. Of customers only those that share
// a word with it.
func (s *Service) vocabulary(ctx context.Context, text string) (v Vocabulary, err error) {
	words := split(text)
	for _, w := range split(text) { // a plural or a possessive without its apostrophe
		words = append(words, strings.TrimSuffix(w, "s"))
	}
	err = s.Desk.DB.WithSystem(ctx, "names in a question of staff", func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`select id, name, slug from tenants
			where regexp_split_to_array(lower(name), '[^[:alnum:]]+') && $1::text[] or lower(name) = any($1) or slug = any($1)
			   or regexp_split_to_array(slug, '-') && $1::text[] order by length(name), id limit $2`, words, mostNames).Query(func(rows pgx.Rows) (err error) {
			v.Customers, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Customer])
			return err
		})
		batch.Queue(`select id, display_name, coalesce(slack_user_id, '') from staff where state <> 'deactivated' order by created_at, id limit $1`, mostNames).Query(func(rows pgx.Rows) (err error) {
			v.Staff, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Person])
			return err
		})
		var dimension, value string
		batch.Queue(`select dimension, value from taxonomy_values where enabled order by dimension, value limit $1`, mostNames).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&dimension, &value}, func() error {
				switch dimension {
				case "team":
					v.Teams = append(v.Teams, value)
				case "product_area":
					v.Areas, v.Topics = append(v.Areas, value), append(v.Topics, value)
				default:
					v.Topics = append(v.Topics, value)
				}
				return nil
			})
			return err
		})
		batch.Queue(`select distinct connector from integrations order by connector limit $1`, mostNames).Query(func(rows pgx.Rows) (err error) {
			v.Connectors, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return v, fmt.Errorf("read names: %w", err)
	}
	return v, nil
}

// integrations reads the state of integrations as it was last seen, failing ones first.
func (s *Service) integrations(ctx context.Context, e Enquiry) (out []Integration, err error) {
	err = s.Desk.DB.WithSystem(ctx, "integrations for a question of staff", func(tx pgx.Tx) error {
		tenant := &e.Filter.TenantID
		if *tenant == uuid.Nil {
			tenant = nil
		}
		rows, err := tx.Query(ctx, `select n.name as tenant_name, i.tenant_id, i.id, i.connector, i.environment, i.auth_state, i.sync_state, i.last_success_at, i.error_code, i.observed_at
			from integrations i join tenants n on n.id = i.tenant_id
			join projects p on p.tenant_id = i.tenant_id and p.id = i.project_id and p.state in ('draft', 'active', 'on_hold', 'live')
			where ($1::uuid is null or i.tenant_id = $1) and ($2 = '' or i.connector = $2)
			  and (not $3 or i.sync_state = 'failing' or i.auth_state in ('relink_needed', 'revoked'))
			order by (i.sync_state = 'failing' or i.auth_state in ('relink_needed', 'revoked')) desc, n.name, i.connector, i.id limit $4`,
			tenant, e.Connector, e.Failing, mostSystem)
		if err != nil {
			return err
		}
		if out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Integration]); err != nil {
			return err
		}
		for i := range out {
			if !out[i].Failing() {
				continue
			}
			t, err := desk.OpenTicketByKey(ctx, tx, out[i].TenantID, feed.TicketKey(out[i].ID, out[i].ErrorCode))
			if err != nil && !errors.Is(err, triage.ErrTicketNotFound) {
				return err
			}
			out[i].Ticket = t.Number
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read integrations: %w", err)
	}
	return out, nil
}
