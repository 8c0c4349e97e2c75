package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/answer"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/guard"
	"github.com/usherdesk/usher/triage/procedure"
	"github.com/usherdesk/usher/triage/rehearsal"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// The small joints between packages that do not know one another.

// classifier is the built-in engine as the assistant wants it.
type classifier struct{ engine *taxonomy.Engine }

func (c classifier) Classify(ctx context.Context, in assistant.ClassifyInput) (triage.Classification, error) {
	input := taxonomy.Input{Text: in.Text, Language: in.Language, Tier: in.Tier, Stage: in.Stage}
	for _, k := range in.Corrections {
		input.Corrections = append(input.Corrections, taxonomy.Correction(k))
	}
	return c.engine.Classify(ctx, input)
}

// inspector is the guard as the assistant wants it.
type inspector struct{}

func (inspector) Inspect(text string) assistant.GuardReport {
	r := guard.Inspect(text)
	return assistant.GuardReport{Injection: r.Injection, Abuse: r.Abuse, Spam: r.Spam, AutoResponder: r.AutoResponder, Signals: r.Signals}
}

// inspectPassage is the guard's view of an article's text.
func inspectPassage(text string) []string { return guard.InspectPassage(text).Signals }

// bookkeeping tells the knowledge base what the assistant could not answer and
// what it quoted.
type bookkeeping struct {
	db       *tenantdb.DB
	articles *knowledge.Service
}

func (b bookkeeping) Unanswered(ctx context.Context, tenant, conversation uuid.UUID, question, language string) error {
	masked, _ := guard.Mask(question) // curators read it, the sender's data is none of their business
	return b.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		return b.articles.RecordGapTx(ctx, tx, knowledge.GapQuestion{
			Tenant: tenant, Conversation: conversation, Question: triage.Line(masked, 500), Locale: language, Reason: knowledge.GapUnanswered,
		})
	})
}

func (b bookkeeping) Cited(ctx context.Context, tenant uuid.UUID, citations []triage.Citation) error {
	var shared, own []uuid.UUID
	for _, c := range citations {
		if c.Own {
			own = append(own, c.ArticleID)
		} else {
			shared = append(shared, c.ArticleID)
		}
	}
	return b.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		if err := b.articles.RecordUseTx(ctx, tx, knowledge.Shared, knowledge.UseCited, shared...); err != nil {
			return err
		}
		return b.articles.RecordUseTx(ctx, tx, knowledge.Of(tenant), knowledge.UseCited, own...)
	})
}

// drafter suggests answers to agents: to a question about the state of things
// what the customer would be told now, else from articles, internal ones as well.
type drafter struct {
	db        *tenantdb.DB
	status    assistant.Status
	knowledge assistant.FromKnowledge
	publicURL string
}

func (d drafter) Draft(ctx context.Context, tenant, conversation uuid.UUID) (desk.Draft, error) {
	var question triage.Message
	var history []search.Turn
	err := d.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		messages, err := triage.MessagesBefore(ctx, tx, tenant, conversation, 0, false, 20)
		for _, m := range messages {
			if m.AuthorKind == triage.AuthorCustomer {
				question = m
			}
		}
		for _, m := range messages {
			if m.Seq < question.Seq {
				history = append(history, search.Turn{Customer: m.AuthorKind == triage.AuthorCustomer, Text: m.Body})
			}
		}
		return err
	})
	if err != nil {
		return desk.Draft{}, err
	}
	if question.ID == uuid.Nil {
		return desk.Draft{}, desk.ErrNoDraft
	}
	if draft, err := d.fromStatus(ctx, question); err != nil || draft.Text != "" {
		return draft, err
	}
	found, err := d.knowledge.Find(ctx, search.Query{
		Text: question.Body, History: history, Limit: assistant.LooksAt, Viewer: knowledge.Viewer{TenantID: tenant, Staff: true, Roles: []string{"agent"}},
	}, question.Language)
	if err != nil {
		return desk.Draft{}, err
	}
	if found.Verdict.Outcome == answer.NotFound {
		return desk.Draft{}, desk.ErrNoDraft
	}
	text, citations := found.Text()
	draft := desk.Draft{Text: text, Message: question.ID}
	for _, c := range citations {
		title := c.Title
		if c.Section != "" {
			title += " › " + c.Section
		}
		draft.Sources = append(draft.Sources, desk.Link{Title: title, URL: d.publicURL + c.URL})
	}
	return draft, nil
}

