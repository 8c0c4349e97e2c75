package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/portal/stream"
	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/procedure"
	"github.com/usherdesk/usher/triage/proposal"
	"github.com/usherdesk/usher/triage/rating"
	"github.com/usherdesk/usher/triage/rehearsal"
	"github.com/usherdesk/usher/triage/topic"
	"github.com/usherdesk/usher/triage/upkeep"
)

// MaxBody bounds a request's body: a message of 64 KiB, escaped, fits well.
const MaxBody = 1 << 20

// OnboardingView shows a person their organisation's onboarding record, as JSON.
type OnboardingView interface {
	View(ctx context.Context, actor triage.Actor) (any, error)
	Suggestions(ctx context.Context, actor triage.Actor) ([]string, error)
}

// Tester shows curators what the assistant would say, without side effects.
type Tester interface {
	Test(ctx context.Context, question TestQuestion) (TestRun, error)
	// Talk begins a conversation as the person question names; its text is not asked.
	Talk(ctx context.Context, question TestQuestion) (rehearsal.Partner, error)
}

// Switches are the models that can be switched to.
type Switches interface {
	Models(ctx context.Context) (Models, error)
	// Build queues the building of the embedding model's vectors.
	Build(ctx context.Context) error
	// Change searches with the embedding model, goes back from it, or deletes its
	// vectors. What cannot be done is a problem that says why.
	Change(ctx context.Context, act ChangeVectorsJSONBodyAct) error
	// With is what would answer after a switch; it tries, and says so to whoever counts.
	With(ctx context.Context, model, embedding bool) (Tester, error)
}

// Config joins the server to the services. App and Identity are needed; what is
// nil answers 404.
type Config struct {
	App         *tenantdb.DB // customers' pool
	Worker      *tenantdb.DB // staff's pool
	Identity    *identity.Service
	Intake      *intake.Service
	Desk        *desk.Service
	Knowledge   *knowledge.Service // reads for customers, on the app pool
	Curation    *knowledge.Service // changes by curators, on the worker pool
	Search      *search.Searcher
	Onboarding  OnboardingView
	Documents   *document.Service   // uploads of customers, on the app pool
	Attachments *attachment.Service // files of customers' messages, on the app pool
	Usage       *usage.Counter      // nil: nothing is counted
	Tester      Tester
	Switches    Switches
	Streams     *stream.Hub

	AllDocuments   *document.Service   // the same for staff, on the worker pool
	AllAttachments *attachment.Service // the same for staff, on the worker pool
	Reviews        Reviewer
	Proposals      *proposal.Service // from solved tickets
	Upkeep         *upkeep.Service   // of the taxonomy
	Ratings        *rating.Service
	RatingLinks    rating.Links
	Topics         *topic.Service
	Websites       *site.Service   // taken in as articles
	Health         *health.Service // of articles
	Webhooks       Webhooks        // of tenants' own systems
	Procedures     *procedure.Service
	Actions        *action.Service
	Sources        *source.Reader // of outside systems; curators store and try them
	Rules          *rule.Engine   // hears of what changes in an onboarding
	Feed           *feed.Feed     // how onboardings stand; nil: by their records alone

	Spec           []byte // the contract, as JSON
	Web            http.Handler
	Mounts         []func(gin.IRouter) // inbound routes of integrations
	Metrics        prometheus.Gatherer
	Registerer     prometheus.Registerer
	PublicURL      string
	TrustedProxies []string
	Version        string
	Log            *slog.Logger
	RatePerSecond  float64 // of one principal or address; default 20, bursts of 60
}

// Server implements the contract's operations.
type Server struct {
	Config
	limits    *limits
	listeners *slots // open event streams
	transfers *slots // uploads, exports and transcripts under way
	took      *prometheus.HistogramVec
}

var _ StrictServerInterface = (*Server)(nil)

