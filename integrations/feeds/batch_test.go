package feeds_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// A delivery may carry a list of events; what cannot be used in it is left out and
// named, and the rest counts.
func TestADeliveryMayCarryManyEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.known(t)
	status := func(ref, state string) string {
		return fmt.Sprintf(`{"type": "integration.status", "timestamp": "2026-11-23T09:59:00Z", "data": {"tenant_id": %q, "ref": %q, "sync_state": %q}}`, b.tenant, ref, state)
	}
	list := "[" + status("nobody", "ok") + `, {"type": 7}, ` + status("conn-1", "syncing") + `, {"type": "integration.dreamt"}]`
	require.Equal(t, http.StatusOK, b.post(t, "integration", "m-1", []byte(list)))
	require.Equal(t, map[string]string{"integration/done": "1"}, b.work(t))
	require.Equal(t, "syncing", b.state(t, "integration"))
	var why string
	b.do(t, func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), `select error from inbound_events`).Scan(&why) })
	require.Contains(t, why, "3 of 4 events were left out")

	many := make([]json.RawMessage, 501)
	for i := range many {
		many[i] = json.RawMessage(status("conn-1", "ok"))
	}
	body, err := json.Marshal(many)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.post(t, "integration", "m-2", body))
	require.Equal(t, map[string]string{"integration/done": "1", "integration/ignored": "1"}, b.work(t))
	require.Equal(t, "syncing", b.state(t, "integration"))
}

// One event we cannot put into a statement is left out like any other; a schema that
// is not there yet is waited for.
func TestOneEventLosesNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.known(t)
	refuse := func(code string) {
		owner, err := pgx.Connect(t.Context(), b.db.OwnerURL)
		require.NoError(t, err)
		defer owner.Close(t.Context())
		_, err = owner.Exec(t.Context(), `create or replace function refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '`+code+`'; end $$;
			create or replace trigger refuse before update on integrations for each row when (new.sync_state = 'failing') execute function refuse()`)
		require.NoError(t, err)
	}
	status := func(state string, second int) string {
		return fmt.Sprintf(`{"type": "integration.status", "timestamp": "2026-11-23T09:59:%02dZ", "data": {"tenant_id": %q, "ref": "conn-1", "sync_state": %q}}`, second, b.tenant, state)
	}
	refuse("42601")
	require.Equal(t, http.StatusOK, b.post(t, "integration", "m-1", []byte("["+status("failing", 1)+","+status("syncing", 2)+"]")))
	require.Equal(t, map[string]string{"integration/done": "1"}, b.work(t))
	require.Equal(t, "syncing", b.state(t, "integration"))

	refuse("42703")
	require.Equal(t, http.StatusOK, b.post(t, "integration", "m-2", []byte("["+status("failing", 3)+","+status("ok", 4)+"]")))
	require.Error(t, b.inbound.Apply(t.Context(), "integration", "m-2"))
	require.Equal(t, "syncing", b.state(t, "integration"), "all of it is tried again")
}

// An outside system says by itself that a record is otherwise now, whole or not:
// what is known is at once new, or old and read again, and open pages are told.
func TestASourceMayPush(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.known(t)
	other := b.db.Tenant(t, "globex")
	b.do(t, func(tx pgx.Tx) error {
		for tenant, number := range map[uuid.UUID]string{b.tenant: "K-1", other: "K-2"} {
			if _, err := tx.Exec(t.Context(), `insert into status_source_customers (tenant_id, source, customer) values ($1, 'erp', $2)`, tenant, number); err != nil {
				return err
			}
		}
		return nil
	})
	n := 0
	push := func(at time.Time, data string) map[string]string {
		n++
		body := fmt.Sprintf(`{"type": "source.changed", "timestamp": %q, "data": {"source": "erp", "entity": "shipment/S-1", %s}}`, at.Format(time.RFC3339), data)
		require.Equal(t, http.StatusOK, b.post(t, "source", fmt.Sprint("m-", n), []byte(body)))
		return b.work(t)
	}
	read := func(tenant uuid.UUID) (s source.Snapshot, events int64) {
		b.do(t, func(tx pgx.Tx) (err error) {
			if events, err = onboarding.LastEvent(t.Context(), tx, tenant); err != nil {
				return err
			}
			s, _ = source.Read(t.Context(), tx, source.Key{TenantID: tenant, Source: "erp", Entity: "shipment/S-1"})
			return nil
		})
		return s, events
	}
	push(now, `"customer": "K-1", "max_age_s": 864000`) // nobody has asked for it: nothing to declare old
	got, events := read(b.tenant)
	require.Equal(t, source.Unavailable, got.State)
	require.Zero(t, events)

	push(now, `"customer": "K-1", "max_age_s": 864000, "record": {"state": "loaded"}`)
	got, events = read(b.tenant)
	require.JSONEq(t, `{"state": "loaded"}`, string(got.Payload))
	require.Equal(t, source.Fresh, got.State)
	require.EqualValues(t, 1, events)
	push(now.Add(-time.Hour), `"customer": "K-1", "record": {"state": "packed"}`) // late
	got, events = read(b.tenant)
	require.JSONEq(t, `{"state": "loaded"}`, string(got.Payload))
	require.EqualValues(t, 1, events)
	push(now, `"customer": "K-1"`)
	got, events = read(b.tenant)
	require.Equal(t, source.Stale, got.State, "it is to be read again")
	require.EqualValues(t, 2, events)
	_, theirs := read(other)
	require.Zero(t, theirs)

	ignored := push(now, `"customer": "K-9", "record": {"state": "x"}`)["source/ignored"]
	require.Equal(t, "1", ignored, "nobody has that number")
	b.do(t, func(tx pgx.Tx) error { // both organisations have it: it names neither
		_, err := tx.Exec(t.Context(), `update status_source_customers set customer = 'K-1'`)
		return err
	})
	push(now.Add(time.Minute), `"customer": "K-1", "record": {"state": "theirs"}`)
	push(time.Now().Add(time.Hour), fmt.Sprintf(`"tenant_id": %q, "record": {"state": "tomorrow"}`, b.tenant))
	push(now.Add(time.Minute), fmt.Sprintf(`"tenant_id": %q, "record": "text"`, b.tenant))
	push(now.Add(time.Minute), fmt.Sprintf(`"tenant_id": %q, "source": "crm", "record": {"state": "x"}`, b.tenant))
	got, _ = read(b.tenant)
	require.JSONEq(t, `{"state": "loaded"}`, string(got.Payload))
}
