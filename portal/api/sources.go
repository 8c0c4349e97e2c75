package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

func wireSource(d source.Definition, h source.Health, circuit string) StatusSource {
	fields := d.Fields
	if fields == nil {
		fields = map[string]string{}
	}
	kind := StatusSourceAuthKind(cmp.Or(d.AuthKind, "none"))
	out := StatusSource{
		Name: d.Name, Enabled: d.Enabled, HasSecret: d.HasSecret, Fields: fields, BaseURL: some(d.BaseURL), Path: some(d.Path),
		AuthKind: &kind, AuthName: some(d.AuthName), AuthUser: some(d.AuthUser), ObservedAt: some(d.ObservedAt),
		Circuit: StatusSourceCircuit(circuit), Records: h.Records, Failing: h.Failing, LastFetchedAt: h.LastFetched, NextTryAt: h.NextTry,
		Problem: some(h.LastError),
	}
	if d.MaxAge > 0 {
		seconds := int(d.MaxAge / time.Second)
		out.MaxAgeSeconds = &seconds
	}
	if d.Concurrency > 0 {
		out.Concurrency = &d.Concurrency
	}
	if d.Confirm {
		out.Confirm = &d.Confirm
	}
	return out
}

func wireOwners(packs []status.Pack) []StatusOwner {
	out := []StatusOwner{}
	for _, o := range status.Registry(packs) {
		out = append(out, StatusOwner{Entity: o.Entity, Field: o.Field, Owner: o.Owner, FedBy: list(o.FedBy), Pack: some(o.Pack)})
	}
	return out
}

// sourceProblem says what is wrong with what a curator wrote.
func sourceProblem(err error) error {
	if errors.Is(err, source.ErrBadSource) || errors.Is(err, status.ErrBadPack) {
		_, why, _ := strings.Cut(err.Error(), "not valid: ")
		return problem.New(http.StatusBadRequest, "bad_source", "This cannot be stored: "+triage.Line(why, 400))
	}
	return err
}

// sources runs a change by a curator, and writes it down.
func (s *Server) sources(ctx context.Context, action, object string, detail map[string]any, fn func(tx pgx.Tx) error) error {
	if s.Sources == nil {
		return problem.NotFound()
	}
	return sourceProblem(s.Worker.WithSystem(ctx, "a curator works on sources", func(tx pgx.Tx) error {
		if err := fn(tx); err != nil || action == "" {
			return err
		}
		return triage.AuditOperator(ctx, tx, actor(ctx), action, object, detail)
	}))
}

// ListStatusSources lists the sources, how they do, and the registry of owners.
func (s *Server) ListStatusSources(ctx context.Context, _ ListStatusSourcesRequestObject) (ListStatusSourcesResponseObject, error) {
	out := ListStatusSources200JSONResponse{Sources: []StatusSource{}}
	err := s.sources(ctx, "", "", nil, func(tx pgx.Tx) error {
		stored, err := source.Definitions(ctx, tx)
		if err != nil {
			return err
		}
		health, err := source.Healths(ctx, tx)
		if err != nil {
			return err
		}
		packs, err := status.Packs(ctx, tx)
		if err != nil {
			return err
		}
		fixed := s.Sources.Fixed()
		slices.Sort(fixed)
		for _, name := range fixed {
			one := wireSource(source.Definition{Name: name, Enabled: true}, health[name], s.Sources.Circuit(name))
			one.FromFile, one.AuthKind = true, nil
			out.Sources = append(out.Sources, one)
		}
		for _, d := range stored {
			out.Sources = append(out.Sources, wireSource(d, health[d.Name], s.Sources.Circuit(d.Name)))
		}
		out.Fields = wireOwners(packs)
		return nil
	})
	return out, err
}