// New returns the whole HTTP surface.
func New(c Config) (http.Handler, error) {
	c.RatePerSecond = cmp.Or(c.RatePerSecond, 20)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{
		Config: c, limits: newLimits(rate.Limit(c.RatePerSecond), max(int(3*c.RatePerSecond), 1)), listeners: newSlots(20), transfers: newSlots(4),
	}
	s.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "usher_http_request_seconds", Help: "Time to answer, by route and status.", Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10),
	}, []string{"method", "route", "status"})
	if c.Registerer != nil {
		if err := c.Registerer.Register(s.took); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	if err := engine.SetTrustedProxies(c.TrustedProxies); err != nil {
		return nil, fmt.Errorf("USHER_TRUSTED_PROXIES: %w", err)
	}
	engine.Use(s.envelope)
	for _, mount := range c.Mounts {
		mount(engine)
	}
	s.routes(engine)
	engine.NoMethod(func(ctx *gin.Context) {
		problem.Write(ctx.Writer, ctx.Request, problem.New(http.StatusMethodNotAllowed, "method_not_allowed", "This address does not take "+ctx.Request.Method+" requests."))
	})
	engine.NoRoute(func(ctx *gin.Context) {
		path := ctx.Request.URL.Path
		if c.Web == nil || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/slack/") || ctx.Request.Method != http.MethodGet && ctx.Request.Method != http.MethodHead {
			problem.Write(ctx.Writer, ctx.Request, problem.NotFound())
			return
		}
		// gin has set 404 for an unknown route; the web decides anew, also who may
		// show a page in a frame.
		ctx.Writer.Header().Del("X-Frame-Options")
		ctx.Writer.WriteHeader(http.StatusOK)
		c.Web.ServeHTTP(ctx.Writer, ctx.Request)
	})
	return engine, nil
}

func (s *Server) routes(engine *gin.Engine) {
	fail := func(ctx *gin.Context, err error) { problem.Write(ctx.Writer, ctx.Request, err) }
	operation := routed(s.Spec)
	// Who may not call is refused before anything of theirs is read, however large it
	// is: what cannot be read tells them no more than what can.
	admit := func(ctx *gin.Context) {
		if name, ok := operation[ctx.Request.Method+" "+ctx.FullPath()]; ok {
			if err := refusal(ctx.Request, name); err != nil {
				fail(ctx, err)
				ctx.Abort()
			}
		}
	}
	unread := func(ctx *gin.Context, err error) { fail(ctx, badRequest(err)) }
	handler := NewStrictHandlerWithOptions(s, []StrictMiddlewareFunc{s.prove, known, count(s.Usage), guard}, StrictGinServerOptions{
		RequestErrorHandlerFunc:  unread,
		HandlerErrorFunc:         fail,
		ResponseErrorHandlerFunc: fail,
	})
	api := engine.Group("", s.bound, s.crossOrigin, s.authenticate, s.limit, admit)
	RegisterHandlersWithOptions(api, handler, GinServerOptions{
		ErrorHandler: func(ctx *gin.Context, err error, _ int) { unread(ctx, err) },
	})
	engine.GET("/openapi.json", func(ctx *gin.Context) { ctx.Data(http.StatusOK, "application/json", s.Spec) })
	if s.Metrics != nil {
		engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})))
	}
	engine.GET("/s/:token", s.bound, s.limit, s.signInPage)
	engine.POST("/s/:token", s.bound, s.limit, s.signIn)
	engine.POST("/saml/acs", s.bound, s.limit, s.samlAnswer)
	engine.POST("/saml/finish", s.bound, s.limit, s.samlFinish)
}

// badRequest words what the generated code could not read.
func badRequest(err error) error {
	var tooBig *http.MaxBytesError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooBig):
		return err
	case errors.As(err, &syntax):
		return problem.New(http.StatusBadRequest, "malformed_json", fmt.Sprintf("The body is not valid JSON near byte %d.", syntax.Offset))
	case errors.As(err, &kind):
		return problem.New(http.StatusBadRequest, "wrong_type", "One field has the wrong type.", problem.Field{Field: kind.Field, Detail: "must be " + kind.Type.String()})
	case strings.Contains(err.Error(), "EOF"):
		return problem.New(http.StatusBadRequest, "malformed_json", "The body is empty or ends early; send a JSON object.")
	}
	if found := parameterName.FindStringSubmatch(err.Error()); found != nil {
		return problem.New(http.StatusBadRequest, "invalid_request", "The parameter "+found[1]+" is missing or cannot be read.", problem.Field{Field: found[1], Detail: "must be as the contract says"})
	}
	return problem.New(http.StatusBadRequest, "invalid_request", "The request cannot be read. Compare it with the contract at /openapi.json.")
}

