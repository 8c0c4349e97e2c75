package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/procedure"
)

// procedureProblem says what is wrong with what a curator wrote.
func procedureProblem(err error) error {
	if errors.Is(err, procedure.ErrBadProcedure) {
		_, why, _ := strings.Cut(err.Error(), procedure.ErrBadProcedure.Error()+": ")
		return problem.New(http.StatusBadRequest, "bad_procedure", triage.Line(why, 500)+".")
	}
	return err
}

func listProcedures(ctx context.Context, tx pgx.Tx) (Procedures, error) {
	out := Procedures{Procedures: []Procedure{}, Facts: procedure.FactNames}
	found, err := procedure.List(ctx, tx)
	if err != nil {
		return out, err
	}
	for _, l := range found {
		one, err := wireProcedure(l)
		if err != nil {
			return out, err
		}
		out.Procedures = append(out.Procedures, one)
	}
	return out, nil
}

func wireProcedure(l procedure.Listed) (Procedure, error) {
	body, err := l.Latest.YAML()
	return Procedure{
		Key: l.Latest.Key, Title: l.Latest.Title, Intent: l.Latest.Intent, Version: l.Latest.Version, Draft: l.Draft, Published: l.Published,
		Waiting: l.Waiting, Body: body,
	}, err
}

// ListProcedures lists the procedures, and what their conditions may look at.
func (s *Server) ListProcedures(ctx context.Context, _ ListProceduresRequestObject) (ListProceduresResponseObject, error) {
	var out Procedures
	err := s.Worker.WithSystem(ctx, "a curator reads the procedures", func(tx pgx.Tx) (err error) {
		out, err = listProcedures(ctx, tx)
		return err
	})
	return ListProcedures200JSONResponse(out), err
}

// SaveProcedure stores a draft.
func (s *Server) SaveProcedure(ctx context.Context, r SaveProcedureRequestObject) (SaveProcedureResponseObject, error) {
	p, err := procedure.Parse([]byte(r.Body.Body))
	if err != nil {
		return nil, procedureProblem(err)
	}
	err = s.Worker.WithSystem(ctx, "a curator saves a procedure", func(tx pgx.Tx) (err error) {
		if err := action.CheckProcedure(ctx, tx, p); err != nil {
			return err
		}
		if p, err = procedure.SaveDraft(ctx, tx, p); err != nil {
			return err
		}
		return triage.AuditOperator(ctx, tx, actor(ctx), "procedure.draft", p.Key, map[string]any{"version": p.Version})
	})
	if err != nil {
		return nil, procedureProblem(err)
	}
	out, err := wireProcedure(procedure.Listed{Latest: p, Draft: true})
	return SaveProcedure200JSONResponse(out), err
}

// ActOnProcedure publishes a draft or takes a procedure out of use.
func (s *Server) ActOnProcedure(ctx context.Context, r ActOnProcedureRequestObject) (ActOnProcedureResponseObject, error) {
	var out Procedures
	err := s.Worker.WithSystem(ctx, "a curator acts on a procedure", func(tx pgx.Tx) (err error) {
		detail := map[string]any{}
		if r.Body.Act == "publish" {
			detail["version"], err = procedure.Publish(ctx, tx, r.Name)
		} else {
			err = procedure.Retire(ctx, tx, r.Name)
		}
		if err != nil {
			return err
		}
		if err := triage.AuditOperator(ctx, tx, actor(ctx), "procedure."+string(r.Body.Act), r.Name, detail); err != nil {
			return err
		}
		out, err = listProcedures(ctx, tx)
		return err
	})
	return ActOnProcedure200JSONResponse(out), err
}

// TryProcedure goes through a procedure without effect.
func (s *Server) TryProcedure(ctx context.Context, r TryProcedureRequestObject) (TryProcedureResponseObject, error) {
	if s.Procedures == nil {
		return nil, problem.NotFound()
	}
	p, err := procedure.Parse([]byte(r.Body.Body))
	if err != nil {
		return nil, procedureProblem(err)
	}
	if r.Body.TenantID == uuid.Nil {
		return nil, problem.NotFound()
	}
	asker := triage.Actor{Kind: triage.ActorCustomer, TenantID: r.Body.TenantID, Roles: []string{string(r.Body.Role)}, Locale: cmp.Or(value(r.Body.Locale), "en")}
	turns, err := s.Procedures.Try(ctx, p, asker, r.Body.Messages)
	if err != nil {
		return nil, err
	}
	out := TryProcedure200JSONResponse{Turns: []ProcedureTurn{}}
	for _, t := range turns {
		one := ProcedureTurn{Text: t.Text, Options: list(t.Options), State: ProcedureTurnState(t.Run.State)}
		if t.HandOver != nil {
			one.Team = some(t.HandOver.Team)
		}
		for _, trace := range t.Trace {
			one.Trace = append(one.Trace, struct {
				Did  string `json:"did"`
				Step string `json:"step"`
			}{trace.Did, trace.Step})
		}
		one.Trace = list(one.Trace)
		out.Turns = append(out.Turns, one)
	}
	return out, nil
}