// PutStatusSource stores a source.
func (s *Server) PutStatusSource(ctx context.Context, r PutStatusSourceRequestObject) (PutStatusSourceResponseObject, error) {
	kind := string(r.Body.AuthKind)
	if kind == "none" {
		kind = ""
	}
	d := source.Definition{
		Name: r.Name, BaseURL: strings.TrimSpace(r.Body.BaseURL), Path: strings.TrimSpace(r.Body.Path), AuthKind: kind, AuthName: value(r.Body.AuthName),
		AuthUser: value(r.Body.AuthUser), Fields: value(r.Body.Fields), ObservedAt: value(r.Body.ObservedAt),
		MaxAge: time.Duration(value(r.Body.MaxAgeSeconds)) * time.Second, Concurrency: value(r.Body.Concurrency), Confirm: value(r.Body.Confirm),
	}
	secret := r.Body.Secret
	if value(secret) == "" {
		secret = nil // a form that leaves the field alone keeps what there is
	}
	detail := map[string]any{"base_url": d.BaseURL, "path": d.Path, "auth": d.AuthKind, "new_secret": secret != nil}
	err := s.sources(ctx, "status.source", r.Name, detail, func(tx pgx.Tx) (err error) {
		d, err = s.Sources.Put(ctx, tx, d, secret)
		return err
	})
	return PutStatusSource200JSONResponse(wireSource(d, source.Health{}, "closed")), err
}

// SwitchStatusSource switches a source on or off.
func (s *Server) SwitchStatusSource(ctx context.Context, r SwitchStatusSourceRequestObject) (SwitchStatusSourceResponseObject, error) {
	var out StatusSource
	err := s.sources(ctx, "status.source_switch", r.Name, map[string]any{"enabled": r.Body.Enabled}, func(tx pgx.Tx) error {
		if err := source.Switch(ctx, tx, r.Name, r.Body.Enabled); err != nil {
			return err
		}
		stored, err := source.Definitions(ctx, tx)
		for _, d := range stored {
			if d.Name == r.Name {
				out = wireSource(d, source.Health{}, s.Sources.Circuit(r.Name))
			}
		}
		return err
	})
	return SwitchStatusSource200JSONResponse(out), err
}

// DeleteStatusSource removes a source no field is owned by.
func (s *Server) DeleteStatusSource(ctx context.Context, r DeleteStatusSourceRequestObject) (DeleteStatusSourceResponseObject, error) {
	err := s.sources(ctx, "status.source_remove", r.Name, nil, func(tx pgx.Tx) error {
		packs, err := status.Packs(ctx, tx)
		if err != nil {
			return err
		}
		if status.Owns(packs, r.Name) {
			return problem.New(http.StatusConflict, "source_in_use", "Fields are still read from this source. Give them another owner first.")
		}
		return source.Remove(ctx, tx, r.Name)
	})
	return DeleteStatusSource204Response{}, err
}

// TryStatusSource reads one record now.
func (s *Server) TryStatusSource(ctx context.Context, r TryStatusSourceRequestObject) (TryStatusSourceResponseObject, error) {
	err := s.sources(ctx, "status.source_try", r.Name, map[string]any{"tenant": r.Body.TenantID, "entity": r.Body.Entity}, func(pgx.Tx) error { return nil })
	if err != nil {
		return nil, err
	}
	trial, err := s.Sources.Try(ctx, source.Key{TenantID: r.Body.TenantID, Source: r.Name, Entity: r.Body.Entity})
	if err != nil {
		return nil, sourceProblem(err)
	}
	out := TryStatusSource200JSONResponse{Ok: trial.Problem == "", Problem: some(trial.Problem), Missing: list(trial.Missing), TookMs: trial.Took.Milliseconds()}
	if out.Ok {
		var record map[string]any
		if err := json.Unmarshal(trial.Reading.Payload, &record); err != nil {
			return nil, err
		}
		out.Record = &record
		if at := trial.Reading.ObservedAt; !at.IsZero() {
			out.ObservedAt = &at
		}
	}
	return out, nil
}

func (s *Server) customers(ctx context.Context, tx pgx.Tx, name string) (SourceCustomers, error) {
	numbers, err := source.Customers(ctx, tx, name)
	out := SourceCustomers{Customers: []SourceCustomer{}}
	for tenant, customer := range numbers {
		out.Customers = append(out.Customers, SourceCustomer{TenantID: tenant, Customer: customer})
	}
	slices.SortFunc(out.Customers, func(a, b SourceCustomer) int { return strings.Compare(a.TenantID.String(), b.TenantID.String()) })
	return out, err
}

// ListSourceCustomers lists the numbers a source knows organisations by.
func (s *Server) ListSourceCustomers(ctx context.Context, r ListSourceCustomersRequestObject) (ListSourceCustomersResponseObject, error) {
	var out SourceCustomers
	err := s.sources(ctx, "", "", nil, func(tx pgx.Tx) (err error) {
		out, err = s.customers(ctx, tx, r.Name)
		return err
	})
	return ListSourceCustomers200JSONResponse(out), err
}

