package main

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
	draft, err := t.draft(ctx, in)
	if err != nil {
		return nil, err
	}
	return t.talk(ctx, asker, draft)
}

func (t tester) talk(ctx context.Context, asker triage.Actor, draft *search.Draft) (rehearsal.Partner, error) {
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

// Test answers as Talk does where a person of an organisation asks, and as far as
// articles go for anybody else: nobody else writes to the assistant.
func (t tester) Test(ctx context.Context, in api.TestQuestion) (api.TestRun, error) {
	started := time.Now()
	asker, viewer, err := t.as(ctx, in)
	if err != nil {
		return api.TestRun{}, err
	}
	run := api.TestRun{Evidence: "none"}
	query := search.Query{Text: in.Question, Viewer: viewer, Limit: assistant.LooksAt}
	if query.Draft, err = t.draft(ctx, in); err != nil {
		return api.TestRun{}, err
	}
	var said assistant.Said
	talks := asker.TenantID != uuid.Nil && !viewer.Staff && !slices.Contains(asker.Roles, "visitor")
	if talks {
		if said, query.History, err = t.say(ctx, in, asker, query.Draft, &run); err != nil {
			return api.TestRun{}, err
		}
	} else if said.Classification, err = t.classify(ctx, asker, in.Question); err != nil {
		return api.TestRun{}, err
	}
	run.Classification = wireClassification(said.Classification)
	found, err := t.knowledge.Find(ctx, query, said.Classification.Language)
	if err != nil {
		return api.TestRun{}, err
	}
	score := float32(found.Verdict.Answerability)
	run.Answerability = &score
	if !talks {
		said.Route, said.Kind = taxonomy.RouteAnswer, "not_found"
		said.Reason = found.Verdict.Reason
		if found.Verdict.Outcome == answer.Send {
			said.Kind, said.Evidence = "answer", "documents"
			said.Text, said.Citations = found.Text()
		}
	}
	run.Passages = make([]api.Passage, len(found.Result.Passages))
	for i, p := range found.Result.Passages {
		run.Passages[i] = api.WirePassage(p)
		if slices.ContainsFunc(said.Citations, func(c triage.Citation) bool { return c.ChunkID == p.ChunkID }) {
			used := true
			run.Passages[i].Used = &used
		}
	}
	run.Route, run.Outcome = cmp.Or(said.Route, taxonomy.RouteAnswer), outcomeOf(said)
	run.Evidence = cmp.Or(said.Evidence, run.Evidence)
	if said.Kind != "" {
		run.Kind = &said.Kind
	}
	if said.Reason != "" {
		run.Reason = &said.Reason
	}
	if said.Text != "" {
		run.Answer = &said.Text
	}
	if len(said.Citations) > 0 {
		run.Citations = &said.Citations
	}
	if len(said.Options) > 0 {
		run.Options = &said.Options
	}
	took := int(time.Since(started).Milliseconds())
	run.DurationMs = &took
	return run, nil
}

// say puts the question, and what was written before it, to the assistant.
func (t tester) say(ctx context.Context, in api.TestQuestion, asker triage.Actor, draft *search.Draft, run *api.TestRun) (said assistant.Said, history []search.Turn, err error) {
	partner, err := t.talk(ctx, asker, draft)
	if err != nil {
		return said, nil, err
	}
	var earlier []api.TalkLine
	if in.Before != nil {
		for _, text := range *in.Before {
			if said, err = partner.Say(ctx, text); err != nil {
				return said, nil, err
			}
			history = append(history, search.Turn{Customer: true, Text: text}, search.Turn{Text: said.Text})
			earlier = append(earlier, api.TalkLine{Who: "customer", Text: text}, api.TalkLine{Who: "assistant", Text: said.Text, Kind: &said.Kind})
		}
		run.Earlier = &earlier
	}
	said, err = partner.Say(ctx, in.Question)
	return said, history, err
}

// outcomeOf is what became of a message, as curators read it.
func outcomeOf(said assistant.Said) string {
	switch {
	case said.Person:
		return "escalated"
	case said.Kind == "":
		return "ignored"
	case said.Kind == "not_found" || said.Kind == "clarify":
		return said.Kind
	}
	return "send"
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
		if in.UserID != nil {
			if err := t.person(ctx, *in.UserID, &actor, &viewer); err != nil {
				return actor, viewer, err
			}
			return actor, viewer, nil
		}
	}
	if role == "agent" {
		viewer.Staff = true
	}
	return actor, viewer, nil
}

// person fills in who asks, as a session would.
func (t tester) person(ctx context.Context, id uuid.UUID, actor *triage.Actor, viewer *knowledge.Viewer) error {
	err := t.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select id, display_name, roles, departments, locale, coalesce(time_zone, $3) from users where tenant_id = $1 and id = $2 and state <> 'deactivated'`,
			actor.TenantID, id, actor.TimeZone).Scan(&actor.ID, &actor.Name, &actor.Roles, &actor.Departments, &actor.Locale, &actor.TimeZone)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return knowledge.ErrNotFound
	}
	viewer.Roles, viewer.Departments = actor.Roles, actor.Departments
	viewer.Locale, _, _ = strings.Cut(strings.ToLower(actor.Locale), "-")
	return err
}

// draft is the latest working version of the space, searched as if it were live; nil
// where none is asked for.
func (t tester) draft(ctx context.Context, in api.TestQuestion) (*search.Draft, error) {
	if in.Drafts == nil || !*in.Drafts {
		return nil, nil //nolint:nilnil // none
	}
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
