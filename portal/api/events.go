package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/portal/stream"
	"github.com/usherdesk/usher/triage"
)

// sse serves a topic's events as the response.
type sse struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the strict interface hands the writer over without one
	topic  string
	after  int64
	read   stream.Read
}

func (r sse) VisitStreamConversationResponse(w http.ResponseWriter) error { return r.serve(w) }
func (r sse) VisitStreamAgentTicketResponse(w http.ResponseWriter) error  { return r.serve(w) }
func (r sse) VisitStreamOnboardingResponse(w http.ResponseWriter) error   { return r.serve(w) }

func (r sse) serve(w http.ResponseWriter) error {
	release, err := r.server.listeners.take(principal(r.ctx).Actor.ID)
	if err != nil {
		return err
	}
	defer release()
	err = r.server.Streams.Serve(r.ctx, w, r.topic, r.after, r.read)
	if errors.Is(err, stream.ErrClosed) {
		return problem.Unavailable("restarting", "This server is restarting. Connect again in a moment; nothing is lost.")
	}
	return err
}

// conversationTopic is what triage notifies when a conversation changed.
func conversationTopic(tenant, conversation uuid.UUID) string {
	return tenant.String() + "/" + conversation.String()
}

func conversationEvents(db *tenantdb.DB, tenant, conversation uuid.UUID, staff bool) stream.Read {
	return func(ctx context.Context, after int64) (out []stream.Event, err error) {
		err = db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			stored, err := triage.EventsSince(ctx, tx, tenant, conversation, after, staff, 200)
			for _, e := range stored {
				out = append(out, stream.Event{ID: e.Seq, Name: string(e.Kind), Data: e.Payload})
			}
			return err
		})
		return out, err
	}
}

// StreamOnboarding says when the caller's onboarding record has changed.
func (s *Server) StreamOnboarding(ctx context.Context, r StreamOnboardingRequestObject) (StreamOnboardingResponseObject, error) {
	from, err := after(r.Params.LastEventID, r.Params.After)
	if err != nil {
		return nil, err
	}
	tenant := actor(ctx).TenantID
	return sse{s, ctx, tenant.String(), from, onboardingEvents(s.App, tenant)}, nil
}

// onboardingEvents tells that something changed and not what: not everybody may
// know of everything. Many changes at once are one piece of news.
func onboardingEvents(db *tenantdb.DB, tenant uuid.UUID) stream.Read {
	return func(ctx context.Context, after int64) (out []stream.Event, err error) {
		err = db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
			last, err := onboarding.LastEvent(ctx, tx, tenant)
			if err == nil && last > after {
				out = []stream.Event{{ID: last, Name: "onboarding.changed", Data: json.RawMessage(fmt.Sprintf(`{"seq":%d}`, last))}}
			}
			return err
		})
		return out, err
	}
}

// after is where a stream resumes: the header browsers send, or the parameter.
func after(header *string, parameter *int64) (int64, error) {
	if value(header) == "" {
		return max(value(parameter), 0), nil
	}
	seq, err := strconv.ParseInt(*header, 10, 64)
	if err != nil || seq < 0 {
		return 0, problem.New(http.StatusBadRequest, "bad_event_id", "Last-Event-ID is not an event id of this stream.")
	}
	return seq, nil
}
