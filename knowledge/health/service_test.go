package health_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/triage"
)

type bundle struct {
	*knowledgetest.Base
	health  *health.Service
	witness *witness
}

type witness struct{ evidence health.Evidence }

func (w *witness) Evidence(context.Context, time.Time) (health.Evidence, error) {
	return w.evidence, nil
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{Base: knowledgetest.New(t), witness: &witness{}}
	b.health = &health.Service{DB: b.Worker, Articles: b.Service, Witnesses: []health.Witness{b.witness}}
	return b
}

func (b *bundle) run(t *testing.T, space knowledge.Space) []health.Stored {
	t.Helper()
	_, err := b.health.Run(t.Context())
	require.NoError(t, err)
	return b.list(t, space, "open")
}

func (b *bundle) list(t *testing.T, space knowledge.Space, state string) []health.Stored {
	t.Helper()
	report, err := b.health.Findings(t.Context(), space, state)
	require.NoError(t, err)
	require.NotNil(t, report.CheckedAt)
	return report.Findings
}

func (b *bundle) edit(t *testing.T, space knowledge.Space, id uuid.UUID, body string) {
	t.Helper()
	working, err := b.Service.Article(t.Context(), space, id)
	require.NoError(t, err)
	version, err := b.Service.Version(t.Context(), space, id, *working.PublishedVersionID)
	require.NoError(t, err)
	content := version.Content()
	content.Body = body
	_, err = b.Service.SaveDraft(t.Context(), space, id, content, time.Time{}, b.Curator)
	require.NoError(t, err)
	require.NoError(t, b.Service.Publish(t.Context(), space, id, b.Curator))
}

func TestAFindingIsDismissedUntilItsTextChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Billing", Body: "An invoice is due within 30 days."})
	two := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Paying", Body: "An invoice is due within 14 days."})
	found := b.run(t, knowledge.Shared)
	require.Len(t, found, 1)
	f := found[0]
	require.Equal(t, health.Contradiction, f.Kind)
	require.ElementsMatch(t, []uuid.UUID{one.ID, two.ID}, []uuid.UUID{f.Article.ID, f.Other.ID})
	require.ElementsMatch(t, []string{"30 days", "14 days"}, []string{f.Detail.Mine, f.Detail.Theirs})
	require.Equal(t, f.ID, b.run(t, knowledge.Shared)[0].ID, "found again, it is the same finding")

	require.ErrorIs(t, b.health.Act(t.Context(), knowledge.Shared, f.ID, health.Act{Do: "dismiss", Reason: " "}, b.Curator), health.ErrNoReason)
	require.ErrorIs(t, b.health.Act(t.Context(), knowledge.Shared, f.ID, health.Act{Do: "merge"}, b.Curator), health.ErrNoOther)
	require.ErrorIs(t, b.health.Act(t.Context(), knowledge.Shared, f.ID, health.Act{Do: "bless"}, b.Curator), health.ErrBadAct)
	require.ErrorIs(t, b.health.Act(t.Context(), knowledge.Shared, uuid.New(), health.Act{Do: "take"}, b.Curator), health.ErrNotFound)
	require.NoError(t, b.health.Act(t.Context(), knowledge.Shared, f.ID, health.Act{Do: "dismiss", Reason: "Another contract."}, b.Curator))
	require.Empty(t, b.run(t, knowledge.Shared), "dismissed, it stays away")
	dismissed := b.list(t, knowledge.Shared, "dismissed")
	require.Len(t, dismissed, 1)
	require.Equal(t, "Another contract.", dismissed[0].Note)
	require.NotEmpty(t, dismissed[0].SettledBy)

	b.edit(t, knowledge.Shared, two.ID, "An invoice is due within 7 days.")
	found = b.run(t, knowledge.Shared)
	require.Len(t, found, 1, "another text is another finding")
	require.NotEqual(t, f.ID, found[0].ID)
	b.edit(t, knowledge.Shared, two.ID, "An invoice is due within one month, that is 30 days.")
	require.Empty(t, b.run(t, knowledge.Shared), "put right, it is gone by itself")
	require.NoError(t, b.health.Act(t.Context(), knowledge.Shared, f.ID, health.Act{Do: "reopen"}, b.Curator))
}

func TestTenantsSeeTheirOwnFindingsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	acme, globex := knowledge.Of(b.Tenant(t, "acme")), knowledge.Of(b.Tenant(t, "globex"))
	shared := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Limits", Body: "Uploads may be up to 25 MB per file."})
	own := b.Publish(t, acme, knowledge.Content{Title: "Our limits", Body: "Uploads may be up to 90 MB per file."})
	b.Publish(t, globex, knowledge.Content{Title: "Globex limits", Body: "Uploads may be up to 5 MB per photo of the warehouse."})
	found := b.run(t, acme)
	require.Len(t, found, 1, "against the shared article, not against another customer's")
	require.Equal(t, own.ID, found[0].Article.ID, "the customer's own is the one to change")
	require.Equal(t, shared.ID, found[0].Other.ID)
	require.Equal(t, "Limits", found[0].Other.Title)
	require.Empty(t, b.list(t, knowledge.Shared, "open"))
	require.ErrorIs(t, b.health.Act(t.Context(), globex, found[0].ID, health.Act{Do: "dismiss", Reason: "x"}, b.Curator), health.ErrNotFound)
	require.NoError(t, b.health.Act(t.Context(), acme, found[0].ID, health.Act{Do: "take"}, b.Curator))
	require.NotEmpty(t, b.run(t, acme)[0].Owner)

	err := b.App.WithTenant(t.Context(), acme.Tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `select from tenant_findings`)
		return err
	})
	require.ErrorContains(t, err, "permission denied", "customers' requests cannot read findings at all")
}

func TestMergingLeadsOneAddressToTheOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := shipped(t)[12].Body
	keep := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Write an article", Body: body})
	drop := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Writing", Body: body + "\n\nThat is all."})
	require.NoError(t, b.Service.SetSlug(t.Context(), knowledge.Shared, drop.ID, "how-to-write"))
	var duplicate health.Stored
	for _, f := range b.run(t, knowledge.Shared) {
		if f.Kind == health.Duplicate {
			duplicate = f
		}
	}
	require.Equal(t, health.CauseSameText, duplicate.Cause)
	require.NoError(t, b.health.Act(t.Context(), knowledge.Shared, duplicate.ID, health.Act{Do: "merge", Keep: keep.ID}, b.Curator))
	for _, slug := range []string{"how-to-write", "writing"} {
		page, err := b.Service.Get(t.Context(), knowledge.Viewer{}, slug)
		require.NoError(t, err)
		require.True(t, page.Moved)
		require.Equal(t, keep.ID, page.Article.ID, slug)
	}
	require.Empty(t, b.run(t, knowledge.Shared))
	require.ErrorIs(t, b.Service.Merge(t.Context(), knowledge.Shared, drop.ID, keep.ID, b.Curator), knowledge.ErrNotPublished)
}

func TestProofsStayWithTheirTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.Tenant(t, "acme")
	article := b.Publish(t, knowledge.Shared, knowledge.Content{Title: "Backups", Body: "Backups are deleted after 35 days."})
	var conversation triage.Conversation
	require.NoError(t, b.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) (err error) {
		conversation, err = triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: tenant, ID: uuid.New(), Channel: triage.ChannelChat})
		return err
	}))
	proof := health.Proof{Tenant: tenant, Conversation: conversation.ID, Message: uuid.New(), At: time.Now()}
	b.witness.evidence = health.Evidence{Replies: []health.Reply{{Proof: proof, Articles: []uuid.UUID{article.ID}, Text: "Backups are deleted after 90 days, dear Ana.", Language: "en"}}}
	found := b.run(t, knowledge.Shared)
	require.Len(t, found, 1)
	require.Equal(t, health.CauseReplies, found[0].Cause)
	require.Len(t, found[0].Proofs, 1)
	require.Equal(t, "Tenant acme", found[0].Proofs[0].Tenant)
	require.Contains(t, found[0].Proofs[0].Quote, "90 days")
	require.NoError(t, b.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `delete from conversations where tenant_id = $1`, tenant)
		return err
	}))
	require.Empty(t, b.list(t, knowledge.Shared, "open")[0].Proofs, "with the conversation goes what it proves")

	require.NoError(t, b.health.Act(t.Context(), knowledge.Shared, found[0].ID, health.Act{Do: "verify"}, b.Curator))
	verified, err := b.Service.Article(t.Context(), knowledge.Shared, article.ID)
	require.NoError(t, err)
	require.False(t, verified.Unverified(time.Now()))
	require.Empty(t, b.run(t, knowledge.Shared), "a curator said that the article is right")
	require.NoError(t, b.Service.Verify(t.Context(), knowledge.Shared, article.ID, time.Now().Add(-time.Hour), b.Curator))
	b.witness.evidence = health.Evidence{}
	found = b.run(t, knowledge.Shared)
	require.Equal(t, health.CauseOverdue, found[0].Cause)
	require.NoError(t, b.health.Act(t.Context(), knowledge.Shared, found[0].ID, health.Act{Do: "retire"}, b.Curator))
	require.Empty(t, b.run(t, knowledge.Shared), "a retired article has no findings")
}
