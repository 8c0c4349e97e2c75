// Package crmtest is what every CRM adapter has to hold: one record per ticket
// and one note per message whatever is retried, errors in the desk's words, and
// the way back. A new CRM is one new folder and one call of Run.
package crmtest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// Failure is how the fake vendor answers from now on.
type Failure string

// The failures a fake has to know.
const (
	None        Failure = ""
	RateLimit   Failure = "rate_limit"   // the vendor's own way to say "later"
	Outage      Failure = "outage"       // 5xx
	LoseAnswer  Failure = "lose_answer"  // the next write happens, its answer is lost
	BadToken    Failure = "bad_token"    // credentials refused, for good
	RefusesData Failure = "refuses_data" // a validation error
)

// Bundle is an adapter with the fake it talks to.
type Bundle struct {
	CRM desk.Mirror
	// Fail sets how the vendor answers.
	Fail func(Failure)
	// Records counts tickets; Notes lists the texts of a record's comments.
	Records func() int
	Notes   func(record string) []string
	// Subject and Body are a record's texts as stored.
	Text func(record string) string
	// Change sets a field as a person in the CRM does; value is the vendor's.
	Change func(record, field, value string)
	// Comment adds a person's comment.
	Comment func(record, text string)
	// Contacts counts people.
	Contacts func() int
}

