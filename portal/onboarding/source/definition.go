package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Errors of stored sources.
var (
	ErrBadSource     = errors.New("source is not valid") // the text says where
	ErrSourceTaken   = errors.New("the configuration file has a source of that name")
	ErrSecretMissing = errors.New("the address has changed and the secret was not given again")
)

// Definition is a source as it is stored: which API, how it knows us, what is
// taken from its answers, how old they may be and how hard it may be asked.
type Definition struct {
	Name    string `json:"-"`
	BaseURL string `json:"base_url"`
	// Path of a record. {entity} is the record's id, {customer} the number the
	// system knows the tenant by, {tenant} the tenant's id; all filled by us.
	Path       string            `json:"path"`
	AuthKind   string            `json:"auth_kind,omitempty"` // "", bearer, basic, header
	AuthName   string            `json:"auth_name,omitempty"` // of the header
	AuthUser   string            `json:"auth_user,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"` // name to JSON pointer or JMESPath
	ObservedAt string            `json:"observed_at,omitempty"`
	MaxAge     time.Duration     `json:"max_age,omitempty"`
	// Concurrency is how many calls may run at once from one node.
	Concurrency int `json:"concurrency,omitempty"`
	// Confirm: what it says is for the asker only, who proves first that it is them.
	Confirm bool `json:"confirm,omitempty"`

	Enabled   bool      `json:"-"`
	HasSecret bool      `json:"-"`
	Revision  int64     `json:"-"`
	UpdatedAt time.Time `json:"-"`
}

var sourceName = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)

func (d Definition) check() error {
	bad := func(text string) error { return fmt.Errorf("%w: %s", ErrBadSource, text) }
	switch {
	case !sourceName.MatchString(d.Name):
		return bad("the name must be small letters, digits and _")
	case d.Name == Record:
		return bad("the name record means Usher's own record; choose another")
	case d.MaxAge < 0 || d.MaxAge > 30*24*time.Hour:
		return bad("the freshness window must be between a second and thirty days")
	case d.Concurrency < 0 || d.Concurrency > 64:
		return bad("between 1 and 64 calls may run at once")
	case len(d.Fields) > 100:
		return bad("it maps more than a hundred fields")
	}
	return nil
}

// Record is the owner of what no source owns: Usher's own record.
const Record = "record"

// Builder makes stored definitions work.
type Builder struct {
	// Build checks a definition and makes a Source of it.
	Build func(d Definition, secret string) (Source, error)
	// Explain says in plain words why a reading failed.
	Explain func(err error) string
}

// Definitions reads what is stored, by name. No secret is among it.
func Definitions(ctx context.Context, tx pgx.Tx) ([]Definition, error) {
	rows, err := tx.Query(ctx, `select name, body, secret <> '', enabled, revision, updated_at from status_sources order by name`)
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Definition, err error) {
		var name string
		var has, enabled bool
		var revision int64
		var updated time.Time
		err = row.Scan(&name, &d, &has, &enabled, &revision, &updated)
		d.Name, d.HasSecret, d.Enabled, d.Revision, d.UpdatedAt = name, has, enabled, revision, updated
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return list, nil
}

func secretOf(ctx context.Context, tx pgx.Tx, name string) (d Definition, secret string, err error) {
	err = tx.QueryRow(ctx, `select body, secret, enabled, revision from status_sources where name = $1`, name).
		Scan(&d, &secret, &d.Enabled, &d.Revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, "", fmt.Errorf("%w %q", ErrUnknownSource, name)
	}
	if err != nil {
		return d, "", fmt.Errorf("read source: %w", err)
	}
	d.Name, d.HasSecret = name, secret != ""
	return d, secret, nil
}

