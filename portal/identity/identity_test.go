package identity_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/triage"
)

type bundle struct {
	db      *dbtest.Database
	service *identity.Service
	now     *clock
	tenant  uuid.UUID
	ana     uuid.UUID
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t), now: &clock{at: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}}
	b.service = identity.New(b.db.App, b.db.Worker, identity.Config{Idle: time.Hour, Absolute: 24 * time.Hour, Now: b.now.now})
	b.tenant = b.db.Tenant(t, "acme")
	b.ana = b.db.User(t, b.tenant, "ana@acme.test", "admin")
	return b
}

func (b *bundle) link(t *testing.T, reusable bool) string {
	t.Helper()
	link, err := b.service.CreateLink(t.Context(), b.tenant, b.ana, 10*time.Minute, reusable)
	require.NoError(t, err)
	return link
}

func (b *bundle) session(t *testing.T) string {
	t.Helper()
	session, _, err := b.service.Exchange(t.Context(), b.link(t, false))
	require.NoError(t, err)
	return session
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		tag, err := tx.Exec(t.Context(), sql, args...)
		require.Positive(t, tag.RowsAffected(), sql)
		return err
	}))
}

// forge names another tenant in a credential.
func forge(token string, tenant uuid.UUID) string {
	prefix, rest, _ := strings.Cut(token, "_")
	_, secret, _ := strings.Cut(rest, "_")
	return prefix + "_" + strings.ReplaceAll(tenant.String(), "-", "") + "_" + secret
}

func TestASignInLink(t *testing.T) {
	t.Parallel()
	t.Run("makes a session of its person, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		link := b.link(t, false)
		session, who, err := b.service.Exchange(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, identity.Customer, who.Kind)
		require.Equal(t, b.ana, who.Actor.ID)
		require.Equal(t, b.tenant, who.Actor.TenantID)
		require.Equal(t, triage.ActorCustomer, who.Actor.Kind)
		require.Equal(t, []string{"admin"}, who.Actor.Roles)
		again, err := b.service.Authenticate(t.Context(), session)
		require.NoError(t, err)
		require.Equal(t, who, again)
		_, _, err = b.service.Exchange(t.Context(), link)
		require.ErrorIs(t, err, identity.ErrLinkExpired)
		_, err = b.service.Authenticate(t.Context(), link)
		require.ErrorIs(t, err, identity.ErrUnauthenticated, "a link is no session")
	})
	t.Run("works once of many at the same time", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		link := b.link(t, false)
		var won atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				_, _, err := b.service.Exchange(t.Context(), link)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, identity.ErrLinkExpired) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, won.Load())
	})
	t.Run("of the demo works again until it expires", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		link := b.link(t, true)
		for range 2 {
			_, _, err := b.service.Exchange(t.Context(), link)
			require.NoError(t, err)
		}
		b.now.pass(11 * time.Minute)
		_, _, err := b.service.Exchange(t.Context(), link)
		require.ErrorIs(t, err, identity.ErrLinkExpired)
	})
	t.Run("expires", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		link := b.link(t, false)
		b.now.pass(11 * time.Minute)
		_, _, err := b.service.Exchange(t.Context(), link)
		require.ErrorIs(t, err, identity.ErrLinkExpired)
	})
	t.Run("does not work for somebody deactivated, and stays unused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		link := b.link(t, false)
		b.exec(t, `update users set state = 'deactivated' where id = $1`, b.ana)
		_, _, err := b.service.Exchange(t.Context(), link)
		require.ErrorIs(t, err, identity.ErrLinkExpired)
		b.exec(t, `update users set state = 'active' where id = $1`, b.ana)
		_, _, err = b.service.Exchange(t.Context(), link)
		require.NoError(t, err)
	})
	t.Run("accepts an invitation", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(t, `update users set state = 'invited' where id = $1`, b.ana)
		_, who, err := b.service.Exchange(t.Context(), b.link(t, false))
		require.NoError(t, err)
		require.Equal(t, b.ana, who.Actor.ID)
	})
	t.Run("of another tenant is a missing one", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		link := b.link(t, false)
		_, _, err := b.service.Exchange(t.Context(), forge(link, b.db.Tenant(t, "other")))
		require.ErrorIs(t, err, identity.ErrLinkExpired)
		_, _, err = b.service.Exchange(t.Context(), link)
		require.NoError(t, err, "the forgery did not use it up")
	})
}

