package salesforce

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// System is the name of this destination in ticket_links and deliveries.
const System = "salesforce"

// Config reaches an org by the client-credentials flow (ClientSecret) or the JWT
// bearer flow (PrivateKey and User).
type Config struct {
	Domain          string // https://….my.salesforce.com
	ClientID        string
	ClientSecret    string
	PrivateKey      []byte // PEM
	User            string
	Audience        string // of the JWT; default https://login.salesforce.com
	ExternalIDField string // External Id and Unique field of Case; default Usher_Ticket_Id__c
	APIVersion      string // default v68.0
	Origin          string // Case Origin; default Web
	// Statuses and Priorities map our words to the org's picklists. The defaults
	// are the values every new org has, so several of ours share one.
	Statuses   map[triage.InternalState]string
	Priorities map[triage.Priority]string
	HTTP       *http.Client
	Now        func() time.Time
}

// Client writes and reads one org.
type Client struct {
	Config
	key   *rsa.PrivateKey
	slots chan struct{}

	mu       sync.Mutex
	token    string
	instance string
	contacts map[string]contact
}

type contact struct {
	id, account string
	at          time.Time
}

// New returns a Client; it fails where the private key cannot be read.
func New(c Config) (*Client, error) {
	c.Domain = strings.TrimSuffix(c.Domain, "/")
	c.Audience = cmp.Or(c.Audience, "https://login.salesforce.com")
	c.ExternalIDField = cmp.Or(c.ExternalIDField, "Usher_Ticket_Id__c")
	c.APIVersion = cmp.Or(c.APIVersion, "v68.0")
	c.Origin = cmp.Or(c.Origin, "Web")
	if len(c.Statuses) == 0 {
		c.Statuses = map[triage.InternalState]string{
			triage.InternalNew: "New", triage.InternalOpen: "Working", triage.InternalSolved: "Closed",
		}
	}
	if len(c.Priorities) == 0 {
		c.Priorities = map[triage.Priority]string{
			triage.PriorityUrgent: "High", triage.PriorityHigh: "High", triage.PriorityNormal: "Medium", triage.PriorityLow: "Low",
		}
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := &Client{Config: c, slots: make(chan struct{}, 8), contacts: map[string]contact{}}
	if len(c.PrivateKey) > 0 {
		key, err := jwt.ParseRSAPrivateKeyFromPEM(c.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("salesforce: read private key: %w", err)
		}
		client.key = key
	}
	return client, nil
}

// System implements desk.CRM.
func (c *Client) System() string { return System }

// Check asks Salesforce whether the login works, the External Id field is one and
// unique, and Case has the statuses and priorities ours are mapped to.
func (c *Client) Check(ctx context.Context) error {
	var described struct {
		Fields []field `json:"fields"`
	}
	if err := c.call(ctx, http.MethodGet, "/sobjects/Case/describe", nil, &described); err != nil {
		return fmt.Errorf("salesforce: describe case: %w", err)
	}
	known := map[string]field{}
	for _, f := range described.Fields {
		known[f.Name] = f
	}
	var wrong []string
	if id, ok := known[c.ExternalIDField]; !ok || !id.ExternalID || !id.Unique {
		wrong = append(wrong, fmt.Sprintf("Case needs the field %s, marked as External ID and Unique, and the run-as user must see it.", c.ExternalIDField))
	}
	wrong = append(wrong, lacks("Status", known["Status"], slices.Collect(maps.Values(c.Statuses)), "USHER_SALESFORCE_STATUSES")...)
	wrong = append(wrong, lacks("Priority", known["Priority"], slices.Collect(maps.Values(c.Priorities)), "USHER_SALESFORCE_PRIORITIES")...)
	if len(wrong) == 0 {
		return nil
	}
	return &desk.PermanentError{Safe: "Salesforce's " + strings.Join(wrong, " "), Err: errors.New("the org is set up differently")}
}

// field is what is read of a field's description.
type field struct {
	Name           string `json:"name"`
	ExternalID     bool   `json:"externalId"`
	Unique         bool   `json:"unique"`
	PicklistValues []struct {
		Value  string `json:"value"`
		Active bool   `json:"active"`
	} `json:"picklistValues"`
}

// lacks says which values a picklist does not have.
func lacks(name string, f field, want []string, setting string) []string {
	var has []string
	for _, v := range f.PicklistValues {
		if v.Active {
			has = append(has, v.Value)
		}
	}
	slices.Sort(want)
	want = slices.DeleteFunc(slices.Compact(want), func(value string) bool { return slices.Contains(has, value) })
	if len(want) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Case has no %s %s; it has: %s. Check %s.", name, strings.Join(want, ", "), strings.Join(has, ", "), setting)}
}

type saveResult struct {
	ID      string `json:"id"`
	Success bool   `json:"success"`
}

// UpsertTicket implements desk.CRM.
func (c *Client) UpsertTicket(ctx context.Context, r desk.Record) (desk.Ref, error) {
	fields := c.fields(r)
	if who, err := c.contact(ctx, r.CustomerEmail); err != nil {
		return desk.Ref{}, err
	} else if who.id != "" {
		fields["ContactId"] = who.id
	}
	if isID(r.AccountRef) {
		fields["AccountId"] = r.AccountRef
	}
	path := "/sobjects/Case/" + url.PathEscape(c.ExternalIDField) + "/" + url.PathEscape(r.Key.String())
	var saved saveResult
	err := c.call(ctx, http.MethodPatch, path, fields, &saved)
	if errors.Is(err, errDuplicate) { // another writer was first: now it is there
		err = c.call(ctx, http.MethodPatch, path, fields, &saved)
	}
	if err != nil {
		return desk.Ref{}, fmt.Errorf("salesforce: upsert case: %w", err)
	}
	if saved.ID == "" { // older API versions answer an update with no body
		var found struct {
			ID string `json:"Id"`
		}
		if err := c.call(ctx, http.MethodGet, path+"?fields=Id", nil, &found); err != nil {
			return desk.Ref{}, fmt.Errorf("salesforce: read case: %w", err)
		}
		saved.ID = found.ID
	}
	return desk.Ref{ID: saved.ID, URL: c.Domain + "/lightning/r/Case/" + url.PathEscape(saved.ID) + "/view"}, nil
}

// AddNote implements desk.CRM. Comments have no field for a key, so the text
// ends with a short mark, by which a repeated try recognises an earlier one.
func (c *Client) AddNote(ctx context.Context, record desk.Ref, note desk.Note) (desk.Ref, error) {
	mark := markOf(note)
	if note.Retry {
		comments, err := c.caseComments(ctx, record.ID)
		if err != nil {
			return desk.Ref{}, err
		}
		for _, comment := range comments {
			if strings.HasSuffix(strings.TrimSpace(comment.Body), mark) {
				return desk.Ref{ID: comment.ID}, nil
			}
		}
	}
	label := clean(note.Author)
	if note.Internal {
		label += " (internal)"
	}
	var saved saveResult
	err := c.call(ctx, http.MethodPost, "/sobjects/CaseComment", map[string]any{
		"ParentId": record.ID, "CommentBody": label + ":\n" + clip(clean(note.Text), 3800) + "\n" + mark, "IsPublished": false,
	}, &saved)
	if err != nil {
		return desk.Ref{}, fmt.Errorf("salesforce: add comment: %w", err)
	}
	return desk.Ref{ID: saved.ID}, nil
}

// contact finds the one person with an address. Where none or several have it,
// the Case carries the address itself; nobody is created.
func (c *Client) contact(ctx context.Context, email string) (contact, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if email == "" {
		return contact{}, nil
	}
	c.mu.Lock()
	known, ok := c.contacts[email]
	c.mu.Unlock()
	if ok && c.Now().Sub(known.at) < time.Hour {
		return known, nil
	}
	var answer struct {
		Records []struct {
			ID        string `json:"Id"`
			AccountID string `json:"AccountId"`
		} `json:"records"`
	}
	if err := c.query(ctx, "SELECT Id, AccountId FROM Contact WHERE Email = '"+quote(email)+"' LIMIT 2", &answer); err != nil {
		return contact{}, fmt.Errorf("salesforce: find contact: %w", err)
	}
	found := contact{at: c.Now()}
	if len(answer.Records) == 1 {
		found.id, found.account = answer.Records[0].ID, answer.Records[0].AccountID
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.contacts) > 50_000 {
		clear(c.contacts)
	}
	c.contacts[email] = found
	return found, nil
}

func (c *Client) query(ctx context.Context, soql string, out any) error {
	return c.call(ctx, http.MethodGet, "/query?q="+url.QueryEscape(soql), nil, out)
}

// quote makes text safe inside a SOQL string.
func quote(text string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, `"`, `\"`).Replace(text)
}

