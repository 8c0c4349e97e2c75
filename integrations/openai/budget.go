package openai

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

// Budget limits the tokens of each tenant and day. Safe for concurrent use.
type Budget interface {
	// Allow is asked before every call with an estimate of its tokens, prompt and
	// longest answer; an error stops the call. The tenant is uuid.Nil for calls
	// made for no tenant.
	Allow(ctx context.Context, tenant uuid.UUID, tokens int) error
}

// Settler is a Budget that wants to know what a call really used.
type Settler interface {
	// Settle adds the tokens used less those allowed; mostly negative. ctx is not
	// cancelled with the call's.
	Settle(ctx context.Context, tenant uuid.UUID, difference int)
}

type tenantKey struct{}

// WithTenant says for whom the calls under the context are made. Answers and
// vectors have no tenant of their own; a classification brings its own.
func WithTenant(ctx context.Context, tenant uuid.UUID) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

func tenantOf(ctx context.Context) uuid.UUID {
	tenant, _ := ctx.Value(tenantKey{}).(uuid.UUID)
	return tenant
}

// reserve asks the budget; settle, never nil, reports what was used.
func (c *Client) reserve(ctx context.Context, op string, tokens int) (settle func(triage.Usage), err error) {
	if c.config.Budget == nil {
		return func(triage.Usage) {}, nil
	}
	tenant := tenantOf(ctx)
	if err := c.config.Budget.Allow(ctx, tenant, tokens); err != nil {
		return nil, &Error{Kind: ErrBudget, Reason: ReasonBudget, Op: op, Err: fmt.Errorf("tenant %s: %w", tenant, err)}
	}
	settler, ok := c.config.Budget.(Settler)
	if !ok {
		return func(triage.Usage) {}, nil
	}
	return func(used triage.Usage) {
		settler.Settle(context.WithoutCancel(ctx), tenant, used.PromptTokens+used.OutputTokens-tokens)
	}, nil
}

// estimate is about how many tokens a text has: three characters each, which is
// too many for English and about right for German.
func estimate(text string) int { return utf8.RuneCountInString(text)/3 + 1 }
