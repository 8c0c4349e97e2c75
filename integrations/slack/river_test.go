package slack_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/sla"
)

// running is the whole way with River working the jobs.
type running struct {
	*testBundle
	jobs *river.Client[pgx.Tx]
}

func start(t testing.TB) *running {
	t.Helper()
	r := &running{testBundle: &testBundle{db: dbtest.New(t), slack: slackfake.New(t)}}
	quiet := slog.New(slog.DiscardHandler)
	r.client = slack.New(slack.Config{Token: "xoxb-test", Channel: "C00000001", APIURL: r.slack.APIURL(), PerPost: -1})
	insert, err := river.NewClient(riverpgxv5.New(r.db.Worker.Pool()), &river.Config{FetchCooldown: 10 * time.Millisecond}) // also limits how often an insert wakes the workers
	require.NoError(t, err)
	r.desk = desk.New(desk.Config{DB: r.db.Worker, Jobs: insert, Channel: r.client, Clocks: sla.New(nil), Log: quiet})
	r.inbound = slack.NewInbound(slack.InboundConfig{Client: r.client, SigningSecrets: []string{secret}, DB: r.db.Worker, Jobs: insert, Desk: r.desk, Log: quiet})
	workers := river.NewWorkers()
	desk.AddWorkers(workers, r.desk)
	slack.AddWorkers(workers, r.inbound)
	r.jobs, err = river.NewClient(riverpgxv5.New(r.db.Worker.Pool()), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 20}}, FetchCooldown: 10 * time.Millisecond,
		Logger: quiet, TestOnly: true,
	})
	require.NoError(t, err)
	require.NoError(t, r.jobs.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = r.jobs.StopAndCancel(ctx)
	})
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	r.inbound.Mount(engine)
	r.router = engine
	r.tenant = r.db.Tenant(t, "acme")
	r.user = r.db.User(t, r.tenant, "ana@acme.test")
	r.bo = r.db.Staff(t, "bo@usher.test")
	r.slack.AddUser(slackfake.User{ID: "U00000BO", Email: "bo@usher.test", Name: "Bo"})
	return r
}

// handOver stores a customer's message and escalates it, as one transaction.
func (r *running) handOver(t testing.TB) triage.Ticket {
	t.Helper()
	var ticket triage.Ticket
	require.NoError(t, r.db.App.WithTenant(t.Context(), r.tenant, func(tx pgx.Tx) error {
		id := uuid.Must(uuid.NewV7())
		if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: r.tenant, ID: id, UserID: &r.user, Channel: triage.ChannelChat}); err != nil {
			return err
		}
		m, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: r.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: id, AuthorKind: triage.AuthorCustomer, AuthorName: "Ana",
			Visibility: triage.VisibleToCustomer, Body: "Import stops",
		})
		if err != nil {
			return err
		}
		ticket, err = r.desk.Escalate(t.Context(), tx, desk.Escalation{
			TenantID: r.tenant, ConversationID: id, MessageID: m.ID, Reason: triage.ReasonNoAnswer, Subject: "Import stops", Summary: "Import stops",
			Classification: triage.Classification{Priority: triage.PriorityNormal, Language: "en"},
		})
		return err
	}))
	return ticket
}

func TestTheWholeWayWithRiver(t *testing.T) {
	t.Parallel()
	r := start(t)
	ticket := r.handOver(t)
	require.Eventually(t, func() bool {
		roots := r.slack.Messages("")
		return len(roots) == 1 && len(r.slack.Messages(roots[0].TS)) == 2
	}, 20*time.Second, 5*time.Millisecond)
	require.Contains(t, r.submit(t, ticket, "U00000BO", "V1", "reply", map[string]string{"text": "We are on it", "choice": "open"}), "clear")
	require.Equal(t, "We are on it", r.detail(t, ticket).Messages[1].Body)
	require.Eventually(t, func() bool { return len(r.slack.Messages(r.slack.Messages("")[0].TS)) == 3 }, 20*time.Second, 5*time.Millisecond)
	r.press(t, ticket, "U00000BO", "resolve")
	require.Eventually(t, func() bool { return r.detail(t, ticket).Ticket.InternalState == triage.InternalSolved }, 20*time.Second, 5*time.Millisecond)
}

func percentiles(b *testing.B, name string, took []time.Duration) time.Duration {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"_p50_ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"_p99_ms")
	return took[len(took)/2]
}

// against measures what is timed with a bare floor after each: the machine drifts,
// so only their ratio says anything.
func against(b *testing.B, name string, once, floor func()) {
	var took, bare []time.Duration
	for b.Loop() {
		begin := time.Now()
		once()
		middle := time.Now()
		floor()
		took, bare = append(took, middle.Sub(begin)), append(bare, time.Since(middle))
	}
	ratio := float64(percentiles(b, name, took)) / float64(percentiles(b, "floor", bare))
	b.ReportMetric(ratio, "p50_to_floor")
}

// bare is the least a message can cost: one row inserted and committed.
func (r *running) bare(b *testing.B) {
	_, err := r.db.Worker.Pool().Exec(b.Context(), `insert into inbound_events (source, event_id, payload, state) values ('bench', $1, 'Import stops', 'done')`, uuid.NewString())
	require.NoError(b, err)
}

// From a customer's message, committed, to the root in Slack. The floor is a row
// committed and a message posted to the same fake, one after the other.
func BenchmarkMessageToRoot(b *testing.B) {
	r := start(b)
	ours := func() int {
		return len(slices.DeleteFunc(r.slack.Messages(""), func(m slackfake.Message) bool { return m.Text == "floor" }))
	}
	seen := 0
	against(b, "root", func() {
		r.handOver(b)
		for ours() == seen {
			time.Sleep(200 * time.Microsecond)
		}
		seen = ours()
	}, func() {
		r.bare(b)
		answer, err := http.PostForm(r.slack.APIURL()+"chat.postMessage", url.Values{"token": {"xoxb-test"}, "channel": {"C00000001"}, "text": {"floor"}})
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(b, errors.Join(err, answer.Body.Close()))
	})
}

// From an agent's reply in Slack, as the request comes in, to the customer's
// conversation. The floor is a row committed.
func BenchmarkReplyToCustomer(b *testing.B) {
	r := start(b)
	ticket := r.handOver(b)
	block := "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String()
	against(b, "reply", func() {
		w := r.request(b, map[string]any{
			"type": "view_submission", "user": map[string]any{"id": "U00000BO", "team_id": "T00000001"},
			"view": map[string]any{
				"id": uuid.NewString(), "type": "modal", "callback_id": "reply", "private_metadata": block, "blocks": []any{},
				"state": map[string]any{"values": map[string]any{
					"text":   map[string]any{"text": map[string]any{"type": "plain_text_input", "value": "On it"}},
					"choice": map[string]any{"choice": map[string]any{"type": "static_select", "selected_option": map[string]any{"value": "open", "text": map[string]any{"type": "plain_text", "text": "x"}}}},
				}},
			},
		})
		require.Equal(b, http.StatusOK, w.Code) // the answer says it is stored and visible
	}, func() { r.bare(b) })
}

// Effects carried out per second, over many tickets, with Slack answering at once.
func BenchmarkDeliveries(b *testing.B) {
	r := start(b)
	before := len(r.slack.Messages(""))
	begin := time.Now()
	n := 0
	for b.Loop() {
		r.handOver(b)
		n++
	}
	for len(r.slack.Messages(""))-before < n {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(n*3)/time.Since(begin).Seconds(), "deliveries/s")
}
