package outcome_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/outcome"
)

var now = time.Now().UTC().Truncate(time.Microsecond)

// step is one thing in a history: what, and how many hours before now.
//
//	Q question, T thanks, A answer, + and - votes, S the customer says it is
//	solved, H hand-over, G an agent writes
type step struct {
	what string
	ago  float64
}

func history(text string) (out []step) {
	for _, word := range strings.Fields(text) {
		what, ago, _ := strings.Cut(word, ":")
		days, err := strconv.ParseFloat(ago, 64)
		if err != nil {
			panic(err)
		}
		out = append(out, step{what, days * 24})
	}
	return out
}

type bundle struct {
	*dbtest.Database
	tenant, user uuid.UUID
	number       int64
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{Database: dbtest.New(t), number: 1}
	b.tenant = b.Tenant(t, "acme")
	b.user = b.User(t, b.tenant, "ana@acme.test")
	return b
}

func (b *bundle) in(t *testing.T, tenant uuid.UUID, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.Worker.WithTenant(t.Context(), tenant, fn))
}

// store writes a history as the product stores it.
func (b *bundle) store(t *testing.T, tenant, user uuid.UUID, channel, intent string, steps []step) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	b.in(t, tenant, func(tx pgx.Tx) error {
		exec := func(sql string, args ...any) {
			_, err := tx.Exec(t.Context(), sql, args...)
			require.NoError(t, err)
		}
		begun := now
		if len(steps) > 0 {
			begun = at(steps[0])
		}
		exec(`insert into conversations (tenant_id, id, user_id, channel, created_at) values ($1, $2, $3, $4, $5)`, tenant, id, user, channel, begun)
		var answer, ticket uuid.UUID
		for seq, s := range steps {
			message := func(author string, meta any) uuid.UUID {
				m := uuid.Must(uuid.NewV7())
				exec(`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body, answer, created_at) values ($1, $2, $3, $4, $5, 'customer', 'x', $6, $7)`, tenant, m, id, seq, author, meta, at(s))
				return m
			}
			switch s.what {
			case "Q", "T":
				m := message("customer", nil)
				route := map[string]string{"Q": "answer", "T": "acknowledge"}[s.what]
				exec(`insert into decisions (tenant_id, id, message_id, conversation_id, route, outcome, prompt_tokens, output_tokens, cost_microusd, created_at) values ($1, $2, $3, $4, $5, 'sent', 100, 10, 7, $6)`,
					tenant, uuid.New(), m, id, route, at(s))
				if s.what == "Q" && intent != "" {
					exec(`insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, engine, engine_version, created_at) values ($1, $2, $3, $4, $5, 1, 'x', 'x', $6)`,
						tenant, uuid.New(), m, id, intent, at(s))
				}
			case "A":
				answer = message("assistant", triage.AnswerMeta{Kind: "answer", Evidence: "documents"})
			case "C": // asks back, and is no answer
				message("assistant", triage.AnswerMeta{Kind: "clarify", Evidence: "none"})
			case "+", "-":
				if answer == uuid.Nil {
					continue
				}
				exec(`insert into feedback (tenant_id, message_id, user_id, vote, updated_at) values ($1, $2, $3, $4, $5)`, tenant, answer, user, map[string]string{"+": "helpful", "-": "not_helpful"}[s.what], at(s))
				answer = uuid.Nil
			case "S":
				exec(`insert into conversation_events (tenant_id, conversation_id, seq, kind, visibility, payload, created_at) values ($1, $2, $3, 'conversation.updated', 'customer', '{"state": "solved"}', $4)`, tenant, id, seq, at(s))
			case "H", "D":
				if ticket == uuid.Nil {
					b.number++
					ticket = uuid.New()
					exec(`insert into tickets (tenant_id, id, number, conversation_id, subject, origin, created_at) values ($1, $2, $3, $4, 'x', 'chat', $5)`, tenant, ticket, b.number, id, at(s))
				}
				exec(`insert into escalations (tenant_id, id, ticket_id, reason, summary, created_at) values ($1, $2, $3, $4, '', $5)`, tenant, uuid.New(), ticket, map[string]string{"H": "customer_asked", "D": "created_by_api"}[s.what], at(s))
			case "G":
				message("agent", nil)
			}
		}
		return nil
	})
	return id
}

func at(s step) time.Time {
	return now.Add(-time.Duration(s.ago * float64(time.Hour))).Truncate(time.Microsecond)
}

