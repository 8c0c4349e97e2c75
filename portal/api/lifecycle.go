package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/notice"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

func wireRule(r rule.Rule) OnboardingRule {
	out := OnboardingRule{Key: r.Key, On: r.On, Do: r.Do.Kind, Title: some(r.Do.Title), Enabled: r.Enabled}
	if len(r.When) > 0 {
		when := make([]struct {
			Field string               `json:"field"`
			Op    OnboardingRuleWhenOp `json:"op"`
			Value string               `json:"value"`
		}, len(r.When))
		for i, c := range r.When {
			when[i].Field, when[i].Op, when[i].Value = c.Field, OnboardingRuleWhenOp(c.Op), c.Value
		}
		out.When = &when
	}
	return out
}

func wireRules(rules []rule.Rule) []OnboardingRule {
	out := make([]OnboardingRule, len(rules))
	for i, r := range rules {
		out[i] = wireRule(r)
	}
	return out
}

// ListRules reads all rules, and what one can be made of.
func (s *Server) ListRules(ctx context.Context, _ ListRulesRequestObject) (ListRulesResponseObject, error) {
	var rules []rule.Rule
	var failed map[string]notice.Failed
	err := s.Worker.WithSystem(ctx, "a curator reads the rules", func(tx pgx.Tx) (err error) {
		if rules, err = rule.List(ctx, tx); err != nil {
			return err
		}
		failed, err = notice.ListFailed(ctx, tx, time.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := ListRules200JSONResponse{Rules: wireRules(rules), Events: rule.Kinds, Actions: rule.Actions, Undelivered: []UndeliveredNotices{}}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		f := failed[name]
		out.Undelivered = append(out.Undelivered, UndeliveredNotices{Rule: name, Count: f.Count, Error: f.Error, At: f.At})
	}
	return out, nil
}

// PutRule stores a rule and its switch.
func (s *Server) PutRule(ctx context.Context, r PutRuleRequestObject) (PutRuleResponseObject, error) {
	in := rule.Rule{Key: r.Body.Key, On: r.Body.On, Do: rule.Action{Kind: r.Body.Do, Title: value(r.Body.Title)}, Enabled: r.Body.Enabled}
	for _, c := range value(r.Body.When) {
		in.When = append(in.When, rule.Condition{Field: c.Field, Op: string(c.Op), Value: c.Value})
	}
	err := s.Worker.WithSystem(ctx, "a curator edits a rule", func(tx pgx.Tx) error {
		if err := rule.Put(ctx, tx, in); err != nil {
			return err
		}
		if _, err := rule.Switch(ctx, tx, in.Key, in.Enabled); err != nil {
			return err
		}
		return triage.AuditOperator(ctx, tx, actor(ctx), "onboarding.rule", in.Key, map[string]any{"on": in.On, "do": in.Do.Kind, "enabled": in.Enabled})
	})
	if errors.Is(err, rule.ErrBadRule) {
		return nil, problem.New(http.StatusBadRequest, "bad_rule", triage.Line(err.Error(), 500))
	}
	if err != nil {
		return nil, err
	}
	return PutRule200JSONResponse(wireRule(in)), nil
}

// TryRules says what an event would set off. Nothing is done.
func (s *Server) TryRules(ctx context.Context, r TryRulesRequestObject) (TryRulesResponseObject, error) {
	if !slices.Contains(rule.Kinds, r.Body.On) {
		return nil, rule.ErrBadRule
	}
	var rules []rule.Rule
	err := s.Worker.WithSystem(ctx, "a curator tries the rules", func(tx pgx.Tx) (err error) {
		rules, err = rule.List(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	fired := slices.DeleteFunc(rules, func(have rule.Rule) bool {
		return !have.Matches(rule.Event{Kind: r.Body.On, Fields: value(r.Body.Fields)})
	})
	return TryRules200JSONResponse{Rules: wireRules(fired)}, nil
}

func wireTemplate(t lifecycle.Template) (OnboardingTemplate, error) {
	body, err := t.YAML()
	return OnboardingTemplate{Key: t.Key, Version: t.Version, Name: t.Name, Industry: t.Industry, Body: body}, err
}

// ListTemplates reads the latest version of every template.
func (s *Server) ListTemplates(ctx context.Context, _ ListTemplatesRequestObject) (ListTemplatesResponseObject, error) {
	var templates []lifecycle.Template
	err := s.Worker.WithSystem(ctx, "a curator reads the templates", func(tx pgx.Tx) (err error) {
		templates, err = lifecycle.List(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := ListTemplates200JSONResponse{Templates: make([]OnboardingTemplate, len(templates))}
	for i, t := range templates {
		if out.Templates[i], err = wireTemplate(t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PublishTemplate stores a template as the next version of its key.
func (s *Server) PublishTemplate(ctx context.Context, r PublishTemplateRequestObject) (PublishTemplateResponseObject, error) {
	t, err := lifecycle.ParseTemplate([]byte(r.Body.Body))
	if err == nil {
		err = s.Worker.WithSystem(ctx, "a curator publishes a template", func(tx pgx.Tx) (err error) {
			if t.Version, err = lifecycle.Publish(ctx, tx, t); err != nil {
				return err
			}
			return triage.AuditOperator(ctx, tx, actor(ctx), "onboarding.template", t.Key, map[string]any{"version": t.Version})
		})
	}
	if errors.Is(err, lifecycle.ErrBadTemplate) {
		return nil, problem.New(http.StatusBadRequest, "bad_template", triage.Line(err.Error(), 500))
	}
	if err != nil {
		return nil, err
	}
	out, err := wireTemplate(t)
	return PublishTemplate200JSONResponse(out), err
}

// GetLifecycle says where a workspace stands.
func (s *Server) GetLifecycle(ctx context.Context, r GetLifecycleRequestObject) (GetLifecycleResponseObject, error) {
	var out Lifecycle
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) (err error) {
		out, err = readLifecycle(ctx, tx, r.Tenant)
		return err
	})
	return GetLifecycle200JSONResponse(out), err
}

// MoveLifecycle moves a workspace; going live is checked.
func (s *Server) MoveLifecycle(ctx context.Context, r MoveLifecycleRequestObject) (MoveLifecycleResponseObject, error) {
	var out Lifecycle
	err := s.Worker.WithSystem(ctx, "a curator moves a workspace", func(tx pgx.Tx) error {
		if err := lifecycle.Move(ctx, tx, s.Rules, r.Tenant, actor(ctx).ID, lifecycle.State(r.Body.To), time.Now()); err != nil {
			return err
		}
		var err error
		out, err = readLifecycle(ctx, tx, r.Tenant)
		return err
	})
	return MoveLifecycle200JSONResponse(out), err
}

func readLifecycle(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (Lifecycle, error) {
	state, err := lifecycle.StateOf(ctx, tx, tenant)
	if err != nil {
		return Lifecycle{}, err
	}
	out := Lifecycle{State: LifecycleState(state), Next: []LifecycleNext{}}
	for _, next := range lifecycle.Next(state) {
		if next != lifecycle.Erased { // erasing is the operator's, not a click
			out.Next = append(out.Next, LifecycleNext(next))
		}
	}
	record, err := onboarding.Load(ctx, tx, tenant)
	if err != nil && !errors.Is(err, onboarding.ErrNoProject) {
		return Lifecycle{}, err
	}
	var checks []lifecycle.Check
	if err == nil {
		checks = lifecycle.Checks(record)
	}
	out.Checks = wireChecks(checks)
	return out, nil
}

// wireCheck is what the contract has in its lists of checks.
type wireCheck = struct {
	Name string  `json:"name"`
	Ok   bool    `json:"ok"`
	Open *string `json:"open,omitempty"`
}

func wireChecks(checks []lifecycle.Check) []wireCheck {
	out := make([]wireCheck, len(checks))
	for i, c := range checks {
		out[i] = wireCheck{c.Name, c.OK, some(c.Open)}
	}
	return out
}
