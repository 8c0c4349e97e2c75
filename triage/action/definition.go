package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/triage/procedure"
)

// Errors of definitions.
var (
	ErrBadAction = errors.New("action is not valid") // the text says where
	ErrUnknown   = errors.New("action not found")
	// ErrSecretMissing says that the address has changed and the secret was not given again.
	ErrSecretMissing = errors.New("the address has changed and the secret was not given again")
)

// Definition is one write to another system.
type Definition struct {
	Key   string `json:"key" yaml:"key"`
	Title string `json:"title" yaml:"title"` // for agents
	// Words say to the customer what is proposed, Done that it has happened.
	Words procedure.Text `json:"words" yaml:"words"`
	Done  procedure.Text `json:"done" yaml:"done"`

	Method  string `json:"method" yaml:"method"` // POST, PUT, PATCH, DELETE
	BaseURL string `json:"base_url" yaml:"base_url"`
	// Path and Body may hold {parameter} and what the server fills in. The host never does.
	Path string `json:"path" yaml:"path"`
	Body any    `json:"body,omitempty" yaml:"body,omitempty"`
	Auth Auth   `json:"auth,omitzero" yaml:"auth,omitempty"`
	// CustomersOf is the source whose numbers fill {customer}.
	CustomersOf string      `json:"customers_of,omitempty" yaml:"customers_of,omitempty"`
	Parameters  []Parameter `json:"parameters,omitempty" yaml:"parameters,omitempty"`

	Approvers Approvers `json:"approvers,omitzero" yaml:"approvers,omitempty"`
	// ExpiresHours is how long a proposal waits; default 72.
	ExpiresHours int `json:"expires_hours,omitempty" yaml:"expires_hours,omitempty"`
	// TimeoutSeconds bounds one request; default 10.
	TimeoutSeconds int `json:"timeout_seconds,omitempty" yaml:"timeout_seconds,omitempty"`
	// KeyHeader carries the idempotency key; default Idempotency-Key.
	KeyHeader string `json:"key_header,omitempty" yaml:"key_header,omitempty"`
	// HonoursKey says that the other system does nothing twice for one key.
	HonoursKey bool `json:"honours_key,omitempty" yaml:"honours_key,omitempty"`

	Enabled   bool      `json:"-" yaml:"-"`
	HasSecret bool      `json:"-" yaml:"-"`
	Revision  int64     `json:"-" yaml:"-"`
	UpdatedAt time.Time `json:"-" yaml:"-"`
}

// Auth is how the other system knows us. The secret is stored apart.
type Auth struct {
	Kind string `json:"kind,omitempty" yaml:"kind,omitempty"` // "", bearer, basic, header
	Name string `json:"name,omitempty" yaml:"name,omitempty"` // of the header
	User string `json:"user,omitempty" yaml:"user,omitempty"`
}

// Approvers say who may approve: everybody with the role or a higher one, in the
// team if one is named.
type Approvers struct {
	Role string `json:"role,omitempty" yaml:"role,omitempty"` // agent (default), lead, admin
	Team string `json:"team,omitempty" yaml:"team,omitempty"`
}

// Parameter is what a procedure gives. Everything else the server fills in.
type Parameter struct {
	Name     string   `json:"name" yaml:"name"`
	Label    string   `json:"label" yaml:"label"` // for agents
	Kind     Kind     `json:"kind" yaml:"kind"`
	Optional bool     `json:"optional,omitempty" yaml:"optional,omitempty"`
	Min      *float64 `json:"min,omitempty" yaml:"min,omitempty"` // of a number
	Max      *float64 `json:"max,omitempty" yaml:"max,omitempty"`
	Length   int      `json:"length,omitempty" yaml:"length,omitempty"` // of a text, in characters; default 500
	Choices  []string `json:"choices,omitempty" yaml:"choices,omitempty"`
}

// Kind says what fits a parameter.
type Kind string

// The kinds of parameter.
const (
	KindText   Kind = "text"
	KindNumber Kind = "number"
	KindDate   Kind = "date" // 2026-12-31
	KindEmail  Kind = "email"
	KindChoice Kind = "choice"
	KindYesNo  Kind = "yes_no"
)

// Injected are the names the server fills in, never a procedure, a customer or a model.
var Injected = []string{"tenant", "customer", "contact", "contact_email", "contact_name", "ticket"}

// Bounds of a definition.
const (
	maxParameters = 30
	maxWords      = 1000
	maxPath       = 500
	maxBody       = 8 << 10 // rendered: what is approved must be readable as a whole
	maxLength     = 2000
)

