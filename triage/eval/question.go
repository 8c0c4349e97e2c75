package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/rehearsal"
)

// Errors of saved questions.
var (
	ErrQuestionNotFound = errors.New("saved question not found")
	ErrBadQuestion      = errors.New("saved question is not valid")
)

// Question is one that curators keep, with what has to become of it.
type Question struct {
	ID       uuid.UUID  `db:"id"`
	Text     string     `db:"question"`
	TenantID *uuid.UUID `db:"as_tenant"` // as whose person it is asked; nil: somebody signed out
	Role     string     `db:"role"`
	Locale   string     `db:"locale"`
	Expect   string     `db:"expect"`   // answer, status, escalate, not_found; talk: what Customer expects
	Article  string     `db:"article"`  // slug that must be cited; empty: any
	Contains []string   `db:"contains"` // each must stand in the answer, case aside
	Lacks    []string   `db:"lacks"`    // none may
	// Of a past question: who asked it, if they are still there, and what they wrote before it.
	UserID *uuid.UUID `db:"-"`
	Before []string   `db:"-"`
	// Customer goes on talking after the question; nil: it is asked once.
	Customer *rehearsal.Scenario `db:"customer"`
}

// ExpectTalk is what is expected of a question with a Customer.
const ExpectTalk = "talk"

// Title is what curators know a question by.
func (q Question) Title() string {
	if q.Customer != nil {
		return q.Customer.Name
	}
	return q.Text
}

// scenario is the customer with what stands beside it.
func (q Question) scenario() rehearsal.Scenario {
	s := *q.Customer
	s.Opening, s.Role = q.Text, q.Role
	s.Language, _, _ = strings.Cut(strings.ToLower(q.Locale), "-")
	return s
}

// Outcome is what became of a question, in what a curator can expect.
type Outcome struct {
	Kind     string   `json:"kind"` // answer, status, clarify, procedure, escalate, not_found, acknowledge
	Text     string   `json:"text,omitempty"`
	Articles []string `json:"articles,omitempty"` // slugs cited
	Intent   string   `json:"intent,omitempty"`
	// Transcript is the whole conversation of a customer; Kind is then how it ended.
	Transcript []rehearsal.Line `json:"transcript,omitempty"`
}

// Pipeline does what the live assistant would, without effects.
type Pipeline struct {
	Answer func(ctx context.Context, q Question) (Outcome, error)           // a question asked once
	Talk   func(ctx context.Context, q Question) (rehearsal.Partner, error) // begins a conversation
}

// Result is one question's outcome.
type Result struct {
	Question Question
	Outcome  Outcome
	Passed   bool
	Why      string // what is not as expected
	Changed  bool   // it passed before and does not now, or the other way round
	At       time.Time
}

// Grade says whether an outcome is as expected, and what is not.
func (q Question) Grade(o Outcome) (passed bool, why string) {
	text := strings.ToLower(o.Text)
	switch {
	case o.Kind != q.Expect:
		return false, fmt.Sprintf("expected %s, it was %s", q.Expect, o.Kind)
	case q.Article != "" && !slices.Contains(o.Articles, q.Article):
		return false, fmt.Sprintf("does not cite %s but %s", q.Article, strings.Join(o.Articles, ", "))
	}
	for _, part := range q.Contains {
		if !strings.Contains(text, strings.ToLower(part)) {
			return false, fmt.Sprintf("does not say “%s”", part)
		}
	}
	for _, part := range q.Lacks {
		if strings.Contains(text, strings.ToLower(part)) {
			return false, fmt.Sprintf("says “%s”", part)
		}
	}
	return true, ""
}

func (q Question) check() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrBadQuestion, what) }
	switch {
	case strings.TrimSpace(q.Text) == "" || len([]rune(q.Text)) > 2000:
		return bad("it needs a text of at most 2000 characters")
	case (q.Expect == ExpectTalk) != (q.Customer != nil):
		return bad("a customer expects talk, and nothing else does")
	case q.Customer != nil && q.TenantID == nil:
		return bad("a customer is somebody of a tenant")
	case q.Customer != nil:
		if err := q.scenario().Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrBadQuestion, err)
		}
	case !slices.Contains([]string{"answer", "status", "escalate", "not_found"}, q.Expect):
		return bad("it may expect answer, status, escalate or not_found")
	case !slices.Contains([]string{"visitor", "member", "manager", "admin", "agent"}, q.Role):
		return bad("the role is not known")
	case len(q.Contains)+len(q.Lacks) > 20:
		return bad("it has more than 20 conditions")
	}
	return nil
}

const questionColumns = `id, question, as_tenant, role, locale, expect, article, contains, lacks, customer`

