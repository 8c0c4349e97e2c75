// Package export writes a tenant's data for people and machines to keep:
// onboarding, tickets, conversations, ratings, SLA attainment and audit in a range of
// dates, as CSV or JSON.
//
// Rows go from the database to the writer one by one, so memory does not grow
// with the range. Only what customers may see is in it: internal columns cannot
// even be read by the role it runs on. It reads the tables of triage by SQL, as
// the one report that spans both.
package export

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrUnknownSection says there is no such section.
var ErrUnknownSection = errors.New("unknown section")

// ErrUnknownFormat says there is no such format.
var ErrUnknownFormat = errors.New("unknown format")

// ErrBadRange says the range ends before it begins.
var ErrBadRange = errors.New("the range ends before it begins")

// Query is what to export. From and To bound the section's own time, To
// excluded; zero means open. Departments are the asker's; All is the operator's
// own export of every department.
type Query struct {
	TenantID    uuid.UUID
	Section     string
	Format      string // csv or json
	From, To    time.Time
	Departments []string
	All         bool
}

// sections are the queries: $1 tenant, $2 from, $3 to, and where it matters
// $4 departments, $5 all of them.
var sections = map[string]string{
	"milestones": `select m.name, s.name as stage, m.state, m.due, m.completed_at, m.owner_name as owner
		from milestones m left join stages s on s.tenant_id = m.tenant_id and s.id = m.stage_id
		where m.tenant_id = $1 and coalesce(m.completed_at, m.due::timestamptz, $2) >= $2 and coalesce(m.completed_at, m.due::timestamptz, $2) < $3 order by m.ordinal, m.id`,
	"tasks": `select t.title, m.name as milestone, t.state, t.responsibility, t.assignee_name as assignee, t.due, t.done_at
		from tasks t left join milestones m on m.tenant_id = t.tenant_id and m.id = t.milestone_id
		where t.tenant_id = $1 and (t.visibility = 'customer' or t.visibility = 'restricted' and ($5 or t.department = '' or t.department = any($4)))
		  and coalesce(t.done_at, t.due::timestamptz, $2) >= $2 and coalesce(t.done_at, t.due::timestamptz, $2) < $3 order by t.due nulls last, t.id`,
	"documents": `select r.title, v.version_no as version, v.file_name, v.uploaded_at, v.scan_state, v.review_state, v.reviewed_at, r.state, r.due
		from document_requests r left join document_versions v on v.tenant_id = r.tenant_id and v.request_id = r.id
		where r.tenant_id = $1 and ($5 or r.department = '' or r.department = any($4))
		  and coalesce(v.uploaded_at, r.due::timestamptz, $2) >= $2 and coalesce(v.uploaded_at, r.due::timestamptz, $2) < $3 order by r.title, r.id, v.version_no`,
	"integrations": `select connector, environment, auth_state, sync_state, last_success_at, next_run_at, records_done, records_total, records_rejected
		from integrations where tenant_id = $1 and observed_at >= $2 and observed_at < $3 order by connector, environment, id`,
	"tickets": `select number, subject, customer_state as state, priority, origin, created_at, last_public_message_at, solved_at
		from tickets where tenant_id = $1 and created_at >= $2 and created_at < $3 and closed_as <> 'not_a_request' order by number`,
	"sla": `select t.number as ticket, c.metric, c.priority, c.target_seconds, c.started_at, c.due_at, c.stopped_at, c.outcome, c.breached_at
		from sla_clocks c join tickets t on t.tenant_id = c.tenant_id and t.id = c.ticket_id
		where c.tenant_id = $1 and c.started_at >= $2 and c.started_at < $3 order by c.started_at, c.id`,
	// Texts for staff only are left out, as in the portal.
	"conversations": `select c.id as conversation, c.channel, c.subject, m.created_at, m.author_kind as author, m.author_name, m.body,
		coalesce((select string_agg(a->>'name', ', ' order by n) from jsonb_array_elements(m.attachments) with ordinality as f (a, n)), '') as files
		from messages m join conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
		where m.tenant_id = $1 and m.visibility = 'customer' and m.state in ('final', 'stopped') and m.created_at >= $2 and m.created_at < $3 order by c.id, m.seq`,
	"ratings": `select r.asked_at, r.conversation_id as conversation, t.number as ticket, u.display_name as person, r.score, r.comment, r.rated_at
		from ratings r join users u on u.tenant_id = r.tenant_id and u.id = r.user_id left join tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id
		where r.tenant_id = $1 and r.state = 'asked' and r.asked_at >= $2 and r.asked_at < $3 order by r.asked_at, r.id`,
	"audit": `select at, actor_kind as actor, action, object from audit_events where tenant_id = $1 and at >= $2 and at < $3 order by at, id`,
	"sla_attainment": `select c.priority, c.metric, count(*) filter (where c.outcome = 'met') as met, count(*) filter (where c.outcome = 'breached' or c.breached_at is not null) as breached,
		round(100.0 * count(*) filter (where c.outcome = 'met' and c.breached_at is null) / nullif(count(*) filter (where c.outcome in ('met', 'breached')), 0), 1)::float8 as percent
		from sla_clocks c where c.tenant_id = $1 and c.started_at >= $2 and c.started_at < $3 group by c.priority, c.metric order by c.priority, c.metric`,
}

