package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/taxonomy"
	"github.com/usherdesk/usher/triage/upkeep"
)

func domainEdit(e TaxonomyEdit) taxonomy.Edit {
	out := taxonomy.Edit{Kind: string(e.Kind), Dimension: string(e.Dimension), From: value(e.From), To: value(e.To), Examples: value(e.Examples)}
	switch {
	case e.Kind == "split":
		out.Value = &taxonomy.Value{Description: value(e.Description)}
	case e.Value != nil:
		out.Value = &taxonomy.Value{
			Dimension: out.Dimension, Value: e.Value.Value, Description: e.Value.Description, Route: string(e.Value.Route), Team: value(e.Value.Team),
			Priority: triage.Priority(value(e.Value.Priority)), Sensitive: value(e.Value.Sensitive), Enabled: e.Value.Enabled == nil || *e.Value.Enabled,
		}
	}
	return out
}

func wireEdit(e taxonomy.Edit) TaxonomyEdit {
	out := TaxonomyEdit{Kind: TaxonomyEditKind(e.Kind), Dimension: TaxonomyEditDimension(e.Dimension), From: some(e.From), To: some(e.To)}
	if len(e.Examples) > 0 {
		out.Examples = &e.Examples
	}
	switch {
	case e.Value == nil:
	case e.Kind == taxonomy.EditSplit:
		out.Description = some(e.Value.Description)
	default:
		v := wireValue(*e.Value, nil)
		v.Dimension, v.Examples = TaxonomyValueDimension(e.Dimension), nil
		out.Value = &v
	}
	return out
}

func wireDraft(d upkeep.Draft) TaxonomyDraft {
	texts := map[string][]string{}
	for _, x := range d.Set.Examples {
		texts[x.Dimension+"/"+x.Value] = append(texts[x.Dimension+"/"+x.Value], x.Text)
	}
	out := TaxonomyDraft{Values: make([]TaxonomyValue, len(d.Set.Values))}
	for i, v := range d.Set.Values {
		out.Values[i] = wireValue(v, list(texts[v.Dimension+"/"+v.Value]))
	}
	for _, step := range d.Steps {
		out.Steps = append(out.Steps, struct {
			Broken    *string      `json:"broken,omitempty"`
			CreatedAt time.Time    `json:"created_at"`
			Edit      TaxonomyEdit `json:"edit"`
			Number    int64        `json:"number"`
		}{some(step.Broken), step.CreatedAt, wireEdit(step.Edit), step.Number})
	}
	out.Steps = list(out.Steps)
	return out
}

// GetTaxonomyDraft reads the draft.
func (s *Server) GetTaxonomyDraft(ctx context.Context, _ GetTaxonomyDraftRequestObject) (GetTaxonomyDraftResponseObject, error) {
	d, err := s.Upkeep.Draft(ctx)
	if err != nil {
		return nil, err
	}
	return GetTaxonomyDraft200JSONResponse(wireDraft(d)), nil
}

// EditTaxonomyDraft puts a step to the draft.
func (s *Server) EditTaxonomyDraft(ctx context.Context, r EditTaxonomyDraftRequestObject) (EditTaxonomyDraftResponseObject, error) {
	if err := s.Upkeep.Add(ctx, []taxonomy.Edit{domainEdit(*r.Body)}, actor(ctx).ID); err != nil {
		return nil, err
	}
	d, err := s.Upkeep.Draft(ctx)
	if err != nil {
		return nil, err
	}
	return EditTaxonomyDraft200JSONResponse(wireDraft(d)), nil
}

// DropTaxonomyEdits takes steps back.
func (s *Server) DropTaxonomyEdits(ctx context.Context, r DropTaxonomyEditsRequestObject) (DropTaxonomyEditsResponseObject, error) {
	if err := s.Upkeep.Drop(ctx, value(r.Params.Number)); err != nil {
		return nil, err
	}
	d, err := s.Upkeep.Draft(ctx)
	if err != nil {
		return nil, err
	}
	return DropTaxonomyEdits200JSONResponse(wireDraft(d)), nil
}