func (b *bundle) ledger(t *testing.T) map[uuid.UUID]outcome.Case {
	t.Helper()
	out := map[uuid.UUID]outcome.Case{}
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return outcome.Ledger(t.Context(), tx, now.AddDate(-1, 0, 0), now.AddDate(0, 0, 1), uuid.Nil, now, func(c outcome.Case) { out[c.Conversation] = c })
	}))
	return out
}

func TestOutcomesAreWhatTheirDefinitionsSay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := map[string]outcome.Outcome{}
	ids := map[string]uuid.UUID{}
	for text, o := range map[string]outcome.Outcome{
		"":                              "",
		"T:9":                           "",
		"Q:9":                           outcome.Unanswered,
		"Q:9 C:9":                       outcome.Unanswered,
		"Q:1":                           outcome.Waiting,
		"Q:9 A:9":                       outcome.Assumed,
		"Q:9 A:9 T:8.9":                 outcome.Assumed,
		"Q:6 A:6":                       outcome.Waiting,
		"Q:6 A:6 S:6":                   outcome.Confirmed,
		"Q:6 S:6":                       outcome.Waiting,
		"Q:6 A:6 +:5":                   outcome.Confirmed,
		"Q:30 A:30 -:30":                outcome.Wrong,
		"Q:30 A:30 -:30 Q:29.9 A:29.9":  outcome.Wrong,
		"Q:30 A:30 Q:29 A:29":           outcome.Assumed,
		"Q:30 A:30 Q:29":                outcome.Unanswered,
		"Q:30 A:30 Q:20":                outcome.Reopened,
		"Q:30 A:30 Q:20 A:20 S:20":      outcome.Reopened,
		"Q:30 A:30 S:29 Q:28 A:28":      outcome.Reopened,
		"Q:30 A:30 S:29 T:28":           outcome.Confirmed,
		"Q:30 A:30 S:29 H:28":           outcome.Escalated,
		"Q:30 H:30":                     outcome.Escalated,
		"Q:30 A:30 G:1":                 outcome.Escalated,
		"Q:30 A:30 -:30 Q:30 A:29 +:29": outcome.Confirmed,
		"Q:8 A:8 Q:6.5 A:6.5":           outcome.Waiting,
	} {
		ids[text] = b.store(t, b.tenant, b.user, "chat", "", history(text))
		want[text] = o
	}
	direct := b.store(t, b.tenant, b.user, "api", "", history("Q:3 D:3"))
	ledger := b.ledger(t)
	for text, o := range want {
		require.Equal(t, o, ledger[ids[text]].Outcome, text)
	}
	require.True(t, ledger[direct].Direct)
	require.Equal(t, int64(110), ledger[ids["Q:9 A:9"]].Tokens)
	require.Equal(t, int64(7), ledger[ids["Q:9 A:9"]].MicroUSD)
}

func TestTheSameMatterAgainCountsAgainstTheResolution(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.User(t, b.tenant, "bo@acme.test")
	first := b.store(t, b.tenant, b.user, "chat", "upload_document", history("Q:20 A:20 S:20"))
	again := b.store(t, b.tenant, b.user, "email", "upload_document", history("Q:15 A:15"))
	late := b.store(t, b.tenant, b.user, "chat", "upload_document", history("Q:1 A:1"))
	unlike := b.store(t, b.tenant, b.user, "chat", "sign_in", history("Q:19 A:19"))
	somebody := b.store(t, b.tenant, other, "chat", "sign_in", history("Q:18 A:18"))
	ledger := b.ledger(t)
	require.Equal(t, outcome.Reopened, ledger[first].Outcome, "five days later they ask again, by mail")
	require.Equal(t, outcome.Assumed, ledger[again].Outcome, "two weeks later is another time")
	require.Equal(t, outcome.Waiting, ledger[late].Outcome)
	require.Equal(t, outcome.Assumed, ledger[unlike].Outcome)
	require.Equal(t, outcome.Assumed, ledger[somebody].Outcome, "another person's question is not a return")
}

