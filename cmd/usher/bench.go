package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
)

// benchResult is what every bench prints: throughput and latency of the product,
// the same of the bare floor measured in the same run, and their ratio.
type benchResult struct {
	N         int     `json:"n"`
	PerSecond float64 `json:"per_s"`
	P50MS     float64 `json:"p50_ms"`
	P99MS     float64 `json:"p99_ms"`
	Floor     string  `json:"floor"`
	FloorPerS float64 `json:"floor_per_s"`
	FloorP50  float64 `json:"floor_p50_ms"`
	FloorP99  float64 `json:"floor_p99_ms"`
	Ratio     float64 `json:"ratio"` // of throughputs; of latencies for triage, search and stream
	Chunks    int     `json:"chunks,omitempty"`
}

func benchCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure throughput and latency against a floor in the same run"}
	for _, b := range []struct {
		name, short string
		run         func(ctx context.Context, a *application, n int) (benchResult, error)
		n           int
	}{
		{"intake", "Accepted messages against the same rows and job written by raw pgx", benchIntake, 4000},
		{"triage", "From accepted message to stored answer, over 10,000 chunks, one at a time", benchTriage, 300},
		{"search", "Live search against an exact vector scan of the same chunks", benchSearch, 500},
		{"stream", "From stored event to subscriber against reading the row", benchStream, 500},
	} {
		var asJSON bool
		var n int
		sub := &cobra.Command{
			Use: b.name, Short: b.short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return withBench(cmd.Context(), func(ctx context.Context, a *application) error {
					result, err := b.run(ctx, a, n)
					if err != nil {
						return err
					}
					return report(cmd.OutOrStdout(), asJSON, result)
				})
			},
		}
		sub.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
		sub.Flags().IntVar(&n, "n", b.n, "operations")
		cmd.AddCommand(sub)
	}
	return cmd
}

// withBench joins the product over a scratch database with the demo loaded.
func withBench(ctx context.Context, fn func(ctx context.Context, a *application) error) error {
	return withDemo(ctx, func(c config) (config, error) { return c, nil }, fn)
}

// withDemo is the demo in a scratch database, set up as change says.
func withDemo(ctx context.Context, change func(config) (config, error), fn func(ctx context.Context, a *application) error) error {
	return withScratchURL(ctx, func(ctx context.Context, owner, secret string) error {
		c, err := loadConfig()
		if err != nil {
			return err
		}
		if c, err = change(c); err != nil {
			return err
		}
		c.DatabaseURL, c.Secret, c.AppURL, c.WorkerURL, c.Roles, c.PublicURL = owner, secret, "", "", []string{"worker"}, "http://localhost"
		if err := c.roleURLs(); err != nil {
			return err
		}
		a, err := build(ctx, c, newLogger(8)) // errors only: the figures are the output
		if err != nil {
			return err
		}
		defer a.close()
		if err := a.loadDemo(ctx); err != nil {
			return err
		}
		return fn(ctx, a)
	})
}

func benchActor() triage.Actor {
	t := demoTenants[0]
	return triage.Actor{Kind: triage.ActorCustomer, ID: t.People[0].ID, Name: t.People[0].Name, TenantID: t.ID, Roles: t.People[0].Roles, Locale: "en"}
}

// measure runs op n times from several goroutines and returns rate and latencies.
func measure(n, workers int, op func(i int) error) (perSecond, p50, p99 float64, err error) {
	times := make([]float64, n)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var group sync.WaitGroup
	var once sync.Once
	started := time.Now()
	for range workers {
		group.Go(func() {
			for i := range next {
				began := time.Now()
				if opErr := op(i); opErr != nil {
					once.Do(func() { err = opErr })
					return
				}
				times[i] = float64(time.Since(began).Microseconds()) / 1000
			}
		})
	}
	group.Wait()
	took := time.Since(started).Seconds()
	slices.Sort(times)
	return float64(n) / took, times[n/2], times[n*99/100], err
}

const benchWorkers = 16