var (
	keyPattern  = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)
	slot        = regexp.MustCompile(`\{([^{}]*)\}`)
	headerName  = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)
	roleLadder  = []string{"agent", "lead", "admin"}
	methods     = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	ownHeaders  = []string{"host", "content-length", "content-type", "transfer-encoding", "connection", "accept"}
	authKinds   = []string{"", "bearer", "basic", "header"}
	paramsKinds = []Kind{KindText, KindNumber, KindDate, KindEmail, KindChoice, KindYesNo}
)

// Parse reads a definition from YAML or JSON and checks it.
func Parse(body []byte) (Definition, error) {
	var d Definition
	if err := yaml.UnmarshalWithOptions(body, &d, yaml.Strict()); err != nil {
		return d, fmt.Errorf("%w: %w", ErrBadAction, err)
	}
	// The body is JSON wherever it came from: numbers and maps as JSON has them.
	if d.Body != nil {
		text, err := json.Marshal(d.Body)
		if err == nil {
			d.Body = nil
			err = json.Unmarshal(text, &d.Body)
		}
		if err != nil {
			return d, fmt.Errorf("%w: the body cannot be written as JSON", ErrBadAction)
		}
	}
	return d, d.Check()
}

// YAML is the definition as it is edited.
func (d Definition) YAML() (string, error) {
	body, err := yaml.MarshalWithOptions(d, yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return "", fmt.Errorf("write action: %w", err)
	}
	return string(body), nil
}

// Check reports what is wrong with the definition.
func (d Definition) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadAction, fmt.Sprintf(format, args...))
	}
	switch {
	case !keyPattern.MatchString(d.Key):
		return bad("the key must be small letters, digits and _")
	case d.Title == "" || len(d.Title) > 200:
		return bad("it needs a title of at most 200 characters")
	case !slices.Contains(methods, d.Method):
		return bad("the method must be POST, PUT, PATCH or DELETE; what only reads is a source")
	case d.ExpiresHours < 0 || d.ExpiresHours > 720:
		return bad("expires_hours must be between 1 and 720")
	case d.TimeoutSeconds < 0 || d.TimeoutSeconds > 30:
		return bad("timeout_seconds must be between 1 and 30")
	case d.Approvers.Role != "" && !slices.Contains(roleLadder, d.Approvers.Role):
		return bad("the approvers' role must be agent, lead or admin")
	case len(d.Approvers.Team) > 100:
		return bad("the team's name is too long")
	case d.KeyHeader != "" && (!headerName.MatchString(d.KeyHeader) || slices.Contains(ownHeaders, strings.ToLower(d.KeyHeader)) || strings.EqualFold(d.KeyHeader, "authorization")):
		return bad("key_header must be the name of a header of its own, such as Idempotency-Key")
	case d.CustomersOf != "" && !keyPattern.MatchString(d.CustomersOf):
		return bad("customers_of must be the name of a source")
	}
	if why := d.wrongAddress(); why != "" {
		return bad("%s", why)
	}
	if why := d.wrongAuth(); why != "" {
		return bad("%s", why)
	}
	known := slices.Clone(Injected)
	if len(d.Parameters) > maxParameters {
		return bad("it has more than %d parameters", maxParameters)
	}
	for _, p := range d.Parameters {
		if why := p.wrong(known); why != "" {
			return bad("parameter %s: %s", p.Name, why)
		}
		known = append(known, p.Name)
	}
	return d.checkSlots(known)
}

func (d Definition) wrongAddress() string {
	base, err := url.Parse(d.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" || strings.ContainsAny(d.BaseURL, "{}"):
		return "base_url must be https://host/…, without a password and without {…}"
	case base.Scheme != "https" && base.Scheme != "http":
		return "base_url must begin with https:// or http://"
	case !strings.HasPrefix(d.Path, "/") || len(d.Path) > maxPath || strings.ContainsAny(d.Path, "#\\ \r\n\t"):
		return "the path must begin with / and hold no spaces and no #"
	}
	for _, part := range strings.Split(strings.SplitN(d.Path, "?", 2)[0], "/") {
		if part == "." || part == ".." {
			return "the path must not climb with . or .."
		}
	}
	return ""
}