// fromStatus answers a message that was classified as a question about the state
// of things, as its author may know it. An empty draft: it is none.
func (d drafter) fromStatus(ctx context.Context, question triage.Message) (desk.Draft, error) {
	if question.AuthorID == nil {
		return desk.Draft{}, nil
	}
	asker := triage.Actor{Kind: triage.ActorCustomer, TenantID: question.TenantID, ID: *question.AuthorID, Name: question.AuthorName}
	var intent, language string
	var isStatus bool
	err := d.db.WithTenant(ctx, question.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(c.corrected_intent, c.intent), c.language, u.roles, u.departments, u.locale, t.time_zone,
			exists (select from taxonomy_values v where v.dimension = 'intent' and v.value = coalesce(c.corrected_intent, c.intent) and v.route = 'status')
			from classifications c join users u on u.tenant_id = c.tenant_id and u.id = $3 join tenants t on t.id = c.tenant_id
			where c.tenant_id = $1 and c.message_id = $2`, question.TenantID, question.ID, asker.ID).
			Scan(&intent, &language, &asker.Roles, &asker.Departments, &asker.Locale, &asker.TimeZone, &isStatus)
	})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !isStatus {
		return desk.Draft{}, nil
	}
	if err != nil {
		return desk.Draft{}, fmt.Errorf("read classification: %w", err)
	}
	reply, err := d.status.Resolve(ctx, assistant.StatusRequest{
		Asker: asker, Asked: []assistant.Asked{{Intent: intent, Text: question.Body}}, Language: language,
	})
	if err != nil || reply.Text == "" {
		return desk.Draft{}, err
	}
	draft := desk.Draft{Text: reply.Text, Message: question.ID}
	if reply.Link != "" {
		draft.Sources = []desk.Link{{Title: "Onboarding record", URL: d.publicURL + reply.Link}}
	}
	return draft, nil
}

// tester runs a curator's question through the real pipeline without effects.
type tester struct {
	db         *tenantdb.DB
	engine     *taxonomy.Engine
	status     assistant.Status
	knowledge  assistant.FromKnowledge
	curation   *knowledge.Service
	procedures *procedure.Service
	// A model that classifies and writes, to see what it would do; nil: the
	// built-in engine does both.
	classifies assistant.Classifier
	answers    assistant.Answerer
}

func (t tester) classify(ctx context.Context, asker triage.Actor, text string) (triage.Classification, error) {
	if t.classifies != nil {
		return t.classifies.Classify(ctx, assistant.ClassifyInput{TenantID: asker.TenantID, Text: text, Language: asker.Locale})
	}
	return t.engine.Classify(ctx, taxonomy.Input{Text: text, Language: asker.Locale})
}

// Talk begins a conversation with the assistant as it is wired for customers,
// with what is tried in its place, and without anything it could leave behind.
func (t tester) Talk(ctx context.Context, in api.TestQuestion) (rehearsal.Partner, error) {
	asker, _, err := t.as(ctx, in)
	if err != nil {
		return nil, err
	}
	var draft *search.Draft
	if in.Drafts != nil && *in.Drafts {
		if draft, err = t.draft(ctx, in); err != nil {
			return nil, err
		}
	}
	known := t.knowledge
	known.Draft = draft
	c := assistant.Config{DB: t.db, Classifier: classifier{t.engine}, Status: t.status, Answerer: known, Guard: inspector{}, Procedures: t.procedures}
	if t.classifies != nil {
		c.Classifier = t.classifies
	}
	if answers, ok := t.answers.(forTenant); ok {
		answers.Draft = draft
		c.Answerer = answers
	}
	return assistant.New(c).Talk(ctx, asker)
}

func (t tester) Test(ctx context.Context, in api.TestQuestion) (api.TestRun, error) {
	started := time.Now()
	asker, viewer, err := t.as(ctx, in)
	if err != nil {
		return api.TestRun{}, err
	}
	c, err := t.classify(ctx, asker, in.Question)
	if err != nil {
		return api.TestRun{}, err
	}
	run := api.TestRun{Route: c.Route, Evidence: "none", Passages: []api.Passage{}, Classification: wireClassification(c)}
	query := search.Query{Text: in.Question, Viewer: viewer, Limit: assistant.LooksAt}
	if in.Drafts != nil && *in.Drafts {
		if query.Draft, err = t.draft(ctx, in); err != nil {
			return api.TestRun{}, err
		}
	}
	found, err := t.knowledge.Find(ctx, query, c.Language)
	if err != nil {
		return api.TestRun{}, err
	}
	text, citations := found.Text()
	if t.answers != nil && found.Verdict.Outcome == answer.Send {
		reply, err := t.answers.Answer(ctx, assistant.AnswerRequest{Asker: asker, Plan: viewer.Plan, Question: in.Question, Language: c.Language}, func(string) error { return nil })
		if err != nil {
			return api.TestRun{}, err
		}
		if reply.Outcome == assistant.AnswerSend {
			text, citations = reply.Text, reply.Citations
		}
	}
	for i, p := range found.Result.Passages {
		passage := api.WirePassage(p)
		for _, cited := range found.Draft.Cited(found.Request.Passages) {
			if cited.Number == i+1 {
				used := true
				passage.Used = &used
			}
		}
		run.Passages = append(run.Passages, passage)
	}
	score := float32(found.Verdict.Answerability)
	run.Answerability, run.Outcome = &score, string(found.Verdict.Outcome)
	if found.Verdict.Reason != "" {
		run.Reason = &found.Verdict.Reason
	}
	if text != "" {
		run.Answer, run.Citations = &text, &citations
	}
	if found.Verdict.Outcome == answer.Send {
		run.Evidence = "documents"
	}
	if err := t.fromRecord(ctx, in, asker, c, &run); err != nil {
		return api.TestRun{}, err
	}
	if c.Sensitive || c.Priority == triage.PriorityUrgent || c.Route == taxonomy.RouteEscalate {
		run.Route, run.Outcome = taxonomy.RouteEscalate, "escalated"
	}
	took := int(time.Since(started).Milliseconds())
	run.DurationMs = &took
	return run, nil
}

// fromRecord answers a status question as the live run would.
func (t tester) fromRecord(ctx context.Context, in api.TestQuestion, asker triage.Actor, c triage.Classification, run *api.TestRun) error {
	if c.Route != taxonomy.RouteStatus || asker.TenantID == uuid.Nil {
		return nil
	}
	reply, err := t.status.Resolve(ctx, assistant.StatusRequest{Asker: asker, Asked: []assistant.Asked{{Intent: c.Intent, Text: in.Question}}, Language: c.Language})
	if err != nil || reply.Text == "" {
		return err
	}
	run.Evidence, run.Outcome, run.Answer, run.Citations = "known_state", "send", &reply.Text, nil
	return nil
}

// as is the person a question is tried as.
func (t tester) as(ctx context.Context, in api.TestQuestion) (triage.Actor, knowledge.Viewer, error) {
	role := "visitor"
	if in.Role != nil {
		role = string(*in.Role)
	}
	locale := "en"
	if in.Locale != nil && *in.Locale != "" {
		locale = *in.Locale
	}
	actor := triage.Actor{Kind: triage.ActorCustomer, Locale: locale, Roles: []string{role}}
	viewer := knowledge.Viewer{Locale: locale, Roles: []string{role}}
	if in.TenantID != nil {
		err := t.db.WithTenant(ctx, *in.TenantID, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select id, plan, time_zone from tenants where id = $1`, *in.TenantID).Scan(&actor.TenantID, &viewer.Plan, &actor.TimeZone)
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return actor, viewer, knowledge.ErrNotFound
		}
		if err != nil {
			return actor, viewer, err
		}
		viewer.TenantID = actor.TenantID
	}
	if role == "agent" {
		viewer.Staff = true
	}
	return actor, viewer, nil
}

