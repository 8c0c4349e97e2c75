package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
)

// actionProblem says what is wrong with what a curator wrote, or why a decision was
// not taken.
func actionProblem(err error) error {
	if errors.Is(err, action.ErrBadAction) {
		_, why, _ := strings.Cut(err.Error(), action.ErrBadAction.Error()+": ")
		return problem.New(http.StatusBadRequest, "bad_action", "This cannot be stored: "+triage.Line(why, 500)+".")
	}
	var decided *action.DecidedError
	if errors.As(err, &decided) {
		return problem.New(http.StatusConflict, "already_decided", action.Explain(err))
	}
	if errors.Is(err, action.ErrRefused) {
		return problem.New(http.StatusForbidden, "not_allowed", action.Explain(err))
	}
	return err
}

func wireAction(d action.Definition) (Action, error) {
	body, err := d.YAML()
	out := Action{Key: d.Key, Title: d.Title, Enabled: d.Enabled, HasSecret: d.HasSecret, Approvers: d.Approvers.Who(), Body: body}
	needs := d.Auth.Kind != ""
	out.Auth = &needs
	for _, p := range d.Parameters {
		one := struct {
			Choices  *[]string `json:"choices,omitempty"`
			Kind     string    `json:"kind"`
			Label    string    `json:"label"`
			Name     string    `json:"name"`
			Optional bool      `json:"optional"`
		}{Kind: string(p.Kind), Label: p.Label, Name: p.Name, Optional: p.Optional}
		if len(p.Choices) > 0 {
			one.Choices = &p.Choices
		}
		out.Parameters = append(out.Parameters, one)
	}
	out.Parameters = list(out.Parameters)
	return out, err
}

func listActions(ctx context.Context, tx pgx.Tx) (Actions, error) {
	out := Actions{Actions: []Action{}, Injected: action.Injected}
	found, err := action.Definitions(ctx, tx)
	if err != nil {
		return out, err
	}
	for _, d := range found {
		one, err := wireAction(d)
		if err != nil {
			return out, err
		}
		out.Actions = append(out.Actions, one)
	}
	return out, nil
}

// ListActions lists the actions.
func (s *Server) ListActions(ctx context.Context, _ ListActionsRequestObject) (ListActionsResponseObject, error) {
	var out Actions
	err := s.Worker.WithSystem(ctx, "a curator reads the actions", func(tx pgx.Tx) (err error) {
		out, err = listActions(ctx, tx)
		return err
	})
	return ListActions200JSONResponse(out), err
}

// PutAction stores one.
func (s *Server) PutAction(ctx context.Context, r PutActionRequestObject) (PutActionResponseObject, error) {
	d, err := action.Parse([]byte(r.Body.Body))
	if err != nil {
		return nil, actionProblem(err)
	}
	secret := r.Body.Secret
	if value(secret) == "" {
		secret = nil // a form that leaves the field alone keeps what there is
	}
	err = s.Worker.WithSystem(ctx, "a curator stores an action", func(tx pgx.Tx) (err error) {
		if d, err = action.Put(ctx, tx, d, secret); err != nil {
			return err
		}
		detail := map[string]any{"method": d.Method, "base_url": d.BaseURL, "path": d.Path, "revision": d.Revision, "new_secret": secret != nil, "approvers": d.Approvers.Who()}
		return triage.AuditOperator(ctx, tx, actor(ctx), "action.definition", d.Key, detail)
	})
	if err != nil {
		return nil, actionProblem(err)
	}
	out, err := wireAction(d)
	return PutAction200JSONResponse(out), err
}

// SwitchAction switches one on or off.
func (s *Server) SwitchAction(ctx context.Context, r SwitchActionRequestObject) (SwitchActionResponseObject, error) {
	var out Actions
	err := s.Worker.WithSystem(ctx, "a curator switches an action", func(tx pgx.Tx) (err error) {
		if err := action.Switch(ctx, tx, r.Name, r.Body.Enabled); err != nil {
			return err
		}
		if err := triage.AuditOperator(ctx, tx, actor(ctx), "action.switch", r.Name, map[string]any{"enabled": r.Body.Enabled}); err != nil {
			return err
		}
		out, err = listActions(ctx, tx)
		return err
	})
	return SwitchAction200JSONResponse(out), err
}

// DeleteAction removes one.
func (s *Server) DeleteAction(ctx context.Context, r DeleteActionRequestObject) (DeleteActionResponseObject, error) {
	err := s.Worker.WithSystem(ctx, "a curator removes an action", func(tx pgx.Tx) error {
		if err := action.Remove(ctx, tx, r.Name); err != nil {
			return err
		}
		return triage.AuditOperator(ctx, tx, actor(ctx), "action.remove", r.Name, nil)
	})
	return DeleteAction204Response{}, err
}

