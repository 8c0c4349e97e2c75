package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// TestMain lets a test run this binary as usher itself.
func TestMain(m *testing.M) {
	if os.Getenv("USHER_TEST_AS_MAIN") == "1" {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

// process is a running usher.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string
}

func start(t *testing.T, db *dbtest.Database, address, roles string, settings ...string) *process {
	t.Helper()
	p := &process{t: t, base: "http://" + address, cmd: exec.Command(os.Args[0], "serve", "--role", roles)}
	p.cmd.Env = append(os.Environ(), "USHER_TEST_AS_MAIN=1", "DATABASE_URL="+db.OwnerURL, "USHER_SECRET="+db.Secret,
		"USHER_APP_DATABASE_URL="+db.RoleURL(t, migrations.AppRole), "USHER_WORKER_DATABASE_URL="+db.RoleURL(t, migrations.WorkerRole),
		"USHER_ADDR="+address, "USHER_DIR="+t.TempDir(), "USHER_LOG_LEVEL=warn")
	p.cmd.Env = append(p.cmd.Env, settings...)
	var log bytes.Buffer
	p.cmd.Stderr = &log
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	require.Eventually(t, func() bool {
		response, err := http.Get(p.base + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, 60*time.Second, 50*time.Millisecond, "the server did not get ready")
	return p
}

func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // it was killed
}

func (p *process) call(method, path, key string, body any) (int, map[string]any) {
	p.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(p.t, err)
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, bytes.NewReader(encoded))
	require.NoError(p.t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	var out map[string]any
	require.NoError(p.t, json.Unmarshal(raw, &out), "%s", raw)
	return response.StatusCode, out
}

// small is a taxonomy that trains at once.
func small(t *testing.T, db *dbtest.Database) {
	t.Helper()
	set := taxonomy.Set{Values: []taxonomy.Value{
		{Dimension: taxonomy.Intent, Value: "how_to", Description: "how to do something", Route: taxonomy.RouteAnswer},
		{Dimension: taxonomy.Intent, Value: "talk_to_person", Description: "talk to a human", Route: taxonomy.RouteEscalate},
	}}
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return taxonomy.Seed(t.Context(), tx, set) }))
}

// What was accepted before a kill -9 is answered after a restart, each message
// exactly once, also when the process dies in the middle of answering.
func TestKillLosesNothingAndAnswersOnce(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	small(t, db)
	tenant := db.Tenant(t, "acme")
	key, err := identity.New(db.App, db.Worker, identity.Config{}).CreateKey(t.Context(), tenant, "test", []string{identity.ScopeTickets})
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))

	const messages = 25
	conversations := map[string]bool{}
	file := func(p *process, n int) {
		for range n {
			status, filed := p.call(http.MethodPost, "/v1/tickets", key, map[string]string{"subject": "How do I press the button?"})
			require.Equal(t, http.StatusAccepted, status, "%v", filed)
			conversations[filed["conversation_id"].(string)] = true
		}
	}
	p := start(t, db, address, "api") // nobody works yet
	file(p, 5)
	p.kill()
	p = start(t, db, address, "api,worker")
	file(p, messages-5)
	p.kill() // in the middle of answering
	p = start(t, db, address, "api,worker")

	require.Len(t, conversations, messages)
	require.Eventually(t, func() bool {
		var answered int
		require.NoError(t, db.Worker.WithSystem(context.Background(), "test", func(tx pgx.Tx) error {
			return tx.QueryRow(context.Background(), `select count(*) from decisions`).Scan(&answered)
		}))
		return answered == messages
	}, 90*time.Second, 200*time.Millisecond, "every message is decided about")
	for id := range conversations {
		_, page := p.call(http.MethodGet, "/v1/conversations/"+id+"/messages", key, nil)
		replies := 0
		for _, m := range page["messages"].([]any) {
			if m.(map[string]any)["author"].(map[string]any)["kind"] == "assistant" {
				replies++
			}
		}
		require.Equal(t, 1, replies, "one answer each")
	}
}
