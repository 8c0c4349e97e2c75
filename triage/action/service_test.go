package action_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/rest"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/action/actiontest"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/procedure"
)

type testBundle struct {
	db       *dbtest.Database
	server   *actiontest.Server
	desk     *desk.Service
	actions  *action.Service
	customer triage.Actor
	bo, cy   triage.Actor // staff
	mu       sync.Mutex
	now      time.Time
}

func (b *testBundle) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *testBundle) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

const move = `
key: move_go_live
title: Move the go-live date
words: {en: "Move your go-live to {date}", de: "Ihren Go-live auf {date} verschieben"}
done: {en: "Your go-live is on {date} now.", de: "Ihr Go-live ist jetzt am {date}."}
method: POST
base_url: %s
path: /customers/{customer}/go-live
customers_of: erp
auth: {kind: bearer}
parameters:
  - {name: date, label: New date, kind: date}
  - {name: reason, label: Reason, kind: text, length: 60, optional: true}
body:
  go_live: "{date}"
  reason: "{reason}"
  requested_by: "{contact_name} <{contact_email}>"
  ticket: "{ticket}"
  tenant: "{tenant}"
approvers: {role: agent, team: onboarding}
`

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), server: actiontest.New(t), now: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	b.desk = desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Log: quiet, Now: b.clock})
	b.actions = action.New(action.Config{
		DB: b.db.Worker, Jobs: jobs, Desk: b.desk, Now: b.clock, Log: quiet, Backoff: func(int) time.Duration { return time.Second },
		Sender: rest.NewSender(egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	})
	tenant := b.db.Tenant(t, "acme")
	b.customer = triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: b.db.User(t, tenant, "ana@acme.test"), Name: "Ana", Locale: "en"}
	b.bo = b.staff(t, "bo@usher.test", "agent")
	b.cy = b.staff(t, "cy@usher.test", "agent")
	b.define(t, fmt.Sprintf(move, b.server.URL))
	b.exec(t, `insert into status_source_customers (tenant_id, source, customer) values ($1, 'erp', '4711/A')`, tenant)
	return b
}

func (b *testBundle) staff(t *testing.T, email string, roles ...string) triage.Actor {
	t.Helper()
	a := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, email, roles...), Name: email}
	b.exec(t, `update staff set teams = '{onboarding}' where id = $1`, a.ID)
	return a
}

func (b *testBundle) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), query, args...)
		return err
	}))
}

// define stores a definition and switches it on.
func (b *testBundle) define(t *testing.T, text string) action.Definition {
	t.Helper()
	d, err := action.Parse([]byte(text))
	require.NoError(t, err)
	secret := "s3cr3t-canary"
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
		if d, err = action.Put(t.Context(), tx, d, &secret); err != nil {
			return err
		}
		return action.Switch(t.Context(), tx, d.Key, true)
	}))
	return d
}

func (b *testBundle) ticket(t *testing.T, asker triage.Actor) triage.Ticket {
	t.Helper()
	var ticket triage.Ticket
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), asker.TenantID, func(tx pgx.Tx) error {
		c := triage.Conversation{TenantID: asker.TenantID, ID: uuid.Must(uuid.NewV7()), UserID: &asker.ID, Channel: triage.ChannelChat}
		if _, err := triage.InsertConversation(t.Context(), tx, c); err != nil {
			return err
		}
		m, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: c.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: c.ID, AuthorKind: triage.AuthorCustomer, AuthorID: &asker.ID,
			AuthorName: asker.Name, Visibility: triage.VisibleToCustomer, Body: "Please move our go-live",
		})
		if err != nil {
			return err
		}
		ticket, err = b.desk.Escalate(t.Context(), tx, desk.Escalation{
			TenantID: c.TenantID, ConversationID: c.ID, MessageID: m.ID, UserID: asker.ID, Reason: triage.ReasonAction, Subject: "Move go-live", Summary: "s",
			Classification: triage.Classification{Language: "en", Priority: triage.PriorityNormal},
		})
		return err
	}))
	return ticket
}

func (b *testBundle) proposing(asker triage.Actor) procedure.Proposing {
	return procedure.Proposing{Action: "move_go_live", Values: map[string]string{"date": "2026-12-15"}, Asker: asker, Language: "en", Key: "test:" + uuid.NewString()}
}

// propose makes a ticket with a proposal on it.
func (b *testBundle) propose(t *testing.T, change ...func(*procedure.Proposing)) action.Proposal {
	t.Helper()
	in := b.proposing(b.customer)
	for _, f := range change {
		f(&in)
	}
	ticket := b.ticket(t, in.Asker)
	var out []action.Proposal
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), in.Asker.TenantID, func(tx pgx.Tx) (err error) {
		if err := b.actions.Propose(t.Context(), tx, in, ticket.ID); err != nil {
			return err
		}
		out, err = action.OfTicket(t.Context(), tx, in.Asker.TenantID, ticket.ID)
		return err
	}))
	require.Len(t, out, 1)
	return out[0]
}

func (b *testBundle) decide(t *testing.T, p action.Proposal, who triage.Actor, approve bool) error {
	t.Helper()
	_, err := b.actions.Decide(t.Context(), who, p.TenantID, p.ID, action.Decision{Approve: approve, Why: "Not now."})
	return err
}

// run works the job of a proposal until there is nothing left to do.
func (b *testBundle) run(t *testing.T, p action.Proposal) action.Proposal {
	t.Helper()
	for range 40 {
		wait, err := b.actions.Run(t.Context(), p.TenantID, p.ID)
		require.NoError(t, err)
		if wait == 0 {
			return b.again(t, p)
		}
		b.pass(wait)
	}
	require.Fail(t, "does not come to rest")
	return p
}

