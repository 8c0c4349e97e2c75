// Package migrations holds the database schema and brings a database up to it.
//
// The files are goose migrations, embedded and applied by the owner role under
// a session lock. Nothing applies them on `serve`: `usher migrate` does. Which
// tables are tenant tables, and that they are protected, is checked by the
// catalogue tests beside this file.
package migrations

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the "pgx" database/sql driver goose runs on
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Runtime roles, created by the first migration.
const (
	AppRole    = "usher_app"    // serves customers: one tenant at a time
	WorkerRole = "usher_worker" // jobs and staff screens: may also read across tenants, by name
)

// Migrate applies every pending migration to the database at ownerURL and sets
// the two runtime roles' passwords. It returns the version reached.
func Migrate(ctx context.Context, ownerURL, secret string) (int64, error) {
	db, err := sql.Open("pgx", ownerURL)
	if err != nil {
		return 0, fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	version, err := Up(ctx, db)
	if err != nil {
		return 0, err
	}
	for _, role := range []string{AppRole, WorkerRole} {
		password, err := rolePassword(ownerURL, secret, role)
		if err != nil {
			return 0, err
		}
		// Role names and the hex password need no quoting; ALTER ROLE takes no parameters.
		if _, err := db.ExecContext(ctx, fmt.Sprintf("alter role %s login password '%s'", role, password)); err != nil {
			return 0, fmt.Errorf("set password of role %s: %w", role, err)
		}
	}
	return version, nil
}

// Up applies every pending migration over an open connection of the owner.
func Up(ctx context.Context, db *sql.DB) (int64, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return 0, fmt.Errorf("create migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) && partial.Failed != nil {
			return 0, fmt.Errorf("apply migration %s: %w", partial.Failed.Source.Path, partial.Err)
		}
		return 0, fmt.Errorf("apply migrations: %w", err)
	}
	return provider.GetDBVersion(ctx)
}

// Latest is the version a migrated database has.
func Latest() (int64, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	var latest int64
	for _, entry := range entries {
		version, err := goose.NumericComponent(entry.Name())
		if err != nil {
			return 0, fmt.Errorf("read migrations: %w", err)
		}
		latest = max(latest, version)
	}
	return latest, nil
}

// Hash identifies the schema: it changes when any migration file does.
func Hash() (string, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	sum := sha256.New()
	for _, entry := range entries {
		body, err := files.ReadFile(entry.Name())
		if err != nil {
			return "", fmt.Errorf("read migration %s: %w", entry.Name(), err)
		}
		fmt.Fprintf(sum, "%s %d\n", entry.Name(), len(body))
		sum.Write(body)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// RoleURL is the owner's URL with a runtime role's name and derived password.
// The password comes from the owner's (or, where that has none, from secret),
// so every process that knows DATABASE_URL reaches the same one.
func RoleURL(ownerURL, secret, role string) (string, error) {
	password, err := rolePassword(ownerURL, secret, role)
	if err != nil {
		return "", err
	}
	parsed, err := url.Parse(ownerURL)
	if err != nil || parsed.Scheme == "" {
		return "", errors.New("the database address must be a URL like postgres://user:password@host:5432/name")
	}
	parsed.User = url.UserPassword(role, password)
	return parsed.String(), nil
}

func rolePassword(ownerURL, secret, role string) (string, error) {
	config, err := pgx.ParseConfig(ownerURL)
	if err != nil {
		return "", errors.New("the database address cannot be read; it must be a URL like postgres://user:password@host:5432/name")
	}
	key := config.Password
	if key == "" {
		key = secret
	}
	if key == "" {
		return "", errors.New("the database address has no password and USHER_SECRET is empty: set USHER_SECRET to a long random text")
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("usher role password v1\x00" + role))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// Current is the version the database has reached; 0 when it was never migrated.
func Current(ctx context.Context, ownerURL string) (int64, error) {
	db, err := sql.Open("pgx", ownerURL)
	if err != nil {
		return 0, fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	var there bool
	if err := db.QueryRowContext(ctx, "select to_regclass('goose_db_version') is not null").Scan(&there); err != nil || !there {
		return 0, err
	}
	var version int64
	err = db.QueryRowContext(ctx, "select coalesce(max(version_id) filter (where is_applied), 0) from goose_db_version").Scan(&version)
	return version, err
}
