package topic_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/gap"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/triage/topic"
)

type asked struct {
	tenant       uuid.UUID
	conversation uuid.UUID // none: its own
	text, intent string
	route        string // status, answer, escalate
	ago          time.Duration
	votedDown    bool
}

func ask(t *testing.T, b *knowledgetest.Base, q asked) uuid.UUID {
	t.Helper()
	message, reply := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	fresh := q.conversation == uuid.Nil
	if fresh {
		q.conversation = uuid.Must(uuid.NewV7())
	}
	at := time.Now().Add(-q.ago)
	outcome, evidence := "sent", "documents"
	switch q.route {
	case "status":
		evidence = "known_state"
	case "escalate":
		outcome, evidence = "escalated", "none"
	}
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`insert into conversations (tenant_id, id, channel) values ($1, $2, 'chat') on conflict do nothing`, q.tenant, q.conversation)
		batch.Queue(`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body, language, created_at) values ($1, $2, $3, 1, 'customer', 'customer', $4, 'en', $5)`,
			q.tenant, message, q.conversation, q.text, at)
		batch.Queue(`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body, in_reply_to, answer, created_at)
			values ($1, $2, $3, 2, 'assistant', 'customer', 'An answer.', $4, jsonb_build_object('evidence', $5::text), $6)`, q.tenant, reply, q.conversation, message, evidence, at)
		batch.Queue(`insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, language, engine, engine_version, created_at)
			values ($1, $2, $2, $3, $4, 0.9, 'en', 'builtin', 'x', $5)`, q.tenant, message, q.conversation, q.intent, at)
		batch.Queue(`insert into decisions (tenant_id, id, message_id, conversation_id, reply_id, route, outcome, evidence, created_at) values ($1, $2, $2, $3, $4, $5, $6, $7, $8)`,
			q.tenant, message, q.conversation, reply, q.route, outcome, evidence, at)
		if q.votedDown {
			user := uuid.New()
			batch.Queue(`insert into users (tenant_id, id, email, email_normalized, display_name) values ($1, $2, $3, $3, 'Ana')`, q.tenant, user, user.String()+"@x.test")
			batch.Queue(`insert into feedback (tenant_id, message_id, user_id, vote) values ($1, $2, $3, 'not_helpful')`, q.tenant, reply, user)
		}
		return tx.SendBatch(t.Context(), batch).Close()
	}))
	return q.conversation
}

func TestQuestionsBecomeTopicsThatStay(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	s := &topic.Service{DB: b.Worker, Models: b.Models, Gaps: b.Service}
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour

	ask(t, b, asked{tenant: acme, text: "Can I export the ledger to XML? I am max@acme.test", route: "answer", ago: 2*week + day})
	ask(t, b, asked{tenant: globex, text: "export ledger to xml please", route: "escalate", ago: week + 2*day})
	ask(t, b, asked{tenant: globex, text: "When do we go live?", intent: "onboarding.go_live_date", route: "status", ago: week + day})
	ask(t, b, asked{tenant: globex, text: "Wann gehen wir endlich live?", intent: "onboarding.go_live_date", route: "status", ago: 2 * day})
	n, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, n)
	_, trends, err := s.Trends(t.Context(), nil, 4, time.Now())
	require.NoError(t, err)
	require.Len(t, trends, 2)
	names := map[string]topic.Trend{}
	for _, x := range trends {
		names[x.Name] = x
	}
	live, export := names["go live date"], topic.Trend{}
	require.Equal(t, 2, live.Count, "in whatever language: %v", names)
	require.Equal(t, 2, live.Alone)
	for name, x := range names {
		if name != "go live date" {
			export = x
		}
	}
	require.ElementsMatch(t, []string{"export", "ledger", "xml"}, splitWords(export.Name))
	require.Equal(t, []int{0, 1, 1, 0}, export.Weeks)
	require.Equal(t, [3]int{2, 1, 2}, [3]int{export.Count, export.Alone, export.Tenants}, "one of them went to a person")
	require.NotContains(t, export.Examples[1], "max@acme.test")

	// Weeks later more arrive: the topic is the same one.
	ask(t, b, asked{tenant: acme, text: "export the ledger to XML", route: "answer", ago: day})
	ask(t, b, asked{tenant: acme, text: "Export of the ledger as XML?", route: "answer", votedDown: true})
	n, err = s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n, "each question once")
	_, trends, err = s.Trends(t.Context(), nil, 4, time.Now())
	require.NoError(t, err)
	require.Equal(t, export.ID, trends[0].ID)
	require.Equal(t, export.Name, trends[0].Name, "and is called the same")
	require.Equal(t, []int{0, 1, 1, 2}, trends[0].Weeks)
	require.Equal(t, 1, trends[0].Change())
	require.Equal(t, 1, trends[0].Again, "Acme asked twice within a week")
	_, mine, err := s.Trends(t.Context(), &globex, 4, time.Now())
	require.NoError(t, err)
	require.Len(t, mine, 2)
	for _, x := range mine {
		require.LessOrEqual(t, x.Count, 2, "of one organisation alone")
	}

	// What is asked again, or voted down, is a gap; each conversation once for a reason.
	_, err = s.Run(t.Context())
	require.NoError(t, err)
	_, err = gap.New(b.Worker, b.Models).Run(t.Context())
	require.NoError(t, err)
	gaps, err := b.Service.Gaps(t.Context(), knowledge.GapOpen, nil, 10)
	require.NoError(t, err)
	require.Len(t, gaps, 1)
	require.Equal(t, [3]int{2, 1, 1}, [3]int{gaps[0].Questions, gaps[0].Repeats, gaps[0].Unhelpful})
	_, trends, err = s.Trends(t.Context(), nil, 4, time.Now())
	require.NoError(t, err)
	require.Equal(t, gaps[0].ID, *trends[0].Gap)

	// Another embedding model: the topics move to its space.
	for i := range 10 {
		b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Ledger " + string(rune('a'+i)), Body: "The ledger lists bookings; an export to XML holds them."})
	}
	_, err = b.Models.Retrain(t.Context())
	require.NoError(t, err)
	ask(t, b, asked{tenant: globex, text: "export ledger to XML", route: "answer"})
	_, err = s.Run(t.Context())
	require.NoError(t, err)
	_, trends, err = s.Trends(t.Context(), nil, 4, time.Now())
	require.NoError(t, err)
	require.Len(t, trends, 2)
	require.Equal(t, export.ID, trends[0].ID)
	require.Equal(t, 5, trends[0].Count)
}

func splitWords(name string) []string { return strings.Split(name, ", ") }