func (b *testBundle) again(t *testing.T, p action.Proposal) action.Proposal {
	t.Helper()
	var list []action.Proposal
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), p.TenantID, func(tx pgx.Tx) (err error) {
		list, err = action.OfTicket(t.Context(), tx, p.TenantID, p.TicketID)
		return err
	}))
	require.Len(t, list, 1)
	return list[0]
}

// told are the assistant's messages to the customer.
func (b *testBundle) told(t *testing.T, p action.Proposal) (out []string) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), p.TenantID, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select body from messages where tenant_id = $1 and conversation_id = $2 and author_kind = 'assistant'
			and visibility = 'customer' order by seq`, p.TenantID, p.ConversationID)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return out
}

func (b *testBundle) audit(t *testing.T, p action.Proposal) (out []string) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), p.TenantID, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select action || ' ' || actor_kind from audit_events where tenant_id = $1 and object = $2 order by at, id`, p.TenantID, p.ID.String())
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return out
}

func TestAnApprovedActionIsCarriedOutAsItWasShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.propose(t)
	require.Equal(t, action.Proposed, p.State)
	require.Equal(t, "Move your go-live to 15 December 2026", p.Words)
	require.Equal(t, []action.Given{{Label: "New date", Value: "2026-12-15"}}, p.Parameters)
	preview := p.Request.Preview()
	require.Equal(t, "POST "+b.server.URL+"/customers/4711%2FA/go-live\nAuthorization: Bearer ••••••\nIdempotency-Key: "+p.ID.String()+
		"\nAccept: application/json\nContent-Type: application/json\n\n{\n  \"go_live\": \"2026-12-15\",\n  \"requested_by\": \"ana@acme.test <ana@acme.test>\",\n  \"tenant\": \""+p.TenantID.String()+
		"\",\n  \"ticket\": \"1001\"\n}", preview, "every byte but the secret; what was not given is left out")
	require.Equal(t, action.Proposed, b.run(t, p).State, "nobody has approved it")
	require.Empty(t, b.server.Arrived())

	require.NoError(t, b.decide(t, p, b.bo, true))
	require.Empty(t, b.server.Arrived(), "approving sends nothing by itself")
	done := b.run(t, p)
	require.Equal(t, action.Done, done.State)
	require.Equal(t, "bo@usher.test", done.DecidedName)
	got := b.server.Arrived()
	require.Len(t, got, 1)
	require.Equal(t, actiontest.Arrived{
		Method: "POST", Path: "/customers/4711%2FA/go-live", Key: p.ID.String(), Auth: "Bearer s3cr3t-canary", Body: p.Request.Body,
	}, got[0])
	require.Equal(t, []string{"Your go-live is on 15 December 2026 now."}, b.told(t, p))
	require.Equal(t, []string{"action.proposed customer", "action.approved staff", "action.attempt system", "action.done system"}, b.audit(t, p))
	d, err := b.desk.Ticket(t.Context(), p.TenantID, p.TicketID)
	require.NoError(t, err)
	require.Equal(t, b.bo.ID, *d.Ticket.AssigneeID, "who decides on a ticket nobody has becomes its owner")

	require.Equal(t, action.Done, b.run(t, p).State)
	require.Len(t, b.server.Arrived(), 1, "a job that runs again finds nothing to do")
	var secrets int
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select (select count(*) from action_proposals p where p::text like '%s3cr3t%') + (select count(*) from audit_events a where a::text like '%s3cr3t%')
			+ (select count(*) from ticket_events e where e::text like '%s3cr3t%') + (select count(*) from messages m where m::text like '%s3cr3t%')`).Scan(&secrets)
	}))
	require.Zero(t, secrets)
}

func TestOfTwoWhoApproveAtOnceOneWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 5 {
		p := b.propose(t)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = b.actions.Decide(context.Background(), []triage.Actor{b.bo, b.cy}[i%2], p.TenantID, p.ID, action.Decision{Approve: i < 6})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			var decided *action.DecidedError
			if err == nil {
				won++
			} else {
				require.ErrorAs(t, err, &decided)
			}
		}
		require.Equal(t, 1, won)
		before := len(b.server.Arrived())
		for range 4 {
			wg.Go(func() { _, _ = b.actions.Run(context.Background(), p.TenantID, p.ID) })
		}
		wg.Wait()
		if got := b.run(t, p); got.State == action.Done {
			require.Len(t, b.server.Arrived(), before+1)
		} else {
			require.Equal(t, action.Declined, got.State)
			require.Len(t, b.server.Arrived(), before)
		}
	}
}

func TestWhoMayNotApproveCannot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.propose(t)
	outsider := b.staff(t, "dee@usher.test", "agent")
	b.exec(t, `update staff set teams = '{billing}' where id = $1`, outsider.ID)
	curator := b.staff(t, "kim@usher.test", "curator")
	self := b.staff(t, "ana@acme.test", "admin") // the customer, with an account of ours
	gone := b.staff(t, "eve@usher.test", "admin")
	b.exec(t, `update staff set state = 'deactivated' where id = $1`, gone.ID)
	forged := triage.Actor{Kind: triage.ActorStaff, ID: uuid.New(), Roles: []string{"admin"}}
	for name, who := range map[string]triage.Actor{
		"another team": outsider, "no agent": curator, "who asked": self, "deactivated": gone, "nobody": forged, "the customer": b.customer,
		"the assistant": {Kind: triage.ActorAssistant}, "the system": {Kind: triage.ActorSystem, ID: b.bo.ID},
	} {
		require.ErrorIs(t, b.decide(t, p, who, true), action.ErrRefused, name)
		require.ErrorIs(t, b.decide(t, p, who, false), action.ErrRefused, name)
	}
	require.Equal(t, "You may not approve this: this account is not active.", action.Explain(b.decide(t, p, gone, true)))
	require.Equal(t, "You may not approve this: you asked for it yourself.", action.Explain(fmt.Errorf("decide: %w", b.decide(t, p, self, true))))
	// Staff that proposes cannot approve it either.
	own := b.propose(t)
	b.exec(t, `update action_proposals set requester_kind = 'staff', requester_id = $2 where id = $1`, own.ID, b.bo.ID)
	require.ErrorIs(t, b.decide(t, own, b.bo, true), action.ErrRefused)
	require.NoError(t, b.decide(t, own, b.cy, true))
	require.Equal(t, action.Proposed, b.run(t, p).State)
	require.Empty(t, b.server.Arrived())
	require.Equal(t, action.Done, b.run(t, own).State)
	require.Len(t, b.server.Arrived(), 1)
}

func TestAnotherTenantsProposalIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.propose(t)
	other := b.db.Tenant(t, "rival")
	_, err := b.actions.Decide(t.Context(), b.bo, other, p.ID, action.Decision{Approve: true})
	require.ErrorIs(t, err, action.ErrNotFound)
	_, err = b.actions.Settle(t.Context(), b.bo, other, p.ID, true)
	require.ErrorIs(t, err, action.ErrNotFound)
	require.Equal(t, action.Proposed, b.again(t, p).State)
	require.NoError(t, b.decide(t, p, b.bo, true))
	wait, err := b.actions.Run(t.Context(), other, p.ID)
	require.NoError(t, err)
	require.Zero(t, wait)
	require.Empty(t, b.server.Arrived(), "nor is what was approved carried out by another's name")
	count := func(db *tenantdb.DB, tenant uuid.UUID) (n int, err error) {
		err = db.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from action_proposals`).Scan(&n)
		})
		return n, err
	}
	n, err := count(b.db.Worker, other)
	require.NoError(t, err)
	require.Zero(t, n, "row-level security hides it")
	n, err = count(b.db.Worker, p.TenantID)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = count(b.db.App, p.TenantID)
	require.ErrorContains(t, err, "permission denied", "what serves customers reads none")
	// The number of one organisation never gets into the request of another.
	stranger := triage.Actor{Kind: triage.ActorCustomer, TenantID: other, ID: b.db.User(t, other, "rob@rival.test"), Name: "Rob"}
	var fit procedure.Fit
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), other, func(tx pgx.Tx) (err error) {
		fit, err = b.actions.Fit(t.Context(), tx, b.proposing(stranger))
		return err
	}))
	require.Contains(t, fit.Why, "customer number of this organisation is not known")
	require.Equal(t, action.Done, b.run(t, p).State)
}

