package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/portal/stream"
	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/procedure"
	"github.com/usherdesk/usher/triage/proposal"
	"github.com/usherdesk/usher/triage/rating"
	"github.com/usherdesk/usher/triage/rehearsal"
	"github.com/usherdesk/usher/triage/taxonomy"
	"github.com/usherdesk/usher/triage/topic"
	"github.com/usherdesk/usher/triage/upkeep"
)

// bundle is a server over real services, with two tenants and every kind of
// principal.
type bundle struct {
	db       *dbtest.Database
	handler  http.Handler
	identity *identity.Service
	intake   *intake.Service
	desk     *desk.Service
	actions  *action.Service
	streams  *stream.Hub
	usage    *usage.Counter

	acme, other uuid.UUID
	ana         triage.Actor // admin of acme
	tokens      map[string]string
}

// The kinds of principal, by the names of their tokens.
const (
	nobody  = ""
	ana     = "admin of acme"
	bruno   = "member of acme"
	maria   = "manager of acme"
	shop    = "key of acme"
	olga    = "admin of other"
	till    = "key of other"
	sam     = "agent"
	cleo    = "curator"
	invalid = "invalid"
)

func setup(t *testing.T, change ...func(*api.Config)) *bundle {
	t.Helper()
	b := &bundle{db: dbtest.New(t), tokens: map[string]string{invalid: "usr_00000000000000000000000000000001_x"}}
	b.acme, b.other = b.db.Tenant(t, "acme"), b.db.Tenant(t, "other")
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{SkipUnknownJobCheck: true})
	require.NoError(t, err)
	b.streams = stream.New(stream.Config{Poll: 20 * time.Millisecond})
	t.Cleanup(b.streams.Close)
	wake := func(tenant, conversation uuid.UUID) { b.streams.Notify(tenant.String() + "/" + conversation.String()) }
	b.identity = identity.New(b.db.App, b.db.Worker, identity.Config{})
	b.usage = usage.New(b.db.Worker, nil)
	b.desk = desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Wake: wake, Drafts: drafter{}, Log: slog.New(slog.DiscardHandler)})
	b.intake = intake.New(b.db.App, jobs, b.desk, wake)
	models := switchover.New(b.db.Worker)
	blobs, err := blob.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, blobs.Close()) })
	spec, err := portal.SpecJSON()
	require.NoError(t, err)
	curation := knowledge.New(b.db.Worker, jobs, knowledge.Config{})
	b.actions = action.New(action.Config{DB: b.db.Worker, Jobs: jobs, Desk: b.desk, Wake: wake, Log: slog.New(slog.DiscardHandler)})
	ratings := rating.New(rating.Config{DB: b.db.Worker, Desk: b.desk, EveryDays: 14})
	config := api.Config{
		Ratings: ratings, RatingLinks: rating.NewLinks("test"),
		App: b.db.App, Worker: b.db.Worker, Identity: b.identity, Intake: b.intake, Desk: b.desk,
		Knowledge: knowledge.New(b.db.App, nil, knowledge.Config{}), Curation: curation,
		Search: search.New(b.db.App, models, search.Config{}), Onboarding: record{b.db.App}, Streams: b.streams, Tester: tester{}, Usage: b.usage,
		Documents: document.New(b.db.App, blobs, nil, jobs, document.Config{MaxBytes: 2 << 20}), AllDocuments: document.New(b.db.Worker, blobs, nil, jobs, document.Config{}),
		Attachments: attachment.New(b.db.App, blobs, nil, jobs, wake, attachment.Config{MaxBytes: 2 << 20, Unscanned: true}), AllAttachments: attachment.New(b.db.Worker, blobs, nil, jobs, wake, attachment.Config{Unscanned: true}),
		Websites: site.New(site.Config{DB: b.db.Worker, Jobs: jobs, Articles: curation}),
		Upkeep:   upkeep.New(upkeep.Config{DB: b.db.Worker, Jobs: jobs, Engine: taxonomy.NewEngine(b.db.Worker.Pool(), slog.New(slog.DiscardHandler))}),
		Health:   &health.Service{DB: b.db.Worker, Articles: curation}, Topics: &topic.Service{DB: b.db.Worker, Models: models, Gaps: curation, Jobs: jobs},
		Procedures: &procedure.Service{DB: b.db.Worker, Actions: b.actions}, Actions: b.actions, Proposals: &proposal.Service{DB: b.db.Worker, Articles: curation},
		Reviews: reviewer{b.db.Worker}, Spec: spec, PublicURL: "http://localhost", Log: slog.New(slog.DiscardHandler), RatePerSecond: 1e6,
	}
	for _, f := range change {
		f(&config)
	}
	b.handler, err = api.New(config)
	require.NoError(t, err)
	b.people(t)
	return b
}

