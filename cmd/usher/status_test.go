package main

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
)

func TestTheRecordIsReadOnceForItsNames(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	who := triage.Actor{Kind: triage.ActorCustomer, TenantID: db.Tenant(t, "acme")}
	var names any
	in := assistant.StatusRequest{Asker: who, Asked: []assistant.Asked{{Text: "who is Nora?"}}, Language: "en", Names: &names}
	l := newLive(db.Worker, nil)
	intent, err := l.Named(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, intent, "there is no project")
	require.Equal(t, onboarding.Record{}, names.(onboarding.Record))

	names = onboarding.Record{Project: onboarding.Project{ID: uuid.New(), OwnerName: "Nora Vale"}}
	intent, err = l.Named(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "people.owner", intent)
	in.Asked[0].Text = "why?"
	intent, _, err = l.FollowUp(t.Context(), in, "onboarding.on_track")
	require.NoError(t, err)
	require.Equal(t, "tasks.blockers", intent)
	in.Asked[0].Text = "What about Nora?"
	text, err := l.Elsewhere(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, text, "Nora is no other organisation")

	in.Names = nil
	intent, _, err = l.FollowUp(t.Context(), assistant.StatusRequest{Asker: who, Asked: []assistant.Asked{{Text: "why?"}}, Language: "en"}, "onboarding.on_track")
	require.NoError(t, err)
	require.Empty(t, intent, "without a project nothing is continued")
}
