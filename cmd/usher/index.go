package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/switchover"
)

// indexNow indexes what has changed and makes sure the built-in embedder knows
// the articles' words, so that a command's end is a usable search. Jobs queued
// meanwhile find nothing left to do. While another model is built, learning is
// left to them.
func (a *application) indexNow(ctx context.Context) error {
	tenants, err := a.tenants(ctx)
	if err != nil {
		return err
	}
	spaces := []knowledge.Space{knowledge.Shared}
	for _, id := range tenants {
		spaces = append(spaces, knowledge.Of(id))
	}
	for _, space := range spaces {
		if _, err := a.indexer.Stale(ctx, space); err != nil {
			return fmt.Errorf("index articles: %w", err)
		}
	}
	if _, err := a.models.Retrain(ctx); err != nil && !errors.Is(err, switchover.ErrBuilding) {
		return fmt.Errorf("train the built-in embedder: %w", err)
	}
	return nil
}
