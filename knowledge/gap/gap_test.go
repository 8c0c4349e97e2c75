package gap_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/gap"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
)

func TestQuestionsBecomeGapsRankedByConversations(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	ask := func(tenant, conversation uuid.UUID, question string) {
		t.Helper()
		require.NoError(t, b.App.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			return b.Service.RecordGapTx(t.Context(), tx, knowledge.GapQuestion{
				Tenant: tenant, Conversation: conversation, Question: question, Reason: knowledge.GapUnanswered,
			})
		}))
	}
	one := uuid.Must(uuid.NewV7())
	ask(acme, one, "Can I export the ledger to XML?")
	ask(acme, one, "export ledger to xml please")
	ask(globex, uuid.Must(uuid.NewV7()), "Export the ledger as XML")
	ask(globex, uuid.Must(uuid.NewV7()), "Do you have an office in Oslo?")
	ask(globex, uuid.Nil, "   ")

	clusterer := gap.New(b.Worker, b.Models)
	n, err := clusterer.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, n)
	gaps, err := b.Service.Gaps(t.Context(), knowledge.GapOpen, nil, 10)
	require.NoError(t, err)
	require.Len(t, gaps, 2)
	require.Equal(t, "Can I export the ledger to XML?", gaps[0].Question)
	require.Equal(t, [2]int{3, 2}, [2]int{gaps[0].Questions, gaps[0].Conversations})
	questions, err := b.Service.GapQuestions(t.Context(), gaps[0].ID)
	require.NoError(t, err)
	require.Len(t, questions, 3)

	require.NoError(t, b.Service.ResolveGap(t.Context(), gaps[0].ID, knowledge.GapResolved, uuid.Nil, "written", b.Curator))
	gaps, err = b.Service.Gaps(t.Context(), knowledge.GapOpen, nil, 10)
	require.NoError(t, err)
	require.Len(t, gaps, 1)
	for i := range 10 { // another embedding model meanwhile: the gaps move to its space
		b.Publish(t, knowledge.Shared, knowledge.Content{Title: fmt.Sprint("Ledger ", i), Body: "The ledger lists bookings; an export holds an office."})
	}
	_, err = b.Models.Retrain(t.Context())
	require.NoError(t, err)
	ask(acme, uuid.Must(uuid.NewV7()), "how to export ledger to XML")
	_, err = clusterer.Run(t.Context())
	require.NoError(t, err)
	gaps, err = b.Service.Gaps(t.Context(), knowledge.GapOpen, nil, 10)
	require.NoError(t, err)
	require.Len(t, gaps, 2, "asked again after it was resolved: open again")
	require.ErrorIs(t, b.Service.ResolveGap(t.Context(), uuid.New(), knowledge.GapDismissed, uuid.Nil, "", b.Curator), knowledge.ErrGapNotFound)

	_, err = b.App.Pool().Exec(t.Context(), "select question from gaps")
	require.ErrorContains(t, err, "permission denied", "customers' questions of all tenants are staff's only")
}
