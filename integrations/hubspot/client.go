package hubspot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// System is the name of this destination in ticket_links and deliveries.
const System = "hubspot"

// Config reaches an account. Token or OAuth is needed.
type Config struct {
	Token    string // of a private app: pat-…
	OAuth    *OAuth // instead of Token
	APIURL   string // default https://api.hubapi.com
	PortalID string // for links people can open; empty: none
	Pipeline string // ticket pipeline id; default "0"
	// Stages maps our states to stage ids of the pipeline. States that are not
	// named go where their nearest relative goes.
	Stages map[triage.InternalState]string
	// Priorities maps ours to the account's options. Default: LOW, MEDIUM, HIGH, URGENT.
	Priorities     map[triage.Priority]string
	TicketProperty string // unique property of tickets; default usher_ticket_id
	NoteProperty   string // unique property of notes; default usher_note_id
	HTTP           *http.Client
	Now            func() time.Time
	PerSecond      float64        // calls; default 9, under the smallest account's limit
	TimeZone       *time.Location // of the account: its daily limit ends at midnight there; default UTC
}

// DefaultStages are those of HubSpot's default ticket pipeline.
func DefaultStages() map[triage.InternalState]string {
	return map[triage.InternalState]string{
		triage.InternalNew: "1", triage.InternalOpen: "3", triage.InternalPending: "2", triage.InternalSolved: "4",
	}
}

// ParseStages reads a mapping such as "new=1,pending=2,open=3,solved=4".
func ParseStages(text string) (map[triage.InternalState]string, error) {
	stages, err := desk.ParseStates(text)
	if err != nil {
		return nil, fmt.Errorf("stage mapping: %w", err)
	}
	return stages, nil
}

// Client writes and reads one account.
type Client struct {
	Config
	pace  *rate.Limiter
	slots chan struct{}

	mu      sync.Mutex
	ensured bool
	known   map[string]known // contacts, owners, companies, associations already made
}

type known struct {
	id string
	at time.Time
}

// knownFor is how long an id that was looked up is believed.
const knownFor = time.Hour

// New returns a Client.
func New(c Config) *Client {
	c.APIURL = strings.TrimSuffix(cmp.Or(c.APIURL, "https://api.hubapi.com"), "/")
	c.Pipeline = cmp.Or(c.Pipeline, "0")
	c.TicketProperty = cmp.Or(c.TicketProperty, "usher_ticket_id")
	c.NoteProperty = cmp.Or(c.NoteProperty, "usher_note_id")
	c.PerSecond = cmp.Or(c.PerSecond, 9)
	if len(c.Stages) == 0 {
		c.Stages = DefaultStages()
	}
	if len(c.Priorities) == 0 {
		c.Priorities = defaultPriorities
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.TimeZone == nil {
		c.TimeZone = time.UTC
	}
	return &Client{Config: c, pace: rate.NewLimiter(rate.Limit(c.PerSecond), max(1, int(c.PerSecond))), slots: make(chan struct{}, 8), known: map[string]known{}}
}

// System implements desk.CRM.
func (c *Client) System() string { return System }

// UpsertTicket implements desk.CRM.
func (c *Client) UpsertTicket(ctx context.Context, r desk.Record) (desk.Ref, error) {
	if err := c.ensure(ctx); err != nil {
		return desk.Ref{}, err
	}
	properties := c.properties(r)
	if r.OwnerEmail != "" {
		owner, err := c.owner(ctx, r.OwnerEmail)
		if err != nil {
			return desk.Ref{}, err
		}
		if owner != "" {
			properties["hubspot_owner_id"] = owner
		}
	}
	id, err := c.upsert(ctx, "tickets", c.TicketProperty, r.Key.String(), properties)
	if err != nil {
		return desk.Ref{}, err
	}
	ref := desk.Ref{ID: id}
	if ref.LeftOut, err = c.associate(ctx, id, r); err != nil {
		return desk.Ref{}, err
	}
	if c.PortalID != "" {
		ref.URL = "https://app.hubspot.com/contacts/" + url.PathEscape(c.PortalID) + "/record/0-5/" + url.PathEscape(id)
	}
	return ref, nil
}

// AddNote implements desk.CRM.
func (c *Client) AddNote(ctx context.Context, record desk.Ref, note desk.Note) (desk.Ref, error) {
	if err := c.ensure(ctx); err != nil {
		return desk.Ref{}, err
	}
	id, err := c.upsert(ctx, "notes", c.NoteProperty, note.Key.String(), map[string]string{
		"hs_timestamp": note.At.UTC().Format(time.RFC3339), "hs_note_body": noteBody(note),
	})
	if err != nil {
		return desk.Ref{}, err
	}
	return desk.Ref{ID: id}, c.link(ctx, "notes", id, "tickets", record.ID)
}

// upsert writes one object by a unique property and returns its id.
func (c *Client) upsert(ctx context.Context, kind, property, value string, properties map[string]string) (string, error) {
	var answer struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
		Errors []apiError `json:"errors"`
	}
	err := c.call(ctx, http.MethodPost, "/crm/v3/objects/"+kind+"/batch/upsert", map[string]any{
		"inputs": []any{map[string]any{"id": value, "idProperty": property, "properties": properties}},
	}, &answer)
	if err != nil {
		return "", fmt.Errorf("hubspot: upsert %s: %w", kind, err)
	}
	if len(answer.Errors) > 0 {
		return "", fmt.Errorf("hubspot: upsert %s: %w", kind, answer.Errors[0].classify(http.StatusMultiStatus))
	}
	if len(answer.Results) == 0 || answer.Results[0].ID == "" {
		return "", fmt.Errorf("hubspot: upsert %s: %w", kind, &desk.TemporaryError{Safe: "HubSpot's answer named no object.", Err: errors.New("no result")})
	}
	return answer.Results[0].ID, nil
}

