package localpg

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const scratchPrefix = "scratch_"

// prepare makes the owner role and the product's database where missing.
func (s *Server) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the private PostgreSQL did not answer"))
	defer cancel()
	conn, err := pgx.Connect(ctx, s.SuperuserURL())
	if err != nil {
		return fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var haveRole, haveDatabase bool
	err = conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1), exists (select from pg_database where datname = $2)`,
		OwnerRole, Database).Scan(&haveRole, &haveDatabase)
	if err != nil {
		return fmt.Errorf("look into the private PostgreSQL: %w", err)
	}
	if !haveRole {
		// The password is hex, so it needs no quoting; roles take no parameters.
		if _, err := conn.Exec(ctx, fmt.Sprintf("create role %s login createrole password '%s'", OwnerRole, s.settings.OwnerPassword)); err != nil {
			return fmt.Errorf("create role %s: %w", OwnerRole, err)
		}
	}
	if !haveDatabase {
		if _, err := conn.Exec(ctx, "create database "+Database+" owner "+OwnerRole); err != nil {
			return fmt.Errorf("create database %s: %w", Database, err)
		}
	}
	return s.extend(ctx, Database)
}

// extend gives a database the extensions its owner may not create.
func (s *Server) extend(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, s.admin(database))
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", database, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var version string
	var have int
	const installed = `select coalesce(max(extversion) filter (where extname = 'vector'), ''), count(*) from pg_extension where extname in ('vector', 'btree_gin')`
	if err := conn.QueryRow(ctx, installed).Scan(&version, &have); err != nil {
		return fmt.Errorf("look for extensions in database %s: %w", database, err)
	}
	if have == 2 && newEnough(version) {
		return nil
	}
	if _, err := conn.Exec(ctx, "create extension if not exists vector; create extension if not exists btree_gin; alter extension vector update"); err != nil {
		return fmt.Errorf("create the extensions vector and btree_gin in database %s (run `make setup`, which installs them): %w", database, err)
	}
	if err := conn.QueryRow(ctx, installed).Scan(&version, &have); err != nil {
		return fmt.Errorf("look for extensions in database %s: %w", database, err)
	}
	if !newEnough(version) {
		return fmt.Errorf("%w in version 0.%d or later: this server has %s; run `make setup`", ErrNoPgvector, MinPgvectorMinor, version)
	}
	return nil
}

// CreateScratch makes an empty database with the extensions the schema needs,
// owned by OwnerRole, and returns its address. drop removes it with everything
// in it; one that nobody dropped is removed by a CreateScratch a day later.
func (s *Server) CreateScratch(ctx context.Context) (address string, drop func(), err error) {
	conn, err := pgx.Connect(ctx, s.SuperuserURL())
	if err != nil {
		return "", nil, fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := sweep(ctx, conn, time.Now().Add(-24*time.Hour)); err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("%s%d_%s", scratchPrefix, time.Now().Unix(), secret()[:12])
	if _, err := conn.Exec(ctx, "create database "+name+" owner "+OwnerRole); err != nil {
		return "", nil, fmt.Errorf("create a scratch database: %w", err)
	}
	drop = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if conn, err := pgx.Connect(ctx, s.SuperuserURL()); err == nil {
			defer conn.Close(ctx)
			_, _ = conn.Exec(ctx, "drop database if exists "+name+" with (force)") // swept later if this fails
		}
	}
	if err := s.extend(ctx, name); err != nil {
		drop()
		return "", nil, err
	}
	return s.owner(name), drop, nil
}

// sweep drops unused scratch databases made before a time.
func sweep(ctx context.Context, conn *pgx.Conn, before time.Time) error {
	rows, err := conn.Query(ctx, `select datname from pg_database d
		where datname like 'scratch\_%' and not exists (select from pg_stat_activity a where a.datid = d.oid)`)
	if err != nil {
		return fmt.Errorf("look for old scratch databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for old scratch databases: %w", err)
	}
	for _, name := range names {
		made, _, _ := strings.Cut(strings.TrimPrefix(name, scratchPrefix), "_")
		if seconds, err := strconv.ParseInt(made, 10, 64); err != nil || !time.Unix(seconds, 0).Before(before) {
			continue
		}
		_, _ = conn.Exec(ctx, "drop database if exists "+pgx.Identifier{name}.Sanitize()) // somebody came first: theirs to drop
	}
	return nil
}