// TryAction shows the request an action would make.
func (s *Server) TryAction(ctx context.Context, r TryActionRequestObject) (TryActionResponseObject, error) {
	if s.Actions == nil || r.Body.TenantID == uuid.Nil {
		return nil, problem.NotFound()
	}
	d, err := action.Parse([]byte(r.Body.Body))
	if err != nil {
		return nil, actionProblem(err)
	}
	given := map[string]string{}
	for name, text := range r.Body.Values {
		if text != "" {
			given[name] = text
		}
	}
	trial, err := s.Actions.Try(ctx, d, r.Body.TenantID, cmp.Or(value(r.Body.Language), "en"), given)
	if err != nil {
		return nil, actionProblem(err)
	}
	if trial.Problem != "" {
		return TryAction200JSONResponse{Problem: &trial.Problem}, nil
	}
	return TryAction200JSONResponse{Ok: true, Request: some(trial.Request.Preview()), Words: some(trial.Words), Done: some(trial.Done)}, nil
}

func wireApproval(d action.Detail) Approval {
	out := Approval{
		ID: d.ID, Tenant: Tenant{ID: d.TenantID, Name: d.Tenant}, TicketID: d.TicketID, TicketNumber: d.Number, Action: d.Action, Title: d.Title,
		Words: d.Words, AskedBy: d.RequesterName, Request: d.Request.Preview(), State: ApprovalState(d.State), Outcome: some(d.Outcome), Who: d.Who,
		MayDecide: d.MayAct, DecidedBy: some(d.DecidedName), DecidedAt: d.DecidedAt, CreatedAt: d.CreatedAt, ExpiresAt: d.ExpiresAt,
	}
	for _, g := range d.Parameters {
		out.Given = append(out.Given, struct {
			Label string `json:"label"`
			Value string `json:"value"`
		}{g.Label, g.Value})
	}
	for _, a := range d.Attempts {
		one := struct {
			Detail    *string   `json:"detail,omitempty"`
			Number    int       `json:"number"`
			Outcome   string    `json:"outcome"`
			StartedAt time.Time `json:"started_at"`
			Status    *int      `json:"status,omitempty"`
		}{Detail: some(a.Detail), Number: a.Number, Outcome: a.Outcome, StartedAt: a.StartedAt}
		if a.Status > 0 {
			one.Status = &a.Status
		}
		out.Attempts = append(out.Attempts, one)
	}
	out.Given, out.Attempts = list(out.Given), list(out.Attempts)
	return out
}

// approvals completes proposals for whoever asks.
func approvals(ctx context.Context, tx pgx.Tx, found []action.Proposal) ([]Approval, error) {
	details, err := action.Show(ctx, tx, actor(ctx), found)
	out := make([]Approval, len(details))
	for i, d := range details {
		out[i] = wireApproval(d)
	}
	return out, err
}

// ListApprovals lists proposed changes of all organisations.
func (s *Server) ListApprovals(ctx context.Context, r ListApprovalsRequestObject) (ListApprovalsResponseObject, error) {
	out := ListApprovals200JSONResponse{Approvals: []Approval{}}
	err := s.Worker.WithSystem(ctx, "an agent reads proposed actions", func(tx pgx.Tx) error {
		found, err := action.Open(ctx, tx, value(r.Params.All))
		if err != nil {
			return err
		}
		out.Approvals, err = approvals(ctx, tx, found)
		return err
	})
	return out, err
}

// DecideApproval takes a person's word on one.
func (s *Server) DecideApproval(ctx context.Context, r DecideApprovalRequestObject) (DecideApprovalResponseObject, error) {
	if s.Actions == nil {
		return nil, problem.NotFound()
	}
	var p action.Proposal
	var err error
	switch r.Body.Act {
	case "approve", "decline":
		p, err = s.Actions.Decide(ctx, actor(ctx), r.Tenant, r.ID, action.Decision{Approve: r.Body.Act == "approve", Why: value(r.Body.Why)})
	case "happened", "did_not_happen":
		p, err = s.Actions.Settle(ctx, actor(ctx), r.Tenant, r.ID, r.Body.Act == "happened")
	default:
		return nil, problem.New(http.StatusBadRequest, "unknown_act", "act is not one of the contract's.")
	}
	if err != nil {
		return nil, actionProblem(err)
	}
	var out []Approval
	err = s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) (err error) {
		out, err = approvals(ctx, tx, []action.Proposal{p})
		return err
	})
	if err != nil {
		return nil, err
	}
	return DecideApproval200JSONResponse(out[0]), nil
}

// proposed adds the changes proposed on a ticket.
func (s *Server) proposed(ctx context.Context, out *AgentTicket) error {
	return s.Worker.WithTenant(ctx, out.Ticket.Tenant.ID, func(tx pgx.Tx) error {
		found, err := action.OfTicket(ctx, tx, out.Ticket.Tenant.ID, out.Ticket.ID)
		if err != nil || len(found) == 0 {
			return err
		}
		list, err := approvals(ctx, tx, found)
		out.Approvals = &list
		return err
	})
}
