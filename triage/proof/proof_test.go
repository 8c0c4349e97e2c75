package proof_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/proof"
)

type bundle struct {
	*knowledgetest.Base
	reader *proof.Reader
	tenant uuid.UUID
	user   uuid.UUID
	number int64
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{Base: knowledgetest.New(t), number: 1}
	b.reader = &proof.Reader{DB: b.Worker}
	b.tenant = b.Tenant(t, "acme")
	b.user = b.User(t, b.tenant, "ana@acme.test")
	return b
}

// asked is a question with an answer that quoted an article.
type asked struct{ conversation, question, answer uuid.UUID }

func (b *bundle) ask(t *testing.T, question string, a knowledge.Article) asked {
	t.Helper()
	out := asked{uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())}
	b.in(t, func(tx pgx.Tx) error {
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: out.conversation, UserID: &b.user, Channel: triage.ChannelChat, Language: "en"}); err != nil {
			return err
		}
		for _, m := range []triage.Message{
			{ID: out.question, AuthorKind: triage.AuthorCustomer, AuthorID: &b.user, Body: question},
			{ID: out.answer, AuthorKind: triage.AuthorAssistant, Body: "So it is [1].", InReplyTo: &out.question, Answer: &triage.AnswerMeta{
				Kind: "answer", Evidence: "documents", Citations: []triage.Citation{{Number: 1, ArticleID: a.ID, Title: a.Title}, {Number: 2, ArticleID: a.ID, Title: a.Title}},
			}},
		} {
			m.TenantID, m.ConversationID, m.Visibility = b.tenant, out.conversation, triage.VisibleToCustomer
			if _, _, err := triage.InsertMessage(t.Context(), tx, m); err != nil {
				return err
			}
		}
		_, err := tx.Exec(t.Context(), `insert into decisions (tenant_id, id, message_id, conversation_id, reply_id, route, outcome, passages)
			values ($1, $2, $3, $4, $5, 'answer', 'sent', jsonb_build_array(jsonb_build_object('number', 1, 'article', $6::text, 'version_id', $7::text, 'used', true)))`,
			b.tenant, uuid.New(), out.question, out.conversation, out.answer, a.Slug, a.PublishedVersionID.String())
		return err
	})
	return out
}

func (b *bundle) in(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.Worker.WithTenant(t.Context(), b.tenant, fn))
}

func (b *bundle) vote(t *testing.T, a asked, vote string) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into feedback (tenant_id, message_id, user_id, vote) values ($1, $2, $3, $4)
			on conflict (tenant_id, message_id, user_id) do update set vote = excluded.vote, updated_at = now()`, b.tenant, a.answer, b.user, vote)
		return err
	})
}

// handOver makes a ticket of a conversation.
func (b *bundle) handOver(t *testing.T, a asked, reason triage.Reason) {
	t.Helper()
	b.number++
	ticket := uuid.New()
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into tickets (tenant_id, id, number, conversation_id, subject, origin) values ($1, $2, $3, $4, 'x', 'chat')`, b.tenant, ticket, b.number, a.conversation)
		if err == nil {
			_, err = tx.Exec(t.Context(), `insert into escalations (tenant_id, id, ticket_id, reason, summary, created_at) values ($1, $2, $3, $4, '', clock_timestamp())`, b.tenant, uuid.New(), ticket, reason)
		}
		return err
	})
}

func (b *bundle) reply(t *testing.T, a asked, text string) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: a.conversation, AuthorKind: triage.AuthorAgent, AuthorName: "Bo",
			Visibility: triage.VisibleToCustomer, Body: text, Language: "en",
		})
		return err
	})
}

func (b *bundle) evidence(t *testing.T) health.Evidence {
	t.Helper()
	e, err := b.reader.Evidence(t.Context(), time.Now().Add(time.Second))
	require.NoError(t, err)
	return e
}

func (b *bundle) usage(t *testing.T, space knowledge.Space) map[uuid.UUID]knowledge.Usage {
	t.Helper()
	require.NoError(t, b.reader.Recount(t.Context(), time.Now()))
	list, err := b.Service.Usage(t.Context(), space, time.Now().AddDate(0, 0, -1), 100)
	require.NoError(t, err)
	out := map[uuid.UUID]knowledge.Usage{}
	for _, u := range list {
		u.Title, u.Slug = "", ""
		out[u.ArticleID] = u
	}
	return out
}