func TestTheDatabaseRefusesAnAttemptWithoutAnApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.propose(t)
	b.exec(t, `update action_proposals set state = 'approved' where id = $1`, p.ID) // as a mistake of ours might
	_, err := b.actions.Run(t.Context(), p.TenantID, p.ID)
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "23503", refused.Code)
	require.Empty(t, b.server.Arrived())
	err = b.db.Worker.WithTenant(t.Context(), p.TenantID, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update action_approvals set staff_id = gen_random_uuid()`)
		return err
	})
	require.ErrorContains(t, err, "permission denied")
}

func TestWhatEndsWithoutAnEffectIsToldKindly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	t.Run("declined", func(t *testing.T) {
		p := b.propose(t, func(in *procedure.Proposing) { in.Language, in.Asker.Locale = "de", "de" })
		require.NoError(t, b.decide(t, p, b.bo, false))
		require.Equal(t, []string{"Ein Mensch hat sich das angesehen: Ihren Go-live auf 15. Dezember 2026 verschieben. So einfach geht das leider nicht, und es wurde nichts geändert. Es geht hier persönlich mit Ihnen weiter."}, b.told(t, p))
		require.Equal(t, "Not now.", b.again(t, p).Outcome, "the reason is for agents")
		var decided *action.DecidedError
		require.ErrorAs(t, b.decide(t, p, b.cy, true), &decided)
		require.Equal(t, action.Declined, b.run(t, p).State)
	})
	t.Run("expired", func(t *testing.T) {
		p := b.propose(t)
		b.pass(73 * time.Hour)
		require.ErrorIs(t, b.decide(t, p, b.bo, true), action.ErrOver)
		require.Equal(t, action.Expired, b.again(t, p).State)
		require.Len(t, b.told(t, p), 1)
		require.Contains(t, b.told(t, p)[0], "not been checked in time")

		swept := b.propose(t)
		b.pass(73 * time.Hour)
		_, err := b.actions.Sweep(t.Context())
		require.NoError(t, err)
		_, err = b.actions.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, action.Expired, b.again(t, swept).State)
		require.Len(t, b.told(t, swept), 1)
		require.Contains(t, b.audit(t, swept), "action.expired system")
	})
	t.Run("changed definition", func(t *testing.T) {
		before, after := b.propose(t), b.propose(t)
		require.NoError(t, b.decide(t, after, b.bo, true))
		b.define(t, strings.Replace(fmt.Sprintf(move, b.server.URL), "/go-live", "/golive", 1))
		require.ErrorIs(t, b.decide(t, before, b.bo, true), action.ErrChanged)
		require.Equal(t, action.Invalid, b.again(t, before).State)
		require.Equal(t, action.Invalid, b.run(t, after).State, "also between approval and sending")
		require.Contains(t, b.told(t, after)[0], "Nothing has been changed")
	})
	t.Run("switched off", func(t *testing.T) {
		p := b.propose(t)
		b.exec(t, `update actions set enabled = false`)
		require.ErrorIs(t, b.decide(t, p, b.bo, true), action.ErrChanged)
		b.exec(t, `update actions set enabled = true`)
	})
	t.Run("refused there", func(t *testing.T) {
		b.server.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte("no such day, token " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
			return true
		}
		defer func() { b.server.Before = nil }()
		n := len(b.server.Arrived())
		p := b.propose(t)
		require.NoError(t, b.decide(t, p, b.bo, true))
		got := b.run(t, p)
		require.Equal(t, action.Failed, got.State)
		require.Contains(t, got.Outcome, "status 422")
		require.Contains(t, got.Outcome, "no such day, token ••••••")
		require.Len(t, b.server.Arrived(), n+1, "not tried again")
		require.Contains(t, b.told(t, p)[0], "this did not work")
	})
	t.Run("not reachable", func(t *testing.T) {
		b.define(t, fmt.Sprintf(move, "http://10.0.0.1"))
		p := b.propose(t)
		require.NoError(t, b.decide(t, p, b.bo, true))
		got := b.run(t, p)
		require.Equal(t, action.Failed, got.State)
		require.Contains(t, got.Outcome, "could not be reached")
	})
	require.Empty(t, b.server.Effects())
}

func TestAnUnknownFateIsSaidAndNeverRepeatedBlindly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.After = actiontest.HangUp
	p := b.propose(t)
	require.NoError(t, b.decide(t, p, b.bo, true))
	got := b.run(t, p)
	require.Equal(t, action.Unknown, got.State)
	require.Contains(t, got.Outcome, "Please look in the other system")
	require.Len(t, b.server.Arrived(), 1)
	require.Contains(t, b.told(t, p)[0], "can't say yet whether this went through")
	require.Equal(t, action.Unknown, b.run(t, p).State)

	_, err := b.actions.Settle(t.Context(), b.cy, p.TenantID, p.ID, true)
	require.NoError(t, err)
	require.Equal(t, action.Done, b.again(t, p).State)
	require.Equal(t, "Your go-live is on 15 December 2026 now.", b.told(t, p)[1])
	var decided *action.DecidedError
	_, err = b.actions.Settle(t.Context(), b.cy, p.TenantID, p.ID, false)
	require.ErrorAs(t, err, &decided)
	require.Len(t, b.server.Effects(), 1)
}

// stands reads a ticket's state, and whether its customer waits.
func (b *testBundle) stands(t *testing.T, tenant, ticket uuid.UUID) (state triage.InternalState, waiting bool) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select internal_state, waiting_since is not null from tickets where tenant_id = $1 and id = $2`, tenant, ticket).Scan(&state, &waiting)
	}))
	return state, waiting
}

