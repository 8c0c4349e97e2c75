package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// live answers status questions from the onboarding record, and shows it.
type live struct {
	db      *tenantdb.DB
	now     func() time.Time
	sources *source.Reader // nil: no outside system is asked
	// confidential are the intents whose asker proves first who they are.
	confidential []string
}

func newLive(db *tenantdb.DB, sources *source.Reader) live {
	return live{db: db, now: time.Now, sources: sources, confidential: status.Confidential}
}

func asker(a triage.Actor) onboarding.Asker {
	return onboarding.Asker{TenantID: a.TenantID, UserID: a.ID, Roles: a.Roles, Departments: a.Departments, Locale: a.Locale, TimeZone: a.TimeZone}
}

// Resolve implements assistant.Status.
func (l live) Resolve(ctx context.Context, in assistant.StatusRequest) (assistant.StatusReply, error) {
	packs, err := l.packs(ctx, in)
	if err != nil {
		return assistant.StatusReply{}, err
	}
	confirm, err := l.confirms(ctx, in.Asked, packs)
	if err != nil || confirm && in.Unproven {
		return assistant.StatusReply{Confirm: confirm}, err
	}
	var parts onboarding.Part
	for _, asked := range in.Asked {
		parts |= status.Needs(asked.Intent)
	}
	answers := make([]status.Answer, len(in.Asked))
	var input status.Input
	err = l.db.WithTenant(ctx, in.Asker.TenantID, func(tx pgx.Tx) (err error) {
		input, err = l.input(ctx, tx, in.Asker, parts)
		if errors.Is(err, onboarding.ErrNoProject) {
			return nil // nothing to say; the knowledge base may have something
		}
		if err != nil {
			return err
		}
		input.Packs = packs
		for i := range in.Asked {
			q := question(in, i)
			if parts != onboarding.PartAll && status.Strange(input, q) {
				parts = onboarding.PartAll
				if input, err = l.input(ctx, tx, in.Asker, parts); err != nil {
					return err
				}
				input.Packs = packs
			}
			answers[i] = status.Resolve(input, q)
		}
		return nil
	})
	if err != nil {
		return assistant.StatusReply{}, err
	}
	for i := range in.Asked {
		answers[i] = refreshed(ctx, l.sources, in.Asker.TenantID, input, question(in, i), answers[i])
	}
	answer := answers[0]
	if len(answers) > 1 {
		answer = status.Join(answers)
	}
	reply := assistant.StatusReply{
		Text: answer.Text, Language: answer.Language, Facts: answer.Basis, AsOf: answer.AsOf, Stale: answer.Stale, Link: answer.Link,
		Clarify: answer.Clarify, Options: answer.Options, Turn: answer.Turn, Offer: answer.Offer, Confirm: confirm,
	}
	for _, b := range answer.Basis {
		reply.Basis = append(reply.Basis, triage.Basis{Entity: b.Entity, Label: b.Label, Field: b.Field, ObservedAt: b.ObservedAt})
	}
	if answer.Escalate != "" {
		reply.Escalate, reply.EscalateWhy = triage.ReasonStatusRule, answer.Escalate
	}
	return reply, nil
}

// packs are needed for intents that are not built in only.
func (l live) packs(ctx context.Context, in assistant.StatusRequest) (packs []status.Pack, err error) {
	if !slices.ContainsFunc(in.Asked, func(a assistant.Asked) bool { return !status.Knows(a.Intent) }) {
		return nil, nil
	}
	err = l.db.WithTenant(ctx, in.Asker.TenantID, func(tx pgx.Tx) (err error) {
		packs, err = status.Packs(ctx, tx)
		return err
	})
	return packs, err
}

// confirms reports whether an answer is for the asker only.
func (l live) confirms(ctx context.Context, questions []assistant.Asked, packs []status.Pack) (bool, error) {
	var failed error
	source := func(name string) bool {
		if l.sources == nil {
			return false
		}
		yes, err := l.sources.Confirms(ctx, name)
		failed = errors.Join(failed, err)
		return yes
	}
	yes := slices.ContainsFunc(questions, func(a assistant.Asked) bool { return status.Confirms(a.Intent, l.confidential, packs, source) })
	return yes, failed
}

// FollowUp implements assistant.Status.
func (l live) FollowUp(ctx context.Context, in assistant.StatusRequest, last string) (intent, language string, err error) {
	err = l.whole(ctx, in, func(input status.Input) {
		if input.Record.Project.ID != uuid.Nil {
			intent, language = status.FollowUp(input, question(in, 0), last)
		}
	})
	return intent, language, err
}

// question is the i-th of a message; the ones before it are its history as well.
func question(in assistant.StatusRequest, i int) status.Question {
	q := status.Question{Intent: in.Asked[i].Intent, Text: in.Asked[i].Text, Language: in.Language}
	for _, turn := range in.History {
		if turn.Customer {
			q.History = append(q.History, turn.Text)
		}
	}
	for _, before := range in.Asked[:i] {
		q.History = append(q.History, before.Text)
	}
	return q
}

