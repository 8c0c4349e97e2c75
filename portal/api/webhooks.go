package api

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/problem"
)

// Webhooks are the addresses of tenants' own systems. Errors are problems.
type Webhooks interface {
	EventTypes() []string
	List(ctx context.Context, tenant uuid.UUID) ([]WebhookEndpoint, error)
	Create(ctx context.Context, tenant uuid.UUID, url string, events []string) (WebhookSecret, error)
	Rotate(ctx context.Context, tenant, id uuid.UUID) (secret string, err error)
	Switch(ctx context.Context, tenant, id uuid.UUID, on bool) error
	Test(ctx context.Context, tenant, id uuid.UUID) error
	Delete(ctx context.Context, tenant, id uuid.UUID) error
}

// ListWebhooks lists a tenant's addresses.
func (s *Server) ListWebhooks(ctx context.Context, r ListWebhooksRequestObject) (ListWebhooksResponseObject, error) {
	if s.Webhooks == nil {
		return nil, problem.NotFound()
	}
	endpoints, err := s.Webhooks.List(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	return ListWebhooks200JSONResponse{Endpoints: list(endpoints), Events: s.Webhooks.EventTypes()}, nil
}

// CreateWebhook adds an address.
func (s *Server) CreateWebhook(ctx context.Context, r CreateWebhookRequestObject) (CreateWebhookResponseObject, error) {
	if s.Webhooks == nil {
		return nil, problem.NotFound()
	}
	made, err := s.Webhooks.Create(ctx, r.Tenant, r.Body.URL, value(r.Body.Events))
	return CreateWebhook201JSONResponse(made), err
}

// ActOnWebhook does one thing with an address.
func (s *Server) ActOnWebhook(ctx context.Context, r ActOnWebhookRequestObject) (ActOnWebhookResponseObject, error) {
	if s.Webhooks == nil {
		return nil, problem.NotFound()
	}
	var out WebhookSecret
	var err error
	switch r.Body.Act {
	case "test":
		err = s.Webhooks.Test(ctx, r.Tenant, r.ID)
	case "rotate":
		var secret string
		secret, err = s.Webhooks.Rotate(ctx, r.Tenant, r.ID)
		out.Secret = some(secret)
	default:
		err = s.Webhooks.Switch(ctx, r.Tenant, r.ID, r.Body.Act == "enable")
	}
	if err != nil {
		return nil, err
	}
	endpoints, err := s.Webhooks.List(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if e.ID == r.ID {
			out.Endpoint = e
			return ActOnWebhook200JSONResponse(out), nil
		}
	}
	return nil, problem.NotFound()
}

// DeleteWebhook removes an address.
func (s *Server) DeleteWebhook(ctx context.Context, r DeleteWebhookRequestObject) (DeleteWebhookResponseObject, error) {
	if s.Webhooks == nil {
		return nil, problem.NotFound()
	}
	if err := s.Webhooks.Delete(ctx, r.Tenant, r.ID); err != nil {
		return nil, err
	}
	return DeleteWebhook204Response{}, nil
}
