package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Errors of administration.
var (
	ErrEndpointNotFound = errors.New("webhook endpoint not found")
	ErrBadEndpoint      = errors.New("webhook endpoint is not valid")
)

// EventTypes lists what can be subscribed to.
var EventTypes = []string{"ticket.created", "ticket.updated", "ticket.solved", "ticket.reopened", "ticket.rated"}

// testType is what the test button sends, whatever is subscribed to.
const testType = "webhook.test"

// Endpoint is an address of a tenant's.
type Endpoint struct {
	TenantID     uuid.UUID  `db:"tenant_id" json:"-"`
	ID           uuid.UUID  `db:"id" json:"id"`
	URL          string     `db:"url" json:"url"`
	Events       []string   `db:"events" json:"events"`
	Secrets      []string   `db:"secrets" json:"-"`
	State        string     `db:"state" json:"state"`
	Reason       string     `db:"reason" json:"reason"`
	FailingSince *time.Time `db:"failing_since" json:"failing_since"`
	CreatedAt    time.Time  `db:"created_at" json:"created_at"`
}

const endpointColumns = `tenant_id, id, url, events, secrets, state, reason, failing_since, created_at`

// Create adds an endpoint and returns it with its secret, which is shown once.
func (s *Service) Create(ctx context.Context, tenant uuid.UUID, address string, events []string) (Endpoint, string, error) {
	if err := s.check(address, events); err != nil {
		return Endpoint{}, "", err
	}
	secret := newSecret()
	if len(events) == 0 {
		events = []string{"*"}
	}
	e := Endpoint{TenantID: tenant, ID: uuid.Must(uuid.NewV7()), URL: address, Events: events, Secrets: []string{secret}, State: "active", CreatedAt: s.now().UTC()}
	err := s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into webhook_endpoints (tenant_id, id, url, events, secrets, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $6)`, tenant, e.ID, e.URL, e.Events, e.Secrets, e.CreatedAt)
		return err
	})
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("create webhook endpoint: %w", err)
	}
	return e, secret, nil
}

func (s *Service) check(address string, events []string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil || parsed.Host == "" || len(address) > 2000:
		return fmt.Errorf("%w: %q is not an address", ErrBadEndpoint, address)
	case parsed.Scheme != "https" && !(s.plainHTTP && parsed.Scheme == "http"):
		return fmt.Errorf("%w: the address must begin with https://", ErrBadEndpoint)
	case parsed.User != nil || parsed.Fragment != "":
		return fmt.Errorf("%w: the address must not carry a user or a fragment", ErrBadEndpoint)
	}
	for _, e := range events {
		if e != "*" && !slices.Contains(EventTypes, e) {
			return fmt.Errorf("%w: event %q is not known", ErrBadEndpoint, e)
		}
	}
	return nil
}

func newSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// List are a tenant's endpoints.
func (s *Service) List(ctx context.Context, tenant uuid.UUID) ([]Endpoint, error) {
	var out []Endpoint
	err := s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+endpointColumns+` from webhook_endpoints where tenant_id = $1 order by created_at, id`, tenant)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Endpoint])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list webhook endpoints: %w", err)
	}
	return out, nil
}

// Rotate makes a new secret. The one before signs beside it until the next rotation.
func (s *Service) Rotate(ctx context.Context, tenant, id uuid.UUID) (string, error) {
	secret := newSecret()
	return secret, s.change(ctx, tenant, id, `secrets = array[$3, secrets[1]]`, secret)
}

// Enable switches an endpoint on again.
func (s *Service) Enable(ctx context.Context, tenant, id uuid.UUID) error {
	return s.change(ctx, tenant, id, `state = 'active', reason = $3, failing_since = null`, "")
}

// Disable switches an endpoint off.
func (s *Service) Disable(ctx context.Context, tenant, id uuid.UUID) error {
	return s.change(ctx, tenant, id, `state = 'disabled', reason = $3`, "Switched off by hand.")
}

func (s *Service) change(ctx context.Context, tenant, id uuid.UUID, set string, value any) error {
	return s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update webhook_endpoints set updated_at = now(), `+set+` where tenant_id = $1 and id = $2`, tenant, id, value)
		if err != nil {
			return fmt.Errorf("change webhook endpoint: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrEndpointNotFound
		}
		return nil
	})
}

// Delete removes an endpoint. What is under way to it is dropped.
func (s *Service) Delete(ctx context.Context, tenant, id uuid.UUID) error {
	return s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from webhook_endpoints where tenant_id = $1 and id = $2`, tenant, id)
		if err != nil {
			return fmt.Errorf("delete webhook endpoint: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrEndpointNotFound
		}
		return nil
	})
}

// Test sends a test event to one endpoint.
func (s *Service) Test(ctx context.Context, tenant, id uuid.UUID) error {
	return s.db.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		e, err := endpoint(ctx, tx, tenant, id)
		if err != nil {
			return err
		}
		return s.enqueue(ctx, tx, e, uuid.Must(uuid.NewV7()), testType, map[string]any{"message": "It works."})
	})
}

func endpoint(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Endpoint, error) {
	rows, err := tx.Query(ctx, `select `+endpointColumns+` from webhook_endpoints where tenant_id = $1 and id = $2`, tenant, id)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read webhook endpoint: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Endpoint])
	if errors.Is(err, pgx.ErrNoRows) {
		return Endpoint{}, ErrEndpointNotFound
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("read webhook endpoint: %w", err)
	}
	return e, nil
}
