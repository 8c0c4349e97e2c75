package lifecycle

import (
	"context"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"
)

// List reads the latest published version of every template, by key.
func List(ctx context.Context, tx pgx.Tx) ([]Template, error) {
	rows, err := tx.Query(ctx, `select distinct on (key) version, body from onboarding_templates where state = 'published' order by key, version desc`)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	templates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Template, err error) {
		var version int
		err = row.Scan(&version, &t)
		t.Version = version
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	return templates, nil
}

// YAML is the template as curators edit it.
func (t Template) YAML() (string, error) {
	body, err := yaml.Marshal(t)
	return string(body), err
}
