package status

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding"
)

// Question is a status question of one person.
type Question struct {
	Intent string // one of Intents
	Text   string
	// History are the customer's earlier messages, oldest first: a follow-up such
	// as "and the contract?" names only what is new.
	History  []string
	Language string // ISO 639-1; English where there are no phrases
}

// Ticket is a ticket as its tenant may know it.
type Ticket struct {
	Number              int64
	Subject             string
	State               string // received, working_on_it, waiting_for_you, solved
	Assignee            string
	Origin              string    // chat, api, …, integration_error
	IntegrationID       uuid.UUID // the integration it is about, where Origin says so
	LastPublicMessageAt *time.Time
	NextReplyDueAt      *time.Time
	PausedReason        string // "", waiting_for_customer, on_hold, snoozed
	UpdatedAt           time.Time
}

// Basis is one field of the record an answer states.
type Basis struct {
	Entity     string
	ID         uuid.UUID
	Label      string
	Field      string
	Value      string
	ObservedAt time.Time
}

// Answer is what can be said. Text is empty when the record has nothing to say
// about the question.
type Answer struct {
	Text     string // Markdown, safe for customers
	Language string
	Basis    []Basis
	AsOf     time.Time
	Stale    bool   // a value is older than it should be; the text says how old
	Link     string // relative, into the portal
	Turn     string // customer, provider, third_party; empty where it makes no sense
	// Clarify is one question instead of an answer, with its candidates.
	Clarify string
	Options []string
	// Escalate says that people have to act as well, and for them why.
	Escalate string
	// Offer says that a person should be offered: what is known may be old, or
	// is not all.
	Offer bool
}

// Input is everything an answer is made from.
type Input struct {
	Record  onboarding.Record // whole; the asker's view is taken here
	Tickets []Ticket          // the asker may see, latest change first
	Asker   onboarding.Asker
	Now     time.Time
	Packs   []Pack // needed for intents that are not built in only
}

// Intents are the questions this package answers.
var Intents = []string{
	"onboarding.overall_status", "onboarding.go_live_date", "tasks.customer_next_actions", "tasks.blockers", "people.owner",
	"onboarding.on_track", "onboarding.progress", "milestone.status", "document.received", "document.review_status",
	"document.missing_list", "document.rejection_reason", "signature.status", "document.latest_version", "verification.status",
	"verification.requirements_due", "verification.eta", "integration.connection_status", "integration.last_sync",
	"integration.error_followup", "access.environment_ready", "access.user_invite", "training.status", "ticket.status", "meeting.next",
}

// answering maps an intent to what answers it.
var answering = map[string]func(*draft){
	"onboarding.overall_status":     (*draft).overall,
	"onboarding.go_live_date":       (*draft).goLive,
	"tasks.customer_next_actions":   (*draft).nextActions,
	"tasks.blockers":                (*draft).blockers,
	"people.owner":                  (*draft).owner,
	"onboarding.on_track":           (*draft).onTrack,
	"onboarding.progress":           (*draft).progress,
	"milestone.status":              (*draft).milestone,
	"document.received":             (*draft).received,
	"document.review_status":        (*draft).reviewed,
	"document.missing_list":         (*draft).missing,
	"document.rejection_reason":     (*draft).rejected,
	"signature.status":              (*draft).signatures,
	"document.latest_version":       (*draft).latestVersion,
	"verification.status":           (*draft).verification,
	"verification.requirements_due": (*draft).requirements,
	"verification.eta":              (*draft).verificationETA,
	"integration.connection_status": (*draft).connection,
	"integration.last_sync":         (*draft).lastSync,
	"integration.error_followup":    (*draft).integrationError,
	"access.environment_ready":      (*draft).environments,
	"access.user_invite":            (*draft).invites,
	"training.status":               (*draft).training,
	"ticket.status":                 (*draft).tickets,
	"meeting.next":                  (*draft).meeting,
}

// Resolve answers a question. An intent it does not know gives an empty answer.
func Resolve(in Input, q Question) Answer {
	answer, known := answering[q.Intent]
	d := &draft{
		Input: in, q: q, record: in.Record.For(in.Asker), words: speak(q.Language), language: spoken(q.Language),
		today: in.Record.Day(in.Now),
	}
	d.region = regionOf(in.Asker.Locale, d.language)
	if known {
		answer(d)
		return d.ownOnly(d.finish())
	}
	if d.pack(in.Packs) {
		return d.finish()
	}
	return Answer{}
}