// Where the customer reads that a person will go on, the ticket is one that people see.
func TestAPromisedPersonSeesTheTicket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	leave := map[string]func(ref desk.TicketRef) error{
		"solved": func(ref desk.TicketRef) error {
			_, err := b.desk.Resolve(t.Context(), b.bo, ref)
			return err
		},
		"waiting for the customer": func(ref desk.TicketRef) error {
			_, err := b.desk.Reply(t.Context(), b.bo, ref, desk.Reply{Text: "It is on its way.", Then: triage.InternalPending})
			return err
		},
		"snoozed": func(ref desk.TicketRef) error {
			if _, err := b.desk.Reply(t.Context(), b.bo, ref, desk.Reply{Text: "It is on its way."}); err != nil {
				return err
			}
			_, err := b.desk.Snooze(t.Context(), b.bo, ref, b.clock().Add(time.Hour))
			return err
		},
		"no request": func(ref desk.TicketRef) error {
			_, err := b.desk.NotARequest(t.Context(), b.bo, ref)
			return err
		},
	}
	refuse := func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return true
	}
	for left, leave := range leave {
		for end, before := range map[action.State]func(int, http.ResponseWriter, *http.Request) bool{action.Unknown: actiontest.HangUp, action.Failed: refuse, action.Invalid: nil} {
			t.Run(left+", "+string(end), func(t *testing.T) {
				b.server.Before = before
				p := b.propose(t)
				ref := desk.TicketRef{TenantID: p.TenantID, ID: p.TicketID}
				require.NoError(t, b.decide(t, p, b.bo, true))
				require.NoError(t, leave(ref))
				_, waiting := b.stands(t, p.TenantID, p.TicketID)
				require.False(t, waiting)
				if end == action.Invalid {
					b.define(t, fmt.Sprintf(move, b.server.URL))
				}
				require.Equal(t, end, b.run(t, p).State)
				require.Len(t, b.told(t, p), 1)
				state, waiting := b.stands(t, p.TenantID, p.TicketID)
				require.Equal(t, triage.InternalOpen, state)
				require.True(t, waiting)
				if end != action.Unknown {
					return
				}
				require.NoError(t, leave(ref))
				_, err := b.actions.Settle(t.Context(), b.cy, p.TenantID, p.ID, false)
				require.NoError(t, err)
				require.Contains(t, b.told(t, p)[1], "A person is looking at it")
				state, waiting = b.stands(t, p.TenantID, p.TicketID)
				require.Equal(t, triage.InternalOpen, state)
				require.True(t, waiting)
			})
		}
	}
	t.Run("done", func(t *testing.T) {
		b.server.Before = nil
		p := b.propose(t)
		require.NoError(t, b.decide(t, p, b.bo, true))
		require.NoError(t, leave["solved"](desk.TicketRef{TenantID: p.TenantID, ID: p.TicketID}))
		require.Equal(t, action.Done, b.run(t, p).State)
		state, waiting := b.stands(t, p.TenantID, p.TicketID)
		require.Equal(t, triage.InternalSolved, state, "what succeeds promises nobody")
		require.False(t, waiting)
	})
}

