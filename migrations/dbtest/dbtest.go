// Package dbtest gives each test a migrated database of its own, opened as the
// runtime roles, so that row-level security applies in every test.
package dbtest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/peterldowns/pgtestdb"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Database is one test's database.
type Database struct {
	OwnerURL string // for tests of the schema itself
	Secret   string
	App      *tenantdb.DB // as usher_app
	Worker   *tenantdb.DB // as usher_worker
}

const (
	ownerPassword = "owner-for-tests"
	secret        = "secret-for-tests"
)

// New returns a fresh migrated database. It skips where no server is configured:
// USHER_TEST_DATABASE_URL is a superuser's URL, which `make test` sets.
func New(t testing.TB) *Database {
	t.Helper()
	server := os.Getenv("USHER_TEST_DATABASE_URL")
	if server == "" {
		t.Skip("USHER_TEST_DATABASE_URL is not set; `make test` starts a server and sets it")
	}
	parsed, err := url.Parse(server)
	require.NoError(t, err)
	password, _ := parsed.User.Password()
	config := pgtestdb.Custom(t, pgtestdb.Config{
		DriverName: "pgx",
		Host:       parsed.Hostname(),
		Port:       parsed.Port(),
		User:       parsed.User.Username(),
		Password:   password,
		Database:   parsed.Path[1:],
		Options:    parsed.RawQuery,
		TestRole: &pgtestdb.Role{
			Username: "usher_test_owner", Password: ownerPassword, Capabilities: "NOSUPERUSER CREATEROLE",
		},
		ForceTerminateConnections: true,
	}, migrator{server: *parsed})
	db := &Database{OwnerURL: config.URL(), Secret: secret}
	db.App = db.open(t, migrations.AppRole)
	db.Worker = db.open(t, migrations.WorkerRole)
	return db
}

// RoleURL is the address of this database for one of the runtime roles.
func (db *Database) RoleURL(t testing.TB, role string) string {
	t.Helper()
	address, err := migrations.RoleURL(db.OwnerURL, db.Secret, role)
	require.NoError(t, err)
	return address
}

func (db *Database) open(t testing.TB, role string) *tenantdb.DB {
	t.Helper()
	pool, err := tenantdb.Open(context.Background(), db.RoleURL(t, role), tenantdb.Config{MaxConns: 6})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// Tenant inserts a tenant and returns its id.
func (db *Database) Tenant(t testing.TB, slug string) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test tenant", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into tenants (id, slug, name, time_zone) values ($1, $2, $3, 'Europe/Berlin')`, id, slug, "Tenant "+slug)
		return err
	}))
	return id
}

// User inserts a person of the tenant with the given roles (member when none).
func (db *Database) User(t testing.TB, tenant uuid.UUID, email string, roles ...string) uuid.UUID {
	t.Helper()
	if len(roles) == 0 {
		roles = []string{"member"}
	}
	id := uuid.Must(uuid.NewV7())
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into users (tenant_id, id, email, email_normalized, display_name, roles)
			values ($1, $2, $3, lower($3), $3, $4)`, tenant, id, email, roles)
		return err
	}))
	return id
}

// Staff inserts a member of the operator's staff with the given roles.
func (db *Database) Staff(t testing.TB, email string, roles ...string) uuid.UUID {
	t.Helper()
	if len(roles) == 0 {
		roles = []string{"agent"}
	}
	id := uuid.Must(uuid.NewV7())
	_, err := db.Worker.Pool().Exec(t.Context(), `insert into staff (id, email, email_normalized, display_name, roles)
		values ($1, $2, lower($2), $2, $3)`, id, email, roles)
	require.NoError(t, err)
	return id
}

// TestData is the folder of public development data, USHER_TESTDATA or
// ../shared beside the repository. It skips the test where that is absent.
func TestData(t testing.TB, path ...string) string {
	t.Helper()
	root := os.Getenv("USHER_TESTDATA")
	if root == "" {
		_, file, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
	}
	full := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("%s is absent; set USHER_TESTDATA to the folder that holds data/ and contracts/", filepath.Join(path...))
	}
	return full
}

type migrator struct {
	server url.URL // a superuser's: pgvector is not a trusted extension
}

func (migrator) Hash() (string, error) { return migrations.Hash() }

func (m migrator) Migrate(ctx context.Context, _ *sql.DB, config pgtestdb.Config) error {
	m.server.Path = "/" + config.Database
	super, err := pgx.Connect(ctx, m.server.String())
	if err != nil {
		return err
	}
	defer super.Close(ctx)
	if _, err := super.Exec(ctx, "create extension if not exists vector; create extension if not exists btree_gin"); err != nil {
		return err
	}
	_, err = migrations.Migrate(ctx, config.URL(), secret)
	return err
}
