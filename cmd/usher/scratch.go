package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/localpg"
)

// withScratchURL makes an empty migrated database: on the private server, which
// it starts, or beside the one DATABASE_URL names.
func withScratchURL(ctx context.Context, fn func(ctx context.Context, owner, secret string) error) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	if err := c.ensureSecret(); err != nil {
		return err
	}
	var address string
	var drop func()
	if c.DatabaseURL == "" {
		server, err := localpg.Start(ctx, localpg.Config{Dir: c.Dir})
		if err != nil {
			return err
		}
		defer func() { _ = server.Stop(ctx) }()
		if address, drop, err = server.CreateScratch(ctx); err != nil {
			return err
		}
	} else if address, drop, err = scratchBeside(ctx, c.DatabaseURL); err != nil {
		return err
	}
	defer drop()
	if _, err := migrations.Migrate(ctx, address, c.Secret); err != nil {
		return err
	}
	return fn(ctx, address, c.Secret)
}

// scratchBeside makes a database on the server of an address, which needs the
// right to create databases there.
func scratchBeside(ctx context.Context, owner string) (string, func(), error) {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return "", nil, fmt.Errorf("connect to DATABASE_URL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	name := "usher_scratch_" + hex.EncodeToString(random[:])
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return "", nil, fmt.Errorf("create a scratch database beside DATABASE_URL (its role needs CREATEDB): %w", err)
	}
	parsed, err := url.Parse(owner)
	if err != nil {
		return "", nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	parsed.Path = "/" + name
	return parsed.String(), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if conn, err := pgx.Connect(ctx, owner); err == nil {
			defer conn.Close(ctx)
			_, _ = conn.Exec(ctx, "drop database if exists "+name+" with (force)")
		}
	}, nil
}