// PutSourceCustomer stores one.
func (s *Server) PutSourceCustomer(ctx context.Context, r PutSourceCustomerRequestObject) (PutSourceCustomerResponseObject, error) {
	var out SourceCustomers
	err := s.sources(ctx, "", "", nil, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, `select exists (select from tenants where id = $1)`, r.Body.TenantID).Scan(&there); err != nil || !there || r.Body.TenantID == uuid.Nil {
			return cmp.Or(err, error(problem.NotFound()))
		}
		if err := source.PutCustomer(ctx, tx, r.Body.TenantID, r.Name, strings.TrimSpace(r.Body.Customer)); err != nil {
			return err
		}
		if err := triage.Audit(ctx, tx, r.Body.TenantID, actor(ctx), "status.source_customer", r.Name, map[string]any{"customer": r.Body.Customer}); err != nil {
			return err
		}
		var err error
		out, err = s.customers(ctx, tx, r.Name)
		return err
	})
	return PutSourceCustomer200JSONResponse(out), err
}

// PutStatusOwner declares the owner of a field.
func (s *Server) PutStatusOwner(ctx context.Context, r PutStatusOwnerRequestObject) (PutStatusOwnerResponseObject, error) {
	var out PutStatusOwner200JSONResponse
	detail := map[string]any{"owner": r.Body.Owner}
	err := s.sources(ctx, "status.owner", r.Body.Pack+"."+r.Body.Field, detail, func(tx pgx.Tx) error {
		stored, err := source.Definitions(ctx, tx)
		if err != nil {
			return err
		}
		known := r.Body.Owner == status.Record || slices.Contains(s.Sources.Fixed(), r.Body.Owner) ||
			slices.ContainsFunc(stored, func(d source.Definition) bool { return d.Name == r.Body.Owner })
		if !known {
			return problem.New(http.StatusBadRequest, "unknown_owner", "There is no source of that name. Add it first.")
		}
		if err := status.PutOwner(ctx, tx, r.Body.Pack, r.Body.Field, r.Body.Owner); err != nil {
			return err
		}
		packs, err := status.Packs(ctx, tx)
		out.Fields = wireOwners(packs)
		return err
	})
	return out, err
}

func things(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (Things, error) {
	out := Things{Entities: []string{}}
	packs, err := status.Packs(ctx, tx)
	if err != nil {
		return out, err
	}
	for _, p := range packs {
		if !slices.Contains(out.Entities, p.Entity) {
			out.Entities = append(out.Entities, p.Entity)
		}
	}
	found, err := status.ListThings(ctx, tx, tenant)
	for _, t := range found {
		out.Things = append(out.Things, struct {
			Entity string    `json:"entity"`
			ID     uuid.UUID `json:"id"`
			Key    string    `json:"key"`
			Name   string    `json:"name"`
		}{t.Entity, t.ID, t.Key, t.Name})
	}
	out.Things = list(out.Things)
	return out, err
}

// ListThings lists the records of packs an organisation has.
func (s *Server) ListThings(ctx context.Context, r ListThingsRequestObject) (ListThingsResponseObject, error) {
	var out Things
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) (err error) {
		out, err = things(ctx, tx, r.Tenant)
		return err
	})
	return ListThings200JSONResponse(out), err
}

// PutThing stores one.
func (s *Server) PutThing(ctx context.Context, r PutThingRequestObject) (PutThingResponseObject, error) {
	var out Things
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) error {
		if err := status.PutThing(ctx, tx, r.Tenant, r.Body.Entity, r.Body.Key, r.Body.Name); err != nil {
			return err
		}
		if err := triage.Audit(ctx, tx, r.Tenant, actor(ctx), "status.record", r.Body.Entity+"/"+r.Body.Key, map[string]any{"name": r.Body.Name}); err != nil {
			return err
		}
		var err error
		out, err = things(ctx, tx, r.Tenant)
		return err
	})
	return PutThing200JSONResponse(out), err
}

// DeleteThing takes one away.
func (s *Server) DeleteThing(ctx context.Context, r DeleteThingRequestObject) (DeleteThingResponseObject, error) {
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) error {
		if err := status.DropThing(ctx, tx, r.Tenant, r.ID); err != nil {
			return err
		}
		return triage.Audit(ctx, tx, r.Tenant, actor(ctx), "status.record_remove", r.ID.String(), nil)
	})
	return DeleteThing204Response{}, err
}
