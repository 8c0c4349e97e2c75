package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/triage/outcome"
)

// gauges reads the queue's and the deliveries' depth when Prometheus asks.
type gauges struct {
	app        *application
	jobs       *prometheus.Desc
	deliveries *prometheus.Desc
	streams    *prometheus.Desc
	oldest     *prometheus.Desc
	words      *prometheus.Desc
	outcomes   *prometheus.Desc

	mu       sync.Mutex
	counted  time.Time // outcomes are a fold over a week's events: not at every scrape
	outcomeN map[outcome.Outcome]int
}

func newGauges(app *application) *gauges {
	return &gauges{
		app:        app,
		jobs:       prometheus.NewDesc("usher_jobs", "Jobs by queue and state.", []string{"queue", "state"}, nil),
		deliveries: prometheus.NewDesc("usher_deliveries", "Effects outside the database by destination and state.", []string{"destination", "state"}, nil),
		streams:    prometheus.NewDesc("usher_streams", "Event streams open in this process.", nil, nil),
		outcomes:   prometheus.NewDesc("usher_conversations_recent", "Conversations begun in the last 28 days by what became of them; counted every ten minutes.", []string{"outcome"}, nil),
		words:      prometheus.NewDesc("usher_search_words_only", "1 where search has words alone, because the embedding model in use is not configured in this process.", nil, nil),
		oldest:     prometheus.NewDesc("usher_oldest_job_seconds", "Age of the oldest job that could run.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	out <- g.jobs
	out <- g.deliveries
	out <- g.streams
	out <- g.oldest
	out <- g.outcomes
	out <- g.words
}

// Collect implements prometheus.Collector. What cannot be read is left out.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	out <- prometheus.MustNewConstMetric(g.streams, prometheus.GaugeValue, float64(g.app.streams.Streams()))
	pool := g.app.worker.Pool()
	g.count(ctx, out, g.jobs, `select queue, state::text, count(*) from river_job where state in ('available', 'running', 'retryable', 'scheduled', 'discarded') group by 1, 2`)
	g.count(ctx, out, g.deliveries, `select destination, state, count(*) from deliveries where state <> 'delivered' group by 1, 2`)
	var age float64
	err := pool.QueryRow(ctx, `select coalesce(extract(epoch from now() - min(scheduled_at)), 0) from river_job where state = 'available'`).Scan(&age)
	if err == nil {
		out <- prometheus.MustNewConstMetric(g.oldest, prometheus.GaugeValue, age)
	}
	if _, _, err := g.app.models.Active(ctx); err == nil || errors.Is(err, knowledge.ErrNoEmbedder) {
		only := 0.0
		if err != nil {
			only = 1
		}
		out <- prometheus.MustNewConstMetric(g.words, prometheus.GaugeValue, only)
	}
	for name, n := range g.became(ctx) {
		out <- prometheus.MustNewConstMetric(g.outcomes, prometheus.GaugeValue, float64(n), string(name))
	}
}

// became are the outcomes of recent conversations.
func (g *gauges) became(ctx context.Context) map[outcome.Outcome]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Sub(g.counted) < 10*time.Minute {
		return g.outcomeN
	}
	counts := map[outcome.Outcome]int{}
	for _, o := range outcome.All {
		counts[o] = 0
	}
	err := g.app.worker.WithSystem(ctx, "outcomes for Prometheus", func(tx pgx.Tx) error {
		return outcome.Ledger(ctx, tx, now.AddDate(0, 0, -28), now, uuid.Nil, now, func(c outcome.Case) {
			if !c.Direct && c.Outcome != "" {
				counts[c.Outcome]++
			}
		})
	})
	if err == nil {
		g.counted, g.outcomeN = now, counts
	}
	return g.outcomeN
}

func (g *gauges) count(ctx context.Context, out chan<- prometheus.Metric, desc *prometheus.Desc, query string) {
	_ = g.app.worker.WithSystem(ctx, "depth of queues", func(tx pgx.Tx) error { // unreadable: left out
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		var a, b string
		var n float64
		_, err = pgx.ForEachRow(rows, []any{&a, &b, &n}, func() error {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, n, a, b)
			return nil
		})
		return err
	})
}
