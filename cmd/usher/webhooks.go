package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/integrations/webhook"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
)

// endpoints implements api.Webhooks.
type endpoints struct{ *webhook.Service }

func (e endpoints) EventTypes() []string { return webhook.EventTypes }

func endpointProblem(err error) error {
	switch {
	case errors.Is(err, webhook.ErrEndpointNotFound):
		return problem.NotFound()
	case errors.Is(err, webhook.ErrBadEndpoint):
		return problem.New(http.StatusBadRequest, "bad_endpoint", triage.Line(err.Error(), 300))
	}
	return err
}

func wireEndpoint(e webhook.Endpoint) api.WebhookEndpoint {
	out := api.WebhookEndpoint{ID: e.ID, URL: e.URL, Events: e.Events, State: api.WebhookEndpointState(e.State), FailingSince: e.FailingSince, CreatedAt: e.CreatedAt}
	if e.Reason != "" {
		out.Reason = &e.Reason
	}
	return out
}

// List implements api.Webhooks.
func (e endpoints) List(ctx context.Context, tenant uuid.UUID) ([]api.WebhookEndpoint, error) {
	found, err := e.Service.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	out := make([]api.WebhookEndpoint, len(found))
	for i, endpoint := range found {
		out[i] = wireEndpoint(endpoint)
	}
	return out, nil
}

// Create implements api.Webhooks.
func (e endpoints) Create(ctx context.Context, tenant uuid.UUID, url string, events []string) (api.WebhookSecret, error) {
	made, secret, err := e.Service.Create(ctx, tenant, url, events)
	return api.WebhookSecret{Endpoint: wireEndpoint(made), Secret: &secret}, endpointProblem(err)
}

// Rotate implements api.Webhooks.
func (e endpoints) Rotate(ctx context.Context, tenant, id uuid.UUID) (string, error) {
	secret, err := e.Service.Rotate(ctx, tenant, id)
	return secret, endpointProblem(err)
}

// Switch implements api.Webhooks.
func (e endpoints) Switch(ctx context.Context, tenant, id uuid.UUID, on bool) error {
	if on {
		return endpointProblem(e.Enable(ctx, tenant, id))
	}
	return endpointProblem(e.Disable(ctx, tenant, id))
}

// Test implements api.Webhooks.
func (e endpoints) Test(ctx context.Context, tenant, id uuid.UUID) error {
	return endpointProblem(e.Service.Test(ctx, tenant, id))
}

// Delete implements api.Webhooks.
func (e endpoints) Delete(ctx context.Context, tenant, id uuid.UUID) error {
	return endpointProblem(e.Service.Delete(ctx, tenant, id))
}