// Questions lists all saved questions, oldest first.
func Questions(ctx context.Context, tx pgx.Tx) ([]Question, error) {
	rows, err := tx.Query(ctx, `select `+questionColumns+` from saved_questions order by created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("list saved questions: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[Question])
	if err != nil {
		return nil, fmt.Errorf("list saved questions: %w", err)
	}
	return out, nil
}

// QuestionByID is one saved question.
func QuestionByID(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Question, error) {
	rows, err := tx.Query(ctx, `select `+questionColumns+` from saved_questions where id = $1`, id)
	if err != nil {
		return Question{}, fmt.Errorf("read saved question: %w", err)
	}
	q, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Question])
	if errors.Is(err, pgx.ErrNoRows) {
		return Question{}, ErrQuestionNotFound
	}
	if err != nil {
		return Question{}, fmt.Errorf("read saved question: %w", err)
	}
	return q, nil
}

// PutQuestion stores a question, new where it has no id.
func PutQuestion(ctx context.Context, tx pgx.Tx, q Question, by uuid.UUID) (Question, error) {
	if err := q.check(); err != nil {
		return Question{}, err
	}
	if q.Contains == nil {
		q.Contains = []string{}
	}
	if q.Lacks == nil {
		q.Lacks = []string{}
	}
	if q.TenantID != nil {
		var known bool
		if err := tx.QueryRow(ctx, `select exists (select from tenants where id = $1)`, *q.TenantID).Scan(&known); err != nil {
			return Question{}, fmt.Errorf("store saved question: %w", err)
		}
		if !known {
			return Question{}, fmt.Errorf("%w: there is no such tenant", ErrBadQuestion)
		}
	}
	fresh := q.ID == uuid.Nil
	if fresh {
		q.ID = uuid.Must(uuid.NewV7())
	}
	tag, err := tx.Exec(ctx, `insert into saved_questions (id, question, as_tenant, role, locale, expect, article, contains, lacks, created_by, customer)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12 where $11 or exists (select from saved_questions where id = $1)
		on conflict (id) do update set question = excluded.question, as_tenant = excluded.as_tenant, role = excluded.role, locale = excluded.locale,
		  expect = excluded.expect, article = excluded.article, contains = excluded.contains, lacks = excluded.lacks, customer = excluded.customer, updated_at = now()`,
		q.ID, q.Text, q.TenantID, q.Role, q.Locale, q.Expect, q.Article, q.Contains, q.Lacks, by, fresh, q.Customer)
	if err != nil {
		return Question{}, fmt.Errorf("store saved question: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return Question{}, ErrQuestionNotFound
	}
	return q, nil
}

// DeleteQuestion forgets a question and its results.
func DeleteQuestion(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, `delete from saved_questions where id = $1`, id)
	if err != nil {
		return fmt.Errorf("delete saved question: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrQuestionNotFound
	}
	return nil
}

// Ask puts every question to the pipeline, lets customers talk to it, and grades
// what comes.
func Ask(ctx context.Context, questions []Question, pipeline Pipeline) ([]Result, error) {
	results := make([]Result, len(questions))
	for i, q := range questions {
		r, err := ask(ctx, q, pipeline)
		if err != nil {
			return nil, fmt.Errorf("saved question %q: %w", q.Title(), err)
		}
		results[i] = r
	}
	return results, nil
}

// Try asks one question that need not be stored.
func Try(ctx context.Context, q Question, pipeline Pipeline) (Result, error) {
	if err := q.check(); err != nil {
		return Result{}, err
	}
	return ask(ctx, q, pipeline)
}

func ask(ctx context.Context, q Question, pipeline Pipeline) (Result, error) {
	if q.Customer != nil {
		return talk(ctx, q, pipeline)
	}
	outcome, err := pipeline.Answer(ctx, q)
	if err != nil {
		return Result{}, err
	}
	passed, why := q.Grade(outcome)
	return Result{Question: q, Outcome: outcome, Passed: passed, Why: why}, nil
}

func talk(ctx context.Context, q Question, pipeline Pipeline) (Result, error) {
	partner, err := pipeline.Talk(ctx, q)
	if err != nil {
		return Result{}, err
	}
	played, err := q.scenario().Play(ctx, partner)
	if err != nil {
		return Result{}, err
	}
	outcome := Outcome{Transcript: played.Transcript}
	for _, line := range played.Transcript {
		outcome.Kind = cmp.Or(line.Kind, outcome.Kind)
	}
	return Result{Question: q, Outcome: outcome, Passed: played.Passed, Why: played.Why}, nil
}

// LastResults are the latest stored results, by question.
func LastResults(ctx context.Context, tx pgx.Tx) (map[uuid.UUID]Result, error) {
	rows, err := tx.Query(ctx, `select distinct on (s.question_id) s.question_id, s.passed, s.why, s.outcome, r.ran_at from question_results s
		join question_runs r on r.id = s.run_id order by s.question_id, r.ran_at desc, r.id desc`)
	if err != nil {
		return nil, fmt.Errorf("read question results: %w", err)
	}
	out := map[uuid.UUID]Result{}
	var id uuid.UUID
	var r Result
	_, err = pgx.ForEachRow(rows, []any{&id, &r.Passed, &r.Why, &r.Outcome, &r.At}, func() error {
		out[id] = r
		r = Result{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read question results: %w", err)
	}
	return out, nil
}

// Against marks the results that are other than the ones before.
func Against(results []Result, before map[uuid.UUID]Result) {
	for i := range results {
		was, known := before[results[i].Question.ID]
		results[i].Changed = known && was.Passed != results[i].Passed
	}
}

// Passed counts the results as expected.
func Passed(results []Result) (n int) {
	for _, r := range results {
		if r.Passed {
			n++
		}
	}
	return n
}

// SaveRun stores a run; the latest hundred are kept.
func SaveRun(ctx context.Context, tx pgx.Tx, cause string, results []Result, at time.Time) error {
	id := uuid.Must(uuid.NewV7())
	b := &pgx.Batch{}
	b.Queue(`insert into question_runs (id, cause, passed, total, ran_at) values ($1, $2, $3, $4, $5)`, id, cause, Passed(results), len(results), at)
	for _, r := range results {
		b.Queue(`insert into question_results (run_id, question_id, passed, why, outcome) select $1, $2, $3, $4, $5 where exists (select from saved_questions where id = $2)`,
			id, r.Question.ID, r.Passed, r.Why, r.Outcome)
	}
	b.Queue(`delete from question_runs where id not in (select id from question_runs order by ran_at desc limit 100)`)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("store question run: %w", err)
	}
	return nil
}