func TestASession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, b *bundle, session string){
		"ends when idle": func(_ *testing.T, b *bundle, _ string) { b.now.pass(61 * time.Minute) },
		"ends after its absolute time, however busy": func(t *testing.T, b *bundle, session string) {
			for range 28 {
				b.now.pass(50 * time.Minute)
				_, err := b.service.Authenticate(t.Context(), session)
				require.NoError(t, err)
			}
			b.now.pass(45 * time.Minute) // 24 h 5 min since signing in
		},
		"ends by signing out": func(t *testing.T, b *bundle, session string) {
			require.NoError(t, b.service.Logout(t.Context(), session))
		},
		"ends when its person is deactivated": func(t *testing.T, b *bundle, _ string) {
			b.exec(t, `update users set state = 'deactivated' where id = $1`, b.ana)
		},
		"ends when its tenant is suspended": func(t *testing.T, b *bundle, _ string) {
			b.exec(t, `update tenants set lifecycle_state = 'suspended' where id = $1`, b.tenant)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			session, other := b.session(t), b.session(t)
			_, err := b.service.Authenticate(t.Context(), session)
			require.NoError(t, err)
			end(t, b, session)
			_, err = b.service.Authenticate(t.Context(), session)
			require.ErrorIs(t, err, identity.ErrUnauthenticated)
			if strings.Contains(name, "signing out") {
				_, err = b.service.Authenticate(t.Context(), other)
				require.NoError(t, err, "the other device stays signed in")
			}
		})
	}
	t.Run("stays while it is used", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		session := b.session(t)
		for range 20 {
			b.now.pass(50 * time.Minute)
			_, err := b.service.Authenticate(t.Context(), session)
			require.NoError(t, err)
		}
	})
	t.Run("sees a changed role at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		session := b.session(t)
		b.exec(t, `update users set roles = '{member}' where id = $1`, b.ana)
		who, err := b.service.Authenticate(t.Context(), session)
		require.NoError(t, err)
		require.Equal(t, []string{"member"}, who.Actor.Roles)
	})
	t.Run("is touched at most once a minute", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		session := b.session(t)
		seen := func() (at time.Time) {
			require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
				return tx.QueryRow(t.Context(), `select last_seen_at from sessions where tenant_id = $1`, b.tenant).Scan(&at)
			}))
			return at
		}
		start := seen()
		for range 5 {
			b.now.pass(11 * time.Second)
			_, err := b.service.Authenticate(t.Context(), session)
			require.NoError(t, err)
		}
		require.True(t, start.Equal(seen()))
		b.now.pass(6 * time.Second)
		_, err := b.service.Authenticate(t.Context(), session)
		require.NoError(t, err)
		require.True(t, b.now.now().Equal(seen()))
	})
	t.Run("of another tenant is a missing one", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := b.service.Authenticate(t.Context(), forge(b.session(t), b.db.Tenant(t, "other")))
		require.ErrorIs(t, err, identity.ErrUnauthenticated)
	})
	t.Run("leaves only a hash behind", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		session := b.session(t)
		var hash []byte
		require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select token_hash from sessions where tenant_id = $1`, b.tenant).Scan(&hash)
		}))
		want := sha256.Sum256([]byte(session))
		require.Equal(t, want[:], hash)
	})
}

func TestAnAPIKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key, err := b.service.CreateKey(t.Context(), b.tenant, "shop", []string{identity.ScopeTickets})
	require.NoError(t, err)
	who, err := b.service.Authenticate(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, identity.Key, who.Kind)
	require.Equal(t, []string{identity.RoleAPI}, who.Actor.Roles)
	require.Equal(t, b.tenant, who.Actor.TenantID)
	require.Empty(t, who.Email)

	_, err = b.service.Authenticate(t.Context(), forge(key, b.db.Tenant(t, "other")))
	require.ErrorIs(t, err, identity.ErrUnauthenticated)
	n, err := b.service.RevokeKeys(t.Context(), b.tenant, "another")
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = b.service.RevokeKeys(t.Context(), b.tenant, "shop")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	_, err = b.service.Authenticate(t.Context(), key)
	require.ErrorIs(t, err, identity.ErrUnauthenticated)
}

func TestStaff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sam := b.db.Staff(t, "sam@usher.test", "agent", "curator")
	link, err := b.service.CreateStaffLink(t.Context(), sam, 10*time.Minute, false)
	require.NoError(t, err)

	public := identity.New(b.db.App, nil, identity.Config{Now: b.now.now})
	_, _, err = public.Exchange(t.Context(), link)
	require.ErrorIs(t, err, identity.ErrLinkExpired, "a process without the worker's database lets no staff in")

	session, who, err := b.service.Exchange(t.Context(), link)
	require.NoError(t, err)
	require.Equal(t, identity.Staff, who.Kind)
	require.True(t, who.Actor.Staff())
	require.True(t, who.Actor.HasRole("curator"))
	require.Equal(t, uuid.Nil, who.Actor.TenantID)
	_, _, err = b.service.Exchange(t.Context(), link)
	require.ErrorIs(t, err, identity.ErrLinkExpired)
	_, err = public.Authenticate(t.Context(), session)
	require.ErrorIs(t, err, identity.ErrUnauthenticated)

	again, err := b.service.Authenticate(t.Context(), session)
	require.NoError(t, err)
	require.Equal(t, who, again)
	b.exec(t, `update staff set state = 'deactivated' where id = $1`, sam)
	_, err = b.service.Authenticate(t.Context(), session)
	require.ErrorIs(t, err, identity.ErrUnauthenticated)
	b.exec(t, `update staff set state = 'active' where id = $1`, sam)
	require.NoError(t, b.service.Logout(t.Context(), session))
	_, err = b.service.Authenticate(t.Context(), session)
	require.ErrorIs(t, err, identity.ErrUnauthenticated)
}

// The role that serves customers cannot even read staff's credentials.
func TestCustomersRoleCannotReadStaff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, table := range []string{"staff", "staff_sessions", "staff_login_links"} {
		_, err := b.db.App.Pool().Exec(t.Context(), "select * from "+table)
		require.ErrorContains(t, err, "permission denied", table)
	}
}

func TestSweepForgetsWhatEndedLongAgo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.session(t)
	require.NoError(t, b.service.Logout(t.Context(), b.session(t)))
	b.now.pass(40 * 24 * time.Hour)
	fresh := b.session(t)
	require.NoError(t, b.service.Sweep(t.Context()))
	_, err := b.service.Authenticate(t.Context(), old)
	require.ErrorIs(t, err, identity.ErrUnauthenticated)
	_, err = b.service.Authenticate(t.Context(), fresh)
	require.NoError(t, err)
	var sessions, links int
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select (select count(*) from sessions), (select count(*) from login_links)`).Scan(&sessions, &links)
	}))
	require.Equal(t, 1, sessions)
	require.Equal(t, 1, links)
}

func TestContextKeepsThePrincipal(t *testing.T) {
	t.Parallel()
	_, ok := identity.From(context.Background())
	require.False(t, ok)
	who, ok := identity.From(identity.With(context.Background(), identity.Principal{Kind: identity.Staff}))
	require.True(t, ok)
	require.Equal(t, identity.Staff, who.Kind)
}

// Whatever is sent as a credential, it is refused and nothing breaks.
func FuzzAuthenticate(f *testing.F) {
	for _, seed := range []string{"", "usr_", "usr__", "key_00000000000000000000000000000000_x", "stf_x", "lnk_", "usr_zz", strings.Repeat("_", 300), "usr_0190a000000070008000000000000000_\x00"} {
		f.Add(seed)
	}
	db := dbtest.New(f)
	service := identity.New(db.App, db.Worker, identity.Config{})
	f.Fuzz(func(t *testing.T, token string) {
		_, err := service.Authenticate(t.Context(), token)
		require.ErrorIs(t, err, identity.ErrUnauthenticated)
		_, _, err = service.Exchange(t.Context(), token)
		require.ErrorIs(t, err, identity.ErrLinkExpired)
	})
}