// associate ties a ticket to its contact and company. It says what was left out:
// a reference that names no company costs the association, not the ticket.
func (c *Client) associate(ctx context.Context, ticket string, r desk.Record) (leftOut string, err error) {
	if r.CustomerEmail != "" {
		contact, err := c.contact(ctx, r.CustomerEmail, r.CustomerName)
		if err != nil {
			return "", err
		}
		if contact != "" {
			if err := c.link(ctx, "tickets", ticket, "contacts", contact); err != nil {
				return "", err
			}
		}
	}
	company, err := c.company(ctx, r.AccountRef, r.TenantName)
	if err != nil || company == "" {
		return "", err
	}
	err = c.link(ctx, "tickets", ticket, "companies", company)
	var permanent *desk.PermanentError
	if company == r.AccountRef && (errors.Is(err, errNotFound) || errors.As(err, &permanent) && permanent.Safe == safeRefused) {
		return fmt.Sprintf("The record is in HubSpot, but not tied to a company: HubSpot knows no company %s. Put the CRM reference of %s right.", company, clean(r.TenantName)), nil
	}
	return "", err
}

// contact makes or finds the person with an address: one per address. An
// address HubSpot does not take costs the association, not the ticket.
func (c *Client) contact(ctx context.Context, email, name string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	return c.remember("contact:"+email, func() (string, error) {
		properties := map[string]string{"email": email}
		if first, last, ok := strings.Cut(clean(name), " "); ok && !strings.Contains(name, "@") {
			properties["firstname"], properties["lastname"] = clip(first, 200), clip(last, 200)
		}
		id, err := c.upsert(ctx, "contacts", "email", email, properties)
		var permanent *desk.PermanentError
		if errors.As(err, &permanent) && permanent.Safe == safeRefused {
			return "", nil
		}
		return id, err
	})
}

// owner finds the HubSpot user with an address; empty where there is none.
func (c *Client) owner(ctx context.Context, email string) (string, error) {
	return c.remember("owner:"+email, func() (string, error) {
		var answer struct {
			Results []struct {
				ID string `json:"id"`
			} `json:"results"`
		}
		if err := c.call(ctx, http.MethodGet, "/crm/v3/owners?limit=1&email="+url.QueryEscape(email), nil, &answer); err != nil {
			return "", fmt.Errorf("hubspot: find owner: %w", err)
		}
		if len(answer.Results) == 0 {
			return "", nil
		}
		return answer.Results[0].ID, nil
	})
}

