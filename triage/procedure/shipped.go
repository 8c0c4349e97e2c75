package procedure

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

//go:embed shipped/*.yaml
var files embed.FS

// Shipped are the procedures Usher comes with, for the intents of its own taxonomy.
func Shipped() (list []Procedure, err error) {
	names, err := fs.Glob(files, "shipped/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("read shipped procedures: %w", err)
	}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read shipped procedures: %w", err)
		}
		p, err := Parse(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// Seed publishes the shipped procedures that are not there yet.
func Seed(ctx context.Context, tx pgx.Tx) error {
	list, err := Shipped()
	if err != nil {
		return err
	}
	for _, p := range list {
		var there bool
		if err := tx.QueryRow(ctx, `select exists (select from procedures where key = $1)`, p.Key).Scan(&there); err != nil {
			return fmt.Errorf("seed procedures: %w", err)
		}
		if there {
			continue
		}
		if _, err := SaveDraft(ctx, tx, p); err != nil {
			return err
		}
		if _, err := Publish(ctx, tx, p.Key); err != nil {
			return err
		}
	}
	return nil
}
