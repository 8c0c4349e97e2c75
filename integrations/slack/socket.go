package slack

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Socket takes in over Socket Mode what Mount takes in over HTTP, for installations
// without a public address. What arrives is stored before it is acknowledged, so
// a broken connection loses nothing: Slack sends again what was not.
type Socket struct {
	inbound *Inbound
	client  *socketmode.Client
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// receiveAtOnce is how many are taken in side by side: one that is slow holds up
// the acknowledgement of no other.
const receiveAtOnce = 16

// NewSocket returns a Socket for an app-level token (xapp-…). It does nothing
// before Start.
func NewSocket(c Config, appToken string, in *Inbound) *Socket {
	options := []slack.Option{slack.OptionAppLevelToken(appToken)}
	if c.HTTP != nil {
		options = append(options, slack.OptionHTTPClient(c.HTTP))
	}
	if c.APIURL != "" {
		options = append(options, slack.OptionAPIURL(strings.TrimSuffix(c.APIURL, "/")+"/"))
	}
	return &Socket{inbound: in, client: socketmode.New(slack.New(c.Token, options...))}
}

// Start connects, and again whenever the connection ends, until Stop.
func (s *Socket) Start(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(ctx)
	s.done.Go(func() {
		for ctx.Err() == nil {
			if err := s.client.RunContext(ctx); err != nil && ctx.Err() == nil {
				s.inbound.log.WarnContext(ctx, "Slack socket ended", "error", err)
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Second):
				}
			}
		}
	})
	s.done.Go(func() {
		free := make(chan struct{}, receiveAtOnce)
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-s.client.Events:
				free <- struct{}{} // each ends within its few seconds
				s.done.Go(func() {
					defer func() { <-free }()
					s.receive(ctx, event)
				})
			}
		}
	})
}

// Stop ends the connection and waits for it.
func (s *Socket) Stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.done.Wait()
}

func (s *Socket) receive(ctx context.Context, event socketmode.Event) {
	if event.Request == nil || event.Request.EnvelopeID == "" {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2500*time.Millisecond, errors.New("slack waits three seconds"))
	defer cancel()
	payload, err := s.take(ctx, event)
	if err != nil {
		// Not acknowledged: Slack sends it again.
		s.inbound.log.ErrorContext(ctx, "store what Slack sent", "error", err)
		return
	}
	if err := s.client.AckCtx(ctx, event.Request.EnvelopeID, payload); err != nil {
		s.inbound.log.WarnContext(ctx, "acknowledge to Slack", "error", err)
	}
}

func (s *Socket) take(ctx context.Context, event socketmode.Event) (any, error) {
	raw := event.Request.Payload
	switch event.Type {
	case socketmode.EventTypeEventsAPI:
		var envelope struct {
			EventID string `json:"event_id"`
		}
		if err := json.Unmarshal(raw, &envelope); err != nil || envelope.EventID == "" {
			return nil, nil //nolint:nilerr // not an event: nothing to keep
		}
		return nil, s.inbound.store(ctx, "event:"+envelope.EventID, raw)
	case socketmode.EventTypeInteractive:
		return s.inbound.interacted(ctx, raw)
	case socketmode.EventTypeSlashCommand:
		var command struct {
			User    string `json:"user_id"`
			Command string `json:"command"`
			Text    string `json:"text"`
		}
		if err := json.Unmarshal(raw, &command); err != nil {
			return nil, nil //nolint:nilerr // not a command
		}
		return s.inbound.command(ctx, command.User, command.Command, command.Text), nil
	}
	return nil, nil
}