// company is the tenant's company: by its id where known, else the only one of
// exactly its name. None is ever created: that is how duplicates begin.
func (c *Client) company(ctx context.Context, ref, name string) (string, error) {
	if ref != "" {
		if _, err := strconv.ParseUint(ref, 10, 64); err == nil {
			return ref, nil
		}
	}
	if name == "" {
		return "", nil
	}
	return c.remember("company:"+name, func() (string, error) {
		var answer struct {
			Results []struct {
				ID string `json:"id"`
			} `json:"results"`
		}
		err := c.call(ctx, http.MethodPost, "/crm/v3/objects/companies/search", map[string]any{
			"limit": 2, "properties": []string{"name"},
			"filterGroups": []any{map[string]any{"filters": []any{map[string]any{"propertyName": "name", "operator": "EQ", "value": name}}}},
		}, &answer)
		if err != nil {
			return "", fmt.Errorf("hubspot: find company: %w", err)
		}
		if len(answer.Results) != 1 {
			return "", nil
		}
		return answer.Results[0].ID, nil
	})
}

// link ties two objects with the default association; it may be repeated.
func (c *Client) link(ctx context.Context, from, fromID, to, toID string) error {
	_, err := c.remember("link:"+from+fromID+":"+to+toID, func() (string, error) {
		path := fmt.Sprintf("/crm/v4/objects/%s/%s/associations/default/%s/%s", from, url.PathEscape(fromID), to, url.PathEscape(toID))
		if err := c.call(ctx, http.MethodPut, path, nil, nil); err != nil {
			return "", fmt.Errorf("hubspot: associate %s with %s: %w", from, to, err)
		}
		return toID, nil
	})
	return err
}

// remember keeps what look found for a while.
func (c *Client) remember(key string, look func() (string, error)) (string, error) {
	c.mu.Lock()
	k, ok := c.known[key]
	c.mu.Unlock()
	if ok && c.Now().Sub(k.at) < knownFor {
		return k.id, nil
	}
	id, err := look()
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) > 50_000 {
		clear(c.known)
	}
	c.known[key] = known{id, c.Now()}
	return id, nil
}

