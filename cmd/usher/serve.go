package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

func serveCommand() *cobra.Command {
	var roles string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API and the web, and work jobs (USHER_ROLE chooses)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), roles)
		},
	}
	cmd.Flags().StringVar(&roles, "role", "", "api, worker or both; overrides USHER_ROLE")
	return cmd
}

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Work jobs only, the same as serve --role=worker",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), "worker") },
	}
}

func serve(ctx context.Context, roles string) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	if roles != "" {
		c.Roles = split(roles)
	}
	log := newLogger(c.LogLevel)
	stop, err := database(ctx, &c)
	if err != nil {
		return err
	}
	defer stop()
	listener, err := c.bind()
	if err != nil {
		return err
	}
	a, err := openWhenUp(ctx, c, log)
	if err != nil {
		return err
	}
	defer a.close()
	return a.run(ctx, listener, func() error {
		fmt.Fprintf(os.Stderr, "Usher %s serves on %s\n", version, c.PublicURL)
		return nil
	})
}

// bind opens the address where this process serves, and settles the public one.
func (c *config) bind() (net.Listener, error) {
	if !c.has("api") {
		return nil, nil
	}
	listener, err := c.listen()
	if err != nil {
		return nil, err
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1)
	}
	return listener, nil
}

// openWhenUp waits for a database that is still starting, and says so.
func openWhenUp(ctx context.Context, c config, log *slog.Logger) (*application, error) {
	for attempt := 0; ; attempt++ {
		a, err := build(ctx, c, log)
		if err == nil {
			return a, nil
		}
		if problem.From(err).Status != http.StatusServiceUnavailable || attempt == 60 {
			return nil, err
		}
		log.WarnContext(ctx, "the database is not reachable yet, trying again", "error", err)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// run does what the roles say until ctx ends, then finishes what is under way.
// ready is called once requests are answered, in a process that serves.
func (a *application) run(ctx context.Context, listener net.Listener, ready func() error) error {
	if err := a.engine.Start(ctx); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // what lives is small, so collecting twice as often costs little
	}
	debug.FreeOSMemory() // loading or training the classifier leaves much behind
	background, endBackground := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer endBackground()
	group.Go(func() { a.engine.Watch(background, 3*time.Second) })
	if a.config.has("worker") {
		alive := liveness{a.worker.Pool(), a.jobs.ID(), a.log}
		release, err := alive.hold(background)
		if err != nil {
			return err
		}
		defer release()
		group.Go(func() { alive.watch(background) })
		for _, r := range a.receivers {
			r.Start(background)
			defer r.Stop()
		}
		if err := a.jobs.Start(background); err != nil {
			return fmt.Errorf("start jobs: %w", err)
		}
		defer func() {
			stopping, cancel := context.WithTimeout(background, 20*time.Second)
			defer cancel()
			if err := a.jobs.Stop(stopping); err != nil {
				a.log.Warn("jobs did not finish in time; they will run again", "error", err)
			}
		}()
	}
	group.Go(func() { a.followSettings(background) })
	if listener == nil {
		<-ctx.Done()
		return nil
	}
	group.Go(func() {
		a.usage.Run(ctx, 10*time.Second, func(err error) { a.log.Warn("usage was not written; it is kept for the next time", "error", err) })
	})
	group.Go(func() { a.streams.Listen(background, a.app.Pool(), triage.NotifyChannel, onboarding.NotifyChannel) })
	server := &http.Server{
		Handler: a.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := ready(); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	a.streams.Close() // readers reconnect, to another node or to this one
	stopping, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

func newLogger(level slog.Level) *slog.Logger {
	log := slog.New(withRequest{slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})})
	slog.SetDefault(log)
	return log
}

// withRequest adds the request's id to every line logged on its behalf.
type withRequest struct{ slog.Handler }

func (h withRequest) Handle(ctx context.Context, record slog.Record) error {
	if id := problem.RequestID(ctx); id != "" {
		record.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}
func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}
