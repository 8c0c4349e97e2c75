package assistant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/procedure"
)

// errStopped says the customer or a person ended the answer while it was written.
var errStopped = errors.New("the answer was stopped")

// maxClarifications is how often the assistant asks back before it decides.
const maxClarifications = 2

// historyTurns is how many earlier public messages a run looks at.
const historyTurns = 12

// maxCorrections is how many of the tenant's corrected messages a run looks at.
const maxCorrections = 50

// run is one run over one message: what was loaded, then what was decided.
type run struct {
	args         intake.ProcessArgs
	conversation triage.Conversation
	message      triage.Message
	burst        []triage.Message // the customer's before it that got no answer: it is answered with them
	history      []Turn
	tenant       tenant
	asker        triage.Actor
	email        string // the asker's
	decided      bool   // an earlier try has stored its result
	superseded   bool   // the customer has written again
	replies      int    // automatic replies within the last hour
	lastKind     string // of the assistant's last message
	lastIntent   string // of the customer's message before, as acted on
	ticketOpen   bool
	corrections  []Correction

	guard          GuardReport
	classification *triage.Classification
	body           string             // of the reply; empty: none
	meta           *triage.AnswerMeta // of the reply
	streaming      uuid.UUID          // the reply being streamed
	escalate       *handOver
	ticket         uuid.UUID       // what was handed over became
	turn           *procedure.Turn // of a procedure, if the message is one's
	followed       bool            // the turn is what is delivered
	quiet          bool            // people are told, the sender is not
	names          any             // of the record: see StatusRequest
	thanks         bool
	gap            bool
	delivered      bool
	rehearsed      bool           // nothing of it is stored: see Talk
	waiting        *procedure.Run // of a Talk: the run that waits for an answer
	decision       decision
}

type tenant struct {
	ID             uuid.UUID
	Name           string
	Plan           string
	Tier           string
	LifecycleState string
	TimeZone       string
}

// handOver is a decision to involve people.
type handOver struct {
	reason triage.Reason
	why    string // for agents
}

// decision is the part of the decision row that is not a message.
type decision struct {
	route, outcome, reason, evidence, query string
	passages, basis, gate                   any
	engine                                  string
	versions                                map[string]string
	usage                                   triage.Usage
	duration                                time.Duration
}