// expected states the definitions of a history without walking through it.
func expected(steps []step) outcome.Outcome {
	after := func(a, b step) bool { return a.ago < b.ago }
	var questions, answers, confirmations, downs []step
	voted, answeredBefore := true, false
	for _, s := range steps {
		switch s.what {
		case "H", "G":
			return outcome.Escalated
		case "Q":
			questions = append(questions, s)
		case "A":
			answers = append(answers, s)
			voted, answeredBefore = false, true
		case "S":
			if answeredBefore {
				confirmations = append(confirmations, s)
			}
		case "+":
			if !voted {
				confirmations = append(confirmations, s)
			}
			voted = true
		case "-":
			if !voted {
				downs = append(downs, s)
			}
			voted = true
		}
	}
	latest := func(of []step, before step) (step, bool) {
		for i := len(of) - 1; i >= 0; i-- {
			if after(before, of[i]) {
				return of[i], true
			}
		}
		return step{}, false
	}
	for _, q := range questions {
		c, confirmed := latest(confirmations, q)
		d, down := latest(downs, q)
		a, answered := latest(answers, q)
		switch {
		case confirmed && (!down || after(c, d)):
			return outcome.Reopened
		case !confirmed && !down && answered && a.ago-q.ago >= 7*24:
			return outcome.Reopened
		}
	}
	end := step{ago: -1}
	c, confirmed := latest(confirmations, end)
	d, down := latest(downs, end)
	q, asked := latest(questions, end)
	a, answered := latest(answers, end)
	switch {
	case down && (!confirmed || after(d, c)):
		return outcome.Wrong
	case confirmed:
		return outcome.Confirmed
	case !asked && !answered:
		return ""
	}
	last := q
	if answered && (!asked || after(a, q)) {
		last = a
	}
	switch quiet := last.ago >= 7*24; {
	case !quiet:
		return outcome.Waiting
	case answered && last == a:
		return outcome.Assumed
	}
	return outcome.Unanswered
}

func TestRandomHistoriesRebuildToTheSameCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := rand.New(rand.NewPCG(7, 11))
	tenants := []uuid.UUID{b.tenant, b.Tenant(t, "globex"), b.Tenant(t, "initech")}
	channels := []string{"chat", "api", "email"}
	want := map[uuid.UUID]outcome.Outcome{}
	totals := map[outcome.Outcome]int{}
	asked := 0
	for i := range 250 {
		tenant := tenants[r.IntN(len(tenants))]
		user := b.User(t, tenant, fmt.Sprintf("p%d@x.test", i)) // one each: returns are tested apart
		steps := []step{{"Q", 20 + r.Float64()*24*60}}
		for ago := steps[0].ago; len(steps) < 1+r.IntN(8); {
			ago -= r.ExpFloat64() * 24 * 4
			if ago <= 0.1 {
				break
			}
			steps = append(steps, step{[]string{"Q", "Q", "A", "A", "A", "T", "+", "-", "S", "H", "G", "C"}[r.IntN(12)], ago})
		}
		handed := false
		for k, s := range steps { // a customer's word on a ticket is the desk's
			handed = handed || s.what == "H"
			if s.what == "S" && handed {
				steps[k].what = "T"
			}
		}
		id := b.store(t, tenant, user, channels[r.IntN(3)], []string{"", "sign_in", "upload_document"}[r.IntN(3)], steps)
		want[id] = expected(steps)
		if want[id] != "" {
			totals[want[id]]++
			asked++
		}
		if i%100 == 0 {
			require.Equal(t, want[id], b.caseOf(t, tenant, id).Outcome, "%v", steps)
		}
	}
	for id, c := range b.ledger(t) {
		require.Equal(t, want[id], c.Outcome, "%s", id)
	}
	for _, o := range outcome.All {
		require.Positive(t, totals[o], "the histories reach every outcome: %s", o)
	}
	var s outcome.Summary
	var file bytes.Buffer
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
		if s, err = outcome.Summarize(t.Context(), tx, now.AddDate(-1, 0, 0), now.AddDate(0, 0, 1), uuid.Nil, now); err != nil {
			return err
		}
		return outcome.WriteCSV(t.Context(), tx, now.AddDate(-1, 0, 0), now.AddDate(0, 0, 1), uuid.Nil, now, &file)
	}))
	require.Equal(t, totals, s.Of)
	require.Equal(t, asked, s.Asked)
	for _, lines := range [][]outcome.Line{s.Weeks, s.Intents, s.Tenants, s.Channels} {
		sum := map[outcome.Outcome]int{}
		for _, l := range lines {
			for o, n := range l.Of {
				sum[o] += n
			}
		}
		require.Equal(t, totals, sum, "every way to cut it adds up to the same")
	}
	rows, err := csv.NewReader(&file).ReadAll()
	require.NoError(t, err)
	require.Equal(t, outcome.Columns, rows[0])
	sum := 0
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[4])
		require.NoError(t, err)
		sum += n
	}
	require.Equal(t, asked, sum)
}