// Run holds an adapter to the suite. setup is called for every test.
func Run(t *testing.T, setup func(t *testing.T) Bundle) {
	t.Run("one record per ticket, whatever is repeated", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		record := Record()
		first, err := b.CRM.UpsertTicket(t.Context(), record)
		require.NoError(t, err)
		require.NotEmpty(t, first.ID)
		record.State, record.Subject = triage.InternalSolved, "Another subject"
		second, err := b.CRM.UpsertTicket(t.Context(), record)
		require.NoError(t, err)
		require.Equal(t, first.ID, second.ID)
		require.Equal(t, 1, b.Records())
		require.Contains(t, b.Text(first.ID), "Another subject")
		other, err := b.CRM.UpsertTicket(t.Context(), Record())
		require.NoError(t, err)
		require.NotEqual(t, first.ID, other.ID)
		require.Equal(t, 2, b.Records())
		require.Equal(t, 1, b.Contacts(), "one person per address")
	})

	t.Run("two writers at once make one record", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		record := Record()
		ids := make([]string, 6)
		var group sync.WaitGroup
		for i := range ids {
			group.Go(func() {
				ref, err := b.CRM.UpsertTicket(t.Context(), record)
				if err == nil {
					ids[i] = ref.ID
				}
			})
		}
		group.Wait()
		require.Equal(t, 1, b.Records())
		made := map[string]bool{}
		for _, id := range ids {
			made[id] = true
		}
		delete(made, "") // one may be told to come again
		require.Len(t, made, 1)
	})

	t.Run("a lost answer makes no second record and no second note", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		record := Record()
		b.Fail(LoseAnswer)
		_, err := b.CRM.UpsertTicket(t.Context(), record)
		RequireTemporary(t, err)
		b.Fail(None)
		ref, err := b.CRM.UpsertTicket(t.Context(), record)
		require.NoError(t, err)
		require.Equal(t, 1, b.Records())
		note := desk.Note{Key: uuid.Must(uuid.NewV7()), At: time.Now(), Author: "Customer, Ana", Text: "It stopped"}
		b.Fail(LoseAnswer)
		_, err = b.CRM.AddNote(t.Context(), ref, note)
		RequireTemporary(t, err)
		b.Fail(None)
		note.Retry = true
		_, err = b.CRM.AddNote(t.Context(), ref, note)
		require.NoError(t, err)
		require.Len(t, b.Notes(ref.ID), 1)
	})

	t.Run("notes keep their order and label, one per message", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ref, err := b.CRM.UpsertTicket(t.Context(), Record())
		require.NoError(t, err)
		for i, text := range []string{"First", "Second"} {
			_, err := b.CRM.AddNote(t.Context(), ref, desk.Note{Key: uuid.Must(uuid.NewV7()), At: time.Now(), Author: "Internal note, Bo", Text: text, Internal: true})
			require.NoError(t, err)
			notes := b.Notes(ref.ID)
			require.Len(t, notes, i+1)
			require.Contains(t, notes[i], text)
			require.Contains(t, notes[i], "Internal note, Bo")
		}
	})

	t.Run("errors come in the desk's words", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Fail(RateLimit)
		_, err := b.CRM.UpsertTicket(t.Context(), Record())
		require.Positive(t, RequireTemporary(t, err).After, "a limit is a pause")
		b.Fail(Outage)
		_, err = b.CRM.UpsertTicket(t.Context(), Record())
		require.Zero(t, RequireTemporary(t, err).After)
		for _, f := range []Failure{BadToken, RefusesData} {
			b.Fail(f)
			_, err = b.CRM.UpsertTicket(t.Context(), Record())
			var permanent *desk.PermanentError
			require.ErrorAs(t, err, &permanent, string(f))
			require.NotEmpty(t, permanent.Safe)
			require.NotContains(t, permanent.Safe, "secret detail")
		}
		b.Fail(None)
		_, err = b.CRM.UpsertTicket(t.Context(), Record())
		require.NoError(t, err, "the adapter recovers")
	})

	t.Run("every state and priority is one the vendor takes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		record := Record()
		for _, s := range []triage.InternalState{
			triage.InternalNew, triage.InternalOpen, triage.InternalPending, triage.InternalOnHold, triage.InternalSnoozed, triage.InternalSolved, triage.InternalClosed,
		} {
			for _, p := range []triage.Priority{triage.PriorityUrgent, triage.PriorityHigh, triage.PriorityNormal, triage.PriorityLow} {
				record.State, record.Priority = s, p
				_, err := b.CRM.UpsertTicket(t.Context(), record)
				require.NoError(t, err, "%s %s", s, p)
				fields := b.CRM.Fields(record)
				require.Contains(t, b.CRM.Decode("state", fields["state"]), string(s))
				require.Contains(t, b.CRM.Decode("priority", fields["priority"]), string(p))
			}
		}
		require.Equal(t, 1, b.Records())
	})

	t.Run("hostile text is stored inert", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		record := Record()
		record.Subject = "\u202Egnp.exe <script>alert(1)</script> " + strings.Repeat("x", 2000)
		record.Body = strings.Repeat("long ' \\ \" text ", 10_000)
		record.CustomerName = "Robert'); DROP TABLE--"
		ref, err := b.CRM.UpsertTicket(t.Context(), record)
		require.NoError(t, err)
		require.NotContains(t, b.Text(ref.ID), "\u202E")
		_, err = b.CRM.AddNote(t.Context(), ref, desk.Note{Key: uuid.Must(uuid.NewV7()), At: time.Now(), Author: "Customer", Text: "<img src=x onerror=alert(1)>\u202E" + strings.Repeat("y", 100_000)})
		require.NoError(t, err)
		require.NotContains(t, b.Notes(ref.ID)[0], "\u202E")
	})

	t.Run("what people change there can be read back", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		record := Record()
		ref, err := b.CRM.UpsertTicket(t.Context(), record)
		require.NoError(t, err)
		seen, err := b.CRM.Read(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, b.CRM.Fields(record), seen.Fields, "what was written is what is read")
		require.Contains(t, b.CRM.Decode("state", seen.Fields["state"]), string(record.State))
		require.Equal(t, string(record.Priority), b.CRM.Decode("priority", seen.Fields["priority"])[0])
		solved := record
		solved.State = triage.InternalSolved
		b.Change(ref.ID, "state", b.CRM.Fields(solved)["state"])
		b.Comment(ref.ID, "Called the customer")
		_, err = b.CRM.AddNote(t.Context(), ref, desk.Note{Key: uuid.Must(uuid.NewV7()), At: time.Now(), Author: "Customer", Text: "Ours"})
		require.NoError(t, err)
		seen, err = b.CRM.Read(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, string(triage.InternalSolved), b.CRM.Decode("state", seen.Fields["state"])[0])
		require.Len(t, seen.Comments, 1, "our own notes do not come back")
		require.Equal(t, "Called the customer", seen.Comments[0].Text)
		require.Empty(t, b.CRM.Decode("state", "no such value"))
	})
}

// Record is a ticket as the desk hands it over, with a key of its own.
func Record() desk.Record {
	return desk.Record{
		Key: uuid.Must(uuid.NewV7()), Number: 4821, Subject: "Import stops", Body: "The customer reports that the import stops.",
		State: triage.InternalOpen, Priority: triage.PriorityHigh, Intent: "integration_error", Reason: triage.ReasonNoAnswer,
		TenantID: uuid.Must(uuid.NewV7()), TenantName: "ACME", CustomerName: "Ana Lopez", CustomerEmail: "ana@acme.test",
		Link: "https://usher.test/agent/tickets/4821", UpdatedAt: time.Now(),
	}
}

// RequireTemporary checks that an error may pass and returns it.
func RequireTemporary(t *testing.T, err error) *desk.TemporaryError {
	t.Helper()
	require.Error(t, err)
	var permanent *desk.PermanentError
	require.False(t, errors.As(err, &permanent), "%v is not for good", err)
	var temporary *desk.TemporaryError
	require.ErrorAs(t, err, &temporary)
	return temporary
}