func (d Definition) wrongAuth() string {
	switch {
	case !slices.Contains(authKinds, d.Auth.Kind):
		return "the kind of auth must be bearer, basic or header, or left out"
	case d.Auth.Kind == "header" && (!headerName.MatchString(d.Auth.Name) || slices.Contains(ownHeaders, strings.ToLower(d.Auth.Name)) || strings.EqualFold(d.Auth.Name, d.keyHeader())):
		return "auth of kind header needs the name of a header of its own"
	case len(d.Auth.User) > 200:
		return "the user's name is too long"
	}
	return ""
}

func (p Parameter) wrong(known []string) string {
	switch {
	case !keyPattern.MatchString(p.Name) || slices.Contains(known, p.Name):
		return "its name must be its own, of small letters, digits and _; " + strings.Join(Injected, ", ") + " are filled in by the server"
	case p.Label == "" || len(p.Label) > 100:
		return "it needs a label, for the people who approve"
	case !slices.Contains(paramsKinds, p.Kind):
		return fmt.Sprintf("the kind %q is none of text, number, date, email, choice and yes_no", p.Kind)
	case (p.Kind == KindChoice) != (len(p.Choices) > 0) || len(p.Choices) > 50:
		return "a choice needs its choices, at most 50, and only a choice has them"
	case p.Kind != KindNumber && (p.Min != nil || p.Max != nil), p.Min != nil && p.Max != nil && *p.Min > *p.Max:
		return "min and max are of numbers, the smaller first"
	case p.Length < 0 || p.Length > maxLength || p.Length > 0 && p.Kind != KindText:
		return fmt.Sprintf("the length is a text's, at most %d", maxLength)
	}
	return ""
}

// checkSlots sees to it that every {name} is known, and that every parameter is
// used where the approver can see it: in the request.
func (d Definition) checkSlots(known []string) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadAction, fmt.Sprintf(format, args...))
	}
	used := map[string]bool{}
	look := func(where, text string) error {
		for _, m := range slot.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known, m[1]) {
				return bad("%s names {%s}, which is neither a parameter nor filled in by the server", where, m[1])
			}
			used[m[1]] = true
		}
		return nil
	}
	if err := look("the path", d.Path); err != nil {
		return err
	}
	var failed error
	walk(d.Body, func(text string) any {
		if failed == nil {
			failed = look("the body", text)
		}
		return text
	})
	if failed != nil {
		return failed
	}
	for _, p := range d.Parameters {
		if !used[p.Name] {
			return bad("parameter %s is in neither the path nor the body", p.Name)
		}
		if p.Optional && strings.Contains(d.Path, "{"+p.Name+"}") {
			return bad("parameter %s is in the path, so it cannot be optional", p.Name)
		}
	}
	if used["customer"] && d.CustomersOf == "" {
		return bad("{customer} needs customers_of: the source whose customer numbers are meant")
	}
	for name, text := range map[string]procedure.Text{"words": d.Words, "done": d.Done} {
		if strings.TrimSpace(text["en"]) == "" {
			return bad("%s needs English", name)
		}
		for language, in := range text {
			if len(in) > maxWords {
				return bad("%s in %s is longer than %d characters", name, language, maxWords)
			}
			if err := look(name+" in "+language, in); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d Definition) keyHeader() string {
	if d.KeyHeader != "" {
		return d.KeyHeader
	}
	return "Idempotency-Key"
}

func (d Definition) timeout() time.Duration {
	if d.TimeoutSeconds > 0 {
		return time.Duration(d.TimeoutSeconds) * time.Second
	}
	return 10 * time.Second
}

func (d Definition) lifetime() time.Duration {
	if d.ExpiresHours > 0 {
		return time.Duration(d.ExpiresHours) * time.Hour
	}
	return 72 * time.Hour
}

// repeatable reports whether a request whose fate is unknown may be sent again:
// the other system knows the key, or the method means the same done twice.
func (d Definition) repeatable() bool {
	return d.HonoursKey || d.Method == http.MethodPut || d.Method == http.MethodDelete
}

// Who names those who may approve.
func (a Approvers) Who() string {
	who := map[string]string{"": "agents", "agent": "agents", "lead": "leads and admins", "admin": "admins"}[a.Role]
	if a.Team != "" {
		who += " of the team " + a.Team
	}
	return who
}

// May reports whether somebody with these roles and teams may approve.
func (a Approvers) May(roles, teams []string) bool {
	if a.Team != "" && !slices.Contains(teams, a.Team) {
		return false
	}
	from := max(slices.Index(roleLadder, a.Role), 0)
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Index(roleLadder, role) >= from })
}