// benchIntake posts into conversations of their own, as many customers do, in
// turns with the floor, so that a drifting machine hits both alike.
func benchIntake(ctx context.Context, a *application, n int) (benchResult, error) {
	actor := benchActor()
	var r benchResult
	const rounds = 4
	for range rounds {
		perSecond, p50, p99, err := measure(n/rounds, benchWorkers, func(int) error {
			_, _, err := a.intake.Start(ctx, actor, intake.Start{Channel: triage.ChannelChat, Text: "Where are we with our onboarding?"})
			return err
		})
		if err != nil {
			return r, err
		}
		floor, floor50, floor99, err := measure(n/rounds, benchWorkers, func(int) error { return rawIntake(ctx, a.app.Pool(), actor) })
		if err != nil {
			return r, err
		}
		r.PerSecond, r.P50MS, r.P99MS = r.PerSecond+perSecond/rounds, r.P50MS+p50/rounds, r.P99MS+p99/rounds
		r.FloorPerS, r.FloorP50, r.FloorP99 = r.FloorPerS+floor/rounds, r.FloorP50+floor50/rounds, r.FloorP99+floor99/rounds
	}
	r.N, r.Floor, r.Ratio = n, "the same rows and job by raw pgx in one transaction", r.PerSecond/r.FloorPerS
	return r, nil
}

// rawIntake writes a conversation, its message, event and job with bare pgx.
func rawIntake(ctx context.Context, pool *pgxpool.Pool, actor triage.Actor) error {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local app.tenant_id = '" + actor.TenantID.String() + "'"})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	conversation, message := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	text := "Where are we with our onboarding?"
	for _, statement := range []struct {
		sql  string
		args []any
	}{
		{`insert into conversations (tenant_id, id, user_id, channel, last_seq, last_line, last_author) values ($1, $2, $3, 'chat', 1, $4, 'customer')`, []any{actor.TenantID, conversation, actor.ID, text}},
		{`insert into messages (tenant_id, id, conversation_id, seq, author_kind, author_id, author_name, visibility, body) values ($1, $2, $3, 1, 'customer', $4, $5, 'customer', $6)`, []any{actor.TenantID, message, conversation, actor.ID, actor.Name, text}},
		{`insert into conversation_events (tenant_id, conversation_id, seq, kind, visibility, payload) values ($1, $2, 1, 'message.created', 'customer', jsonb_build_object('message', $3::text))`, []any{actor.TenantID, conversation, text}},
		{`insert into river_job (kind, args, max_attempts, queue, state, tags) values ('bench_floor', jsonb_build_object('message_id', $1::text), 5, 'bench', 'available', '{}')`, []any{message}},
	} {
		if _, err := tx.Exec(ctx, statement.sql, statement.args...); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// fill adds articles until the shared space holds about the given chunks.
func (a *application) fill(ctx context.Context, chunks int) (int, error) {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("account invoice export import field record contact team report filter template schedule token webhook mapping queue region storage policy backup limit label owner stage device folder rule alert chart formula currency language theme module plugin batch cursor schema index cluster bucket channel session gateway proxy quota audit")
	items := make([]knowledge.Item, 0, chunks/8)
	for i := range chunks / 8 {
		var b strings.Builder
		for section := range 8 {
			fmt.Fprintf(&b, "## Section %d about %s\n\n", section, words[random.IntN(len(words))])
			for range 12 {
				for w := range 12 {
					if w > 0 {
						b.WriteByte(' ')
					}
					b.WriteString(words[random.IntN(len(words))])
				}
				b.WriteString(". ")
			}
			b.WriteString("\n\n")
		}
		items = append(items, knowledge.Item{ExternalID: fmt.Sprintf("filler-%d", i), Content: knowledge.Content{
			Title: fmt.Sprintf("Filler article %d", i), Body: b.String(), Audience: knowledge.Audience{Level: knowledge.Public},
		}})
	}
	if _, err := a.curation.Sync(ctx, knowledge.Shared, knowledge.Origin{Name: "filler", Kind: "jsonl"}, items, false, uuid.Nil); err != nil {
		return 0, err
	}
	if err := a.indexNow(ctx); err != nil {
		return 0, err
	}
	var total int
	err := a.worker.Pool().QueryRow(ctx, "select coalesce(sum(chunks), 0) from shared_corpora").Scan(&total)
	return total, err
}

var benchQuestions = []string{
	"Where are we with our onboarding?", "How do I sign out?", "What does at risk mean?", "When will we go live?",
	"how do I reopen a ticket?", "What scope does an API key need to file a ticket?", "Is our Salesforce integration connected?", "Which documents are still missing?",
}

// benchTriage posts one message at a time and waits for its answer.
func benchTriage(ctx context.Context, a *application, n int) (benchResult, error) {
	chunks, err := a.fill(ctx, 10_000)
	if err != nil {
		return benchResult{}, err
	}
	if err := a.engine.Start(ctx); err != nil {
		return benchResult{}, err
	}
	if err := a.jobs.Start(ctx); err != nil {
		return benchResult{}, err
	}
	defer func() { _ = a.jobs.Stop(context.WithoutCancel(ctx)) }()
	actor := benchActor()
	answered := func(i int) error {
		_, m, err := a.intake.Start(ctx, actor, intake.Start{Channel: triage.ChannelChat, Text: benchQuestions[i%len(benchQuestions)]})
		if err != nil {
			return err
		}
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(500 * time.Microsecond) {
			var there bool
			err := a.worker.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
				return tx.QueryRow(ctx, `select exists (select from decisions where tenant_id = $1 and message_id = $2)`, actor.TenantID, m.ID).Scan(&there)
			})
			if err != nil || there {
				return err
			}
		}
		return fmt.Errorf("no answer to %q within 20 s", benchQuestions[i%len(benchQuestions)])
	}
	if _, _, _, err := measure(30, 1, answered); err != nil { // warm
		return benchResult{}, err
	}
	r := benchResult{N: n, Chunks: chunks, Floor: "raw pgx intake of the message alone"}
	if r.PerSecond, r.P50MS, r.P99MS, err = measure(n, 1, answered); err != nil {
		return r, err
	}
	r.FloorPerS, r.FloorP50, r.FloorP99, err = measure(n, 1, func(int) error { return rawIntake(ctx, a.app.Pool(), actor) })
	r.Ratio = r.P50MS / r.FloorP50
	return r, err
}

