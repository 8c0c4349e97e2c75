package assistant_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
)

// world answers as a test tells it to.
type world struct {
	classification triage.Classification
	classifyErr    error
	status         assistant.StatusReply
	statusErr      error
	answer         assistant.AnswerReply
	answerErr      error
	pieces         []string        // emitted before the answer is complete
	during         func(piece int) // called in the middle of an answer
	guard          assistant.GuardReport
	parts          map[string]triage.Classification // of parts of a message
	answers        map[string]assistant.AnswerReply // to parts of a message
	asked          []assistant.Asked                // of the last status question
	followUp       string
	elsewhere      string
	gaps           []string
	previewed      []string
	question       assistant.AnswerRequest // to the knowledge base, the last
	named          []string                // texts looked at for a name
	names          []*any                  // of the record, as each question of a run was given it
	input          assistant.ClassifyInput // of the last message
}

func (w *world) Classify(_ context.Context, in assistant.ClassifyInput) (triage.Classification, error) {
	w.input = in
	if c, ok := w.parts[in.Text]; ok {
		return c, nil
	}
	return w.classification, w.classifyErr
}

func (w *world) Resolve(_ context.Context, in assistant.StatusRequest) (assistant.StatusReply, error) {
	w.asked = in.Asked
	if w.status.Confirm && in.Unproven {
		return assistant.StatusReply{Confirm: true}, w.statusErr
	}
	return w.status, w.statusErr
}

func (w *world) Named(_ context.Context, in assistant.StatusRequest) (string, error) {
	w.named, w.names = append(w.named, in.Asked[0].Text), append(w.names, in.Names)
	return "", nil
}

func (w *world) FollowUp(_ context.Context, in assistant.StatusRequest, _ string) (string, string, error) {
	w.names = append(w.names, in.Names)
	return w.followUp, in.Language, nil
}

func (w *world) Elsewhere(_ context.Context, in assistant.StatusRequest) (string, error) {
	w.names = append(w.names, in.Names)
	return w.elsewhere, nil
}

func (w *world) Unanswered(_ context.Context, _, _ uuid.UUID, question, _ string) error {
	w.gaps = append(w.gaps, question)
	return nil
}

func (w *world) Preview(_ context.Context, in assistant.AnswerRequest) (assistant.AnswerReply, error) {
	w.previewed = append(w.previewed, in.Question)
	if reply, ok := w.answers[in.Question]; ok {
		return reply, nil
	}
	return w.answer, w.answerErr
}

func (w *world) Answer(_ context.Context, in assistant.AnswerRequest, emit func(string) error) (assistant.AnswerReply, error) {
	w.question = in
	for i, piece := range w.pieces {
		if w.during != nil {
			w.during(i)
		}
		if err := emit(piece); err != nil {
			return w.answer, err
		}
	}
	if len(w.pieces) == 0 && w.during != nil {
		w.during(0)
	}
	return w.answer, w.answerErr
}

func (w *world) Inspect(string) assistant.GuardReport { return w.guard }

type testBundle struct {
	*world
	db        *dbtest.Database
	intake    *intake.Service
	desk      *desk.Service
	assistant *assistant.Assistant
	customer  triage.Actor
	agent     triage.Actor
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	db := dbtest.New(t)
	jobs, err := river.NewClient(riverpgxv5.New(db.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	b := &testBundle{world: &world{}, db: db}
	b.classification = triage.Classification{Intent: "how_to", Confidence: 0.9, Route: "answer", Priority: triage.PriorityNormal, Language: "en", Sentiment: "neutral", Engine: "test", Version: "1"}
	b.answer = assistant.AnswerReply{Outcome: assistant.AnswerSend, Text: "Press the button. [1]", Citations: []triage.Citation{{Number: 1, Title: "Buttons", URL: "/help/buttons"}}}
	b.desk = desk.New(desk.Config{DB: db.Worker, Jobs: jobs})
	b.intake = intake.New(db.App, jobs, b.desk, nil)
	b.assistant = assistant.New(assistant.Config{DB: db.Worker, Classifier: b, Status: b, Answerer: b, Guard: b, Desk: b.desk})
	tenant := db.Tenant(t, "acme")
	b.customer = triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: db.User(t, tenant, "ana@acme.test"), Name: "Ana"}
	b.agent = triage.Actor{Kind: triage.ActorStaff, ID: db.Staff(t, "sam@usher.test"), Name: "Sam", Roles: []string{"agent"}}
	return b
}

func (b *testBundle) ask(t *testing.T, text string) (triage.Conversation, intake.ProcessArgs) {
	t.Helper()
	c, m, err := b.intake.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: text})
	require.NoError(t, err)
	return c, intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}
}