// parameterName is in the generated code's errors.
var parameterName = regexp.MustCompile(`(?:parameter|argument|value for) ([A-Za-z_-]+)`)

// envelope gives every request its id, its log line and its metric, and turns a
// panic into a 500 without its cause.
func (s *Server) envelope(c *gin.Context) {
	started := time.Now()
	id := problem.NewRequestID()
	c.Request = c.Request.WithContext(problem.WithRequestID(c.Request.Context(), id))
	header := c.Writer.Header()
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Frame-Options", "DENY")
	if strings.HasPrefix(s.PublicURL, "https://") {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	defer func() {
		if cause := recover(); cause != nil {
			if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel that is panicked with, never wrapped
				panic(cause)
			}
			s.Log.ErrorContext(c.Request.Context(), "handler panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			if c.Writer.Written() {
				panic(http.ErrAbortHandler) // the caller must not take a part for the whole
			}
			problem.Write(c.Writer, c.Request, fmt.Errorf("panic: %v", cause))
		}
		route := cmp.Or(c.FullPath(), "other")
		s.took.WithLabelValues(c.Request.Method, route, fmt.Sprint(c.Writer.Status())).Observe(time.Since(started).Seconds())
		s.Log.DebugContext(c.Request.Context(), "request", "method", c.Request.Method, "route", route,
			"status", c.Writer.Status(), "duration_ms", time.Since(started).Milliseconds(), "request_id", id)
	}()
	c.Next()
}

// patience is how long routes may take that do more than a usual request.
var patience = map[string]time.Duration{
	"/v1/documents/:id/versions":                 10 * time.Minute,
	"/v1/attachments":                            10 * time.Minute,
	"/v1/agent/tickets/:tenant/:id/attachments":  10 * time.Minute,
	"/v1/admin/article-files":                    2 * time.Minute,
	"/v1/document-versions/:id/content":          10 * time.Minute,
	"/v1/attachments/:id/content":                10 * time.Minute,
	"/v1/agent/documents/:tenant/:id/content":    10 * time.Minute,
	"/v1/agent/attachments/:tenant/:id/content":  10 * time.Minute,
	"/v1/exports/:section":                       time.Minute,
	"/v1/admin/tenants/:tenant/exports/:section": time.Minute,
	"/v1/conversations/:id/transcript":           time.Minute,
}

// bound limits the body and, but for streams, the time.
func (s *Server) bound(c *gin.Context) {
	header := c.Writer.Header()
	header.Set("Cache-Control", "no-store") // it is somebody's own
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	path := c.FullPath()
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, s.maxBody(path))
	if strings.HasSuffix(path, "/events") {
		return
	}
	limit, long := patience[path]
	if long {
		// The server's own deadlines are for usual requests.
		control, end := http.NewResponseController(c.Writer), time.Now().Add(limit+5*time.Second)
		if err := errors.Join(control.SetReadDeadline(end), control.SetWriteDeadline(end)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			problem.Write(c.Writer, c.Request, fmt.Errorf("set deadline: %w", err))
			c.Abort()
			return
		}
	}
	ctx, cancel := context.WithTimeoutCause(c.Request.Context(), cmp.Or(limit, 20*time.Second), errors.New("the request took too long"))
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// maxBody is how large a request's body may be. A file may be a little larger
// than it may be, so that its own error says so.
func (s *Server) maxBody(path string) int64 {
	switch {
	case uploads[path] && strings.HasSuffix(path, "/versions") && s.Documents != nil:
		limit, _ := s.Documents.Limits()
		return limit + 1<<10
	case path == "/v1/admin/article-files":
		return importer.MaxUpload + 1<<10
	case uploads[path] && s.Attachments != nil:
		return s.Attachments.Limits().MaxBytes + 1<<10
	case path == "/v1/admin/openapi": // large systems have large descriptions
		return 5 << 20
	}
	return MaxBody
}

// uploads are the routes whose body is a file.
var uploads = map[string]bool{"/v1/documents/:id/versions": true, "/v1/attachments": true, "/v1/agent/tickets/:tenant/:id/attachments": true, "/v1/admin/article-files": true}

var crossOrigin = http.NewCrossOriginProtection()