func TestWhoseTicketIsDoneHearsNothingOfWhatEndsUndecided(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, leave := range map[string]func(triage.Actor, desk.TicketRef) error{
		"solved": func(who triage.Actor, ref desk.TicketRef) error {
			_, err := b.desk.Resolve(t.Context(), who, ref)
			return err
		},
		"closed": func(who triage.Actor, ref desk.TicketRef) error {
			_, err := b.desk.NotARequest(t.Context(), who, ref)
			return err
		},
	} {
		for end, decide := range map[action.State]func(p action.Proposal) error{
			action.Declined: func(p action.Proposal) error { return b.decide(t, p, b.bo, false) },
			action.Expired: func(p action.Proposal) error {
				b.pass(73 * time.Hour)
				return b.actions.Expire(t.Context(), p.TenantID, p.ID)
			},
			action.Invalid: func(p action.Proposal) error {
				b.define(t, fmt.Sprintf(move, b.server.URL))
				require.ErrorIs(t, b.decide(t, p, b.bo, true), action.ErrChanged)
				return nil
			},
		} {
			t.Run(name+", "+string(end), func(t *testing.T) {
				p := b.propose(t)
				require.NoError(t, leave(b.bo, desk.TicketRef{TenantID: p.TenantID, ID: p.TicketID}))
				before, _ := b.stands(t, p.TenantID, p.TicketID)
				require.NoError(t, decide(p))
				require.Equal(t, end, b.again(t, p).State)
				require.Empty(t, b.told(t, p))
				after, waiting := b.stands(t, p.TenantID, p.TicketID)
				require.Equal(t, before, after)
				require.False(t, waiting)
			})
		}
	}
}

func TestAProposalFollowsAMergedTicket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.Before = actiontest.HangUp
	p, into := b.propose(t), b.ticket(t, b.customer)
	from, to := desk.TicketRef{TenantID: p.TenantID, ID: p.TicketID}, desk.TicketRef{TenantID: p.TenantID, ID: into.ID}
	_, err := b.desk.Merge(t.Context(), b.cy, from, to)
	require.NoError(t, err)
	var shown []action.Proposal
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), p.TenantID, func(tx pgx.Tx) (err error) {
		shown, err = action.OfTicket(t.Context(), tx, p.TenantID, into.ID)
		return err
	}))
	require.Len(t, shown, 1)
	require.Equal(t, p.ID, shown[0].ID)
	require.NoError(t, b.decide(t, p, b.bo, true))
	_, err = b.desk.Resolve(t.Context(), b.bo, to)
	require.NoError(t, err)
	require.Equal(t, action.Unknown, b.run(t, p).State)
	require.Contains(t, b.told(t, p)[0], "A person is checking it", "said where it was asked for")
	state, waiting := b.stands(t, p.TenantID, into.ID)
	require.Equal(t, triage.InternalOpen, state)
	require.True(t, waiting)
	state, _ = b.stands(t, p.TenantID, p.TicketID)
	require.Equal(t, triage.InternalClosed, state)
	d, err := b.desk.Ticket(t.Context(), p.TenantID, into.ID)
	require.NoError(t, err)
	require.Equal(t, b.bo.ID, *d.Ticket.AssigneeID)

	closed := b.propose(t)
	_, err = b.desk.NotARequest(t.Context(), b.bo, desk.TicketRef{TenantID: closed.TenantID, ID: closed.TicketID})
	require.NoError(t, err)
	require.ErrorIs(t, b.decide(t, closed, b.bo, true), action.ErrClosed, "one that lives on nowhere")
}

// Wherever an echoed secret stands, no part of it is kept, also where the text is cut.
func TestAnEchoedSecretIsHiddenWhole(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"{kind: bearer}", "{kind: basic, user: usher}", "{kind: header, name: X-Key}"} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.define(t, strings.Replace(fmt.Sprintf(move, b.server.URL), "{kind: bearer}", auth, 1))
			for _, at := range []struct {
				before string
				cut    bool // by the other system
			}{
				{"", false}, {strings.Repeat("~", 285), false}, {strings.Repeat("~", 290), false}, {strings.Repeat("~", 295), false}, {strings.Repeat("~", 299), false},
				{strings.Repeat("~", 400), false}, {strings.Repeat(" ", 64<<10-6), false}, {"~", true},
			} {
				var sent string
				b.server.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
					_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
					sent = credentials + r.Header.Get("X-Key")
					body := at.before + sent
					w.Header().Set("Content-Length", strconv.Itoa(len(body)))
					w.WriteHeader(http.StatusBadRequest)
					if at.cut {
						body = body[:len(body)-3]
					}
					_, _ = w.Write([]byte(body))
					return true
				}
				p := b.propose(t)
				require.NoError(t, b.decide(t, p, b.bo, true))
				require.Equal(t, action.Failed, b.run(t, p).State)
				require.NotEmpty(t, sent)
				var kept string
				require.NoError(t, b.db.Worker.WithTenant(t.Context(), p.TenantID, func(tx pgx.Tx) error {
					return tx.QueryRow(t.Context(), `select p.outcome || a.detail from action_proposals p join action_attempts a on a.tenant_id = p.tenant_id and a.proposal_id = p.id
						where p.tenant_id = $1 and p.id = $2`, p.TenantID, p.ID).Scan(&kept)
				}))
				require.Contains(t, kept, "status 400")
				require.NotContains(t, kept, sent[:4])
				require.NotRegexp(t, `~[^~•… ]`, kept, "after %d characters", len(at.before))
			}
		})
	}
}

func TestATimeoutAfterSendingIsUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, fmt.Sprintf(move, b.server.URL)+"timeout_seconds: 1\n")
	release := make(chan struct{})
	defer close(release)
	b.server.After = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
		return true
	}
	p := b.propose(t)
	require.NoError(t, b.decide(t, p, b.bo, true))
	require.Equal(t, action.Unknown, b.run(t, p).State)
	require.Len(t, b.server.Arrived(), 1)
}

func TestASystemThatHonoursTheKeyDoesItOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, fmt.Sprintf(move, b.server.URL)+"honours_key: true\n")
	b.server.Honours = true
	b.server.After = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 2 {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return n < 3 && actiontest.HangUp(n, w, r)
	}
	p := b.propose(t)
	require.NoError(t, b.decide(t, p, b.bo, true))
	require.Equal(t, action.Done, b.run(t, p).State)
	require.Len(t, b.server.Arrived(), 3)
	require.Len(t, b.server.Effects(), 1)
	for _, a := range b.server.Arrived() {
		require.Equal(t, p.ID.String(), a.Key)
	}
}

func TestNoRedirectIsFollowedAndNoInnerAddressDialled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	elsewhere := actiontest.New(t)
	b.server.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		return true
	}
	p := b.propose(t)
	require.NoError(t, b.decide(t, p, b.bo, true))
	require.Equal(t, action.Failed, b.run(t, p).State)
	require.Empty(t, elsewhere.Arrived())

	_, err := rest.NewSender(egress.Guard{}).Send(t.Context(), p.Request)
	require.ErrorIs(t, err, action.ErrNotSent, "without the operator's word the test's own server is not reached")
	require.Len(t, b.server.Arrived(), 1)
}

// TestAKilledProcessLeavesAnHonestState stops right after the request was sent,
// as kill -9 does: the answer is never written down.
func TestAKilledProcessLeavesAnHonestState(t *testing.T) {
	t.Parallel()
	for name, honours := range map[string]bool{"honours the key": true, "does not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.server.Honours = honours
			b.define(t, fmt.Sprintf(move, b.server.URL)+fmt.Sprintf("honours_key: %t\n", honours))
			p := b.propose(t)
			require.NoError(t, b.decide(t, p, b.bo, true))
			killed := *b.actions
			killed.Sender = killedSender{b.actions.Sender}
			func() {
				defer func() { require.NotNil(t, recover()) }()
				_, _ = killed.Run(context.Background(), p.TenantID, p.ID)
			}()
			require.Len(t, b.server.Effects(), 1)
			wait, err := b.actions.Run(t.Context(), p.TenantID, p.ID)
			require.NoError(t, err)
			require.Positive(t, wait, "the other process might still be at it")
			require.Len(t, b.server.Arrived(), 1)
			got := b.run(t, p)
			require.Len(t, b.server.Effects(), 1)
			if honours {
				require.Equal(t, action.Done, got.State)
			} else {
				require.Equal(t, action.Unknown, got.State)
				require.Len(t, b.server.Arrived(), 1)
			}
		})
	}
}

type killedSender struct{ action.Sender }

func (k killedSender) Send(ctx context.Context, r action.Request) (action.Answer, error) {
	_, _ = k.Sender.Send(ctx, r)
	panic("killed")
}

