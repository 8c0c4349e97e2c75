package main

import (
	"context"
	"errors"
	"time"

	"github.com/usherdesk/usher/knowledge/switchover"
)

// followSettings brings the embedding model in use in line with the settings, in
// the background: search goes on with the one it has, and nothing about models
// keeps a process from serving. It tries again until it is done.
func (a *application) followSettings(ctx context.Context) {
	for {
		err := a.switchEmbedder(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case errors.Is(err, switchover.ErrBuilding):
			a.log.InfoContext(ctx, "another embedding model is being built; the one in the settings comes after it")
		default:
			a.log.WarnContext(ctx, "the embedding model in the settings is not in use yet, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(15 * time.Second):
		}
	}
}

// switchEmbedder starts building the vectors of a newly configured model beside
// the ones in use; search goes on with those until the new ones are complete.
// One that is built already, or being built, is not begun again. Where the
// settings name none any more, a built-in model takes over from an external one.
func (a *application) switchEmbedder(ctx context.Context) error {
	if !a.config.has("worker") {
		return nil
	}
	if len(a.external) == 0 {
		before, _, _ := a.models.Active(ctx)
		after, err := a.models.FallBack(ctx)
		if err == nil && after.ID != before.ID {
			a.log.WarnContext(ctx, "the settings name no embedding model: search went back to a built-in one", "from", before.Name, "to", after.Name)
		}
		return err
	}
	_, err := a.models.StartSwitch(ctx, a.external[0].ModelID(), true, a.jobs)
	return err
}
