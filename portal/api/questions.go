package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/eval"
	privacy "github.com/usherdesk/usher/triage/guard"
	"github.com/usherdesk/usher/triage/rehearsal"
)

func wireQuestion(q eval.Question, last *eval.Result) SavedQuestion {
	role, locale := SavedQuestionRole(q.Role), q.Locale
	out := SavedQuestion{
		ID: &q.ID, Question: q.Text, TenantID: q.TenantID, Role: &role, Locale: &locale, Expect: SavedQuestionExpect(q.Expect), Article: some(q.Article),
	}
	contains, lacks := list(q.Contains), list(q.Lacks)
	out.Contains, out.Lacks = &contains, &lacks
	if q.Customer != nil {
		customer := wireCustomer(*q.Customer)
		out.Customer = &customer
	}
	if last != nil {
		out.Passed, out.Why, out.RanAt, out.Transcript = &last.Passed, some(last.Why), &last.At, wireTranscript(last.Outcome.Transcript)
	}
	return out
}

// question is what a curator wants kept, or tried.
func question(in SavedQuestion) eval.Question {
	q := eval.Question{
		ID: value(in.ID), Text: strings.TrimSpace(in.Question), TenantID: in.TenantID, Role: cmp.Or(string(value(in.Role)), "member"),
		Locale: cmp.Or(value(in.Locale), "en"), Expect: string(in.Expect), Article: value(in.Article),
		Contains: value(in.Contains), Lacks: value(in.Lacks),
	}
	if in.Customer != nil {
		q.Customer = customerOf(*in.Customer)
	}
	return q
}

func wireResult(r eval.Result) QuestionResult {
	changed := r.Changed
	return QuestionResult{
		Changed: &changed, ID: r.Question.ID, Outcome: r.Outcome.Kind, Passed: r.Passed, Question: r.Question.Title(), Why: some(r.Why),
		Transcript: wireTranscript(r.Outcome.Transcript),
	}
}

// ListQuestions lists the kept questions with their last results.
func (s *Server) ListQuestions(ctx context.Context, _ ListQuestionsRequestObject) (ListQuestionsResponseObject, error) {
	out := ListQuestions200JSONResponse{Questions: []SavedQuestion{}}
	err := s.Worker.WithSystem(ctx, "a curator reads saved questions", func(tx pgx.Tx) error {
		questions, err := eval.Questions(ctx, tx)
		if err != nil {
			return err
		}
		last, err := eval.LastResults(ctx, tx)
		if err != nil {
			return err
		}
		for _, q := range questions {
			var result *eval.Result
			if r, ok := last[q.ID]; ok {
				result = &r
			}
			out.Questions = append(out.Questions, wireQuestion(q, result))
		}
		return nil
	})
	return out, err
}

