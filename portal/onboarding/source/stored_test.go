package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// said is a source that answers with how it was built and asked.
type said struct {
	d      source.Definition
	secret string
}

func (s said) PerCustomer() bool { return s.d.Path == "/{customer}" }

func (s said) Fetch(_ context.Context, key source.Key, _ string) (source.Reading, error) {
	body, err := json.Marshal(map[string]string{"path": s.d.Path, "secret": s.secret, "customer": key.Customer})
	return source.Reading{Payload: body}, err
}

func (b *bundle) stored(t *testing.T) *source.Reader {
	t.Helper()
	reader := source.NewReader(b.db.Worker, slog.New(slog.NewTextHandler(t.Output(), nil)))
	reader.Register("erp", b.erp, source.Config{})
	reader.Stored(source.Builder{Build: func(d source.Definition, secret string) (source.Source, error) {
		if d.BaseURL == "" {
			return nil, errors.New("no address")
		}
		return said{d, secret}, nil
	}})
	t.Cleanup(reader.Stop)
	return reader
}

func TestStoredSourcesComeAndGoWithoutARestart(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{})
	here, there := b.stored(t), b.stored(t)
	system := func(fn func(tx pgx.Tx) error) error { return b.db.Worker.WithSystem(t.Context(), "test", fn) }
	put := func(d source.Definition, secret *string) error {
		return system(func(tx pgx.Tx) error {
			got, err := here.Put(t.Context(), tx, d, secret)
			if err == nil {
				require.Equal(t, got.Revision == 1, !got.Enabled, "a new one is off")
			}
			return err
		})
	}
	key, s3cret := source.Key{TenantID: b.tenant, Source: "tms", Entity: "1"}, "s3cret"
	d := source.Definition{Name: "tms", BaseURL: "https://tms.test/v1", Path: "/a", AuthKind: "bearer", MaxAge: time.Millisecond}

	require.ErrorContains(t, put(d, nil), "needs a secret")
	require.NoError(t, put(d, &s3cret))
	_, err := there.Get(t.Context(), key)
	require.ErrorIs(t, err, source.ErrUnknownSource, "it is off")
	require.NoError(t, system(func(tx pgx.Tx) error { return source.Switch(t.Context(), tx, "tms", true) }))
	says := func(reader *source.Reader, want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			s, err := reader.Get(t.Context(), key)
			var have map[string]string
			return err == nil && json.Unmarshal(s.Payload, &have) == nil && have["path"]+" "+have["secret"]+" "+have["customer"] == want
		}, 10*time.Second, 20*time.Millisecond)
	}
	says(there, "/a s3cret ")

	// The secret stays where requests still go to the same place, and only there.
	d.Path = "/b"
	require.NoError(t, put(d, nil))
	says(there, "/b s3cret ")
	d.BaseURL = "https://elsewhere.test/v1"
	require.ErrorIs(t, put(d, nil), source.ErrSecretMissing)
	another := "another"
	require.NoError(t, put(d, &another))
	says(here, "/b another ")

	// The number an asker's organisation has there is filled in by us.
	d.Path = "/{customer}"
	require.NoError(t, put(d, nil))
	require.Eventually(t, func() bool {
		_, err := here.Get(t.Context(), key)
		return errors.Is(err, source.ErrAbsent)
	}, 10*time.Second, 20*time.Millisecond, "without a number the source knows nobody")
	trial, err := here.Try(t.Context(), key)
	require.NoError(t, err)
	require.Contains(t, trial.Problem, "{customer}")
	require.NoError(t, system(func(tx pgx.Tx) error { return source.PutCustomer(t.Context(), tx, b.tenant, "tms", "K-17") }))
	says(here, "/{customer} another K-17")
	other := b.db.Tenant(t, "globex")
	s, err := here.Get(t.Context(), source.Key{TenantID: other, Source: "tms", Entity: "1"})
	require.ErrorIs(t, err, source.ErrAbsent, "%s", s.Payload)

	require.NoError(t, system(func(tx pgx.Tx) error {
		list, err := source.Definitions(t.Context(), tx)
		require.Len(t, list, 1)
		require.True(t, list[0].HasSecret && list[0].Enabled)
		health, err2 := source.Healths(t.Context(), tx)
		require.Equal(t, 2, health["tms"].Records)
		require.NotNil(t, health["tms"].LastFetched)
		return errors.Join(err, err2)
	}))
	require.NoError(t, system(func(tx pgx.Tx) error { return source.Remove(t.Context(), tx, "tms") }))
	require.Eventually(t, func() bool {
		_, err := there.Get(t.Context(), key)
		return errors.Is(err, source.ErrUnknownSource)
	}, 10*time.Second, 20*time.Millisecond)
}

func TestAStoredSourceThatCannotWorkIsNotStored(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{})
	reader := b.stored(t)
	ok := source.Definition{Name: "tms", BaseURL: "https://tms.test", Path: "/"}
	for want, change := range map[string]func(*source.Definition){
		"small letters": func(d *source.Definition) { d.Name = "T M S" }, "own record": func(d *source.Definition) { d.Name = "record" },
		"thirty days": func(d *source.Definition) { d.MaxAge = 9000 * time.Hour }, "1 and 64": func(d *source.Definition) { d.Concurrency = 65 },
		"no address": func(d *source.Definition) { d.BaseURL = "" }, "configuration file": func(d *source.Definition) { d.Name = "erp" },
	} {
		d := ok
		change(&d)
		require.ErrorContains(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := reader.Put(t.Context(), tx, d, nil)
			return err
		}), want)
	}
	require.Error(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `select secret from status_sources`)
		return err
	}), "customers' role reads no sources")
}

func TestEachFieldComesFromItsOwner(t *testing.T) {
	t.Parallel()
	b := setup(t, source.Config{MaxAge: time.Hour})
	b.erp.behave(func(context.Context, source.Key, string, int) (source.Reading, error) {
		return source.Reading{Payload: json.RawMessage(`{"eta": "2026-12-01", "note": "not its own"}`)}, nil
	})
	yesterday := time.Now().Add(-24 * time.Hour)
	thing := onboarding.Thing{ID: uuid.New(), Key: "order/1", ObservedAt: yesterday, Fields: map[string]json.RawMessage{
		"eta": json.RawMessage(`"old"`), "port": json.RawMessage(`"gone"`), "note": json.RawMessage(`"ours"`),
	}}
	got := b.reader.Refresh(t.Context(), b.tenant, thing, source.Owner{Source: "erp", Fields: []string{"eta", "port"}})
	require.Equal(t, map[string]json.RawMessage{"eta": json.RawMessage(`"2026-12-01"`), "note": json.RawMessage(`"ours"`)}, got.Fields)
	require.Equal(t, yesterday, got.ObservedAt, "as old as the oldest of them")
	require.Equal(t, `"old"`, string(thing.Fields["eta"]), "the record itself is left alone")
}