func isID(text string) bool {
	if len(text) != 15 && len(text) != 18 {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) < 0
}

// call makes one request, with a new session where the old one has ended.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return &desk.TemporaryError{Safe: "Waiting for its turn at Salesforce.", Err: ctx.Err()}
	}
	for attempt := 0; ; attempt++ {
		token, instance, err := c.session(ctx)
		if err != nil {
			return err
		}
		status, raw, err := c.send(ctx, method, instance+"/services/data/"+c.APIVersion+path, token, body)
		if err != nil {
			return unreachable(ctx, err)
		}
		if status == http.StatusUnauthorized && attempt == 0 {
			c.drop(token)
			continue
		}
		if status >= 300 {
			return failure(status, raw)
		}
		if out == nil || len(bytes.TrimSpace(raw)) == 0 {
			return nil
		}
		if err := json.Unmarshal(raw, out); err != nil {
			return &desk.TemporaryError{Safe: "Salesforce's answer could not be read.", Err: err}
		}
		return nil
	}
}

func unreachable(ctx context.Context, err error) error {
	return &desk.TemporaryError{Safe: "Salesforce could not be reached or did not answer in time.", Err: errors.Join(err, context.Cause(ctx))}
}

func (c *Client) send(ctx context.Context, method, address, token string, body any) (int, []byte, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	return response.StatusCode, raw, err
}