func (b *testBundle) replies(t *testing.T, c triage.Conversation) (out []triage.Message) {
	t.Helper()
	messages, err := b.intake.Messages(t.Context(), b.customer, c.ID, 0, 100)
	require.NoError(t, err)
	for _, m := range messages {
		if m.AuthorKind == triage.AuthorAssistant {
			out = append(out, m)
		}
	}
	return out
}

func (b *testBundle) decision(t *testing.T, message uuid.UUID) (route, outcome, reason string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select route, outcome, reason from decisions where message_id = $1`, message).Scan(&route, &outcome, &reason)
	}))
	return route, outcome, reason
}

func TestAnAnswerIsStoredOnceHoweverOftenItIsTried(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, args := b.ask(t, "How do I press the button?")
	for range 3 {
		require.NoError(t, b.assistant.Run(t.Context(), args))
	}
	replies := b.replies(t, c)
	require.Len(t, replies, 1)
	require.Equal(t, "Press the button. [1]", replies[0].Body)
	require.Equal(t, "documents", replies[0].Answer.Evidence)
	route, outcome, _ := b.decision(t, args.MessageID)
	require.Equal(t, "answer sent", route+" "+outcome)
}

func TestAPersonWhoTakesOverStopsTheRunMidway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.classification.Sensitive = true
	c, args := b.ask(t, "I want to cancel")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.Len(t, b.replies(t, c), 1, "the hand-over's sentence")
	rows, err := b.desk.Queue(t.Context(), desk.Filter{}, triage.Page{})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	ref := desk.TicketRef{TenantID: c.TenantID, ID: rows[0].ID}

	b.classification.Sensitive = false
	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "How do I press the button?"})
	require.NoError(t, err)
	b.during = func(int) {
		_, err := b.desk.Reply(t.Context(), b.agent, ref, desk.Reply{Text: "I am on it."})
		require.NoError(t, err)
	}
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	require.Len(t, b.replies(t, c), 1, "nothing said beside the agent")
	_, outcome, reason := b.decision(t, m.ID)
	require.Equal(t, "stopped: a person took over during the run", outcome+": "+reason)

	later, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "And now?"})
	require.NoError(t, err)
	b.during = nil
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: later.ID}))
	require.Len(t, b.replies(t, c), 1, "a person stays in charge")
}

func TestWhatPeopleAnswerIsStillClassified(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.classification.Sensitive = true
	c, args := b.ask(t, "I want to cancel")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	rows, err := b.desk.Queue(t.Context(), desk.Filter{}, triage.Page{})
	require.NoError(t, err)
	ref := desk.TicketRef{TenantID: c.TenantID, ID: rows[0].ID}
	_, err = b.desk.Reply(t.Context(), b.agent, ref, desk.Reply{Text: "I am on it."})
	require.NoError(t, err)

	say := func(text string) triage.Message {
		m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: text})
		require.NoError(t, err)
		require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
		return m
	}
	priority := func() (p triage.Priority) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), c.TenantID, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select priority from tickets where tenant_id = $1 and id = $2`, c.TenantID, ref.ID).Scan(&p)
		}))
		return p
	}
	require.Equal(t, triage.PriorityNormal, priority())
	b.classification.Priority, b.classification.Intent = triage.PriorityUrgent, "outage"
	m := say("Now nobody can sign in!")
	require.Equal(t, triage.PriorityUrgent, priority())
	var intent string
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), c.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select intent from classifications where tenant_id = $1 and message_id = $2`, c.TenantID, m.ID).Scan(&intent)
	}))
	require.Equal(t, "outage", intent)
	require.Len(t, b.replies(t, c), 1, "nothing is said beside the agent")

	b.classifyErr = errors.New("down")
	m = say("Hello?")
	_, outcome, _ := b.decision(t, m.ID)
	require.Equal(t, "ignored", outcome, "people have the message, classified or not")
}

func TestCorrectionsOfTheTenantReachTheClassifier(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, args := b.ask(t, "The blue widget shows nothing")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.Empty(t, b.input.Corrections)
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), c.TenantID, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update classifications set corrected_intent = 'integration.error', corrected_at = now() where tenant_id = $1 and message_id = $2`, c.TenantID, args.MessageID)
		return err
	}))
	_, args = b.ask(t, "Another question")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.Equal(t, []assistant.Correction{{Text: "The blue widget shows nothing", Intent: "integration.error"}}, b.input.Corrections)

	other := b.db.Tenant(t, "globex")
	b.customer = triage.Actor{Kind: triage.ActorCustomer, TenantID: other, ID: b.db.User(t, other, "bob@globex.test"), Name: "Bob"}
	_, args = b.ask(t, "A question of somebody else")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.Empty(t, b.input.Corrections, "another tenant's corrections are not theirs")
}

func TestABurstIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	none := assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
	b.answers = map[string]assistant.AnswerReply{"How do I": none, "press the button?": none}
	c, first := b.ask(t, "How do I")
	second, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "press the button?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), first))
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: second.ID}))
	replies := b.replies(t, c)
	require.Len(t, replies, 1)
	require.Equal(t, second.ID, *replies[0].InReplyTo)
	require.Equal(t, "How do I\npress the button?", b.question.Question)
	require.Empty(t, b.question.History, "what is asked now is no history")

	third, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "And where is it?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: third.ID}))
	require.Equal(t, "And where is it?", b.question.Question, "what was answered is not asked again")
	require.Len(t, b.question.History, 3)
}

// What a customer wants stays wanted, whatever they write after it before they are answered.
func TestNothingOfABurstIsLost(t *testing.T) {
	t.Parallel()
	kinds := map[string]triage.Classification{
		"How do I press the button?": {Intent: "how_to.use", Route: "answer"}, "Thanks!": {Intent: "thanks", Route: "acknowledge"},
		"A person, please": {Intent: "talk_to_person", Route: "escalate"}, "Hello?": {Intent: "greeting", Route: "acknowledge"},
		"I want to delete everything": {Intent: "privacy.erase", Route: "escalate", Sensitive: true}, "Nobody can sign in": {Intent: "outage", Route: "answer", Priority: triage.PriorityUrgent},
	}
	for name, c := range map[string]struct {
		texts         []string
		kind, outcome string
	}{
		"a question, then thanks":      {[]string{"How do I press the button?", "Thanks!"}, "answer", "sent"},
		"thanks, then a question":      {[]string{"Thanks!", "How do I press the button?"}, "answer", "sent"},
		"a person, then hello":         {[]string{"A person, please", "Hello?"}, "escalate", "escalated"},
		"a person, then a question":    {[]string{"A person, please", "How do I press the button?"}, "escalate", "escalated"},
		"something for people, thanks": {[]string{"I want to delete everything", "Hello?", "Thanks!"}, "escalate", "escalated"},
		"something urgent, a question": {[]string{"Nobody can sign in", "How do I press the button?"}, "escalate", "escalated"},
		"hello, then thanks":           {[]string{"Hello?", "Thanks!"}, "acknowledge", "sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.parts, b.classification = kinds, triage.Classification{Intent: "thanks", Route: "acknowledge"} // of the whole, as unsure as can be
			conversation, args := b.ask(t, c.texts[0])
			all := []intake.ProcessArgs{args}
			for _, text := range c.texts[1:] {
				m, err := b.intake.Post(t.Context(), b.customer, conversation.ID, intake.Post{Text: text})
				require.NoError(t, err)
				all = append(all, intake.ProcessArgs{TenantID: conversation.TenantID, MessageID: m.ID})
			}
			for _, i := range rand.Perm(len(all)) { // jobs run in any order
				require.NoError(t, b.assistant.Run(t.Context(), all[i]))
			}
			replies := b.replies(t, conversation)
			require.Len(t, replies, 1)
			require.Equal(t, c.kind, replies[0].Answer.Kind)
			_, outcome, _ := b.decision(t, all[len(all)-1].MessageID)
			require.Equal(t, c.outcome, outcome)
			if c.kind == "answer" {
				require.Equal(t, strings.Join(c.texts, "\n"), b.question.Question)
			}
		})
	}
}

func TestEachPersonOfAConversationIsAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, first := b.ask(t, "How do I press the button?")
	other := b.customer
	other.ID, other.Roles = b.db.User(t, c.TenantID, "bo@acme.test", "admin"), []string{"admin"}
	second, err := b.intake.Post(t.Context(), other, c.ID, intake.Post{Text: "Which colour is it?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), first))
	require.Equal(t, "How do I press the button?", b.question.Question)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: second.ID}))
	require.Equal(t, "Which colour is it?", b.question.Question, "with the rights of who asks it")
	require.Len(t, b.replies(t, c), 2)
}

// An answer to the first that was on its way while the second was read is not given twice.
func TestWhatGotItsAnswerMeanwhileIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answers = map[string]assistant.AnswerReply{"How do I press the button?": {Outcome: assistant.AnswerNotFound}} // by itself
	c, first := b.ask(t, "How do I press the button?")
	slow := *b.assistant
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	b.during = func(int) {
		b.during = nil
		close(begun)
		<-goOn
	}
	b.pieces = []string{"Press it. "}
	go func() { done <- slow.Run(t.Context(), first) }()
	<-begun
	second, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "Which colour is it?"})
	require.NoError(t, err)
	b.pieces = nil
	b.during = func(int) {
		b.during = nil
		require.Equal(t, "How do I press the button?\nWhich colour is it?", b.question.Question)
		close(goOn)
		require.NoError(t, <-done)
	}
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: second.ID}))
	require.Equal(t, "Which colour is it?", b.question.Question)
	require.Len(t, b.replies(t, c), 2)
}

func TestEveryFailureEndsWithAPersonAndTheCustomerTold(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(w *world){
		"classifier": func(w *world) { w.classifyErr = errors.New("down") },
		"status":     func(w *world) { w.classification.Route = "status"; w.statusErr = errors.New("down") },
		"knowledge":  func(w *world) { w.answerErr = errors.New("down") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			breakIt(b.world)
			c, args := b.ask(t, "Is anybody there?")
			err := assistant.WorkForTest(t.Context(), b.assistant, args, 1, 5)
			require.Error(t, err, "an early try is repeated")
			require.Empty(t, b.replies(t, c))
			require.NoError(t, assistant.WorkForTest(t.Context(), b.assistant, args, 5, 5))
			replies := b.replies(t, c)
			require.Len(t, replies, 1)
			require.Contains(t, replies[0].Body, "didn't work")
			require.Contains(t, replies[0].Body, "#1001")
			require.NotContains(t, replies[0].Body, "down", "no cause leaks")
		})
	}
}

func TestAStreamedAnswerIsStoredPieceByPieceAndStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pieces = []string{"First. [1]", " Second. [1]", " Third. [1]"}
	b.answer.Text = "First. [1] Second. [1] Third. [1]"
	c, args := b.ask(t, "How does it work?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	replies := b.replies(t, c)
	require.Len(t, replies, 1)
	require.Equal(t, triage.MessageFinal, replies[0].State)
	require.NoError(t, b.db.App.WithTenant(t.Context(), c.TenantID, func(tx pgx.Tx) error {
		events, err := triage.EventsSince(t.Context(), tx, c.TenantID, c.ID, 1, false, 50)
		require.NoError(t, err)
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, string(e.Kind))
		}
		require.Equal(t, []string{"message.created", "answer.delta", "answer.delta", "message.updated"}, kinds)
		return nil
	}))

	c, args = b.ask(t, "How does it stop?")
	b.during = func(piece int) {
		if piece == 2 {
			require.NoError(t, b.intake.Stop(t.Context(), b.customer, c.ID))
		}
	}
	require.NoError(t, b.assistant.Run(t.Context(), args))
	replies = b.replies(t, c)
	require.Len(t, replies, 1)
	require.Equal(t, triage.MessageStopped, replies[0].State)
	require.Equal(t, "First. [1] Second. [1]", replies[0].Body)
}

func TestNotFoundSaysSoAndTheSecondTimePeopleTakeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer = assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
	c, args := b.ask(t, "What colour is Tuesday?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.True(t, b.replies(t, c)[0].Answer.OfferHuman)
	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "And Wednesday?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	replies := b.replies(t, c)
	require.Len(t, replies, 2)
	require.Equal(t, int64(1001), replies[1].Answer.TicketNo)
}