// draft is the latest working version of the space, searched as if it were live.
func (t tester) draft(ctx context.Context, in api.TestQuestion) (*search.Draft, error) {
	space := knowledge.Shared
	if in.TenantID != nil {
		space = knowledge.Of(*in.TenantID)
	}
	if in.ArticleID != nil {
		return t.draftOf(ctx, *in.ArticleID, in.TenantID)
	}
	articles, err := t.curation.List(ctx, space, knowledge.Filter{}, knowledge.Cursor{}, 200)
	if err != nil {
		return nil, err
	}
	for _, a := range articles {
		if a.WorkingVersionID != nil {
			return &search.Draft{Space: space, ArticleID: a.ID, VersionID: *a.WorkingVersionID}, nil
		}
	}
	return nil, nil
}

// draftOf is an article's working version, in the shared space or the tenant's own.
func (t tester) draftOf(ctx context.Context, id uuid.UUID, tenant *uuid.UUID) (*search.Draft, error) {
	spaces := []knowledge.Space{knowledge.Shared}
	if tenant != nil {
		spaces = append(spaces, knowledge.Of(*tenant))
	}
	for _, space := range spaces {
		a, err := t.curation.Article(ctx, space, id)
		switch {
		case errors.Is(err, knowledge.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		case a.WorkingVersionID == nil:
			return nil, nil
		}
		return &search.Draft{Space: space, ArticleID: a.ID, VersionID: *a.WorkingVersionID}, nil
	}
	return nil, knowledge.ErrNotFound
}

func wireClassification(c triage.Classification) *api.Classification {
	priority, language := string(c.Priority), c.Language
	out := &api.Classification{Intent: c.Intent, Confidence: float32(c.Confidence), Engine: c.Engine, Priority: &priority, Language: &language, Explanation: &c.Explanation}
	labels := make([]struct {
		Score float32 `json:"score"`
		Value string  `json:"value"`
	}, len(c.Labels))
	for i, l := range c.Labels {
		labels[i].Value, labels[i].Score = l.Value, float32(l.Score)
	}
	out.Labels = &labels
	return out
}
