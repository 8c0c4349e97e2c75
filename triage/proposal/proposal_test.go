package proposal_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/proposal"
)

// library finds the passages it is given.
type library struct{ passages []search.Passage }

func (l *library) Search(context.Context, search.Query) (search.Result, error) {
	return search.Result{Passages: l.passages}, nil
}

type bundle struct {
	db       *dbtest.Database
	desk     *desk.Service
	articles *knowledge.Service
	library  *library
	service  *proposal.Service
	tenant   uuid.UUID
	user     uuid.UUID
	agent    triage.Actor
	at       time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t), library: &library{}, at: time.Now()}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	b.desk = desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Log: slog.New(slog.DiscardHandler)})
	b.articles = knowledge.New(b.db.Worker, jobs, knowledge.Config{})
	b.service = &proposal.Service{DB: b.db.Worker, Search: b.library, Articles: b.articles, Now: func() time.Time { return b.at }}
	b.tenant = b.db.Tenant(t, "acme")
	b.user = b.db.User(t, b.tenant, "ana@acme.test")
	b.agent = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "bo@usher.test")}
	return b
}

// solve is a ticket that an agent's reply solved.
func (b *bundle) solve(t *testing.T, question, reply string) desk.TicketRef {
	t.Helper()
	var ref desk.TicketRef
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		c, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), UserID: &b.user, Channel: triage.ChannelChat})
		if err != nil {
			return err
		}
		m, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: c.ID, AuthorKind: triage.AuthorCustomer, AuthorID: &b.user, AuthorName: "Ana",
			Visibility: triage.VisibleToCustomer, Body: question,
		})
		if err != nil {
			return err
		}
		ticket, err := b.desk.Escalate(t.Context(), tx, desk.Escalation{
			TenantID: b.tenant, ConversationID: c.ID, MessageID: m.ID, Reason: triage.ReasonNoAnswer, Subject: question, Summary: question,
			Classification: triage.Classification{Language: "en"},
		})
		ref = desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
		return err
	}))
	_, err := b.desk.Reply(t.Context(), b.agent, ref, desk.Reply{Text: reply, Then: triage.InternalSolved})
	require.NoError(t, err)
	return ref
}

const (
	question = "How do I calibrate the pallet wrapper? My number is +49 30 901820 and my mail ana@acme.test."
	reply    = "Switch the pallet wrapper off, hold the blue lever for ten seconds, and switch it on again. Write to ana@acme.test if the lamp blinks."
)

func TestASolvedTicketBecomesADraftOnlyACuratorTakes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.solve(t, question, reply)
	b.solve(t, "How to calibrate a pallet wrapper", "Hold the blue lever of the pallet wrapper for ten seconds, then switch it on again, please.")
	b.solve(t, "Are you there?", "Yes.")
	n, err := b.service.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	n, err = b.service.Run(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "each ticket is looked at once")

	open, err := b.service.Open(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 1, "two tickets about one matter make one proposal, and a short reply none")
	p := open[0]
	require.Equal(t, "create", p.Kind)
	require.Equal(t, 2, p.Tickets)
	require.Contains(t, p.Body, "hold the blue lever")
	for _, personal := range []string{"ana@acme.test", "901820"} {
		require.NotContains(t, p.Body+p.Title, personal)
	}

	article, err := b.service.Accept(t.Context(), p.TenantID, p.ID, b.agent.ID)
	require.NoError(t, err)
	stored, err := b.articles.Article(t.Context(), knowledge.Shared, article)
	require.NoError(t, err)
	require.Equal(t, knowledge.State("draft"), stored.State, "nothing is published by itself")
	open, err = b.service.Open(t.Context())
	require.NoError(t, err)
	require.Empty(t, open)
	_, err = b.service.Accept(t.Context(), p.TenantID, p.ID, b.agent.ID)
	require.ErrorIs(t, err, proposal.ErrNotFound)
}

func TestWhatAnArticleSaysAlreadyIsNotProposedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, kind string }{
		"an article that says it all": {"Pallet wrapper. Switch the pallet wrapper off, hold the blue lever ten seconds, switch it on again. Write if the lamp blinks. Contact mail", "nothing"},
		"one that says a part":        {"The pallet wrapper has a blue lever. Hold the lever to switch it.", "update"},
		"one about something else":    {"Invoices are sent on the first of each month.", "create"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			made, err := b.articles.CreateDraft(t.Context(), knowledge.Shared, knowledge.Draft{Content: knowledge.Content{Title: "The wrapper", Body: c.text}}, b.agent.ID)
			require.NoError(t, err)
			b.library.passages = []search.Passage{{ArticleID: made.ID, Shared: true, Title: "The wrapper", Text: c.text}}
			b.solve(t, question, reply)
			_, err = b.service.Run(t.Context())
			require.NoError(t, err)
			open, err := b.service.Open(t.Context())
			require.NoError(t, err)
			if c.kind == "nothing" {
				require.Empty(t, open)
				return
			}
			require.Len(t, open, 1)
			require.Equal(t, c.kind, open[0].Kind)
			article, err := b.service.Accept(t.Context(), open[0].TenantID, open[0].ID, b.agent.ID)
			require.NoError(t, err)
			require.Equal(t, c.kind == "update", article == made.ID, "an addition goes into the article there is")
		})
	}
}

func TestProposalsExpireAndTenantsStayApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.solve(t, question, reply)
	_, err := b.service.Run(t.Context())
	require.NoError(t, err)
	open, err := b.service.Open(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 1)
	other := b.db.Tenant(t, "globex")
	require.ErrorIs(t, b.service.Reject(t.Context(), other, open[0].ID, b.agent.ID), proposal.ErrNotFound)
	b.at = b.at.Add(proposal.Lifetime + time.Hour)
	_, err = b.service.Run(t.Context())
	require.NoError(t, err)
	open, err = b.service.Open(t.Context())
	require.NoError(t, err)
	require.Empty(t, open, fmt.Sprintf("after %s", proposal.Lifetime))
}
