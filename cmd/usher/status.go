package main

import (
	"context"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage/assistant"
)

type status struct{ db *tenantdb.DB }

func newStatus(db *tenantdb.DB) assistant.Status { return status{db} }

func (s status) Resolve(context.Context, assistant.StatusRequest) (assistant.StatusReply, error) {
	return assistant.StatusReply{}, nil
}

func newOnboardingView(*tenantdb.DB) api.OnboardingView { return nil }