// load reads everything a run needs in one transaction.
func (a *Assistant) load(ctx context.Context, args intake.ProcessArgs) (*run, error) {
	r := &run{args: args}
	err := a.DB.WithTenant(ctx, args.TenantID, func(tx pgx.Tx) error {
		var err error
		if r.message, err = triage.MessageByID(ctx, tx, args.TenantID, args.MessageID); err != nil {
			return err
		}
		if r.conversation, err = triage.ConversationByID(ctx, tx, args.TenantID, r.message.ConversationID); err != nil {
			return err
		}
		if err := r.surroundings(ctx, tx); err != nil {
			return err
		}
		r.decided = r.decided || r.message.State == triage.MessageDeleted // taken back before anybody looked
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	r.decision = decision{engine: "builtin", evidence: "none", versions: map[string]string{}}
	return r, nil
}

func (r *run) surroundings(ctx context.Context, tx pgx.Tx) error {
	var userName, locale *string
	var roles, departments []string
	var unanswered []uuid.UUID
	var settled int64 // what was said up to here was about a matter that is settled
	err := tx.QueryRow(ctx, `
		with settled as (select coalesce(max(seq), 0) as seq from conversation_events where tenant_id = $1 and conversation_id = $3 and seq < $4
		  and kind = '`+string(triage.EventConversationUpdated)+`' and payload->>'state' = '`+string(triage.ConversationSolved)+`')
		select (select seq from settled), t.id, t.name, t.plan, t.tier, t.lifecycle_state, t.time_zone, u.display_name, u.roles, u.departments, u.locale, coalesce(u.email, ''),
		  exists (select from decisions where tenant_id = $1 and message_id = $2 and not ($6 and reason = '`+askedToConfirm+`')),
		  exists (select from messages where tenant_id = $1 and conversation_id = $3 and seq > $4 and author_kind = 'customer' and author_id is not distinct from $5),
		  (select count(*) from messages where tenant_id = $1 and conversation_id = $3 and author_kind = 'assistant'
		     and created_at > now() - interval '1 hour'),
		  coalesce((select answer->>'kind' from messages where tenant_id = $1 and conversation_id = $3 and seq < $4
		     and seq > (select seq from settled) and author_kind = 'assistant' order by seq desc limit 1), ''),
		  coalesce((select c.intent from classifications c join messages m on m.tenant_id = c.tenant_id and m.id = c.message_id
		     where c.tenant_id = $1 and c.conversation_id = $3 and m.seq > (select seq from settled)
		     order by c.created_at desc limit 1), ''),
		  exists (select from tickets where tenant_id = $1 and conversation_id = $3 and internal_state not in ('solved', 'closed')),
		  array(select m.id from messages m where m.tenant_id = $1 and m.conversation_id = $3 and m.seq < $4 and m.author_kind = 'customer' and m.author_id is not distinct from $5 and m.state <> 'deleted'
		     and m.seq > coalesce((select max(seq) from messages where tenant_id = $1 and conversation_id = $3 and seq < $4 and author_kind in ('assistant', 'agent') and visibility = 'customer'), 0)
		     and not exists (select from messages a where a.tenant_id = $1 and a.conversation_id = $3 and a.in_reply_to = m.id)
		     and not exists (select from decisions d where d.tenant_id = $1 and d.message_id = m.id and d.reason <> $7))
		from tenants t left join users u on u.tenant_id = $1 and u.id = $5 where t.id = $1`,
		r.args.TenantID, r.args.MessageID, r.conversation.ID, r.message.Seq, r.message.AuthorID, r.args.Confirmed, answeredLater).
		Scan(&settled, &r.tenant.ID, &r.tenant.Name, &r.tenant.Plan, &r.tenant.Tier, &r.tenant.LifecycleState, &r.tenant.TimeZone,
			&userName, &roles, &departments, &locale, &r.email, &r.decided, &r.superseded, &r.replies, &r.lastKind, &r.lastIntent, &r.ticketOpen, &unanswered)
	if err != nil {
		return fmt.Errorf("read tenant and person: %w", err)
	}
	r.asker = triage.Actor{
		Kind: triage.ActorCustomer, TenantID: r.args.TenantID, Name: r.message.AuthorName,
		Roles: roles, Departments: departments, TimeZone: r.tenant.TimeZone,
	}
	if r.message.AuthorID != nil {
		r.asker.ID = *r.message.AuthorID
	}
	if locale != nil {
		r.asker.Locale = *locale
	}
	if r.corrections, err = corrections(ctx, tx, r.args.TenantID); err != nil {
		return err
	}
	earlier, err := triage.MessagesBefore(ctx, tx, r.args.TenantID, r.conversation.ID, r.message.Seq, false, historyTurns)
	if err != nil {
		return err
	}
	for _, m := range earlier {
		switch {
		case m.State == triage.MessageDeleted, m.Seq <= settled:
		case slices.Contains(unanswered, m.ID):
			r.burst = append(r.burst, m)
		default:
			r.history = append(r.history, Turn{Customer: m.AuthorKind == triage.AuthorCustomer, Text: m.Body})
		}
	}
	return nil
}

// corrections are the tenant's messages that people classified, latest first.
func corrections(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) ([]Correction, error) {
	rows, err := tx.Query(ctx, `select m.body, c.corrected_intent from classifications c
		join messages m on m.tenant_id = c.tenant_id and m.id = c.message_id
		where c.tenant_id = $1 and c.corrected_intent is not null and m.state <> 'deleted'
		order by c.corrected_at desc limit $2`, tenant, maxCorrections)
	if err != nil {
		return nil, fmt.Errorf("read corrections: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[Correction])
	if err != nil {
		return nil, fmt.Errorf("read corrections: %w", err)
	}
	return out, nil
}

// answeredLater is why a message of a burst has no answer of its own: the last one's is.
const answeredLater = "a newer message of the customer is answered instead"

// text is what the customer wrote since they were last answered.
func (r *run) text() string {
	var all []string
	for _, m := range r.burst {
		all = append(all, m.Body)
	}
	return strings.Join(append(all, r.message.Body), "\n")
}

// files reports whether they sent files with it.
func (r *run) files() bool {
	return slices.ContainsFunc(append(slices.Clone(r.burst), r.message), func(m triage.Message) bool { return len(m.Attachments) > 0 })
}

// personInCharge is why a message is not answered, only read.
const personInCharge = "a person is in charge"

// leave reports whether the message is not the assistant's to answer, and says why.
func (r *run) leave() bool {
	switch {
	case r.args.Person:
		return false // a request for a person always counts
	case r.superseded && !r.args.Confirmed:
		r.ignore(answeredLater)
	case r.conversation.Assistant == "off":
		r.ignore(personInCharge)
	default:
		return false
	}
	return true
}

func (r *run) ignore(reason string) {
	r.decision.route, r.decision.outcome, r.decision.reason = "ignore", "ignored", reason
}

func (r *run) language() string {
	if r.classification != nil && r.classification.Language != "" {
		return r.classification.Language
	}
	if r.conversation.Language != "" {
		return r.conversation.Language
	}
	language, _, _ := strings.Cut(strings.ToLower(r.asker.Locale), "-")
	if language == "" {
		return "en"
	}
	return language
}

// say sets the reply.
func (r *run) say(body string, meta triage.AnswerMeta) {
	r.body, r.meta = body, &meta
	r.decision.evidence = meta.Evidence
	r.decision.outcome = "sent"
}

// handOver decides for people. The sentence to the customer is written when the
// ticket's number is known.
func (r *run) handOver(reason triage.Reason, why string) {
	r.escalate = &handOver{reason, why}
	r.decision.route, r.decision.outcome, r.decision.reason = "escalate", "escalated", string(reason)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return triage.Line(line, 300)
}
