package salesforce_test

import (
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/salesforce"
	"github.com/usherdesk/usher/integrations/salesforce/salesforcefake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/crmtest"
)

// More comments than a page holds, on another Case of ours and on Cases of others,
// hide none.
func TestAPollOfManyChangesMissesNone(t *testing.T) {
	t.Parallel()
	fake, db := salesforcefake.New(t), dbtest.New(t)
	jobs, err := river.NewClient(riverpgxv5.New(db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	c := client(t, fake)
	poller := &salesforce.Poller{Client: c, DB: db.Worker, Jobs: jobs}
	poll := func() []string {
		_, err := poller.Poll(t.Context())
		require.NoError(t, err)
		rows, err := db.Worker.Pool().Query(t.Context(), `delete from river_job where kind = 'read_crm_record' returning args->>'external_id'`)
		require.NoError(t, err)
		asked, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return asked
	}
	busy, err := c.UpsertTicket(t.Context(), crmtest.Record())
	require.NoError(t, err)
	quiet, err := c.UpsertTicket(t.Context(), crmtest.Record())
	require.NoError(t, err)
	foreign := fake.Put("Case", "", map[string]any{"Subject": "Not ours"})
	require.ElementsMatch(t, []string{busy.ID, quiet.ID}, poll())
	for i := range 2005 {
		parent := busy.ID
		if i%2 == 0 {
			parent = foreign
		}
		fake.Put("CaseComment", "", map[string]any{"ParentId": parent, "CommentBody": strconv.Itoa(i)})
	}
	fake.Put("CaseComment", "", map[string]any{"ParentId": quiet.ID, "CommentBody": "Done by phone"})
	require.ElementsMatch(t, []string{busy.ID, quiet.ID}, poll(), "and none of other Cases")
	for i := range 2005 {
		fake.Put("CaseComment", "", map[string]any{"ParentId": busy.ID, "CommentBody": strconv.Itoa(i)})
	}
	fake.Put("CaseComment", "", map[string]any{"ParentId": quiet.ID, "CommentBody": "By mail, too"})
	require.ElementsMatch(t, []string{busy.ID, quiet.ID}, poll())
	require.Empty(t, poll())
}

// Who quotes a comment of ours has written one of their own.
func TestACommentThatQuotesOursIsAPersons(t *testing.T) {
	t.Parallel()
	fake := salesforcefake.New(t)
	c := client(t, fake)
	record, err := c.UpsertTicket(t.Context(), crmtest.Record())
	require.NoError(t, err)
	ours, err := c.AddNote(t.Context(), record, desk.Note{Key: crmtest.Record().Key, Author: "Bo", Text: "Look at the log."})
	require.NoError(t, err)
	var body string
	for _, o := range fake.Objects("CaseComment") {
		if o.ID == ours.ID {
			body = o.Fields["CommentBody"].(string)
		}
	}
	quotes := []string{body + "\n\nI did, it is empty.", "> " + body[len(body)-10:] + "\nsee [usher ", "About [usher 1]"}
	for _, text := range quotes {
		fake.Put("CaseComment", "", map[string]any{"ParentId": record.ID, "CommentBody": text})
	}
	seen, err := c.Read(t.Context(), record)
	require.NoError(t, err)
	require.Len(t, seen.Comments, 3, "ours is known, theirs are read")
	require.Contains(t, seen.Comments[0].Text, "I did, it is empty.")
}
