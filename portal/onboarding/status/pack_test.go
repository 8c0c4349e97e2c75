package status_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// New status intents are data: nothing in Go knows of shipments.
func TestShipmentsAreAnsweredFromConfigurationAlone(t *testing.T) {
	t.Parallel()
	w, db := demoIn(t, "integration")
	body, err := os.ReadFile("packs/shipments.yaml")
	require.NoError(t, err)
	pack, err := status.ParsePack(body)
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithTenant(t.Context(), w.tenant, func(tx pgx.Tx) error {
		if err := status.PutPack(t.Context(), tx, pack); err != nil {
			return err
		}
		add := func(key, name, fields, department string, stale any) {
			_, err := tx.Exec(t.Context(), `insert into pack_records (tenant_id, id, entity, key, name, fields, department, observed_at, stale_after)
				values ($1, $2, 'shipment', $3, $4, $5, $6, $7, $8)`, w.tenant, uuid.New(), key, name, fields, department, w.now.Add(-time.Hour), stale)
			require.NoError(t, err)
		}
		add("HH-4711", "Hamburg container 4711", `{"state": "in_transit", "position": "Port of Rotterdam", "scanned_at": "2026-11-23T06:30:00Z", "eta": "2026-11-27", "pieces": 1200}`, "", nil)
		add("BR-12", "Bremen pallets", `{"state": "at_customs", "eta": "soon", "position": "[evil](https://evil.example)"}`, "", w.now.Add(-time.Minute))
		add("FI-1", "Secret finance papers", `{"state": "booked"}`, "finance", nil)
		return nil
	}))
	var packs []status.Pack
	require.NoError(t, db.App.WithTenant(t.Context(), w.tenant, func(tx pgx.Tx) (err error) {
		if packs, err = status.Packs(t.Context(), tx); err != nil {
			return err
		}
		w.record, err = onboarding.Load(t.Context(), tx, w.tenant)
		return err
	}))
	ask := func(text, language string) status.Answer {
		return status.Resolve(status.Input{Record: w.record, Packs: packs, Now: w.now, Asker: onboarding.Asker{TenantID: w.tenant, Roles: []string{"member"}}},
			status.Question{Intent: "shipment.position", Text: text, Language: language})
	}
	a := ask("Where is container HH-4711?", "en")
	require.Equal(t, "Shipment **Hamburg container 4711** is **on its way**. Last seen: Port of Rotterdam, 23 November 2026, 07:30 (Europe/Berlin). It is expected on 27 November 2026. It has 1,200 pieces.", a.Text)
	require.False(t, a.Stale)
	require.Equal(t, "/onboarding#shipments", a.Link)
	require.Len(t, a.Basis, 6)
	require.Contains(t, ask("Wo ist der Container 4711?", "de").Text, "Erwartet am 27. November 2026.")

	a = ask("where are the Bremen pallets", "en")
	require.Contains(t, a.Text, "**at customs**")
	require.NotContains(t, a.Text, "expected", "a value that is no date is not said")
	require.NotContains(t, a.Text, "](https", "text from outside is no link")
	require.True(t, a.Stale)
	require.Contains(t, a.Text, "last value we know, as of 23 November 2026, 10:00")

	a = ask("Where is my shipment?", "en")
	require.Equal(t, []string{"Bremen pallets", "Hamburg container 4711"}, a.Options, "what is hidden is no candidate")
	require.Empty(t, status.Resolve(status.Input{Record: w.record, Now: w.now}, status.Question{Intent: "shipment.position"}).Text, "without the pack nobody knows of shipments")
}

func TestWhoseAnswerNeedsAProof(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("packs/shipments.yaml")
	require.NoError(t, err)
	plain, err := status.ParsePack(body)
	require.NoError(t, err)
	marked, err := status.ParsePack([]byte(strings.Replace(string(body), "    link:", "    confirm: true\n    link:", 1)))
	require.NoError(t, err)
	sourced := plain
	sourced.Source = "tms"
	secret := func(name string) bool { return name == "tms" }
	open := func(string) bool { return false }
	confirms := func(intent string, p status.Pack, source func(string) bool) bool {
		return status.Confirms(intent, status.Confidential, []status.Pack{p}, source)
	}
	require.False(t, confirms("shipment.position", plain, secret))
	require.True(t, confirms("shipment.position", marked, open))
	require.False(t, confirms("shipment.position", sourced, open))
	require.True(t, confirms("shipment.position", sourced, secret))
	require.True(t, confirms("signature.status", plain, open))
	require.False(t, confirms("onboarding.go_live_date", plain, open))
	for _, intent := range status.Confidential {
		require.True(t, status.Knows(intent), intent)
	}
	require.False(t, status.Confirms("signature.status", nil, nil, open))
}

func TestABadPackSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("packs/shipments.yaml")
	require.NoError(t, err)
	for name, c := range map[string]struct{ old, new, want string }{
		"an unknown field in a sentence": {"{pieces} pieces", "{weight} kilos", "unknown field weight"},
		"an unknown kind":                {"kind: number", "kind: weight", "unknown kind"},
		"a link to elsewhere":            {"link: /onboarding#shipments", "link: https://elsewhere.example", "path of the portal"},
		"a built-in intent":              {"intent: shipment.customs", "intent: ticket.status", "built in"},
		"an unknown key":                 {"description: Where", "descripton: Where", "descripton"},
		"a name with spaces":             {"key: shipments", "key: My Shipments", "small letters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Replace(string(good), c.old, c.new, 1)
			require.NotEqual(t, string(good), body)
			_, err := status.ParsePack([]byte(body))
			require.ErrorIs(t, err, status.ErrBadPack)
			require.ErrorContains(t, err, c.want)
		})
	}
}