// Sections are the names of what can be exported.
func Sections() []string {
	var names []string
	for name := range sections {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ForAdmins reports whether a section is for administrators of the tenant only:
// it holds what other people have written or done.
func ForAdmins(section string) bool {
	return section == "conversations" || section == "ratings" || section == "audit"
}

// sink writes rows in a format; end finishes the document.
type sink interface {
	begin(columns []string) error
	row(values []any) error
	end() error
}

// Write streams a section in the caller's transaction and reports how many rows
// it wrote. After an error the output is cut short.
func Write(ctx context.Context, tx pgx.Tx, q Query, w io.Writer) (int, error) {
	query, ok := sections[q.Section]
	if !ok {
		return 0, fmt.Errorf("%w %q; there are %s", ErrUnknownSection, q.Section, strings.Join(Sections(), ", "))
	}
	var out sink
	switch q.Format {
	case "csv":
		out = &csvSink{w: csv.NewWriter(w)}
	case "json":
		out = &jsonSink{w: w}
	default:
		return 0, fmt.Errorf("%w %q; there are csv and json", ErrUnknownFormat, q.Format)
	}
	if q.From.IsZero() {
		q.From = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if q.To.IsZero() {
		q.To = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if q.To.Before(q.From) {
		return 0, ErrBadRange
	}
	n, err := stream(ctx, tx, query, q, out)
	if err != nil {
		return n, fmt.Errorf("export %s: %w", q.Section, err)
	}
	return n, nil
}

func stream(ctx context.Context, tx pgx.Tx, query string, q Query, out sink) (n int, err error) {
	args := []any{q.TenantID, q.From, q.To}
	if strings.Contains(query, "$5") {
		args = append(args, append([]string{}, q.Departments...), q.All)
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var columns []string
	for _, field := range rows.FieldDescriptions() {
		columns = append(columns, field.Name)
	}
	if err := out.begin(columns); err != nil {
		return 0, err
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return n, err
		}
		if err := out.row(values); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, out.end()
}

type csvSink struct{ w *csv.Writer }

func (s *csvSink) begin(columns []string) error { return s.w.Write(columns) }

func (s *csvSink) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = cell(v)
	}
	if err := s.w.Write(cells); err != nil {
		return err
	}
	s.w.Flush()
	return s.w.Error()
}

func (s *csvSink) end() error {
	s.w.Flush()
	return s.w.Error()
}

// cell is a value as text. A text that a spreadsheet would run is defused.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return Cell(v)
	case time.Time:
		return moment(v)
	case [16]byte:
		return uuid.UUID(v).String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// Cell is a text for a table that a spreadsheet opens: one it would run as a formula
// is defused. Some read full-width signs like the usual ones, and look past blanks.
func Cell(text string) string {
	if first := strings.TrimLeftFunc(text, unseen); first != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(first)[0]) ||
		strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") || strings.HasPrefix(text, "\n") {
		return "'" + text
	}
	return text
}

func unseen(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x3164
}

// moment is RFC 3339 in UTC, and a day alone without a time.
func moment(t time.Time) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

type jsonSink struct {
	w       io.Writer
	columns []string
	started bool
}

func (s *jsonSink) begin(columns []string) error {
	s.columns = columns
	_, err := io.WriteString(s.w, "[")
	return err
}

func (s *jsonSink) row(values []any) error {
	object := make(map[string]any, len(values))
	for i, v := range values {
		switch known := v.(type) {
		case time.Time:
			v = moment(known)
		case [16]byte: // an id
			v = uuid.UUID(known)
		}
		object[s.columns[i]] = v
	}
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	separator := "\n"
	if s.started {
		separator = ",\n"
	}
	s.started = true
	_, err = io.WriteString(s.w, separator+string(body))
	return err
}

func (s *jsonSink) end() error {
	_, err := io.WriteString(s.w, "\n]\n")
	return err
}