func (b *bundle) people(t *testing.T) {
	t.Helper()
	person := func(name string, tenant uuid.UUID, email string, roles ...string) uuid.UUID {
		id := b.db.User(t, tenant, email, roles...)
		b.tokens[name] = b.exchange(t)(b.identity.CreateLink(t.Context(), tenant, id, time.Hour, false))
		return id
	}
	b.ana = triage.Actor{Kind: triage.ActorCustomer, ID: person(ana, b.acme, "ana@acme.test", "admin"), TenantID: b.acme, Name: "Ana", Roles: []string{"admin"}, Locale: "en"}
	person(bruno, b.acme, "bruno@acme.test", "member")
	person(maria, b.acme, "maria@acme.test", "manager")
	person(olga, b.other, "olga@other.test", "admin")
	for name, tenant := range map[string]uuid.UUID{shop: b.acme, till: b.other} {
		key, err := b.identity.CreateKey(t.Context(), tenant, name, []string{identity.ScopeTickets})
		require.NoError(t, err)
		b.tokens[name] = key
	}
	b.tokens[sam] = b.exchange(t)(b.identity.CreateStaffLink(t.Context(), b.db.Staff(t, "sam@usher.test", "agent"), time.Hour, false))
	b.tokens[cleo] = b.exchange(t)(b.identity.CreateStaffLink(t.Context(), b.db.Staff(t, "cleo@usher.test", "curator"), time.Hour, false))
}

func (b *bundle) exchange(t *testing.T) func(link string, err error) string {
	t.Helper()
	return func(link string, err error) string {
		require.NoError(t, err)
		session, _, err := b.identity.Exchange(t.Context(), link)
		require.NoError(t, err)
		return session
	}
}

// things are one of everything a tenant owns, by the first part of the path
// that names it.
type things struct {
	conversation, message, ticket, document, version uuid.UUID
	file                                             uuid.UUID // a customer's, in a message
	asked                                            uuid.UUID // what the customer wrote
	task                                             uuid.UUID // of the customer's side
	number                                           int64
}