// Named implements assistant.Namer.
func (l live) Named(ctx context.Context, in assistant.StatusRequest) (intent string, err error) {
	err = l.whole(ctx, in, func(input status.Input) { intent = status.Named(input, question(in, 0)) })
	return intent, err
}

// Elsewhere implements assistant.Elsewhere.
func (l live) Elsewhere(ctx context.Context, in assistant.StatusRequest) (text string, err error) {
	err = l.whole(ctx, in, func(input status.Input) { text = status.Elsewhere(input, question(in, 0)) })
	return text, err
}

// whole reads everything the asker may see, once for a run, for what goes by the
// names in it. Without a project nothing has a name.
func (l live) whole(ctx context.Context, in assistant.StatusRequest, use func(status.Input)) error {
	if in.Names == nil {
		in.Names = new(any)
	}
	record, read := (*in.Names).(onboarding.Record)
	if !read {
		var err error
		if record, err = l.record(ctx, in.Asker); err != nil && !errors.Is(err, onboarding.ErrNoProject) {
			return err
		}
		*in.Names = record
	}
	use(status.Input{Record: record, Asker: asker(in.Asker), Now: l.now()})
	return nil
}

// input reads what questions are answered from.
func (l live) input(ctx context.Context, tx pgx.Tx, a triage.Actor, parts onboarding.Part) (status.Input, error) {
	record, err := onboarding.Load(ctx, tx, a.TenantID, parts)
	if err != nil {
		return status.Input{}, err
	}
	tickets, err := l.tickets(ctx, tx, a, record)
	return status.Input{Record: record, Tickets: tickets, Asker: asker(a), Now: l.now()}, err
}

// tickets are those the asker may see: their own, everybody's for roles that
// share them, and those of the tenant's failing integrations.
func (l live) tickets(ctx context.Context, tx pgx.Tx, a triage.Actor, record onboarding.Record) ([]status.Ticket, error) {
	user := a.ID
	if a.HasRole(intake.RoleAdmin) || a.HasRole(intake.RoleManager) {
		user = [16]byte{}
	}
	rows, err := desk.CustomerTickets(ctx, tx, a.TenantID, user, false, triage.Page{Limit: 50})
	if err != nil {
		return nil, err
	}
	for _, i := range record.Integrations {
		if i.SyncState != "failing" {
			continue
		}
		t, err := desk.OpenTicketByKey(ctx, tx, a.TenantID, feed.TicketKey(i.ID, i.ErrorCode))
		if errors.Is(err, triage.ErrTicketNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(rows, func(r desk.CustomerTicket) bool { return r.ID == t.ID }) {
			rows = append(rows, t)
		}
	}
	out := make([]status.Ticket, len(rows))
	for i, t := range rows {
		integration := uuid.Nil
		if t.DedupKey != nil {
			integration = feed.TicketIntegration(*t.DedupKey)
		}
		out[i] = status.Ticket{
			IntegrationID: integration,
			Number:        t.Number, Subject: t.Subject, State: string(t.State), Assignee: t.Assignee, Origin: t.Origin,
			LastPublicMessageAt: t.LastPublicMessageAt, NextReplyDueAt: t.NextReplyDueAt, PausedReason: t.PausedReason, UpdatedAt: t.UpdatedAt,
		}
	}
	return out, nil
}

// View implements api.OnboardingView.
func (l live) View(ctx context.Context, actor triage.Actor) (any, error) {
	in := status.Input{Asker: asker(actor), Now: l.now()}
	err := l.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		if in.Record, err = onboarding.Load(ctx, tx, actor.TenantID); err != nil || len(in.Record.Things) == 0 {
			return err
		}
		in.Packs, err = status.Packs(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	visible := in.Record.For(in.Asker)
	sees := func(t onboarding.Thing) bool {
		return slices.ContainsFunc(visible.Things, func(v onboarding.Thing) bool { return v.ID == t.ID })
	}
	if things := fromOwners(ctx, l.sources, actor.TenantID, in, sees); things != nil {
		in.Record.Things = things
	}
	view := in.Record.View(in.Asker, in.Now)
	view.Things = status.Things(in, in.Asker.Locale)
	return view, nil
}

// Suggestions implements api.OnboardingView.
func (l live) Suggestions(ctx context.Context, actor triage.Actor) ([]string, error) {
	record, err := l.record(ctx, actor)
	if errors.Is(err, onboarding.ErrNoProject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return record.Suggestions(asker(actor), l.now()), nil
}

func (l live) record(ctx context.Context, actor triage.Actor) (record onboarding.Record, err error) {
	err = l.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		record, err = onboarding.Load(ctx, tx, actor.TenantID)
		return err
	})
	return record, err
}

// stageOf names a tenant's onboarding stage for agents.
func stageOf(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (string, error) {
	var stage string
	err := tx.QueryRow(ctx, `select s.name from stages s join projects p on p.tenant_id = s.tenant_id and p.id = s.project_id
		where s.tenant_id = $1 and s.state = 'active' and p.state in ('draft', 'active', 'on_hold', 'live') order by s.ordinal limit 1`, tenant).Scan(&stage)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return stage, err
}