// session is the current token and instance; one login serves all who wait.
func (c *Client) session(ctx context.Context) (token, instance string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" {
		return c.token, c.instance, nil
	}
	form, err := c.grant()
	if err != nil {
		return "", "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Domain+"/services/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", unreachable(ctx, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.HTTP.Do(request)
	if err != nil {
		return "", "", unreachable(ctx, err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		InstanceURL string `json:"instance_url"`
		Error       string `json:"error"`
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	switch {
	case response.StatusCode >= 500 || err != nil:
		return "", "", unreachable(ctx, fmt.Errorf("login: HTTP %d", response.StatusCode))
	case answer.AccessToken == "":
		return "", "", &desk.PermanentError{Safe: "Salesforce refuses the login. Check USHER_SALESFORCE_CLIENT_ID and its secret or key, and the run-as user.", Err: fmt.Errorf("login: HTTP %d %s", response.StatusCode, answer.Error)}
	}
	c.token, c.instance = answer.AccessToken, strings.TrimSuffix(cmp.Or(answer.InstanceURL, c.Domain), "/")
	return c.token, c.instance, nil
}

func (c *Client) drop(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}

// grant is the login's form.
func (c *Client) grant() (url.Values, error) {
	if c.key == nil {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}, nil
	}
	claims := jwt.MapClaims{"iss": c.ClientID, "sub": c.User, "aud": c.Audience, "exp": c.Now().Add(3 * time.Minute).Unix()}
	assertion, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(c.key)
	if err != nil {
		return nil, &desk.PermanentError{Safe: "The Salesforce private key cannot sign.", Err: err}
	}
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}, nil
}
