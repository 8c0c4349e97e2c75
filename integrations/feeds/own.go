package feeds

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// envelope of our own formats, as Standard Webhooks advises: {type, timestamp, data}.
type own[T any] struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      T         `json:"data"`
}

// errSource says that an event does not name where it is from.
var errSource = errors.New("source must be the sending system's short name, such as jira")

// contract reads contract.signed and contract.cancelled.
func contract(body []byte) ([]event, error) {
	var e own[struct {
		ID      string `json:"contract_id"`
		Company struct {
			Name     string `json:"name"`
			TimeZone string `json:"time_zone"`
			Locale   string `json:"locale"`
			Region   string `json:"region"`
			Plan     string `json:"plan"`
			Tier     string `json:"tier"`
			Industry string `json:"industry"`
			CRMRef   string `json:"crm_ref"`
		} `json:"company"`
		Contacts []struct {
			Name        string   `json:"name"`
			Email       string   `json:"email"`
			Locale      string   `json:"locale"`
			Roles       []string `json:"roles"`
			Departments []string `json:"departments"`
		} `json:"contacts"`
		Template string `json:"template"`
		Start    string `json:"start_date"`
		Owner    string `json:"owner"`
		Mail     string `json:"owner_email"`
	}]
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if e.Type != "contract.signed" && e.Type != "contract.cancelled" {
		return nil, nil
	}
	c := &lifecycle.Contract{
		Source: "webhook", ID: e.Data.ID, At: e.Timestamp, Cancelled: e.Type == "contract.cancelled", Company: lifecycle.Company(e.Data.Company),
		Template: e.Data.Template, Owner: e.Data.Owner, OwnerMail: e.Data.Mail,
	}
	if start, err := time.Parse(time.DateOnly, e.Data.Start); err == nil {
		c.Start = start
	}
	for _, p := range e.Data.Contacts {
		c.Contacts = append(c.Contacts, lifecycle.Contact{Name: p.Name, Email: p.Email, Locale: p.Locale, Roles: p.Roles, Departments: p.Departments})
	}
	return []event{{contract: c}}, nil
}

// integration reads integration.status.
func integration(body []byte) ([]event, error) {
	var e own[struct {
		Tenant      string     `json:"tenant_id"`
		ID          string     `json:"id"`
		Ref         string     `json:"ref"`
		Auth        string     `json:"auth_state"`
		Sync        string     `json:"sync_state"`
		Class       string     `json:"error_class"`
		Message     string     `json:"customer_message"`
		LastSuccess *time.Time `json:"last_success_at"`
		LastAttempt *time.Time `json:"last_attempt_at"`
		NextRun     *time.Time `json:"next_run_at"`
		Done        *int64     `json:"records_done"`
		Total       *int64     `json:"records_total"`
		Rejected    *int64     `json:"records_rejected"`
	}]
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if e.Type != "integration.status" {
		return nil, nil
	}
	d := e.Data
	out := &feed.Integration{
		Ref: d.Ref, At: e.Timestamp, AuthState: d.Auth, SyncState: d.Sync, ErrorClass: d.Class, Message: d.Message,
		LastSuccessAt: d.LastSuccess, LastAttemptAt: d.LastAttempt, NextRunAt: d.NextRun, Done: d.Done, Total: d.Total, Rejected: d.Rejected,
	}
	if d.ID != "" {
		id, err := uuid.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		out.ID = id
	}
	return []event{{tenant: d.Tenant, integration: out}}, nil
}

// learning reads learning.statement: the verbs are cmi5's.
func learning(body []byte) ([]event, error) {
	var e own[struct {
		Tenant      string     `json:"tenant_id"`
		Learner     string     `json:"learner_email"`
		Course      string     `json:"course"`
		Verb        string     `json:"verb"`
		Progress    *int       `json:"progress_pct"`
		Due         string     `json:"due_date"`
		Certificate *time.Time `json:"certificate_issued_at"`
	}]
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if e.Type != "learning.statement" {
		return nil, nil
	}
	out := &feed.Learning{
		Learner: e.Data.Learner, Course: e.Data.Course, Verb: e.Data.Verb, At: e.Timestamp, Progress: e.Data.Progress, CertificateAt: e.Data.Certificate,
	}
	if due, err := time.Parse(time.DateOnly, e.Data.Due); err == nil {
		out.Due = &due
	}
	return []event{{tenant: e.Data.Tenant, learning: out}}, nil
}

var systemName = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// plan reads task.updated, milestone.updated and their like: what a project tool,
// an ERP or a calendar says of the plan. Each names its system, its own id of the
// record (ours too, where it knows it; else the name counts the first time), and
// the fields of the record it knows.
func plan(body []byte) ([]event, error) {
	var e own[map[string]any]
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	entity, what, _ := strings.Cut(e.Type, ".")
	cancelled := e.Type == "meeting.cancelled"
	if what != "updated" && !cancelled {
		return nil, nil
	}
	text := func(name string) string { out, _ := e.Data[name].(string); return out }
	if !systemName.MatchString(text("source")) {
		return nil, errSource
	}
	c := &change.Change{Entity: entity, Ref: text("ref"), Set: map[string]any{}, At: e.Timestamp}
	if given := text("id"); given != "" {
		id, err := uuid.Parse(given)
		if err != nil {
			return nil, err
		}
		c.ID = id
	}
	for name, value := range e.Data {
		if change.Hears(entity, name) {
			c.Set[name] = value
		}
	}
	if cancelled {
		c.Set["state"] = "cancelled"
	}
	return []event{{tenant: text("tenant_id"), record: c, source: text("source")}}, nil
}

// pushed reads source.changed: what an outside system that status packs read from
// says of one of its records, whole, or only that it has changed. The tenant is
// named, or known by the number the system has for it.
func pushed(body []byte) ([]event, error) {
	var e own[struct {
		Tenant   string          `json:"tenant_id"`
		Customer string          `json:"customer"`
		Source   string          `json:"source"`
		Entity   string          `json:"entity"`
		Record   json.RawMessage `json:"record"`
		MaxAge   int64           `json:"max_age_s"`
	}]
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if e.Type != "source.changed" {
		return nil, nil
	}
	d := e.Data
	if string(d.Record) == "null" {
		d.Record = nil
	}
	age := time.Duration(min(max(d.MaxAge, 0), int64(30*24*time.Hour/time.Second))) * time.Second
	return []event{{tenant: d.Tenant, pushed: &source.Push{
		Key: source.Key{Source: d.Source, Entity: d.Entity, Customer: d.Customer}, At: e.Timestamp, Payload: d.Record, MaxAge: age,
	}}}, nil
}