func TestConversationsProveWhatArticlesDid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shared := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Backups", Body: "Backups are deleted after 35 days."})
	own := b.Publish(t, knowledge.Of(b.tenant), knowledge.Content{Title: "Ours", Body: "Our uploads may be up to 90 MB per file."})
	unseen := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Nobody asks", Body: "Nobody ever asks about the colour of the door."})

	good, bad, handed, sensitive := b.ask(t, "How long?", shared), b.ask(t, "When?", shared), b.ask(t, "Really? Write to ana@acme.test", shared), b.ask(t, "Threat", shared)
	mine := b.ask(t, "How large?", own)
	b.vote(t, good, "helpful")
	b.vote(t, bad, "not_helpful")
	b.handOver(t, handed, triage.ReasonRequested)
	b.handOver(t, sensitive, triage.ReasonSensitive)
	b.reply(t, handed, "Backups are deleted after 90 days. Call me on +49 30 901820.")

	e := b.evidence(t)
	o := e.Outcomes[shared.ID]
	require.Equal(t, []int{4, 1, 1, 1, 0}, []int{o.Cited, o.Helpful, o.Unhelpful, o.Escalated, o.Corrected}, "a topic that is always a person's says nothing of the article")
	require.Len(t, o.Proofs, 2)
	require.Equal(t, 1, e.Outcomes[own.ID].Cited, "cited twice in one answer it counts once")
	require.Equal(t, 5, e.Searched)
	require.True(t, e.Found[shared.ID] && e.Found[own.ID] && !e.Found[unseen.ID])
	require.Len(t, e.Replies, 1)
	require.Equal(t, []uuid.UUID{shared.ID}, e.Replies[0].Articles)
	require.NotContains(t, e.Replies[0].Text, "901820", "personal data is masked")

	checks := &health.Service{DB: b.Worker, Articles: b.Service, Witnesses: []health.Witness{b.reader}}
	_, err := checks.Run(t.Context())
	require.NoError(t, err)
	report, err := checks.Findings(t.Context(), knowledge.Shared, "")
	require.NoError(t, err)
	require.Len(t, report.Findings, 1)
	require.Equal(t, health.CauseReplies, report.Findings[0].Cause)
	require.Equal(t, int64(2), report.Findings[0].Proofs[0].TicketNumber)

	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, engine, engine_version, corrected_intent, corrected_at)
			values ($1, $2, $3, $4, 'a', 1, 'x', 'x', 'b', now())`, b.tenant, uuid.New(), mine.question, mine.conversation)
		return err
	})
	require.Equal(t, 1, b.evidence(t).Outcomes[own.ID].Corrected)
}

func TestUseIsCountedFromTheMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shared := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Backups", Body: "Backups are deleted after 35 days."})
	own := b.Publish(t, knowledge.Of(b.tenant), knowledge.Content{Title: "Ours", Body: "Our uploads may be up to 90 MB per file."})
	first, second, third := b.ask(t, "How long?", shared), b.ask(t, "When?", shared), b.ask(t, "How large?", own)
	b.vote(t, first, "not_helpful")
	b.vote(t, third, "helpful")
	b.handOver(t, second, triage.ReasonUnhappy)
	require.Equal(t, knowledge.Usage{ArticleID: shared.ID, Cited: 2, Unhelpful: 1, Escalated: 1}, b.usage(t, knowledge.Shared)[shared.ID])
	require.Equal(t, knowledge.Usage{ArticleID: own.ID, Cited: 1, Helpful: 1}, b.usage(t, knowledge.Of(b.tenant))[own.ID])

	b.vote(t, first, "helpful")
	require.NoError(t, b.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		return b.Service.RecordUseTx(t.Context(), tx, knowledge.Shared, knowledge.UseCited, shared.ID) // counted twice by mistake
	}))
	require.Equal(t, knowledge.Usage{ArticleID: shared.ID, Cited: 2, Helpful: 1, Escalated: 1}, b.usage(t, knowledge.Shared)[shared.ID], "a changed vote and a wrong count are put right")
}

func TestQuestionsAnsweredInVainAreGaps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Backups", Body: "Backups are deleted after 35 days."})
	down, handed, fine := b.ask(t, "Where is my backup? ana@acme.test", article), b.ask(t, "Can I keep one?", article), b.ask(t, "How long?", article)
	b.vote(t, down, "not_helpful")
	b.handOver(t, handed, triage.ReasonRequested)
	b.vote(t, fine, "helpful")
	n, err := b.reader.FindGaps(t.Context(), b.Service, time.Now())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = b.reader.FindGaps(t.Context(), b.Service, time.Now())
	require.NoError(t, err)
	require.Zero(t, n, "each conversation once")
	reasons := map[string]string{}
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select reason, question from gap_questions where tenant_id = $1`, b.tenant)
		if err != nil {
			return err
		}
		var reason, question string
		_, err = pgx.ForEachRow(rows, []any{&reason, &question}, func() error { reasons[reason] = question; return nil })
		return err
	})
	require.Equal(t, "Can I keep one?", reasons["escalated"])
	require.Contains(t, reasons["unhelpful"], "Where is my backup?")
	require.NotContains(t, reasons["unhelpful"], "ana@acme.test")

	// A vote changed later: its question leaves, and its gap with it.
	shared, own := uuid.New(), uuid.New()
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update gap_questions set gap_id = case when reason = 'unhelpful' then $2::uuid else $3 end where tenant_id = $1`, b.tenant, own, shared)
		return err
	})
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into gaps (id, question, questions, conversations, unhelpful) values ($1, 'x', 1, 1, 1), ($2, 'y', 1, 1, 0)`, own, shared)
		return err
	}))
	var causes []proof.Cause
	read := func() (gaps int) {
		require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			if causes, err = proof.Causes(t.Context(), tx, []uuid.UUID{own, shared}); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), `select count(*) from gaps where id = any($1)`, []uuid.UUID{own, shared}).Scan(&gaps)
		}))
		return gaps
	}
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update feedback set cause = 'outdated' where tenant_id = $1 and message_id = $2`, b.tenant, down.answer)
		return err
	})
	require.Equal(t, 2, read())
	require.Equal(t, []proof.Cause{{Gap: own, Cause: "outdated", Count: 1}}, causes)
	b.vote(t, down, "helpful")
	_, err = b.reader.FindGaps(t.Context(), b.Service, time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, read())
	b.vote(t, down, "not_helpful")
	n, err = b.reader.FindGaps(t.Context(), b.Service, time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, n, "and comes back with it")
}

func TestAnAgentsReportIsProofAgainstTheArticle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Backups", Body: "Backups are deleted after 35 days."})
	a := b.ask(t, "How long?", article)
	b.handOver(t, a, triage.ReasonSensitive)
	jobs, err := river.NewClient(riverpgxv5.New(b.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	d := desk.New(desk.Config{DB: b.Worker, Jobs: jobs, Log: slog.New(slog.DiscardHandler)})
	var ref desk.TicketRef
	b.in(t, func(tx pgx.Tx) error {
		ref.TenantID = b.tenant
		return tx.QueryRow(t.Context(), `select id from tickets where tenant_id = $1`, b.tenant).Scan(&ref.ID)
	})
	agent := triage.Actor{Kind: triage.ActorStaff, ID: b.Staff(t, "bo@usher.test")}
	require.ErrorIs(t, d.ReportAnswer(t.Context(), agent, ref, a.answer, "boring", ""), desk.ErrBadValue)
	require.ErrorIs(t, d.ReportAnswer(t.Context(), agent, ref, a.question, "wrong", ""), triage.ErrMessageNotFound, "a customer's words are no answer")
	for range 2 {
		require.NoError(t, d.ReportAnswer(t.Context(), agent, ref, a.answer, "outdated", "It is 90 days now, ask ana@acme.test"))
	}
	checks := &health.Service{DB: b.Worker, Articles: b.Service, Witnesses: []health.Witness{b.reader}}
	_, err = checks.Run(t.Context())
	require.NoError(t, err)
	report, err := checks.Findings(t.Context(), knowledge.Shared, "")
	require.NoError(t, err)
	require.Len(t, report.Findings, 1)
	require.Equal(t, health.CauseReported, report.Findings[0].Cause)
	require.Len(t, report.Findings[0].Proofs, 1, "said twice it counts once")
	require.Contains(t, report.Findings[0].Proofs[0].Quote, "outdated: It is 90 days now")
	require.NotContains(t, report.Findings[0].Proofs[0].Quote, "ana@acme.test")
}