// benchSearch searches as customers do, against the bare vector scan.
func benchSearch(ctx context.Context, a *application, n int) (benchResult, error) {
	chunks, err := a.fill(ctx, 10_000)
	if err != nil {
		return benchResult{}, err
	}
	viewer := knowledge.Viewer{TenantID: demoTenants[0].ID, Roles: []string{"member"}}
	op := func(i int) error {
		_, err := a.searcher.Search(ctx, search.Query{Text: benchQuestions[i%len(benchQuestions)], Viewer: viewer})
		return err
	}
	if _, _, _, err := measure(20, 1, op); err != nil {
		return benchResult{}, err
	}
	r := benchResult{N: n, Chunks: chunks, Floor: "reading every chunk's article id with raw SQL"}
	if r.PerSecond, r.P50MS, r.P99MS, err = measure(n, 1, op); err != nil {
		return r, err
	}
	r.FloorPerS, r.FloorP50, r.FloorP99, err = measure(n, 1, func(int) error {
		var count int
		return a.worker.Pool().QueryRow(ctx, "select count(distinct article_id) from shared_chunks").Scan(&count)
	})
	r.Ratio = r.P50MS / r.FloorP50
	return r, err
}

// benchStream appends events and waits until a subscriber's read has them.
func benchStream(ctx context.Context, a *application, n int) (benchResult, error) {
	actor := benchActor()
	c, _, err := a.intake.Start(ctx, actor, intake.Start{Channel: triage.ChannelChat})
	if err != nil {
		return benchResult{}, err
	}
	listening, end := context.WithCancel(ctx)
	defer end()
	go a.streams.Listen(listening, a.app.Pool(), triage.NotifyChannel)
	arrived := make(chan int64, n)
	go func() {
		w := &eventWriter{ids: arrived}
		_ = a.streams.Serve(listening, w, actor.TenantID.String()+"/"+c.ID.String(), 0, eventsOf(a, actor.TenantID, c.ID))
	}()
	time.Sleep(300 * time.Millisecond)
	appendEvent := func() (seq int64, err error) {
		err = a.worker.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
			seq, err = triage.AppendEvent(ctx, tx, actor.TenantID, c.ID, triage.EventAssistantWorking, triage.VisibleToCustomer, map[string]any{"step": "bench"})
			return err
		})
		return seq, err
	}
	r := benchResult{N: n, Floor: "appending the event and reading it back with raw SQL"}
	r.PerSecond, r.P50MS, r.P99MS, err = measure(n, 1, func(int) error {
		seq, err := appendEvent()
		if err != nil {
			return err
		}
		for {
			select {
			case id := <-arrived:
				if id >= seq {
					return nil
				}
			case <-time.After(10 * time.Second):
				return fmt.Errorf("event %d did not arrive", seq)
			}
		}
	})
	if err != nil {
		return r, err
	}
	r.FloorPerS, r.FloorP50, r.FloorP99, err = measure(n, 1, func(int) error {
		seq, err := appendEvent()
		if err != nil {
			return err
		}
		return a.worker.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
			_, err := triage.EventsSince(ctx, tx, actor.TenantID, c.ID, seq-1, false, 10)
			return err
		})
	})
	r.Ratio = r.P50MS / r.FloorP50
	return r, err
}
