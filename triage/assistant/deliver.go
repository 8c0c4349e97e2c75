package assistant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/sla"
)

// AssistantName is how the assistant signs its messages.
const AssistantName = "Usher assistant"

// deliver stores the result and completes the job in one transaction, after one
// more look under the conversation's lock: a person may have taken over, or the
// customer written again, while the answer was made.
func (a *Assistant) deliver(ctx context.Context, r *run, complete func(context.Context, pgx.Tx) error) error {
	err := a.DB.WithTenant(ctx, r.args.TenantID, func(tx pgx.Tx) error {
		conversation, err := triage.LockConversation(ctx, tx, r.args.TenantID, r.conversation.ID)
		if err != nil {
			return err
		}
		decided, err := r.overtaken(ctx, tx, conversation)
		if err != nil || decided {
			return err
		}
		if err := r.storeClassification(ctx, tx); err != nil {
			return err
		}
		if err := a.tellDesk(ctx, tx, r); err != nil {
			return err
		}
		if r.conversation.State == triage.ConversationSolved && !r.thanks && r.decision.outcome != "ignored" && r.escalate == nil {
			// A new question opens what was settled; "thanks" does not.
			if err := triage.SetConversationState(ctx, tx, r.args.TenantID, r.conversation.ID, triage.ConversationOpen, "on"); err != nil {
				return err
			}
		}
		if err := a.sendCode(ctx, tx, r); err != nil {
			return err
		}
		reply, err := r.storeReply(ctx, tx)
		if err != nil {
			return err
		}
		if err := a.keepProcedure(ctx, tx, r); err != nil {
			return err
		}
		if err := r.storeDecision(ctx, tx, reply); err != nil {
			return err
		}
		return complete(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	return nil
}

// errAnswered means that a message this run answers, too, got an answer of its own meanwhile.
var errAnswered = errors.New("a message before it was answered meanwhile")

// overtaken drops the result where the world has moved on. decided is true when
// another try has stored its result already.
func (r *run) overtaken(ctx context.Context, tx pgx.Tx, now triage.Conversation) (decided bool, err error) {
	var newer, alone bool
	burst := make([]uuid.UUID, len(r.burst))
	for i, m := range r.burst {
		burst[i] = m.ID
	}
	err = tx.QueryRow(ctx, `select exists (select from decisions where tenant_id = $1 and message_id = $2 and not ($5 and reason = '`+askedToConfirm+`')),
		exists (select from messages where tenant_id = $1 and conversation_id = $3 and seq > $4 and author_kind = 'customer' and author_id is not distinct from $6),
		exists (select from decisions where tenant_id = $1 and message_id = any($7) and reason <> $8)`,
		r.args.TenantID, r.args.MessageID, now.ID, r.message.Seq, r.args.Confirmed, r.message.AuthorID, burst, answeredLater).Scan(&decided, &newer, &alone)
	if err != nil || decided {
		return decided, err
	}
	if alone && r.streaming == uuid.Nil {
		return false, errAnswered
	}
	asked := r.args.Person || r.args.Confirmed || r.escalate != nil
	switch {
	case now.Assistant == "off" && r.conversation.Assistant == "on":
		r.drop("a person took over during the run")
	case newer && !asked && r.streaming == uuid.Nil && r.decision.outcome == "sent":
		r.drop(answeredLater)
	}
	r.conversation = now
	return false, nil
}

func (r *run) drop(reason string) {
	r.body, r.meta, r.escalate = "", nil, nil
	r.decision.outcome, r.decision.reason = "stopped", reason
}

// tellDesk adds the message to the ticket the conversation has, and hands over.
func (a *Assistant) tellDesk(ctx context.Context, tx pgx.Tx, r *run) error {
	ticket, known, err := a.Desk.CustomerWrote(ctx, tx, desk.CustomerMessage{
		Message: r.message, Thanks: r.thanks, Locale: r.asker.Locale, Classification: r.classification,
	})
	if err != nil {
		return fmt.Errorf("tell desk: %w", err)
	}
	open := known && ticket.InternalState != triage.InternalSolved && ticket.InternalState != triage.InternalClosed
	if r.escalate == nil {
		if open && r.meta != nil && r.meta.Kind == "not_found" {
			r.added(ticket)
		}
		return nil
	}
	again := open && !r.args.Person
	ticket, err = a.Desk.Escalate(ctx, tx, r.escalation())
	if err != nil {
		return fmt.Errorf("escalate: %w", err)
	}
	r.ticket = ticket.ID
	if r.quiet {
		return nil
	}
	switch {
	case r.meta != nil: // a status answer that also needs people
		r.body += "\n\n" + handedOver(r.language(), triage.ReasonStatusRule, ticket.Priority == triage.PriorityUrgent, ticket.Number)
		r.meta.TicketNo = ticket.Number
	case again:
		r.added(ticket)
	default:
		r.body = handedOver(r.language(), r.escalate.reason, ticket.Priority == triage.PriorityUrgent, ticket.Number)
		r.meta = &triage.AnswerMeta{Kind: "escalate", Evidence: "known_state", TicketNo: ticket.Number}
	}
	if r.decision.evidence == "none" {
		r.decision.evidence = "known_state" // the ticket that now exists
	}
	if again {
		return nil // they have heard
	}
	return a.sayWhenBack(ctx, tx, r)
}

// sayWhenBack adds, out of hours, when people are back. Urgent matters are told
// the same: what is promised to them is on the ticket.
func (a *Assistant) sayWhenBack(ctx context.Context, tx pgx.Tx, r *run) error {
	text, err := sla.Away(ctx, tx, r.args.TenantID, r.language(), a.Now())
	if err != nil {
		return fmt.Errorf("read business hours: %w", err)
	}
	if text != "" && r.body != "" {
		r.body += " " + text
	}
	return nil
}

// added says that people have the message, on a ticket they have already.
func (r *run) added(ticket triage.Ticket) {
	r.body = strings.ReplaceAll(speak(r.language()).alreadyWith, "%n", strconv.FormatInt(ticket.Number, 10))
	r.meta = &triage.AnswerMeta{Kind: "escalate", Evidence: "known_state", TicketNo: ticket.Number}
	r.decision.evidence, r.decision.outcome = "known_state", "escalated"
}

func (r *run) escalation() desk.Escalation {
	subject := r.conversation.Subject
	if subject == "" {
		subject = triage.Line(r.wish(), 140)
	}
	origin := string(r.conversation.Channel)
	if r.conversation.Channel == triage.ChannelIntegration {
		origin = "integration_error"
	}
	in := desk.Escalation{
		TenantID: r.args.TenantID, ConversationID: r.conversation.ID, MessageID: r.message.ID, UserID: r.asker.ID,
		Reason: r.escalate.reason, Summary: r.summary(), Subject: subject, Origin: origin,
		Findings: map[string]any{"query": r.decision.query, "passages": r.decision.passages, "facts": r.decision.basis, "guard": r.guard},
	}
	if r.classification != nil {
		in.Classification = *r.classification
	}
	return in
}

// summary is what an agent reads first: what is asked, why it is here, what was
// said already. Internal text.
func (r *run) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) asks: %s", orSomebody(r.asker.Name), r.tenant.Name, triage.Line(r.wish(), 500))
	fmt.Fprintf(&b, "\nWhy a person: %s", r.escalate.why)
	for i := len(r.history) - 1; i >= 0; i-- {
		if !r.history[i].Customer {
			fmt.Fprintf(&b, "\nSaid before: %s", triage.Line(r.history[i].Text, 300))
			break
		}
	}
	if r.body != "" {
		fmt.Fprintf(&b, "\nSaid now: %s", triage.Line(r.body, 400))
	}
	if c := r.classification; c != nil && c.Intent != "" {
		fmt.Fprintf(&b, "\nClassified as %s (%.0f %%), %s, %s.", c.Intent, c.Confidence*100, c.Language, c.Sentiment)
	}
	return b.String()
}

func orSomebody(name string) string {
	if name == "" {
		return "Somebody"
	}
	return name
}

// storeReply inserts the reply, or finishes the one being streamed.
func (r *run) storeReply(ctx context.Context, tx pgx.Tx) (*uuid.UUID, error) {
	if r.streaming != uuid.Nil {
		return r.finishStreaming(ctx, tx)
	}
	if r.body == "" {
		return nil, nil
	}
	asked := 0
	if r.meta.Kind == "clarify" {
		asked = r.conversation.Clarifications + 1
	}
	if _, err := tx.Exec(ctx, `update conversations set clarifications = $3, language = $4 where tenant_id = $1 and id = $2`,
		r.args.TenantID, r.conversation.ID, asked, r.language()); err != nil {
		return nil, fmt.Errorf("note language: %w", err)
	}
	reply, _, err := triage.InsertMessage(ctx, tx, r.reply(triage.MessageFinal))
	if err != nil {
		return nil, err
	}
	r.delivered = true
	return &reply.ID, nil
}

func (r *run) reply(state triage.MessageState) triage.Message {
	m := triage.Message{
		TenantID: r.args.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: r.conversation.ID,
		AuthorKind: triage.AuthorAssistant, AuthorName: AssistantName, Visibility: triage.VisibleToCustomer,
		Body: r.body, Language: r.language(), InReplyTo: &r.message.ID, Answer: r.meta, State: state,
	}
	if r.meta != nil && r.meta.Kind == kindConfirm {
		m.InReplyTo = nil // the answer is still to come
	}
	return m
}

func (r *run) finishStreaming(ctx context.Context, tx pgx.Tx) (*uuid.UUID, error) {
	m, err := triage.MessageByID(ctx, tx, r.args.TenantID, r.streaming)
	if err != nil {
		return nil, err
	}
	if m.State == triage.MessageStreaming {
		m.State = triage.MessageStopped
		if r.body != "" {
			m.Body, m.Answer, m.State = r.body, r.meta, triage.MessageFinal
			r.delivered = true
		}
		if _, err := triage.ReplaceMessage(ctx, tx, m); err != nil {
			return nil, err
		}
	}
	return &m.ID, nil
}

func (r *run) storeClassification(ctx context.Context, tx pgx.Tx) error {
	c := r.classification
	if c == nil {
		return nil
	}
	_, err := tx.Exec(ctx, `insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence,
			product_area, priority, language, sentiment, team, labels, entities, explanation, engine, engine_version, prompt_version)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict (tenant_id, message_id) do nothing`,
		r.args.TenantID, uuid.Must(uuid.NewV7()), r.message.ID, r.conversation.ID, c.Intent, min(max(c.Confidence, 0), 1),
		c.ProductArea, c.Priority, c.Language, c.Sentiment, c.Team, list(c.Labels), list(c.Entities), list(c.Explanation),
		c.Engine, c.Version, c.PromptVersion)
	if err != nil {
		return fmt.Errorf("store classification: %w", err)
	}
	return nil
}

func (r *run) storeDecision(ctx context.Context, tx pgx.Tx, reply *uuid.UUID) error {
	d := r.decision
	if d.outcome == "" {
		return errors.New("store decision: nothing was decided")
	}
	var encoded [4][]byte
	for i, value := range []any{orEmpty(d.passages), orEmpty(d.basis), orObject(d.gate), r.guard} {
		body, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode decision: %w", err)
		}
		encoded[i] = body
	}
	if r.args.Confirmed { // the decision to ask was for the time being
		if _, err := tx.Exec(ctx, `delete from decisions where tenant_id = $1 and message_id = $2 and reason = $3`, r.args.TenantID, r.message.ID, askedToConfirm); err != nil {
			return fmt.Errorf("replace decision: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `insert into decisions (tenant_id, id, message_id, conversation_id, reply_id, route, outcome, reason,
			evidence, query, passages, basis, gate, guard, engine, versions, prompt_tokens, output_tokens, cost_microusd, duration_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		r.args.TenantID, uuid.Must(uuid.NewV7()), r.message.ID, r.conversation.ID, reply, d.route, d.outcome, d.reason,
		d.evidence, d.query, encoded[0], encoded[1], encoded[2], encoded[3], d.engine, d.versions,
		d.usage.PromptTokens, d.usage.OutputTokens, d.usage.MicroUSD, d.duration.Milliseconds())
	if err != nil {
		return fmt.Errorf("store decision: %w", err)
	}
	return nil
}

func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

func orEmpty(value any) any {
	if value == nil {
		return []any{}
	}
	return value
}

func orObject(value any) any {
	if value == nil {
		return map[string]any{}
	}
	return value
}