// ensure makes our unique properties, once per process.
func (c *Client) ensure(ctx context.Context) error {
	c.mu.Lock()
	done := c.ensured
	c.mu.Unlock()
	if done {
		return nil
	}
	for kind, name := range map[string]string{"tickets": c.TicketProperty, "notes": c.NoteProperty} {
		if err := c.ensureProperty(ctx, kind, name); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ensured = true
	return nil
}

func (c *Client) ensureProperty(ctx context.Context, kind, name string) error {
	var property struct {
		Unique bool `json:"hasUniqueValue"`
	}
	path := "/crm/v3/properties/" + kind
	err := c.call(ctx, http.MethodGet, path+"/"+url.PathEscape(name), nil, &property)
	switch {
	case err == nil && property.Unique:
		return nil
	case err == nil:
		return &desk.PermanentError{
			Safe: fmt.Sprintf("HubSpot's property %q of %s does not require unique values, so tickets could double. Rename it or delete it.", name, kind),
			Err:  errors.New("property is not unique"),
		}
	case !errors.Is(err, errNotFound):
		return fmt.Errorf("hubspot: read property: %w", err)
	}
	group := map[string]string{"tickets": "ticketinformation", "notes": "note"}[kind]
	err = c.call(ctx, http.MethodPost, path, map[string]any{
		"name": name, "label": "Usher id", "type": "string", "fieldType": "text", "groupName": group, "hasUniqueValue": true,
	}, nil)
	if err != nil && !errors.Is(err, errConflict) { // another process made it
		return fmt.Errorf("hubspot: make property: %w", err)
	}
	return nil
}

// Check asks HubSpot whether the token works and the pipeline has the stages that
// our states are mapped to.
func (c *Client) Check(ctx context.Context) error {
	var pipeline struct {
		Stages []struct {
			ID string `json:"id"`
		} `json:"stages"`
	}
	err := c.call(ctx, http.MethodGet, "/crm/v3/pipelines/tickets/"+url.PathEscape(c.Pipeline), nil, &pipeline)
	if errors.Is(err, errNotFound) {
		return &desk.PermanentError{Safe: fmt.Sprintf("HubSpot has no ticket pipeline %q. Check USHER_HUBSPOT_PIPELINE.", c.Pipeline), Err: err}
	}
	if err != nil {
		return fmt.Errorf("hubspot: read pipeline: %w", err)
	}
	var has []string
	for _, stage := range pipeline.Stages {
		has = append(has, stage.ID)
	}
	var missing []string
	for state, stage := range c.Stages {
		if !slices.Contains(has, stage) {
			missing = append(missing, string(state)+"="+stage)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return &desk.PermanentError{
		Safe: fmt.Sprintf("HubSpot's ticket pipeline has no such stages: %s. It has: %s. Check USHER_HUBSPOT_STAGES.", strings.Join(missing, ", "), strings.Join(has, ", ")),
		Err:  errors.New("stages are missing"),
	}
}

// call makes one request within the account's limits.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	if err := c.pace.Wait(ctx); err != nil {
		return &desk.TemporaryError{After: time.Second, Safe: "Waiting for its turn at HubSpot.", Err: err}
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return &desk.TemporaryError{Safe: "Waiting for its turn at HubSpot.", Err: ctx.Err()}
	}
	status, header, raw, err := c.send(ctx, method, path, body)
	if err == nil && status == http.StatusUnauthorized && c.OAuth != nil {
		c.OAuth.expire()
		status, header, raw, err = c.send(ctx, method, path, body)
	}
	var permanent *desk.PermanentError
	if errors.As(err, &permanent) {
		return permanent
	}
	if err != nil {
		return &desk.TemporaryError{Safe: "HubSpot could not be reached or did not answer in time.", Err: errors.Join(err, context.Cause(ctx))}
	}
	if status >= 300 {
		return c.failure(status, header, raw)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return &desk.TemporaryError{Safe: "HubSpot's answer could not be read.", Err: err}
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body any) (int, http.Header, []byte, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, nil, err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.APIURL+path, reader)
	if err != nil {
		return 0, nil, nil, err
	}
	token := c.Token
	if c.OAuth != nil {
		if token, err = c.OAuth.token(ctx, c.HTTP, c.APIURL); err != nil {
			return 0, nil, nil, err
		}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return response.StatusCode, response.Header, raw, err
}

// OAuth refreshes access tokens of an installed app.
type OAuth struct {
	ClientID, ClientSecret, RefreshToken string
	TokenURL                             string // default /oauth/v1/token of the account's API
	Now                                  func() time.Time

	mu      sync.Mutex
	current string
	until   time.Time
}

// token is the access token to use now; one refresh serves all who wait.
func (o *OAuth) token(ctx context.Context, client *http.Client, api string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	if o.current != "" && now().Before(o.until) {
		return o.current, nil
	}
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret}, "refresh_token": {o.RefreshToken}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(o.TokenURL, api+"/oauth/v1/token"), strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Status      string `json:"status"` // of a refusal
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer)
	switch {
	case response.StatusCode == http.StatusBadRequest, response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		// The app was removed, or its secret changed: trying again changes nothing.
		return "", &desk.PermanentError{
			Safe: "HubSpot refuses the refresh token. Install the app again, and set USHER_HUBSPOT_REFRESH_TOKEN; check USHER_HUBSPOT_CLIENT_ID and USHER_HUBSPOT_CLIENT_SECRET.",
			Err:  fmt.Errorf("refresh token: HTTP %d %s", response.StatusCode, answer.Status),
		}
	case err != nil, answer.AccessToken == "":
		return "", fmt.Errorf("refresh token: HTTP %d", response.StatusCode)
	}
	o.current, o.until = answer.AccessToken, now().Add(time.Duration(answer.ExpiresIn-60)*time.Second)
	return o.current, nil
}

func (o *OAuth) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.current = ""
}