func (b *bundle) caseOf(t *testing.T, tenant, id uuid.UUID) (found outcome.Case) {
	t.Helper()
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return outcome.Ledger(t.Context(), tx, now.AddDate(-1, 0, 0), now.AddDate(0, 0, 1), tenant, now, func(c outcome.Case) {
			if c.Conversation == id {
				found = c
			}
		})
	}))
	return found
}

// The desk writes on the ticket how it counts. Read from its events it is the same.
func TestTicketsSayTheSameAsTheirEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	clock := now.AddDate(0, 0, -60)
	jobs, err := river.NewClient(riverpgxv5.New(b.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	d := desk.New(desk.Config{DB: b.Worker, Jobs: jobs, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
	in := intake.New(b.App, jobs, d, nil)
	agent := triage.Actor{Kind: triage.ActorStaff, ID: b.Staff(t, "bo@usher.test")}
	customer := triage.Actor{Kind: triage.ActorCustomer, ID: b.user, TenantID: b.tenant}
	r := rand.New(rand.NewPCG(3, 5))
	seen := map[string]int{}
	for i := range 60 {
		key := fmt.Sprintf("integration/sync/%d", i)
		c, m, err := in.Start(t.Context(), customer, intake.Start{Channel: triage.ChannelChat, Text: "Help me"})
		require.NoError(t, err)
		var ticket triage.Ticket
		b.in(t, b.tenant, func(tx pgx.Tx) (err error) {
			ticket, err = d.Escalate(t.Context(), tx, desk.Escalation{TenantID: b.tenant, ConversationID: c.ID, MessageID: m.ID, UserID: b.user, Reason: triage.ReasonNoAnswer, Subject: "x", Summary: "x", DedupKey: key})
			return err
		})
		ref := desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
		for range 2 + r.IntN(7) {
			switch r.IntN(8) {
			case 7:
				b.in(t, b.tenant, func(tx pgx.Tx) error {
					return d.CauseGone(t.Context(), tx, desk.Recovery{TenantID: b.tenant, Key: key, Once: uuid.NewString(), Note: "It works again.", Draft: "It works again."})
				})
			case 0:
				_, _ = d.Resolve(t.Context(), agent, ref)
			case 1:
				_, _ = d.Reply(t.Context(), agent, ref, desk.Reply{Text: "So it is.", Then: triage.InternalSolved})
			case 2:
				_ = in.ConfirmSolved(t.Context(), customer, c.ID)
			case 3:
				var solved *time.Time
				b.in(t, b.tenant, func(tx pgx.Tx) error {
					return tx.QueryRow(t.Context(), `select solved_at from tickets where tenant_id = $1 and id = $2`, b.tenant, ticket.ID).Scan(&solved)
				})
				if solved != nil {
					require.NoError(t, d.Settle(t.Context(), desk.SettleTicketArgs{TenantID: b.tenant, TicketID: ticket.ID, SolvedAt: *solved}))
				}
			case 4:
				_, _ = d.Reopen(t.Context(), agent, ref)
			case 5:
				_, _ = d.Reply(t.Context(), agent, ref, desk.Reply{Text: "One more thing."})
			case 6:
				wrote, err := in.Post(t.Context(), customer, c.ID, intake.Post{Text: "It is back"})
				if err != nil {
					continue
				}
				var closed bool
				b.in(t, b.tenant, func(tx pgx.Tx) error {
					return tx.QueryRow(t.Context(), `select internal_state = 'closed' from tickets where tenant_id = $1 and id = $2`, b.tenant, ticket.ID).Scan(&closed)
				})
				if !closed { // after the end a new ticket begins
					b.in(t, b.tenant, func(tx pgx.Tx) error {
						_, _, err := d.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: wrote})
						return err
					})
				}
			}
		}
		var stored string
		b.in(t, b.tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select resolution from tickets where tenant_id = $1 and id = $2`, b.tenant, ticket.ID).Scan(&stored)
		})
		got := b.caseOf(t, b.tenant, c.ID)
		require.Equal(t, stored, string(got.Ticket))
		require.Equal(t, outcome.Escalated, got.Outcome)
		seen[stored]++
	}
	for _, o := range []string{"confirmed", "assumed", "linked_work", "reopened", ""} {
		require.Positive(t, seen[o], "the tickets reach every resolution: %q", o)
	}
}
