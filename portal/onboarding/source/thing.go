package source

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
)

// Owner is a source and the fields it owns of a thing. All says that it owns
// every field, so that nothing is left of the stored record.
type Owner struct {
	Source string
	Fields []string
	All    bool
}

// Refresh returns a record of a status pack with what its owners last said, by its
// key. Where a source says nothing the stored values stay, and are called old when
// it cannot be read. A thing of several owners is as old as the oldest of them.
func (r *Reader) Refresh(ctx context.Context, tenant uuid.UUID, thing onboarding.Thing, owners ...Owner) onboarding.Thing {
	for _, o := range owners {
		thing = r.refreshFrom(ctx, tenant, thing, o)
	}
	return thing
}

func (r *Reader) refreshFrom(ctx context.Context, tenant uuid.UUID, thing onboarding.Thing, o Owner) onboarding.Thing {
	snapshot, err := r.Get(ctx, Key{TenantID: tenant, Source: o.Source, Entity: thing.Key})
	if err == nil {
		var fields map[string]json.RawMessage
		if err = json.Unmarshal(snapshot.Payload, &fields); err == nil {
			until := snapshot.FetchedAt.Add(snapshot.MaxAge)
			if snapshot.State == Stale && until.After(snapshot.FetchedAt) {
				until = snapshot.FetchedAt // declared old before its time
			}
			return merge(thing, o, fields, snapshot.ObservedAt, until)
		}
	}
	if snapshot.State != Absent {
		old := thing.ObservedAt
		thing.StaleAfter = &old
	}
	return thing
}

func merge(thing onboarding.Thing, o Owner, fields map[string]json.RawMessage, observed, until time.Time) onboarding.Thing {
	if o.All {
		thing.Fields, thing.ObservedAt, thing.StaleAfter = fields, observed, &until
		return thing
	}
	kept := maps.Clone(thing.Fields)
	if kept == nil {
		kept = map[string]json.RawMessage{}
	}
	for _, name := range o.Fields {
		delete(kept, name) // what the owner does not say is not so any more
		if value, ok := fields[name]; ok {
			kept[name] = value
		}
	}
	thing.Fields = kept
	if observed.Before(thing.ObservedAt) {
		thing.ObservedAt = observed
	}
	if thing.StaleAfter == nil || until.Before(*thing.StaleAfter) {
		thing.StaleAfter = &until
	}
	return thing
}