// crossOrigin refuses writes other sites make a browser send with its cookie: by
// where they come from, and where an old browser does not say, by the kind of
// body, which a form of another site cannot send.
func (s *Server) crossOrigin(c *gin.Context) {
	if _, err := c.Cookie(s.cookieName()); err != nil {
		return // no cookie, nothing to misuse
	}
	if err := crossOrigin.Check(c.Request); err != nil {
		problem.Write(c.Writer, c.Request, problem.New(http.StatusForbidden, "cross_origin", "This request came from another site and was refused."))
		c.Abort()
		return
	}
	want := "application/json"
	if uploads[c.FullPath()] {
		want = "application/octet-stream"
	}
	if c.Request.ContentLength != 0 && c.ContentType() != want {
		problem.Write(c.Writer, c.Request, problem.New(http.StatusUnsupportedMediaType, "wrong_content_type", "Send the body as "+want+"."))
		c.Abort()
	}
}

// authenticate finds out who calls: by API key or session token in the
// Authorization header, else by the session cookie.
func (s *Server) authenticate(c *gin.Context) {
	token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !ok {
		token, _ = c.Cookie(s.cookieName())
	}
	if token == "" {
		return
	}
	principal, err := s.Identity.Authenticate(c.Request.Context(), token)
	switch {
	case errors.Is(err, identity.ErrUnauthenticated):
		return // the guard says so where it matters
	case err != nil:
		problem.Write(c.Writer, c.Request, err)
		c.Abort()
		return
	}
	c.Request = c.Request.WithContext(identity.With(c.Request.Context(), principal))
}

// limit slows down a principal, or an address that is not signed in.
func (s *Server) limit(c *gin.Context) {
	key := c.ClientIP()
	if principal, ok := identity.From(c.Request.Context()); ok {
		key = principal.Actor.ID.String()
	}
	if wait := s.limits.wait(key); wait > 0 {
		problem.Write(c.Writer, c.Request, problem.TooMany(wait))
		c.Abort()
	}
}

// limits keeps one token bucket per key, forgetting idle ones.
type limits struct {
	mu      sync.Mutex
	rate    rate.Limit
	burst   int
	buckets map[string]*bucket
	swept   time.Time
}

type bucket struct {
	limiter *rate.Limiter
	seen    time.Time
}

func newLimits(r rate.Limit, burst int) *limits {
	return &limits{rate: r, burst: burst, buckets: map[string]*bucket{}}
}

// wait is how long the key has to wait; zero lets it through.
func (l *limits) wait(key string) time.Duration {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		for k, b := range l.buckets {
			if now.Sub(b.seen) > 5*time.Minute {
				delete(l.buckets, k)
			}
		}
		l.swept = now
	}
	b := l.buckets[key]
	if b == nil {
		b = &bucket{limiter: rate.NewLimiter(l.rate, l.burst)}
		l.buckets[key] = b
	}
	b.seen = now
	reservation := b.limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

// principal is the caller; the guard has made sure there is one.
func principal(ctx context.Context) identity.Principal {
	p, _ := identity.From(ctx)
	return p
}

func actor(ctx context.Context) triage.Actor { return principal(ctx).Actor }

// viewer is the caller as knowledge's access rule knows them.
func viewer(ctx context.Context) knowledge.Viewer {
	p, ok := identity.From(ctx)
	switch {
	case !ok:
		return knowledge.Viewer{}
	case p.Kind == identity.Staff:
		return knowledge.Viewer{Staff: true, Roles: p.Actor.Roles}
	}
	return knowledge.Viewer{
		TenantID: p.Tenant.ID, Roles: p.Actor.Roles, Departments: p.Actor.Departments, Plan: p.Tenant.Plan, Locale: p.Actor.Locale,
	}
}

func some[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func value[T any](pointer *T) (v T) {
	if pointer != nil {
		v = *pointer
	}
	return v
}

func page(before *uuid.UUID, limit *int) triage.Page {
	return triage.Page{Before: value(before), Limit: value(limit)}
}

// cursor reads a list's continuation, the last entry's id.
func cursor(text *string, limit *int) (triage.Page, error) {
	p := triage.Page{Limit: value(limit)}
	if value(text) == "" {
		return p, nil
	}
	id, err := uuid.Parse(*text)
	if err != nil {
		return p, problem.New(http.StatusBadRequest, "bad_cursor", "cursor is not one this list gave out; start from the first page.")
	}
	p.Before = id
	return p, nil
}
