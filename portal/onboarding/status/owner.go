package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// ErrNoField says no pack has a field of that name.
var ErrNoField = errors.New("no pack has this field")

// Record is the owner of what no outside system owns: the stored record.
const Record = "record"

// Owned says which system owns a field that answers state. Chat, API and Slack
// read a field from its owner only, so they agree.
type Owned struct {
	Entity string
	Field  string
	Owner  string   // Record, or a source's name
	FedBy  []string // the webhooks that write it, where the owner is the record
	Pack   string   // whose field it is; empty: built in, always the record's
}

// Owner is the system that knows a field of the pack.
func (p Pack) Owner(f Field) string {
	switch {
	case f.Owner != "":
		return f.Owner
	case p.Source != "":
		return p.Source
	}
	return Record
}

// Sources are the outside systems that own fields of the pack, with the fields,
// in the order of the fields.
func (p Pack) Sources() (names []string, fields map[string][]string) {
	fields = map[string][]string{}
	for _, f := range p.Fields {
		owner := p.Owner(f)
		if owner == Record {
			continue
		}
		if !slices.Contains(names, owner) {
			names = append(names, owner)
		}
		fields[owner] = append(fields[owner], f.Name)
	}
	return names, fields
}

// builtIn are the fields of the record that answers state, by entity, and the
// webhooks that feed them.
var builtIn = []struct {
	entity string
	fields []string
	fedBy  []string
}{
	{"project", []string{
		"state", "health", "progress_customer", "planned_go_live", "forecast_go_live", "actual_go_live", "variance_days", "overdue_customer", "overdue_provider",
		"milestones_done", "milestones_total", "tasks_done", "tasks_total", "owner_name", "owner_away_until",
	}, []string{"contract", "onboarding"}},
	// How many of something there are.
	{"project", []string{
		"blocked_tasks", "customer_actions", "documents_received", "documents_missing", "documents_rejected", "agreements", "envelopes", "verifications",
		"requirements_due", "integrations", "integrations_failing", "environments", "enrolments", "courses_done", "team_courses_open", "team_courses_due",
		"meetings", "people", "access", "tickets",
	}, nil},
	{"stage", []string{"state"}, []string{"onboarding"}},
	{"milestone", []string{"state", "due", "forecast", "completed_at", "open_tasks"}, []string{"onboarding"}},
	{"task", []string{"state", "due"}, []string{"onboarding"}},
	{"document", []string{"state", "due", "review_target"}, []string{"onboarding"}},
	{"document_version", []string{"version_no", "review_state", "uploaded_at", "reviewed_at", "effective_on"}, nil},
	{"envelope", []string{"state", "completed_at", "expires_on"}, []string{"docusign", "pandadoc"}},
	{"signer", []string{"state"}, []string{"docusign", "pandadoc"}},
	{"verification", []string{
		"customer_state", "submitted_at", "completed_at", "deadline", "requirements_due", "days_in_review", "typical_days_from", "typical_days_to",
	}, []string{"onfido", "sumsub", "stripe"}},
	{"requirement", []string{"bucket", "deadline"}, []string{"stripe"}},
	{"integration", []string{
		"auth_state", "sync_state", "last_success_at", "next_run_at", "records_done", "records_total", "records_rejected", "observed_at",
	}, []string{"integration"}},
	{"environment", []string{"state", "keys_issued_at"}, []string{"onboarding"}},
	{"enrolment", []string{"state", "progress", "due", "certificate_at"}, []string{"learning"}},
	{"meeting", []string{"starts_at"}, []string{"onboarding"}},
	{"user", []string{"state", "roles", "invited_at", "expires_at", "last_login_at"}, nil},
	{"ticket", []string{"customer_state", "updated_at", "last_public_message_at", "next_reply_due_at"}, nil},
}

// Registry lists every field answers state, with its owner.
func Registry(packs []Pack) (out []Owned) {
	for _, p := range packs {
		for _, f := range p.Fields {
			out = append(out, Owned{Entity: p.Entity, Field: f.Name, Owner: p.Owner(f), Pack: p.Key})
		}
	}
	for _, b := range builtIn {
		for _, f := range b.fields {
			out = append(out, Owned{Entity: b.entity, Field: f, Owner: Record, FedBy: b.fedBy})
		}
	}
	return out
}

// PutOwner declares the owner of a field of a pack.
func PutOwner(ctx context.Context, tx pgx.Tx, pack, field, owner string) error {
	var p Pack
	var body []byte
	err := tx.QueryRow(ctx, `select body from status_packs where key = $1 for update`, pack).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoField
	}
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return fmt.Errorf("read status pack: %w", err)
	}
	i := slices.IndexFunc(p.Fields, func(f Field) bool { return f.Name == field })
	if i < 0 {
		return ErrNoField
	}
	p.Fields[i].Owner = owner
	return PutPack(ctx, tx, p)
}

// Owns reports whether a source owns any field of the packs.
func Owns(packs []Pack, source string) bool {
	return slices.ContainsFunc(packs, func(p Pack) bool {
		names, _ := p.Sources()
		return slices.Contains(names, source)
	})
}

// Things are the records of packs as the asker may see them, said as an answer
// says them, in the asker's language.
func Things(in Input, language string) []onboarding.ViewThing {
	out := []onboarding.ViewThing{}
	record := in.Record.For(in.Asker)
	for _, p := range in.Packs {
		for _, t := range record.Things {
			if t.Entity != p.Entity {
				continue
			}
			d := &draft{Input: in, record: record, words: speak(language), language: spoken(language), today: in.Record.Day(in.Now)}
			d.region = regionOf(in.Asker.Locale, d.language)
			d.tell(p, p.Intents[0], t)
			said := d.finish()
			thing := onboarding.ViewThing{Pack: p.Key, Entity: p.Entity, Key: t.Key, Name: t.Name, Text: said.Text, Stale: said.Stale, AsOf: t.ObservedAt, Fields: map[string]string{}}
			for _, f := range p.Fields {
				if text, ok := d.value(f, t.Fields[f.Name]); ok {
					thing.Fields[f.Name] = text
				}
			}
			out = append(out, thing)
		}
	}
	return out
}