// A question that sounds as if it were about somebody else's organisation is
// answered where an article answers it; else it is one nothing answers.
func TestAnotherOrganisationIsNoReasonNotToLook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.elsewhere, b.assistant.Gaps = "I can only see your own records.", b
	c, args := b.ask(t, "Can I import all customers from a CSV file?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.Equal(t, b.answer.Text, b.replies(t, c)[0].Body)

	b.answer = assistant.AnswerReply{Outcome: assistant.AnswerNotFound, Nearest: []triage.Citation{{Number: 1, Title: "Imports", URL: "/help/imports"}}}
	c, args = b.ask(t, "Can I import all customers from a CSV file?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	reply := b.replies(t, c)[0]
	require.Equal(t, b.elsewhere+" These articles come closest:", reply.Body)
	require.Equal(t, "not_found", reply.Answer.Kind)
	require.Len(t, reply.Answer.Nearest, 1)
	_, _, reason := b.decision(t, args.MessageID)
	require.Equal(t, "about another organisation", reason)
	require.Equal(t, []string{"Can I import all customers from a CSV file?"}, b.gaps)

	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "All customers, from a CSV file"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	_, outcome, _ := b.decision(t, m.ID)
	require.Equal(t, "escalated", outcome, "the second time people take it")
}

func TestAMessageWithoutAWordIsAskedBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"?", "hmm", "when?", "..."} {
		b := setup(t)
		c, args := b.ask(t, text)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		replies := b.replies(t, c)
		require.Len(t, replies, 1, text)
		require.Equal(t, "clarify", replies[0].Answer.Kind, text)
		require.Contains(t, replies[0].Body, "What would you like to know?", text)
	}
}

// "How?" in the middle of a conversation asks it of the question before. What was
// said already, or nothing, is no answer to it: the customer is asked what they mean.
func TestAQuestionWordGoesOnWithTheQuestionBefore(t *testing.T) {
	t.Parallel()
	same := assistant.AnswerReply{Outcome: assistant.AnswerSend, Text: "Press the button. [1]"}
	steps := assistant.AnswerReply{Outcome: assistant.AnswerSend, Text: "With one finger. [1]"}
	for name, test := range map[string]struct {
		language, text string
		reply          assistant.AnswerReply
		kind, said     string
	}{
		"more is said":       {"en", "How?", steps, "answer", "With one finger. [1]"},
		"in German":          {"de", "Wie?", steps, "answer", "With one finger. [1]"},
		"the same once more": {"en", "how?", same, "clarify", "What would you like to know?"},
		"nothing is found":   {"en", "How so?", assistant.AnswerReply{Outcome: assistant.AnswerNotFound}, "clarify", "What would you like to know?"},
		"nor in German":      {"de", "Wie?", assistant.AnswerReply{Outcome: assistant.AnswerNotFound}, "clarify", "Was möchten Sie wissen?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c, args := b.ask(t, "Can I press the button?")
			require.NoError(t, b.assistant.Run(t.Context(), args))
			b.answer, b.classification.Language = test.reply, test.language
			m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: test.text})
			require.NoError(t, err)
			require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
			require.Equal(t, test.text+" Can I press the button?", b.question.Question)
			replies := b.replies(t, c)
			require.Len(t, replies, 2)
			require.Equal(t, test.kind, replies[1].Answer.Kind)
			require.Contains(t, replies[1].Body, test.said)
		})
	}
}

// Whose turn it is goes with the answer, and a person is offered where it may be old.
func TestAStatusAnswerSaysWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	for _, stale := range []bool{false, true} {
		b := setup(t)
		b.classification = triage.Classification{Intent: "onboarding.go_live_date", Confidence: 0.9, Route: "status", Priority: triage.PriorityNormal, Language: "en", Engine: "test", Version: "1"}
		b.status = assistant.StatusReply{Text: "Go-live is on **3 May**.", Turn: "third_party", Stale: stale}
		c, args := b.ask(t, "When do we go live?")
		require.NoError(t, b.assistant.Run(t.Context(), args))
		replies := b.replies(t, c)
		require.Len(t, replies, 1)
		require.Equal(t, "third_party", replies[0].Answer.Turn)
		require.Equal(t, stale, replies[0].Answer.OfferHuman)
	}
}

