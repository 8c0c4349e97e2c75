package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
)

// TickTask takes a customer's word on a task of theirs.
func (s *Server) TickTask(ctx context.Context, r TickTaskRequestObject) (TickTaskResponseObject, error) {
	who := actor(ctx)
	// Rules hear of it, and they are the worker's; the tenant's policies bind it all the same.
	err := s.Worker.WithTenant(ctx, who.TenantID, func(tx pgx.Tx) error {
		return change.Tick(ctx, tx, s.Rules, asker(who), who.Name, r.ID, r.Body.Done, time.Now())
	})
	if err != nil {
		return nil, err
	}
	if s.Onboarding == nil {
		return nil, onboarding.ErrNoProject
	}
	view, err := s.Onboarding.View(ctx, who)
	return viewResponse{view}, err
}

func (r viewResponse) VisitTickTaskResponse(w http.ResponseWriter) error {
	return r.VisitGetOnboardingResponse(w)
}

// ListOnboardings says how every customer's onboarding stands.
func (s *Server) ListOnboardings(ctx context.Context, r ListOnboardingsRequestObject) (ListOnboardingsResponseObject, error) {
	limit := cmp.Or(value(r.Params.Limit), 50)
	out := ListOnboardings200JSONResponse{Onboardings: []OnboardingStanding{}}
	err := s.Worker.WithSystem(ctx, "a curator looks at all onboardings", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+tenantColumns+` from tenants t join projects p on p.tenant_id = t.id and p.state in ('draft', 'active', 'on_hold', 'live')
			where t.lifecycle_state <> 'erased' and ($1::uuid is null or (t.name, t.id) > (select name, id from tenants where id = $1)) order by t.name, t.id limit $2`, r.Params.After, limit+1)
		if err != nil {
			return err
		}
		tenants, err := pgx.CollectRows(rows, scanTenant)
		if err != nil {
			return err
		}
		for i, tenant := range tenants {
			if i == limit {
				out.More = &tenants[i-1].ID
				break
			}
			record, err := onboarding.Load(ctx, tx, tenant.ID, onboarding.PartTurn)
			if err != nil {
				return err
			}
			standing, err := s.standing(ctx, tx, record, tenant)
			if err != nil {
				return err
			}
			out.Onboardings = append(out.Onboardings, standing)
		}
		return nil
	})
	return out, err
}

// tenantColumns are what scanTenant reads.
const tenantColumns = `t.id, t.name, t.slug, t.lifecycle_state`

func scanTenant(row pgx.CollectableRow) (t Tenant, err error) {
	return t, row.Scan(&t.ID, &t.Name, &t.Slug, &t.LifecycleState)
}

func (s *Server) standing(ctx context.Context, tx pgx.Tx, r onboarding.Record, tenant Tenant) (OnboardingStanding, error) {
	now := time.Now()
	today := r.Day(now)
	f := s.Feed
	if f == nil {
		f = &feed.Feed{}
	}
	standing, err := f.Standing(ctx, tx, r, now)
	if err != nil {
		return OnboardingStanding{}, err
	}
	out := OnboardingStanding{
		Tenant: tenant, Lifecycle: value(tenant.LifecycleState), Name: r.Project.Name, State: OnboardingStandingState(r.Project.State), Health: OnboardingStandingHealth(standing.Band), Reasons: list(standing.Reasons),
		Overdue: standing.Health.Customer + standing.Health.Provider, Waiting: standing.Waiting, Stalled: standing.Stalled, LastSeen: someTime(standing.LastSeen),
		Turn: r.Turn(), Owner: r.Project.OwnerName, Planned: date(r.Project.PlannedGoLive), Actual: date(r.Project.ActualGoLive),
	}
	if stage := r.CurrentStage(); stage != nil {
		out.Stage = &stage.Name
	}
	if r.Project.ActualGoLive == nil {
		forecast := r.GoLive(today)
		out.Forecast = date(forecast.Date)
		if forecast.Driver != nil {
			out.Driver = &forecast.Driver.Title
		}
	}
	if next := r.NextMilestone(today); next != nil {
		out.Next, out.NextDue = &next.Name, date(next.Due)
	}
	return out, nil
}

func someTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func date(day *time.Time) *openapi_types.Date {
	if day == nil {
		return nil
	}
	return &openapi_types.Date{Time: *day}
}

// GetRecord reads one customer's record as staff change it.
func (s *Server) GetRecord(ctx context.Context, r GetRecordRequestObject) (GetRecordResponseObject, error) {
	var out OnboardingRecord
	err := s.Worker.WithSystem(ctx, "a curator reads an onboarding", func(tx pgx.Tx) (err error) {
		out, err = s.record(ctx, tx, r.Tenant)
		return err
	})
	return GetRecord200JSONResponse(out), err
}

// AddToRecord adds one thing to it.
func (s *Server) AddToRecord(ctx context.Context, r AddToRecordRequestObject) (AddToRecordResponseObject, error) {
	if r.Entity == RecordEntityProject {
		return nil, change.ErrNotFound // there is one, and it is changed
	}
	out, err := s.amend(ctx, r.Tenant, change.Change{Entity: string(r.Entity), Set: r.Body.Set})
	return AddToRecord200JSONResponse(out), err
}

// ChangeRecord changes fields of one thing of it.
func (s *Server) ChangeRecord(ctx context.Context, r ChangeRecordRequestObject) (ChangeRecordResponseObject, error) {
	out, err := s.amend(ctx, r.Tenant, change.Change{Entity: string(r.Entity), ID: r.ID, Version: r.Body.Version, Set: r.Body.Set})
	return ChangeRecord200JSONResponse(out), err
}

func (s *Server) amend(ctx context.Context, tenant uuid.UUID, c change.Change) (out OnboardingRecord, err error) {
	who := actor(ctx)
	c.At = time.Now()
	// Across tenants, because a provider's check must be one customer's only.
	err = s.Worker.WithSystem(ctx, "a curator changes an onboarding", func(tx pgx.Tx) (err error) {
		if _, _, err = change.Apply(ctx, tx, s.Rules, tenant, change.Author{Kind: change.Staff, ID: who.ID, Name: who.Name}, c); err != nil {
			return err
		}
		out, err = s.record(ctx, tx, tenant)
		return err
	})
	return out, err
}

func (s *Server) record(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (out OnboardingRecord, err error) {
	r, err := onboarding.Load(ctx, tx, tenant)
	if err != nil {
		return out, err
	}
	rows, err := tx.Query(ctx, `select `+tenantColumns+` from tenants t where t.id = $1`, tenant)
	if err != nil {
		return out, err
	}
	whose, err := pgx.CollectExactlyOneRow(rows, scanTenant)
	if err != nil {
		return out, err
	}
	if out.Standing, err = s.standing(ctx, tx, r, whose); err != nil {
		return out, err
	}
	items, err := change.List(ctx, tx, tenant)
	if err != nil {
		return out, err
	}
	out.TimeZone, out.Checks, out.Items = r.Tenant.TimeZone, wireChecks(lifecycle.Checks(r)), []RecordItem{}
	for _, i := range items {
		out.Items = append(out.Items, RecordItem{
			Entity: i.Entity, ID: i.ID, Version: i.Version, Fields: i.Fields, Facts: i.Facts, Held: i.Held, Source: some(i.Source), Ref: some(i.Ref), DoneAt: i.DoneAt, DoneBy: some(i.DoneBy),
		})
	}
	for _, p := range r.People {
		out.People = append(out.People, struct {
			ID   openapi_types.UUID `json:"id"`
			Name string             `json:"name"`
		}{p.ID, p.Name})
	}
	for _, b := range r.Blockers() {
		titles := []string{}
		for _, need := range b.Needs {
			titles = append(titles, need.Title)
		}
		out.Blockers = append(out.Blockers, struct {
			Needs  []string `json:"needs"`
			Reason string   `json:"reason"`
			Title  string   `json:"title"`
			Turn   string   `json:"turn"`
		}{titles, b.Task.Blocker, b.Task.Title, b.Turn})
	}
	out.People, out.Blockers = list(out.People), list(out.Blockers)
	return out, nil
}