// TestNothingIsSentWithoutAnApproval runs random schedules of everything that can
// happen to proposals, several at once, over systems that behave at random.
func TestNothingIsSentWithoutAnApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	random := rand.New(rand.NewPCG(1, 2))
	b.server.Before = func(n int, w http.ResponseWriter, r *http.Request) bool {
		switch n % 7 {
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		case 3:
			return actiontest.HangUp(n, w, r)
		case 5:
			w.WriteHeader(http.StatusBadRequest)
			return true
		}
		return false
	}
	b.server.After = func(n int, w http.ResponseWriter, r *http.Request) bool {
		return n%2 == 0 && actiontest.HangUp(n, w, r)
	}
	var all []action.Proposal
	for round := range 6 {
		b.server.Honours = round%2 == 0 // only now: what an earlier definition proposed is not sent any more
		b.define(t, fmt.Sprintf(move, b.server.URL)+fmt.Sprintf("honours_key: %t\n", b.server.Honours))
		for range 4 {
			all = append(all, b.propose(t))
		}
		var wg sync.WaitGroup
		for range 60 {
			p, what, who := all[random.IntN(len(all))], random.IntN(12), []triage.Actor{b.bo, b.cy, b.customer}[random.IntN(3)]
			wg.Go(func() {
				ctx := context.Background()
				switch what {
				case 0, 1:
					_, _ = b.actions.Decide(ctx, who, p.TenantID, p.ID, action.Decision{Approve: true})
				case 2:
					_, _ = b.actions.Decide(ctx, who, p.TenantID, p.ID, action.Decision{})
				case 3:
					b.pass(3 * time.Hour)
				case 4:
					_, _ = b.actions.Sweep(ctx)
				case 5:
					_, _ = b.actions.Settle(ctx, who, p.TenantID, p.ID, true)
				case 6:
					_ = b.actions.Expire(ctx, p.TenantID, p.ID)
				default:
					_, _ = b.actions.Run(ctx, p.TenantID, p.ID)
				}
			})
		}
		wg.Wait()
		for _, p := range all[len(all)-4:] {
			b.run(t, p) // with what the other system honours now
		}
	}
	approved, effects := map[string]bool{}, map[string]int{}
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select proposal_id::text from action_approvals`)
		if err != nil {
			return err
		}
		var id string
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error { approved[id] = true; return nil })
		return err
	}))
	require.NotEmpty(t, b.server.Arrived(), "something was sent")
	states, ended := map[action.State]int{}, make([]action.Proposal, len(all))
	for i, p := range all {
		ended[i] = b.run(t, p)
	}
	for _, a := range b.server.Arrived() {
		require.True(t, approved[a.Key], "sent without an approval")
	}
	for _, a := range b.server.Effects() {
		effects[a.Key]++
	}
	require.NotEmpty(t, effects, "something was carried out")
	for _, got := range ended {
		states[got.State]++
		require.LessOrEqual(t, effects[got.ID.String()], 1)
		switch got.State {
		case action.Declined, action.Expired, action.Proposed:
			require.False(t, approved[got.ID.String()])
			require.Zero(t, effects[got.ID.String()])
		case action.Done, action.Unknown, action.Failed:
			require.True(t, approved[got.ID.String()])
		case action.Invalid:
			require.Zero(t, effects[got.ID.String()])
		case action.Approved, action.Running:
			require.Fail(t, "not at rest")
		}
		seen := map[string]int{}
		for _, line := range b.told(t, got) {
			seen[line]++
			require.Equal(t, 1, seen[line], "told twice: "+line)
		}
	}
	require.Greater(t, len(states), 2, "the schedules led to different ends: %v", states)
}

// counted is a transaction that counts its trips to the database.
type counted struct {
	pgx.Tx
	trips *int
}

func (c counted) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	*c.trips++
	return c.Tx.Query(ctx, sql, args...)
}

func (c counted) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	*c.trips++
	return c.Tx.QueryRow(ctx, sql, args...)
}

func TestManyProposalsAreShownInAsManyTripsAsOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.db.Tenant(t, "globex")
	b.exec(t, `insert into status_source_customers (tenant_id, source, customer) values ($1, 'erp', '12')`, tenant)
	own := triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: b.db.User(t, tenant, "bo@usher.test"), Name: "Bo", Locale: "en"}
	b.server.Before = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == 1
	}
	var all []action.Proposal
	for range 3 {
		all = append(all, b.propose(t), b.propose(t, func(in *procedure.Proposing) { in.Asker = own }))
	}
	require.NoError(t, b.decide(t, all[2], b.bo, true))
	all[2] = b.run(t, all[2])
	trips := func(list []action.Proposal, who triage.Actor) (out []action.Detail, n int) {
		require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			out, err = action.Show(t.Context(), counted{tx, &n}, who, list)
			return err
		}))
		return out, n
	}
	_, one := trips(all[:1], b.bo)
	shown, many := trips(all, b.bo)
	require.Equal(t, one, many)
	require.Len(t, shown, len(all))
	for i, d := range shown {
		require.Equal(t, all[i], d.Proposal)
		require.Equal(t, map[bool]string{true: "Tenant globex", false: "Tenant acme"}[i%2 == 1], d.Tenant)
		require.Equal(t, int64(1001+i/2), d.Number)
		require.Equal(t, i%2 == 0, d.MayAct, "who asked as a customer does not decide")
		if i == 2 {
			require.Len(t, d.Attempts, 2)
			require.Equal(t, []string{"later", "done"}, []string{d.Attempts[0].Outcome, d.Attempts[1].Outcome})
			require.Equal(t, []int{1, 2}, []int{d.Attempts[0].Number, d.Attempts[1].Number})
			require.Equal(t, []int{429, 200}, []int{d.Attempts[0].Status, d.Attempts[1].Status})
			require.WithinDuration(t, b.clock(), *d.Attempts[1].EndedAt, 0)
			continue
		}
		require.Empty(t, d.Attempts)
	}
	shown, _ = trips(all, b.cy)
	require.True(t, shown[1].MayAct)
	shown, _ = trips(nil, b.cy)
	require.Empty(t, shown)
}

func TestTheSameSubjectProposesOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket, in := b.ticket(t, b.customer), b.proposing(b.customer)
	for range 3 {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), in.Asker.TenantID, func(tx pgx.Tx) error {
			return b.actions.Propose(t.Context(), tx, in, ticket.ID)
		}))
	}
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), in.Asker.TenantID, func(tx pgx.Tx) error {
		list, err := action.OfTicket(t.Context(), tx, in.Asker.TenantID, ticket.ID)
		require.Len(t, list, 1)
		return err
	}))
}

func TestWhatWasGivenCannotLeaveItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, strings.NewReplacer("{customer}/go-live", "{reason}/x?day={date}", "optional: true", "optional: false").Replace(fmt.Sprintf(move, b.server.URL)))
	for _, reason := range []string{"../../admin", "a/b", "x?y=1", "a#b", `","go_live":"1999-01-01`, "{tenant}", "%2e%2e", "@evil.test/", "\u202Eabc"} {
		p := b.propose(t, func(in *procedure.Proposing) { in.Values["reason"] = reason })
		require.NoError(t, b.decide(t, p, b.bo, true))
		require.Equal(t, action.Done, b.run(t, p).State)
		got := b.server.Arrived()[len(b.server.Arrived())-1]
		require.Regexp(t, `^/customers/[^/?#]+/x\?day=2026-12-15$`, got.Path)
		var body map[string]string
		require.NoError(t, json.Unmarshal([]byte(got.Body), &body))
		require.Equal(t, "2026-12-15", body["go_live"])
		require.Equal(t, triage.Plain(reason), body["reason"])
		require.Len(t, body, 5)
		require.Equal(t, b.customer.TenantID.String(), body["tenant"])
	}
	for name, change := range map[string]func(map[string]string){
		"climbing":          func(v map[string]string) { v["reason"] = ".." },
		"too long":          func(v map[string]string) { v["reason"] = strings.Repeat("x", 61) },
		"missing":           func(v map[string]string) { delete(v, "date") },
		"no day":            func(v map[string]string) { v["date"] = "soon" },
		"not a parameter":   func(v map[string]string) { v["tenant"] = uuid.NewString() },
		"another parameter": func(v map[string]string) { v["contact_email"] = "x@y.test" },
	} {
		in := b.proposing(b.customer)
		in.Values["reason"] = "fine"
		change(in.Values)
		ticket := b.ticket(t, b.customer)
		err := b.db.Worker.WithTenant(t.Context(), in.Asker.TenantID, func(tx pgx.Tx) error { return b.actions.Propose(t.Context(), tx, in, ticket.ID) })
		var unfit *action.UnfitError
		require.ErrorAs(t, err, &unfit, name)
	}
}

func TestASecretStaysWithItsHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(text string, secret *string) error {
		d, err := action.Parse([]byte(text))
		require.NoError(t, err)
		return b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := action.Put(t.Context(), tx, d, secret)
			return err
		})
	}
	require.ErrorIs(t, put(fmt.Sprintf(move, "https://mine.test"), nil), action.ErrSecretMissing)
	require.NoError(t, put(fmt.Sprintf(move, b.server.URL), nil), "the same host keeps it")
	empty := ""
	require.ErrorIs(t, put(fmt.Sprintf(move, b.server.URL), &empty), action.ErrBadAction)
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		list, err := action.Definitions(t.Context(), tx)
		require.Len(t, list, 1)
		require.NotContains(t, fmt.Sprint(list), "s3cr3t")
		return err
	}))
	trial, err := b.actions.Try(t.Context(), mustParse(t, fmt.Sprintf(move, b.server.URL)), b.customer.TenantID, "de", map[string]string{"date": "2026-12-15"})
	require.NoError(t, err)
	require.Contains(t, trial.Request.Preview(), "Authorization: Bearer ••••••")
	require.Equal(t, "Ihr Go-live ist jetzt am 15. Dezember 2026.", trial.Done)
	require.Empty(t, b.server.Arrived(), "a dry run sends nothing")
	trial, err = b.actions.Try(t.Context(), mustParse(t, fmt.Sprintf(move, b.server.URL)), b.customer.TenantID, "de", map[string]string{"date": "x"})
	require.NoError(t, err)
	require.Contains(t, trial.Problem, "not a day")
}

func mustParse(t *testing.T, text string) action.Definition {
	t.Helper()
	d, err := action.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

func TestAProcedureMustFitItsActions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	check := func(step string) error {
		p, err := procedure.Parse([]byte(`
key: k
title: T
intent: a.b
steps:
  - id: one
    ask: {as: day, kind: date, question: {en: Which day?}}
  - id: two
    ask: {as: why, kind: text, question: {en: Why?}}
  - id: three
    propose: ` + step))
		if err != nil {
			return err
		}
		return b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return action.CheckProcedure(t.Context(), tx, p) })
	}
	require.NoError(t, check(`{action: move_go_live, with: {date: answer.day, reason: answer.why}}`))
	require.NoError(t, check(`{action: move_go_live, with: {date: "2026-12-15"}}`))
	for step, why := range map[string]string{
		`{action: nothing}`:                                             "there is no action",
		`{action: move_go_live}`:                                        "needs date",
		`{action: move_go_live, with: {date: answer.why}}`:              "is a date",
		`{action: move_go_live, with: {date: answer.other}}`:            "which no step before it asks",
		`{action: move_go_live, with: {date: tomorrow}}`:                "not a day",
		`{action: move_go_live, with: {date: answer.day, tenant: abc}}`: "has no parameter tenant",
	} {
		err := check(step)
		require.ErrorIs(t, err, procedure.ErrBadProcedure, step)
		require.ErrorContains(t, err, why)
	}
}

func TestBadDefinitionsAreRefused(t *testing.T) {
	t.Parallel()
	good := fmt.Sprintf(move, "https://erp.test/api")
	_, err := action.Parse([]byte(good))
	require.NoError(t, err)
	for from, to := range map[string]string{
		"method: POST":                 "method: GET",
		"https://erp.test/api":         "ftp://erp.test",
		"erp.test/api":                 "user:pw@erp.test",
		"erp.test/api\n":               "{tenant}.test\n",
		"path: /customers":             "path: /../customers",
		"{customer}":                   "{message}",
		"go_live: \"{date}\"":          "go_live: \"{answer.date}\"",
		"name: date, label: New date":  "name: tenant, label: New date",
		"kind: date}":                  "kind: day}",
		"customers_of: erp":            "expires_hours: 5",
		"kind: bearer":                 "kind: oauth",
		"auth: {kind: bearer}":         "auth: {kind: header, name: Content-Type}",
		"role: agent":                  "role: anybody",
		"title: Move the go-live date": "title: \"\"",
		"words: {en:":                  "words: {xx:",
		"reason: \"{reason}\"":         "reason: fixed",
		"length: 60":                   "length: 99999",
		"approvers:":                   "approver:",
		"key: move_go_live":            "key: Move",
	} {
		require.Contains(t, good, from)
		_, err := action.Parse([]byte(strings.Replace(good, from, to, 1)))
		require.ErrorIs(t, err, action.ErrBadAction, from+" → "+to)
	}
	back, err := mustParse(t, good).YAML()
	require.NoError(t, err)
	require.Equal(t, mustParse(t, good), mustParse(t, back))
}