func TestSeveralRequestsOfOneMessage(t *testing.T) {
	t.Parallel()
	const message = "When do we go live? How do I press the button? How do I pull the lever?"
	status := triage.Classification{Intent: "onboarding.go_live_date", Confidence: 0.9, Route: "status", Priority: triage.PriorityNormal, Language: "en", Engine: "test", Version: "1"}
	prepared := func(t *testing.T) *testBundle {
		b := setup(t)
		b.parts = map[string]triage.Classification{"When do we go live?": status}
		other := b.classification
		other.Intent = "other_how_to"
		b.parts["How do I pull the lever?"] = other
		b.answers = map[string]assistant.AnswerReply{
			"How do I pull the lever?": {Outcome: assistant.AnswerSend, Text: "Pull it. [1]", Citations: []triage.Citation{{Number: 1, Title: "Levers", ChunkID: uuid.New()}}},
		}
		b.status = assistant.StatusReply{Text: "Go-live is on **3 May**.", Basis: []triage.Basis{{Entity: "project", Label: "Plan"}}}
		return b
	}
	t.Run("are answered in one reply, each from where its answer is", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		c, args := b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		replies := b.replies(t, c)
		require.Len(t, replies, 1)
		require.Equal(t, "Go-live is on **3 May**.\n\nPress the button. [1]\n\nPull it. [2]", replies[0].Body)
		require.Len(t, replies[0].Answer.Citations, 2)
		require.Equal(t, "Levers", replies[0].Answer.Citations[1].Title)
		require.Len(t, replies[0].Answer.Basis, 1)
		require.Equal(t, []assistant.Asked{{Intent: "onboarding.go_live_date", Text: "When do we go live?"}}, b.asked)
	})
	t.Run("also where two are of one kind, and what is asked twice is answered once", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		clear(b.parts) // all of one intent
		b.answers["Where is the second lever?"] = b.answers["How do I pull the lever?"]
		c, args := b.ask(t, "How do I press the button? How do I pull the lever? Where is the second lever?")
		require.NoError(t, b.assistant.Run(t.Context(), args))
		require.Equal(t, "Press the button. [1]\n\nPull it. [2]", b.replies(t, c)[0].Body)
		require.Contains(t, b.previewed, "Where is the second lever?")
	})
	t.Run("where one needs a person, the rest is said and a ticket opened", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		action := b.classification
		action.Intent, action.Route = "change_contact", "escalate"
		b.parts["How do I pull the lever?"] = action
		c, args := b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		replies := b.replies(t, c)
		require.Len(t, replies, 1)
		require.Contains(t, replies[0].Body, "Go-live is on **3 May**.")
		require.Contains(t, replies[0].Body, "#1001")
	})
	t.Run("where one is sensitive, people get the whole", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		b.classification.Sensitive = true
		c, args := b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		require.NotContains(t, b.replies(t, c)[0].Body, "3 May")
	})
	t.Run("where neither a part nor the whole has an answer, the rest is said and what is left is named", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		none := assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
		b.answers["How do I pull the lever?"], b.answers[message] = none, none
		c, args := b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		replies := b.replies(t, c)
		require.Equal(t, "Go-live is on **3 May**.\n\nPress the button. [1]\n\nI have no reliable answer to “How do I pull the lever?”.", replies[0].Body)
		require.True(t, replies[0].Answer.OfferHuman)
	})
	t.Run("where a part has no answer of its own, the whole is answered", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		b.answers["How do I pull the lever?"] = assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
		c, args := b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		require.Equal(t, "Press the button. [1]", b.replies(t, c)[0].Body)
	})
	t.Run("nothing more is looked for once the whole is to be answered", func(t *testing.T) {
		t.Parallel()
		b := prepared(t)
		b.answers["How do I press the button?"] = assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
		_, args := b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		require.Equal(t, []string{"How do I press the button?", message}, b.previewed)

		b = prepared(t)
		b.parts["When do we go live?"] = triage.Classification{Intent: "dates", Route: "answer", Language: "en", Engine: "test", Version: "1"}
		b.answers["When do we go live?"] = assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
		_, args = b.ask(t, message)
		require.NoError(t, b.assistant.Run(t.Context(), args))
		require.Equal(t, []string{"When do we go live?"}, b.previewed)
	})
}