// PutQuestion keeps a question.
func (s *Server) PutQuestion(ctx context.Context, r PutQuestionRequestObject) (PutQuestionResponseObject, error) {
	q := question(*r.Body)
	err := s.Worker.WithSystem(ctx, "a curator keeps a question", func(tx pgx.Tx) (err error) {
		q, err = eval.PutQuestion(ctx, tx, q, actor(ctx).ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return PutQuestion200JSONResponse(wireQuestion(q, nil)), nil
}

// DeleteQuestion forgets a question.
func (s *Server) DeleteQuestion(ctx context.Context, r DeleteQuestionRequestObject) (DeleteQuestionResponseObject, error) {
	err := s.Worker.WithSystem(ctx, "a curator forgets a question", func(tx pgx.Tx) error { return eval.DeleteQuestion(ctx, tx, r.ID) })
	if err != nil {
		return nil, err
	}
	return DeleteQuestion204Response{}, nil
}

// RunQuestions asks all kept questions.
func (s *Server) RunQuestions(ctx context.Context, r RunQuestionsRequestObject) (RunQuestionsResponseObject, error) {
	if s.Tester == nil {
		return nil, problem.NotFound()
	}
	results, err := runQuestions(ctx, s, *r.Body)
	if err != nil {
		return nil, err
	}
	out := QuestionRun{Total: len(results), Passed: eval.Passed(results)}
	for _, result := range results {
		out.Results = append(out.Results, wireResult(result))
	}
	out.Results = list(out.Results)
	return RunQuestions200JSONResponse(out), nil
}

// TryQuestion asks what need not be kept.
func (s *Server) TryQuestion(ctx context.Context, r TryQuestionRequestObject) (TryQuestionResponseObject, error) {
	if s.Tester == nil {
		return nil, problem.NotFound()
	}
	result, err := eval.Try(ctx, question(*r.Body), Pipeline(s.Tester, nil, nil))
	if err != nil {
		return nil, err
	}
	return TryQuestion200JSONResponse(wireResult(result)), nil
}

func runQuestions(ctx context.Context, s *Server, against Against) ([]eval.Result, error) {
	var questions []eval.Question
	var before map[uuid.UUID]eval.Result
	err := s.Worker.WithSystem(ctx, "a curator runs saved questions", func(tx pgx.Tx) (err error) {
		if against.ID == nil {
			questions, err = eval.Questions(ctx, tx)
		} else {
			questions = make([]eval.Question, 1)
			questions[0], err = eval.QuestionByID(ctx, tx, *against.ID)
		}
		if err == nil {
			before, err = eval.LastResults(ctx, tx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	results, err := eval.Ask(ctx, questions, Pipeline(s.Tester, against.ArticleID, against.TenantID))
	if err != nil {
		return nil, err
	}
	eval.Against(results, before)
	if against.ArticleID != nil || len(results) == 0 {
		return results, nil // a try against a draft is nobody's history
	}
	err = s.Worker.WithSystem(ctx, "store a run of saved questions", func(tx pgx.Tx) error { return eval.SaveRun(ctx, tx, "by hand", results, time.Now()) })
	return results, err
}

// mayPublish asks the kept questions against an article's draft. It refuses a
// publication after which one would no longer be answered as expected, unless
// the curator wants it anyway.
func (s *Server) mayPublish(ctx context.Context, r ActOnArticleRequestObject) ([]eval.Result, error) {
	if s.Tester == nil {
		return nil, nil
	}
	var questions []eval.Question
	err := s.Worker.WithSystem(ctx, "ask saved questions before a publication", func(tx pgx.Tx) (err error) {
		questions, err = eval.Questions(ctx, tx)
		return err
	})
	if err != nil || len(questions) == 0 {
		return nil, err
	}
	results, err := eval.Ask(ctx, questions, Pipeline(s.Tester, &r.ID, r.Params.Tenant))
	if err != nil {
		return nil, err
	}
	var failing []eval.Question
	for _, result := range results {
		if !result.Passed {
			failing = append(failing, result.Question)
		}
	}
	if len(failing) == 0 || r.Body != nil && value(r.Body.Anyway) {
		return results, nil
	}
	// What fails already is not this draft's doing.
	live, err := eval.Ask(ctx, failing, Pipeline(s.Tester, nil, nil))
	if err != nil {
		return nil, err
	}
	var broken []problem.Field
	for _, now := range live {
		if now.Passed && len(broken) < 20 {
			why := results[slices.IndexFunc(results, func(with eval.Result) bool { return with.Question.ID == now.Question.ID })].Why
			broken = append(broken, problem.Field{Field: triage.Line(now.Question.Title(), 200), Detail: why})
		}
	}
	if len(broken) > 0 {
		return nil, problem.New(http.StatusConflict, "questions_would_fail", "With this draft, kept questions would no longer be answered as expected. Nothing was published. Mend the draft or the expectation, or publish anyway.", broken...)
	}
	return results, nil
}

// keepRun stores what the kept questions said of what is now published.
func (s *Server) keepRun(ctx context.Context, results []eval.Result) error {
	if len(results) == 0 {
		return nil
	}
	return s.Worker.WithSystem(ctx, "store a run of saved questions", func(tx pgx.Tx) error { return eval.SaveRun(ctx, tx, "publish", results, time.Now()) })
}

// Pipeline asks through a Tester: what is live, or with an article's draft in
// its place. tenant is the space of the article, nil for a shared one.
func Pipeline(t Tester, article, tenant *uuid.UUID) eval.Pipeline {
	asked := func(q eval.Question) TestQuestion {
		role := TestQuestionRole(q.Role)
		in := TestQuestion{Question: q.Text, TenantID: q.TenantID, UserID: q.UserID, Role: &role, Locale: &q.Locale}
		if len(q.Before) > 0 {
			in.Before = &q.Before
		}
		// A tenant's own draft is there for its people only.
		if article != nil && (tenant == nil || q.TenantID != nil && *q.TenantID == *tenant) {
			drafts := true
			in.Drafts, in.ArticleID = &drafts, article
		}
		return in
	}
	answer := func(ctx context.Context, q eval.Question) (eval.Outcome, error) {
		run, err := t.Test(ctx, asked(q))
		if err != nil {
			return eval.Outcome{}, err
		}
		out := eval.Outcome{Kind: cmp.Or(value(run.Kind), "not_found"), Text: value(run.Answer)}
		if run.Classification != nil {
			out.Intent = run.Classification.Intent
		}
		for _, c := range value(run.Citations) {
			slug, _, _ := strings.Cut(strings.TrimPrefix(c.URL, "/help/"), "#")
			out.Articles = append(out.Articles, slug)
		}
		return out, nil
	}
	talk := func(ctx context.Context, q eval.Question) (rehearsal.Partner, error) { return t.Talk(ctx, asked(q)) }
	return eval.Pipeline{Answer: answer, Talk: talk}
}

// ReplayQuestions lists what a draft would change.
func (s *Server) ReplayQuestions(ctx context.Context, r ReplayQuestionsRequestObject) (ReplayQuestionsResponseObject, error) {
	if s.Tester == nil {
		return nil, problem.NotFound()
	}
	changed, err := s.changed(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	limit := value(r.Body.Limit)
	if limit < 1 || limit > 200 {
		limit = 50
	}
	var past []eval.Question
	err = s.Worker.WithSystem(ctx, "a curator replays past questions", func(tx pgx.Tx) (err error) {
		past, err = eval.Past(ctx, tx, r.Body.TenantID, limit, value(r.Body.Offset))
		return err
	})
	if err != nil {
		return nil, err
	}
	changes, err := eval.Replay(ctx, past, Pipeline(s.Tester, nil, nil), changed)
	if err != nil {
		return nil, err
	}
	out := Replay{Asked: len(past)}
	for _, c := range changes {
		masked, _ := privacy.Mask(c.Question.Text)
		out.Changes = append(out.Changes, struct {
			After    ReplayOutcome     `json:"after"`
			Before   ReplayOutcome     `json:"before"`
			Kind     ReplayChangesKind `json:"kind"`
			Question string            `json:"question"`
		}{wireOutcome(c.After), wireOutcome(c.Before), ReplayChangesKind(c.Kind), triage.Line(masked, 500)})
	}
	out.Changes = list(out.Changes)
	return ReplayQuestions200JSONResponse(out), nil
}

func wireOutcome(o eval.Outcome) ReplayOutcome {
	articles := list(o.Articles)
	return ReplayOutcome{Outcome: o.Kind, Text: some(o.Text), Articles: &articles}
}