// Put stores a definition after a check that it can work. A secret of nil keeps
// the one there is, but not where requests would now go to another address: who
// may edit a source must not learn its secret by pointing it at themselves. A
// new source is off.
func (r *Reader) Put(ctx context.Context, tx pgx.Tx, d Definition, secret *string) (Definition, error) {
	if r.builder.Build == nil {
		return d, fmt.Errorf("%w: this process stores no sources", ErrBadSource)
	}
	if err := d.check(); err != nil {
		return d, err
	}
	if r.fixed(d.Name) {
		return d, ErrSourceTaken
	}
	old, kept, err := secretOf(ctx, tx, d.Name)
	switch {
	case err != nil && !errors.Is(err, ErrUnknownSource):
		return d, err
	case secret != nil:
		kept = *secret
	case kept != "" && !sameOrigin(old.BaseURL, d.BaseURL):
		return d, ErrSecretMissing
	}
	if d.AuthKind == "" {
		kept = ""
	} else if kept == "" {
		return d, fmt.Errorf("%w: this kind of sign-in needs a secret", ErrBadSource)
	}
	if _, err := r.builder.Build(d, kept); err != nil {
		return d, fmt.Errorf("%w: %s", ErrBadSource, r.explain(err))
	}
	err = tx.QueryRow(ctx, `insert into status_sources as s (name, body, secret) values ($1, $2, $3)
		on conflict (name) do update set body = excluded.body, secret = excluded.secret, revision = s.revision + 1, updated_at = now()
		returning enabled, secret <> '', revision, updated_at`, d.Name, d, kept).Scan(&d.Enabled, &d.HasSecret, &d.Revision, &d.UpdatedAt)
	if err != nil {
		return d, fmt.Errorf("store source: %w", err)
	}
	return d, nil
}

func sameOrigin(a, b string) bool {
	one, err := url.Parse(a)
	two, err2 := url.Parse(b)
	return err == nil && err2 == nil && one.Scheme == two.Scheme && one.Host == two.Host
}

// Switch turns a stored source on or off.
func Switch(ctx context.Context, tx pgx.Tx, name string, on bool) error {
	tag, err := tx.Exec(ctx, `update status_sources set enabled = $2, revision = revision + 1, updated_at = now() where name = $1`, name, on)
	if err != nil {
		return fmt.Errorf("switch source: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w %q", ErrUnknownSource, name)
	}
	return nil
}

// Remove forgets a stored source, what it said and whom it knows.
func Remove(ctx context.Context, tx pgx.Tx, name string) error {
	tag, err := tx.Exec(ctx, `delete from status_sources where name = $1`, name)
	if err != nil {
		return fmt.Errorf("remove source: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w %q", ErrUnknownSource, name)
	}
	for _, statement := range []string{`delete from status_snapshots where source = $1`, `delete from status_source_customers where source = $1`} {
		if _, err := tx.Exec(ctx, statement, name); err != nil {
			return fmt.Errorf("remove source: %w", err)
		}
	}
	return nil
}

// Customers are the numbers a source knows tenants by.
func Customers(ctx context.Context, tx pgx.Tx, name string) (map[uuid.UUID]string, error) {
	rows, err := tx.Query(ctx, `select tenant_id, customer from status_source_customers where source = $1`, name)
	if err != nil {
		return nil, fmt.Errorf("read customer numbers: %w", err)
	}
	out := map[uuid.UUID]string{}
	var tenant uuid.UUID
	var customer string
	if _, err := pgx.ForEachRow(rows, []any{&tenant, &customer}, func() error {
		out[tenant] = customer
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read customer numbers: %w", err)
	}
	return out, nil
}

// PutCustomer says by which number a source knows a tenant; empty: by none. What
// was read under another number is forgotten.
func PutCustomer(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, name, customer string) error {
	var err error
	if customer == "" {
		_, err = tx.Exec(ctx, `delete from status_source_customers where tenant_id = $1 and source = $2`, tenant, name)
	} else {
		_, err = tx.Exec(ctx, `insert into status_source_customers (tenant_id, source, customer) values ($1, $2, $3)
			on conflict (tenant_id, source) do update set customer = excluded.customer`, tenant, name, customer)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `delete from status_snapshots where tenant_id = $1 and source = $2`, tenant, name)
	}
	if err != nil {
		return fmt.Errorf("store customer number: %w", err)
	}
	return nil
}

func customerOf(ctx context.Context, tx pgx.Tx, key Key) (customer string, err error) {
	err = tx.QueryRow(ctx, `select customer from status_source_customers where tenant_id = $1 and source = $2`, key.TenantID, key.Source).Scan(&customer)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNoCustomer
	}
	if err != nil {
		return "", fmt.Errorf("read customer number: %w", err)
	}
	return customer, nil
}