// What is read to go by its names is kept for a run, and not read where it is
// sure what a message is about.
func TestTheRecordIsReadOnceForItsNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.classification.Route, b.classification.Intent = "status", "document.received"
	b.status = assistant.StatusReply{Text: "Your trade licence is here."}
	c, args := b.ask(t, "Did you get our licence?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.Empty(t, b.named, "it is sure")

	b.classification.Route, b.classification.Intent, b.classification.Confidence = "answer", "", 0.2
	b.answer = assistant.AnswerReply{Outcome: assistant.AnswerNotFound}
	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "the DPA?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	require.Equal(t, []string{"the DPA?"}, b.named)
	require.True(t, b.question.Apart, "the record was talked about before")
	require.Len(t, b.names, 3, "whether it follows up, names something, or is about others")
	for _, names := range b.names {
		require.NotNil(t, names)
		require.Same(t, b.names[0], names)
	}
}

func TestAShortMessageContinuesTheQuestionBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.classification.Route, b.classification.Intent = "status", "document.received"
	b.status = assistant.StatusReply{Text: "Your trade licence is here."}
	c, args := b.ask(t, "Did you get our trade licence?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	b.classification.Route, b.classification.Intent = "answer", "how_to"
	b.followUp = "document.received"
	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "and the contract?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	require.Equal(t, []assistant.Asked{{Intent: "document.received", Text: "and the contract?"}}, b.asked)
	route, _, _ := b.decision(t, m.ID)
	require.Equal(t, "status", route)
}

func TestOutOfHoursTheCustomerHearsWhenPeopleAreBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at       time.Time
		language string
		says     string
	}{
		"on a Saturday":                   {time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), "en", "back on Monday, 23 November at 09:00"},
		"on a Saturday, in German":        {time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), "de", "wieder da am Montag"},
		"on a Monday morning, not a word": {time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC), "en", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.assistant.Now = func() time.Time { return c.at }
			b.classification.Sensitive, b.classification.Language = true, c.language
			conversation, args := b.ask(t, "I want to cancel")
			require.NoError(t, b.assistant.Run(t.Context(), args))
			body := b.replies(t, conversation)[0].Body
			require.Contains(t, body, "#1001")
			require.Contains(t, body, c.says)
			if c.says == "" {
				require.NotContains(t, body, "away")
			}
		})
	}
}

func TestADraftThatIsNotSureEnoughIsForTheAgentAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer = assistant.AnswerReply{Outcome: assistant.AnswerSuggest, Draft: "Pull the green handle. [1]"}
	c, args := b.ask(t, "How do I stop the belt?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "How do I stop the belt, please?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	replies := b.replies(t, c)
	require.Len(t, replies, 2)
	for _, r := range replies {
		require.NotContains(t, r.Body, "green handle", "what is not sure does not reach the customer")
	}
	rows, err := b.desk.Queue(t.Context(), desk.Filter{}, triage.Page{})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Contains(t, rows[0].Summary, "Pull the green handle.")
}

// A question after the matter was settled is a new one: what was said about the
// old is no context for it.
func TestAfterASettlementTheContextIsFresh(t *testing.T) {
	t.Parallel()
	for name, settled := range map[string]bool{"settled": true, "going on": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.classification.Intent = "button.press"
			c, args := b.ask(t, "Can I press the button?")
			require.NoError(t, b.assistant.Run(t.Context(), args))
			require.Empty(t, b.input.History)
			b.question = assistant.AnswerRequest{}
			if settled {
				require.NoError(t, b.intake.ConfirmSolved(t.Context(), b.customer, c.ID))
			}
			m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "How?"})
			require.NoError(t, err)
			require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
			if settled {
				require.Empty(t, b.input.History)
				require.Empty(t, b.question.Question, "nothing to ask it of")
				return
			}
			require.Len(t, b.input.History, 2)
			require.Equal(t, "How? Can I press the button?", b.question.Question)
		})
	}
}

func TestAfterASettlementAShortMessageContinuesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.classification.Route, b.classification.Intent = "status", "document.received"
	b.status = assistant.StatusReply{Text: "Your trade licence is here."}
	c, args := b.ask(t, "Did you get our trade licence?")
	require.NoError(t, b.assistant.Run(t.Context(), args))
	require.NoError(t, b.intake.ConfirmSolved(t.Context(), b.customer, c.ID))
	b.classification.Route, b.classification.Intent = "answer", "how_to"
	b.followUp, b.asked = "document.received", nil
	m, err := b.intake.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "and the contract?"})
	require.NoError(t, err)
	require.NoError(t, b.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: c.TenantID, MessageID: m.ID}))
	require.Empty(t, b.asked)
	route, _, _ := b.decision(t, m.ID)
	require.Equal(t, "answer", route)
}
