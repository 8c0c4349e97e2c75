package source

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
)

// Refresh returns a record of a status pack as its source last said, by its key.
// Where the source says nothing the stored values stay, and are called old when
// it cannot be read.
func (r *Reader) Refresh(ctx context.Context, tenant uuid.UUID, thing onboarding.Thing, source string) onboarding.Thing {
	snapshot, err := r.Get(ctx, Key{TenantID: tenant, Source: source, Entity: thing.Key})
	if err == nil {
		var fields map[string]json.RawMessage
		if err = json.Unmarshal(snapshot.Payload, &fields); err == nil {
			thing.Fields, thing.ObservedAt = fields, snapshot.ObservedAt
			until := snapshot.FetchedAt.Add(snapshot.MaxAge)
			if snapshot.State == Stale && until.After(snapshot.FetchedAt) {
				until = snapshot.FetchedAt // declared old before its time
			}
			thing.StaleAfter = &until
			return thing
		}
	}
	if snapshot.State != Absent {
		old := thing.ObservedAt
		thing.StaleAfter = &old
	}
	return thing
}