func (b *bundle) things(t *testing.T) things {
	t.Helper()
	c, m, err := b.intake.Start(t.Context(), b.ana, intake.Start{Channel: triage.ChannelChat, Text: "Where is the thing?"})
	require.NoError(t, err)
	out := things{conversation: c.ID, asked: m.ID, message: uuid.Must(uuid.NewV7()), document: uuid.New(), task: uuid.New()}
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		ticket, err := b.desk.Escalate(t.Context(), tx, desk.Escalation{
			TenantID: b.acme, ConversationID: c.ID, MessageID: m.ID, UserID: b.ana.ID, Reason: triage.ReasonRequested, Subject: "The thing", Origin: "chat",
			Classification: triage.Classification{Intent: "how_to", Priority: triage.PriorityNormal, Language: "en"},
		})
		if err != nil {
			return err
		}
		out.ticket, out.number = ticket.ID, ticket.Number
		_, _, err = triage.InsertMessage(t.Context(), tx, triage.Message{
			TenantID: b.acme, ID: out.message, ConversationID: c.ID, AuthorKind: triage.AuthorAssistant, AuthorName: "Usher",
			Visibility: triage.VisibleToCustomer, Body: "The thing is on its way.", Language: "en",
		})
		if err != nil {
			return err
		}
		project := uuid.New()
		if _, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date) values ($1, $2, 'Launch', '2026-01-01')`, b.acme, project); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `insert into tasks (tenant_id, id, project_id, title, state, responsibility) values ($1, $2, $3, 'Name the key users', 'ready', 'customer')`, b.acme, out.task, project); err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `insert into document_requests (tenant_id, id, project_id, title, state) values ($1, $2, $3, 'Proof of address', 'requested')`, b.acme, out.document, project)
		return err
	}))
	response, body := b.do(t, http.MethodPost, "/v1/documents/"+out.document.String()+"/versions?file_name=a.pdf", ana, "%PDF-1.7 a", "application/octet-stream")
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	var version struct{ ID uuid.UUID }
	require.NoError(t, json.Unmarshal([]byte(body), &version))
	out.version = version.ID
	out.file = b.sent(t, c.ID, "log.txt", "it broke here").ID
	return out
}

// sent uploads a file of Ana's and sends it with a message.
func (b *bundle) sent(t *testing.T, conversation uuid.UUID, name, content string) triage.Attachment {
	t.Helper()
	response, body := b.do(t, http.MethodPost, "/v1/attachments?file_name="+url.QueryEscape(name), ana, content, "application/octet-stream")
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	var file triage.Attachment
	require.NoError(t, json.Unmarshal([]byte(body), &file))
	response, body = b.do(t, http.MethodPost, "/v1/conversations/"+conversation.String()+"/messages", ana, `{"text":"See the file.","attachments":["`+file.ID.String()+`"]}`)
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	return file
}

// do sends a request as somebody and reads the whole answer.
func (b *bundle) do(t *testing.T, method, path, who, body string, kind ...string) (*http.Response, string) {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(t.Context())
	if body != "" {
		request.Header.Set("Content-Type", append(kind, "application/json")[0])
	}
	if who != nobody {
		request.Header.Set("Authorization", "Bearer "+b.tokens[who])
	}
	return b.serve(t, request)
}

func (b *bundle) serve(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, request)
	response := recorder.Result()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(raw)
}

// problemIn reads a problem and checks what every problem has.
func problemIn(t *testing.T, response *http.Response, body string) problem.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"), body)
	var p problem.Problem
	require.NoError(t, json.Unmarshal([]byte(body), &p))
	require.Equal(t, response.StatusCode, p.Status)
	require.NotEmpty(t, p.Code)
	require.NotEmpty(t, p.Detail)
	require.Equal(t, response.Header.Get("X-Request-Id"), p.RequestID)
	for _, leak := range []string{"SQLSTATE", "pgx", "goroutine", ".go:", "violates", "relation \""} {
		require.NotContains(t, body, leak)
	}
	return p
}

// same makes two problems comparable: what tells requests apart is taken out.
func same(t *testing.T, response *http.Response, body string) problem.Problem {
	t.Helper()
	p := problemIn(t, response, body)
	p.RequestID, p.Instance = "", ""
	return p
}

// operation is one of the contract's.
type operation struct {
	id, method, path string
	spec             *openapi3.Operation
	params           openapi3.Parameters
	public           bool
}

// contract lists every operation of openapi.yaml.
func contract(t *testing.T) (out []operation) {
	t.Helper()
	spec, err := portal.SpecJSON()
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		for method, spec := range item.Operations() {
			public := spec.Security != nil && (len(*spec.Security) == 0 || len((*spec.Security)[len(*spec.Security)-1]) == 0)
			out = append(out, operation{spec.OperationID, method, path, spec, append(append(openapi3.Parameters{}, item.Parameters...), spec.Parameters...), public})
		}
	}
	require.GreaterOrEqual(t, len(out), 50)
	return out
}

// stream says whether the operation answers with events, which never end.
func (o operation) stream() bool { return strings.HasSuffix(o.path, "/events") }

// fill puts values into the path and adds what the query needs.
func (o operation) fill(value func(name string) string) string {
	path := o.path
	var query []string
	for _, p := range o.params {
		switch {
		case p.Value.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", value(p.Value.Name))
		case p.Value.In == "query" && p.Value.Required:
			query = append(query, p.Value.Name+"=x")
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	return path
}

// body is a small valid body, or none.
func (o operation) body() (body, kind string) {
	if o.spec.RequestBody == nil {
		return "", ""
	}
	content := o.spec.RequestBody.Value.Content
	if content.Get("application/octet-stream") != nil && content["application/json"] == nil {
		return "%PDF-1.7 x", "application/octet-stream"
	}
	out, _ := json.Marshal(example(content["application/json"].Schema.Value)) // plain values
	return string(out), "application/json"
}

// example is a value a schema allows, with its required properties.
func example(s *openapi3.Schema) any {
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type.Is("object"):
		out := map[string]any{}
		for _, name := range s.Required {
			out[name] = example(s.Properties[name].Value)
		}
		return out
	case s.Type.Is("array"):
		out := []any{}
		for i := range s.MinItems {
			item := example(s.Items.Value)
			if text, ok := item.(string); ok {
				item = text + string(rune('a'+i))
			}
			out = append(out, item)
		}
		return out
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 1
	case s.Type.Is("boolean"):
		return true
	case s.Format == "uuid":
		return uuid.NewString()
	case s.Format == "date-time":
		return time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	}
	return "word"
}

type drafter struct{}

func (drafter) Draft(context.Context, uuid.UUID, uuid.UUID) (desk.Draft, error) {
	return desk.Draft{Text: "It is on its way.", Sources: []desk.Link{{Title: "Shipping", URL: "/help/shipping"}}}, nil
}

type record struct{ db *tenantdb.DB }

func (r record) View(ctx context.Context, actor triage.Actor) (any, error) {
	var view onboarding.View
	err := r.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		record, err := onboarding.Load(ctx, tx, actor.TenantID)
		view = record.View(onboarding.Asker{TenantID: actor.TenantID, UserID: actor.ID, Roles: actor.Roles}, time.Now())
		return err
	})
	return view, err
}

func (record) Suggestions(context.Context, triage.Actor) ([]string, error) { return nil, nil }

type tester struct{}

func (tester) Test(_ context.Context, q api.TestQuestion) (api.TestRun, error) {
	return api.TestRun{Route: "answer", Outcome: "answered", Evidence: "documents", Passages: []api.Passage{}, Answer: &q.Question}, nil
}

func (tester) Talk(context.Context, api.TestQuestion) (rehearsal.Partner, error) {
	return parrot{}, nil
}

type parrot struct{}

func (parrot) Say(_ context.Context, text string) (assistant.Said, error) {
	return assistant.Said{Kind: "answer", Text: text}, nil
}

type reviewer struct{ db *tenantdb.DB }

func (r reviewer) Review(ctx context.Context, tenant uuid.UUID, review document.Review) error {
	return r.db.WithSystem(ctx, "test", func(tx pgx.Tx) error { return document.Decide(ctx, tx, nil, tenant, review) })
}
