package hubspot

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

var defaultPriorities = map[triage.Priority]string{
	triage.PriorityUrgent: "URGENT", triage.PriorityHigh: "HIGH", triage.PriorityNormal: "MEDIUM", triage.PriorityLow: "LOW",
}

// properties are a ticket's, as HubSpot wants them: all text.
func (c *Client) properties(r desk.Record) map[string]string {
	subject := fmt.Sprintf("#%d %s", r.Number, clip(clean(r.Subject), 200))
	out := map[string]string{
		"subject": subject, "content": clip(content(r), 60_000), "hs_pipeline": c.Pipeline,
	}
	for field, value := range c.Fields(r) {
		out[propertyOf[field]] = value
	}
	return out
}

var propertyOf = map[string]string{"state": "hs_pipeline_stage", "priority": "hs_ticket_priority"}

// Fields implements desk.Mirror.
func (c *Client) Fields(r desk.Record) map[string]string { return c.words().Fields(r) }

// Decode implements desk.Mirror.
func (c *Client) Decode(field, value string) []string { return c.words().Decode(field, value) }

func (c *Client) words() desk.Words {
	return desk.Words{States: c.Stages, Priorities: c.Priorities}
}

func content(r desk.Record) string {
	lines := []string{clean(r.Body)}
	if r.Intent != "" {
		lines = append(lines, "About: "+r.Intent)
	}
	if r.Reason != "" {
		lines = append(lines, "Handed over: "+string(r.Reason))
	}
	lines = append(lines, "Customer: "+clean(strings.TrimSpace(r.CustomerName+", "+r.TenantName)))
	if r.Link != "" {
		lines = append(lines, r.Link)
	}
	return strings.Join(lines, "\n")
}

// noteBody is HTML; the customer's text is escaped.
func noteBody(n desk.Note) string {
	label := clean(n.Author)
	if n.Internal {
		label += " (internal)"
	}
	text := strings.ReplaceAll(html.EscapeString(clip(clean(n.Text), 50_000)), "\n", "<br>")
	return "<strong>" + html.EscapeString(label) + "</strong><br>" + text
}

// clean drops what could deceive or break: control characters and direction overrides.
func clean(text string) string { return triage.Plain(text) }

func clip(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// Read implements desk.Mirror: the ticket as it is now, with comments that are not ours.
func (c *Client) Read(ctx context.Context, ref desk.Ref) (desk.Seen, error) {
	var ticket struct {
		Properties map[string]*string `json:"properties"`
		UpdatedAt  time.Time          `json:"updatedAt"`
		Archived   bool               `json:"archived"`
	}
	path := "/crm/v3/objects/tickets/" + url.PathEscape(ref.ID) + "?properties=hs_pipeline_stage&properties=hs_ticket_priority"
	if err := c.call(ctx, http.MethodGet, path, nil, &ticket); err != nil {
		return desk.Seen{}, fmt.Errorf("hubspot: read ticket: %w", err)
	}
	seen := desk.Seen{At: ticket.UpdatedAt, Fields: map[string]string{}}
	for field, property := range propertyOf {
		if value := ticket.Properties[property]; value != nil && *value != "" {
			seen.Fields[field] = *value
		}
	}
	var err error
	seen.Comments, err = c.comments(ctx, ref.ID)
	return seen, err
}

// comments are the notes people wrote on a ticket in HubSpot, the latest 100.
func (c *Client) comments(ctx context.Context, ticket string) ([]desk.Comment, error) {
	var tied struct {
		Results []struct {
			ID string `json:"toObjectId"`
		} `json:"results"`
	}
	if err := c.call(ctx, http.MethodGet, "/crm/v4/objects/tickets/"+url.PathEscape(ticket)+"/associations/notes?limit=500", nil, &tied); err != nil {
		return nil, fmt.Errorf("hubspot: list notes: %w", err)
	}
	if len(tied.Results) == 0 {
		return nil, nil
	}
	var inputs []any
	for _, r := range tied.Results[max(0, len(tied.Results)-100):] {
		inputs = append(inputs, map[string]string{"id": r.ID})
	}
	var notes struct {
		Results []struct {
			ID         string             `json:"id"`
			CreatedAt  time.Time          `json:"createdAt"`
			Properties map[string]*string `json:"properties"`
		} `json:"results"`
	}
	err := c.call(ctx, http.MethodPost, "/crm/v3/objects/notes/batch/read", map[string]any{
		"inputs": inputs, "properties": []string{"hs_note_body", c.NoteProperty}, "propertiesWithHistory": []string{},
	}, &notes)
	if err != nil {
		return nil, fmt.Errorf("hubspot: read notes: %w", err)
	}
	var out []desk.Comment
	for _, n := range notes.Results {
		if own := n.Properties[c.NoteProperty]; own != nil && *own != "" {
			continue
		}
		if body := n.Properties["hs_note_body"]; body != nil {
			out = append(out, desk.Comment{ID: n.ID, Author: "HubSpot", Text: plainText(*body), At: n.CreatedAt})
		}
	}
	slices.SortFunc(out, func(a, b desk.Comment) int {
		x, _ := strconv.ParseInt(a.ID, 10, 64)
		y, _ := strconv.ParseInt(b.ID, 10, 64)
		return int(x - y)
	})
	return out, nil
}

var (
	breaks = regexp.MustCompile(`(?i)<br\s*/?>|</p>|</div>|</li>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

func plainText(body string) string {
	return strings.TrimSpace(clean(html.UnescapeString(tags.ReplaceAllString(breaks.ReplaceAllString(body, "\n"), ""))))
}