func wireRun(r upkeep.Run) TaxonomyRun {
	out := TaxonomyRun{
		ID: r.ID, Act: TaxonomyRunAct(r.Act), State: TaxonomyRunState(r.State), Step: some(r.Step), Why: some(r.Why), TenantID: r.AsTenant,
		Restores: r.Restores, By: some(r.ByName), Edits: make([]TaxonomyEdit, len(r.Edits)), CreatedAt: r.CreatedAt, FinishedAt: r.FinishedAt,
	}
	for i, e := range r.Edits {
		out.Edits[i] = wireEdit(e)
	}
	if r.Report != nil {
		report := wireReport(*r.Report)
		out.Report = &report
	}
	return out
}

func wireReport(r upkeep.Report) TaxonomyReport {
	out := TaxonomyReport{
		Messages: r.Messages, Stay: r.Stay, Held: r.Training.Held, Accuracy: float32(r.Training.Accuracy), Gained: r.Training.Gained, Lost: r.Training.Lost,
		Accepted: r.Training.Accepted, Corrected: r.Corrected.Corrected, CorrectedBefore: r.Corrected.Before, CorrectedAfter: r.Corrected.After, Asked: r.Asked,
	}
	for _, m := range r.Moves {
		out.Moves = append(out.Moves, struct {
			Asked    bool                    `json:"asked"`
			Count    int                     `json:"count"`
			Examples []string                `json:"examples"`
			From     string                  `json:"from"`
			To       string                  `json:"to"`
			What     TaxonomyReportMovesWhat `json:"what"`
		}{m.Asked, m.Count, list(m.Examples), m.From, m.To, TaxonomyReportMovesWhat(m.What)})
	}
	for _, q := range r.Questions {
		out.Questions = append(out.Questions, struct {
			After    ReplayOutcome               `json:"after"`
			Before   ReplayOutcome               `json:"before"`
			Kind     TaxonomyReportQuestionsKind `json:"kind"`
			Question string                      `json:"question"`
		}{wireOutcome(q.After), wireOutcome(q.Before), TaxonomyReportQuestionsKind(q.Kind), q.Question})
	}
	for _, k := range r.Kept {
		out.Kept = append(out.Kept, struct {
			Passes   bool    `json:"passes"`
			Question string  `json:"question"`
			Why      *string `json:"why,omitempty"`
		}{k.Passes, k.Question, some(k.Why)})
	}
	out.Moves, out.Questions, out.Kept = list(out.Moves), list(out.Questions), list(out.Kept)
	return out
}

// ListTaxonomyRuns lists the last preview and every publication.
func (s *Server) ListTaxonomyRuns(ctx context.Context, _ ListTaxonomyRunsRequestObject) (ListTaxonomyRunsResponseObject, error) {
	runs, err := s.Upkeep.Runs(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]TaxonomyRun, len(runs))
	for i, r := range runs {
		out[i] = wireRun(r)
	}
	return ListTaxonomyRuns200JSONResponse{Runs: out}, nil
}

// StartTaxonomyRun queues a preview, a publication or the way back.
func (s *Server) StartTaxonomyRun(ctx context.Context, r StartTaxonomyRunRequestObject) (StartTaxonomyRunResponseObject, error) {
	by := actor(ctx).ID
	run := upkeep.Run{Act: string(r.Body.Act), AsTenant: r.Body.TenantID, Past: value(r.Body.Past), Anyway: value(r.Body.Anyway), Restores: r.Body.RunID, CreatedBy: &by}
	if run.Act == upkeep.Restore && run.Restores == nil {
		run.Restores = &uuid.Nil
	}
	started, err := s.Upkeep.Start(ctx, run)
	if err != nil {
		return nil, err
	}
	return StartTaxonomyRun202JSONResponse(wireRun(started)), nil
}

// GetTaxonomyRun reads one run.
func (s *Server) GetTaxonomyRun(ctx context.Context, r GetTaxonomyRunRequestObject) (GetTaxonomyRunResponseObject, error) {
	run, err := s.Upkeep.Run(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return GetTaxonomyRun200JSONResponse(wireRun(run)), nil
}
