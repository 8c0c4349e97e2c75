package salesforce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

var fieldOf = map[string]string{"state": "Status", "priority": "Priority"}

// Fields implements desk.Mirror.
func (c *Client) Fields(r desk.Record) map[string]string { return c.words().Fields(r) }

// Decode implements desk.Mirror.
func (c *Client) Decode(field, value string) []string { return c.words().Decode(field, value) }

func (c *Client) words() desk.Words {
	return desk.Words{States: c.Statuses, Priorities: c.Priorities}
}

// fields are a Case's. The key field is in the path and must not be here.
func (c *Client) fields(r desk.Record) map[string]any {
	body := []string{clean(r.Body)}
	if r.Intent != "" {
		body = append(body, "About: "+r.Intent)
	}
	if r.Reason != "" {
		body = append(body, "Handed over: "+string(r.Reason))
	}
	if r.Link != "" {
		body = append(body, r.Link)
	}
	out := map[string]any{
		"Subject": clip(fmt.Sprintf("#%d %s", r.Number, clean(r.Subject)), 255), "Description": clip(strings.Join(body, "\n"), 32000), "Origin": c.Origin,
	}
	if r.CustomerEmail != "" {
		out["SuppliedEmail"] = clip(r.CustomerEmail, 80)
	}
	if r.CustomerName != "" {
		out["SuppliedName"] = clip(clean(r.CustomerName), 80)
	}
	if r.TenantName != "" {
		out["SuppliedCompany"] = clip(clean(r.TenantName), 80)
	}
	for field, value := range c.Fields(r) {
		out[fieldOf[field]] = value
	}
	return out
}

// markOf ends every comment of ours.
func markOf(n desk.Note) string { return "[usher " + n.Key.String() + "]" }

// marked finds the mark where we set it: alone on the last line. A person who quotes
// a comment of ours has it somewhere else.
var marked = regexp.MustCompile(`(?:^|\n)\[usher [0-9a-f-]{36}\]$`)

// clean drops control characters and direction overrides.
func clean(text string) string { return triage.Plain(text) }

func clip(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

type caseComment struct {
	ID        string `json:"Id"`
	Body      string `json:"CommentBody"`
	CreatedAt string `json:"CreatedDate"`
}

func (c *Client) caseComments(ctx context.Context, id string) ([]caseComment, error) {
	var answer struct {
		Records []caseComment `json:"records"`
	}
	err := c.query(ctx, "SELECT Id, CommentBody, CreatedDate FROM CaseComment WHERE ParentId = '"+quote(id)+"' ORDER BY CreatedDate DESC LIMIT 200", &answer)
	if err != nil {
		return nil, fmt.Errorf("salesforce: read comments: %w", err)
	}
	return answer.Records, nil
}

// Read implements desk.Mirror.
func (c *Client) Read(ctx context.Context, ref desk.Ref) (desk.Seen, error) {
	var record struct {
		Status   *string
		Priority *string
		Modified string `json:"LastModifiedDate"`
	}
	path := "/sobjects/Case/" + url.PathEscape(ref.ID) + "?fields=Status,Priority,LastModifiedDate"
	if err := c.call(ctx, http.MethodGet, path, nil, &record); err != nil {
		return desk.Seen{}, fmt.Errorf("salesforce: read case: %w", err)
	}
	seen := desk.Seen{Fields: map[string]string{}, At: parseTime(record.Modified)}
	if record.Status != nil {
		seen.Fields["state"] = *record.Status
	}
	if record.Priority != nil {
		seen.Fields["priority"] = *record.Priority
	}
	comments, err := c.caseComments(ctx, ref.ID)
	if err != nil {
		return desk.Seen{}, err
	}
	for i := len(comments) - 1; i >= 0; i-- {
		if body := strings.TrimSpace(comments[i].Body); !marked.MatchString(body) {
			seen.Comments = append(seen.Comments, desk.Comment{ID: comments[i].ID, Author: "Salesforce", Text: clean(body), At: parseTime(comments[i].CreatedAt)})
		}
	}
	return seen, nil
}

func parseTime(text string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