// Needs is the parts of the record an intent is answered from.
func Needs(intent string) onboarding.Part {
	switch area, _, _ := strings.Cut(intent, "."); {
	case !Knows(intent):
		return onboarding.PartAll
	case area == "onboarding", intent == "tasks.customer_next_actions":
		return onboarding.PartTurn
	case intent == "tasks.blockers":
		return onboarding.PartWork | onboarding.PartSystems // "what blocks our Salesforce integration?"
	case area == "milestone":
		return onboarding.PartWork
	case area == "people":
		return onboarding.PartPeople
	case area == "document", area == "signature":
		return onboarding.PartPapers
	case area == "verification":
		return onboarding.PartChecks
	case area == "integration", intent == "access.environment_ready":
		return onboarding.PartSystems
	case intent == "access.user_invite":
		return onboarding.PartPeople
	case area == "training":
		return onboarding.PartTraining
	case area == "meeting":
		return onboarding.PartMeetings
	case area == "ticket":
		return onboarding.PartSystems // the tickets of failing integrations are everybody's
	}
	return onboarding.PartAll
}

// Knows reports whether an intent is answered without a pack.
func Knows(intent string) bool { return answering[intent] != nil }

// draft is an answer being put together.
type draft struct {
	Input
	q        Question
	record   onboarding.Record // what the asker may see
	words    map[string]string
	language string
	region   string // of the asker's locale, such as US; dates and numbers follow it
	today    time.Time
	lines    []string
	turnSaid bool // in other words
	out      Answer
}

// say adds a sentence from a phrase. Arguments are name, value pairs.
func (d *draft) say(phrase string, args ...string) {
	d.lines = append(d.lines, d.fill(phrase, args...))
}

func (d *draft) fill(phrase string, args ...string) string {
	text, ok := d.words[phrase]
	if !ok {
		text = phrases["en"][phrase]
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+args[i]+"}", args[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// item adds a list line from a phrase.
func (d *draft) item(phrase string, args ...string) {
	d.line(d.fill(phrase, args...))
}

// line adds a list line.
func (d *draft) line(text string) { d.lines = append(d.lines, "- "+text) }

// rests notes a field the answer states. A field of a source is as of when the
// source said it; one the record itself owns (no time) is as of the reading.
func (d *draft) rests(entity string, id uuid.UUID, label, field, value string, observed time.Time) {
	if observed.IsZero() {
		observed = d.Now
	}
	d.out.Basis = append(d.out.Basis, Basis{entity, id, label, field, value, observed})
	if d.out.AsOf.IsZero() || observed.Before(d.out.AsOf) {
		d.out.AsOf = observed
	}
}

// restsOn notes an instant the answer states, if there is one.
func (d *draft) restsOn(entity string, id uuid.UUID, label, field string, at *time.Time, observed time.Time) {
	if at != nil {
		d.rests(entity, id, label, field, at.UTC().Format(time.RFC3339), observed)
	}
}

// restsOnDay notes a day the answer states, if there is one.
func (d *draft) restsOnDay(entity string, id uuid.UUID, label, field string, day *time.Time, observed time.Time) {
	if day != nil {
		d.rests(entity, id, label, field, iso(day), observed)
	}
}

// count notes a number of the project the answer states.
func (d *draft) count(field string, n int) { d.project(field, strconv.Itoa(n)) }

func (d *draft) project(field, value string) {
	d.rests("project", d.record.Project.ID, d.record.Project.Name, field, value, time.Time{})
}

// turn says at the end whose move it is. Of several things it is the customer's
// when one waits for them, then ours.
func (d *draft) turn(side string) {
	if rank(side) > rank(d.out.Turn) {
		d.out.Turn = side
	}
}

func rank(side string) int {
	return slices.Index([]string{"", "third_party", "provider", "customer"}, side)
}

// escalate tells people why they have to act; the first reason counts.
func (d *draft) escalate(why string) {
	if d.out.Escalate == "" {
		d.out.Escalate = why
	}
}

func (d *draft) finish() Answer {
	if d.out.Clarify != "" {
		d.out.Language = d.language
		return d.out
	}
	if d.out.Turn != "" && !d.turnSaid {
		d.say("turn." + d.out.Turn)
	}
	d.out.Offer = d.out.Offer || d.out.Stale
	var b strings.Builder
	for i, line := range d.lines {
		list := strings.HasPrefix(line, "- ")
		switch {
		case i == 0:
		case list && strings.HasPrefix(d.lines[i-1], "- "):
			b.WriteString("\n")
		case list || strings.HasPrefix(d.lines[i-1], "- "):
			b.WriteString("\n\n")
		default:
			b.WriteString(" ")
		}
		b.WriteString(line)
	}
	d.out.Text, d.out.Language = b.String(), d.language
	if d.out.AsOf.IsZero() && d.out.Text != "" {
		d.out.AsOf = d.Now
	}
	return d.out
}
