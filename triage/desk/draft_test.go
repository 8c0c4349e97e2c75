package desk_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// suggests always has the same to say.
type suggests string

func (s suggests) Draft(context.Context, uuid.UUID, uuid.UUID) (desk.Draft, error) {
	return desk.Draft{Text: string(s)}, nil
}

func TestWhatBecameOfASuggestion(t *testing.T) {
	t.Parallel()
	const suggested = "Press the button. [1]\nThen wait. [12]"
	type bundle struct {
		*testBundle
		ticket triage.Ticket
		draft  desk.Draft
	}
	begin := func(t *testing.T) bundle {
		b := setup(t, func(c *desk.Config) { c.Drafts = suggests(suggested) })
		ticket := b.escalate(t, "How do I press it?")
		draft, err := b.service.Suggest(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		return bundle{b, ticket, draft}
	}
	counts := func(t *testing.T, b bundle) (c desk.DraftCount) {
		require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			c, err = desk.DraftsSince(t.Context(), tx, b.clock.now().Add(-time.Hour))
			return err
		}))
		return c
	}
	for name, test := range map[string]struct {
		text string
		from bool
		want desk.DraftCount
	}{
		"sent as it was":              {suggested, true, desk.DraftCount{Used: 1}},
		"sent without its marks":      {"Press the button.\r\nThen wait.\n", true, desk.DraftCount{Used: 1}},
		"changed and sent":            {"Press the green button.\nThen wait.", true, desk.DraftCount{Edited: 1}},
		"another answer was written":  {"Call us.", false, desk.DraftCount{Ignored: 1}},
		"the same words, not from it": {suggested, false, desk.DraftCount{Ignored: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := begin(t)
			require.Equal(t, desk.DraftCount{Offered: 1}, counts(t, b))
			reply := desk.Reply{Text: test.text}
			if test.from {
				reply.DraftID = b.draft.ID
			}
			_, err := b.service.Reply(t.Context(), b.agent, ref(b.ticket), reply)
			require.NoError(t, err)
			require.Equal(t, test.want, counts(t, b))
		})
	}

	t.Run("of two the one that was sent counts as used", func(t *testing.T) {
		t.Parallel()
		b := begin(t)
		_, err := b.service.Suggest(t.Context(), b.agent, ref(b.ticket))
		require.NoError(t, err)
		_, err = b.service.Reply(t.Context(), b.agent, ref(b.ticket), desk.Reply{Text: suggested, DraftID: b.draft.ID, Then: triage.InternalSolved})
		require.NoError(t, err)
		require.Equal(t, desk.DraftCount{Used: 1, Ignored: 1}, counts(t, b))
	})

	t.Run("a ticket that ends without a reply ignored it", func(t *testing.T) {
		t.Parallel()
		b := begin(t)
		_, err := b.service.SetState(t.Context(), b.agent, ref(b.ticket), triage.InternalOnHold)
		require.NoError(t, err)
		require.Equal(t, desk.DraftCount{Offered: 1}, counts(t, b), "it may still be sent")
		_, err = b.service.Resolve(t.Context(), b.agent, ref(b.ticket))
		require.NoError(t, err)
		require.Equal(t, desk.DraftCount{Ignored: 1}, counts(t, b))
	})
}
