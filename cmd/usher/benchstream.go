package main

import (
	"bytes"
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/stream"
	"github.com/usherdesk/usher/triage"
)

// eventWriter is a subscriber that notes the ids of the events it is sent.
type eventWriter struct {
	header http.Header
	ids    chan<- int64
}

func (w *eventWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *eventWriter) WriteHeader(int) {}
func (w *eventWriter) Flush()          {}

func (w *eventWriter) Write(p []byte) (int, error) {
	if rest, ok := bytes.CutPrefix(p, []byte("id: ")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		if id, err := strconv.ParseInt(string(line), 10, 64); err == nil {
			w.ids <- id
		}
	}
	return len(p), nil
}

func eventsOf(a *application, tenant, conversation uuid.UUID) stream.Read {
	return func(ctx context.Context, after int64) (out []stream.Event, err error) {
		err = a.app.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			stored, err := triage.EventsSince(ctx, tx, tenant, conversation, after, false, 200)
			for _, e := range stored {
				out = append(out, stream.Event{ID: e.Seq, Name: string(e.Kind), Data: e.Payload})
			}
			return err
		})
		return out, err
	}
}
