package triage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/blob"
)

// NotifyChannel wakes event streams in other processes: payload
// "tenant/conversation". It is a hint; the rows are the truth.
const NotifyChannel = "usher_events"

// Page selects a slice of a list by key: entries older than Before.
type Page struct {
	Before uuid.UUID // the last id of the page before; zero for the first
	Limit  int       // default 30, at most 100
}

// Size is the page's limit within its bounds.
func (p Page) Size() int {
	if p.Limit <= 0 {
		return 30
	}
	return min(p.Limit, 100)
}

// ConversationColumns lists the columns of Conversation.
const ConversationColumns = `tenant_id, id, user_id, channel, subject, state, assistant, language, last_seq,
	customer_read_seq, last_line, last_author, clarifications, created_at, updated_at`

// MessageColumns lists the columns a Message is collected from.
const MessageColumns = `tenant_id, id, conversation_id, seq, author_kind, author_id, author_name, visibility,
	body, language, client_key, in_reply_to, answer, attachments, state, created_at, edited_at`

// TicketColumns lists the columns a Ticket is collected from.
const TicketColumns = `tenant_id, id, number, conversation_id, user_id, subject, summary, origin, dedup_key,
	customer_state, internal_state, priority, intent, product_area, language, sentiment, team, reason,
	assignee_id, assignee_name, snoozed_until, solved_at, closed_at, resolution, version,
	last_public_message_at, created_at, updated_at`

// InsertConversation stores a new conversation.
func InsertConversation(ctx context.Context, tx pgx.Tx, c Conversation) (Conversation, error) {
	rows, err := tx.Query(ctx, `insert into conversations (tenant_id, id, user_id, channel, subject, language)
		values ($1, $2, $3, $4, $5, $6) returning `+ConversationColumns,
		c.TenantID, c.ID, c.UserID, c.Channel, c.Subject, c.Language)
	if err != nil {
		return Conversation{}, fmt.Errorf("insert conversation: %w", err)
	}
	stored, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Conversation])
	if err != nil {
		return Conversation{}, fmt.Errorf("insert conversation: %w", err)
	}
	return stored, nil
}

// InsertOpening stores a new conversation with its first message, a customer's,
// and that message's event, in one trip and without touching a row twice.
func InsertOpening(ctx context.Context, tx pgx.Tx, c Conversation, m Message) (Conversation, Message, error) {
	c.LastSeq, c.CustomerReadSeq, c.LastLine, c.LastAuthor = 1, 1, Line(m.Body, 120), string(m.AuthorKind)
	c.State, c.Assistant = ConversationOpen, "on"
	m.Seq, m.State = 1, MessageFinal
	payload, err := json.Marshal(MessagePayload(m))
	if err != nil {
		return c, m, fmt.Errorf("encode message: %w", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`insert into conversations (tenant_id, id, user_id, channel, subject, language, last_seq, customer_read_seq, last_line, last_author)
		values ($1, $2, $3, $4, $5, $6, 1, 1, $7, $8) returning created_at, updated_at`,
		c.TenantID, c.ID, c.UserID, c.Channel, c.Subject, c.Language, c.LastLine, c.LastAuthor).
		QueryRow(func(row pgx.Row) error { return row.Scan(&c.CreatedAt, &c.UpdatedAt) })
	batch.Queue(`insert into messages (tenant_id, id, conversation_id, seq, author_kind, author_id, author_name, visibility, body, language, client_key, attachments)
		values ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.TenantID, m.ID, c.ID, m.AuthorKind, m.AuthorID, m.AuthorName, m.Visibility, m.Body, m.Language, m.ClientKey, files(m))
	batch.Queue(`insert into conversation_events (tenant_id, conversation_id, seq, kind, visibility, payload)
		values ($1, $2, 1, $3, $4, jsonb_set($5::jsonb, '{message,created_at}', to_jsonb(now())))`,
		c.TenantID, c.ID, EventMessageCreated, m.Visibility, payload)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return c, m, fmt.Errorf("insert conversation: %w", err)
	}
	m.CreatedAt = c.CreatedAt
	return c, m, nil
}

// ConversationByID reads one conversation.
func ConversationByID(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Conversation, error) {
	return oneConversation(ctx, tx, `select `+ConversationColumns+` from conversations where tenant_id = $1 and id = $2`, tenant, id)
}

// LockConversation reads one conversation and holds its row until the
// transaction ends: whoever appends events or decides about it goes one by one.
func LockConversation(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Conversation, error) {
	return oneConversation(ctx, tx, `select `+ConversationColumns+` from conversations where tenant_id = $1 and id = $2 for update`, tenant, id)
}

func oneConversation(ctx context.Context, tx pgx.Tx, query string, args ...any) (Conversation, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Conversation{}, fmt.Errorf("read conversation: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Conversation])
	if errors.Is(err, pgx.ErrNoRows) {
		return Conversation{}, ErrConversationNotFound
	}
	if err != nil {
		return Conversation{}, fmt.Errorf("read conversation: %w", err)
	}
	return c, nil
}

// ConversationsOf lists a person's conversations, latest activity first. A page
// is continued from the last conversation of the one before.
func ConversationsOf(ctx context.Context, tx pgx.Tx, tenant, user uuid.UUID, page Page) ([]Conversation, error) {
	rows, err := tx.Query(ctx, `select `+ConversationColumns+` from conversations
		where tenant_id = $1 and user_id = $2 and ($3::uuid is null or (updated_at, id) <
			(select updated_at, id from conversations where tenant_id = $1 and id = $3))
		order by updated_at desc, id desc limit $4`, tenant, user, nullable(page.Before), page.Size())
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Conversation])
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	return list, nil
}

// SetConversationState moves a conversation and tells its readers. assistant is
// "on" or "off". Nothing happens when both already hold.
func SetConversationState(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, state ConversationState, assistant string) error {
	batch := &pgx.Batch{}
	if err := QueueConversationState(batch, tenant, id, state, assistant); err != nil {
		return err
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("set conversation state: %w", err)
	}
	return nil
}

// QueueConversationState is SetConversationState with others' statements.
func QueueConversationState(batch *pgx.Batch, tenant, id uuid.UUID, state ConversationState, assistant string) error {
	body, err := json.Marshal(map[string]any{"state": state, "assistant": assistant})
	if err != nil {
		return fmt.Errorf("encode event %s: %w", EventConversationUpdated, err)
	}
	batch.Queue(`with numbered as (
		  update conversations set state = $8, assistant = $9, updated_at = now(), last_seq = last_seq + 1
		  where tenant_id = $1 and id = $2 and (state <> $8 or assistant <> $9) returning last_seq
		)`+storeEvent, tenant, id, EventConversationUpdated, VisibleToCustomer, body, NotifyChannel, wakes(tenant, id), state, assistant)
	return nil
}

// storeEvent stores the numbered event and wakes its readers at commit. Equal
// payloads within one transaction wake once.
const storeEvent = `, event as (
		  insert into conversation_events (tenant_id, conversation_id, seq, kind, visibility, payload)
		  select $1, $2, last_seq, $3, $4, $5 from numbered
		)
		select last_seq, pg_notify($6, $7)::text from numbered`

func wakes(tenant, conversation uuid.UUID) string {
	return tenant.String() + "/" + conversation.String()
}

// AppendEvent numbers an event under the conversation's row lock, stores it and
// wakes the streams at commit. It returns the event's number.
func AppendEvent(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, kind EventKind, visibility Visibility, payload any) (int64, error) {
	batch := &pgx.Batch{}
	seq, err := QueueEvent(batch, tenant, conversation, kind, visibility, payload)
	if err != nil {
		return 0, err
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return 0, fmt.Errorf("insert event %s: %w", kind, err)
	}
	return *seq, nil
}

// QueueEvent is AppendEvent with others' statements: the number is known once
// they were sent.
func QueueEvent(batch *pgx.Batch, tenant, conversation uuid.UUID, kind EventKind, visibility Visibility, payload any) (*int64, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", kind, err)
	}
	seq := new(int64)
	batch.Queue(`with numbered as (
		  update conversations set last_seq = last_seq + 1 where tenant_id = $1 and id = $2 returning last_seq
		)`+storeEvent, tenant, conversation, kind, visibility, body, NotifyChannel, wakes(tenant, conversation)).
		QueryRow(func(row pgx.Row) error {
			err := row.Scan(seq, nil)
			if errors.Is(err, pgx.ErrNoRows) {
				return ErrConversationNotFound
			}
			return err
		})
	return seq, nil
}

// EventsSince reads up to limit events after seq; internal ones only for staff.
func EventsSince(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, seq int64, staff bool, limit int) ([]Event, error) {
	rows, err := tx.Query(ctx, `select conversation_id, seq, kind, visibility, payload, created_at
		from conversation_events where tenant_id = $1 and conversation_id = $2 and seq > $3
		  and ($4 or visibility = 'customer') order by seq limit $5`, tenant, conversation, seq, staff, limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByName[Event])
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

// InsertMessage stores a message with its event, both under the same number,
// and moves the conversation's last line, in one trip. A message whose ClientKey
// the conversation already has is not stored again: the first one is returned
// with created false.
func InsertMessage(ctx context.Context, tx pgx.Tx, m Message) (stored Message, created bool, err error) {
	if m.Visibility == "" {
		return Message{}, false, errors.New("insert message: visibility is not set")
	}
	if m.State == "" {
		m.State = MessageFinal
	}
	payload, err := json.Marshal(MessagePayload(m))
	if err != nil {
		return Message{}, false, fmt.Errorf("encode message: %w", err)
	}
	public := m.Visibility == VisibleToCustomer
	rows, err := tx.Query(ctx, insertMessage, m.TenantID, m.ID, m.ConversationID, m.AuthorKind, m.AuthorID, m.AuthorName,
		m.Visibility, m.Body, m.Language, m.ClientKey, m.InReplyTo, m.Answer, m.State,
		public, Line(m.Body, 120), public && m.AuthorKind == AuthorCustomer, EventMessageCreated, payload,
		NotifyChannel, wakes(m.TenantID, m.ConversationID), files(m))
	if err != nil {
		return Message{}, false, fmt.Errorf("insert message: %w", err)
	}
	stored, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Message])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return notInserted(ctx, tx, m)
	case err != nil:
		return Message{}, false, fmt.Errorf("insert message: %w", err)
	}
	return stored, true, nil
}

// A customer's message wakes no other process: NOTIFY holds a lock all commits
// share, and the answer that follows it wakes the streams soon enough.
//
// The conversation's row lock orders the numbers. Where the client key is taken
// nothing but a number is used up: readers ask for "after", so gaps are harmless.
const insertMessage = `
	with numbered as (
	  update conversations set last_seq = last_seq + 1, updated_at = now(),
	    last_line = case when $14 then $15 else last_line end,
	    last_author = case when $14 then $4 else last_author end,
	    customer_read_seq = case when $16 then last_seq + 1 else customer_read_seq end
	  where tenant_id = $1 and id = $3 and not exists (
	    select from messages where tenant_id = $1 and conversation_id = $3 and client_key = $10::text)
	  returning last_seq, channel
	), message as (
	  insert into messages (tenant_id, id, conversation_id, seq, author_kind, author_id, author_name, visibility,
	    body, language, client_key, in_reply_to, answer, state, attachments, mail_due)
	  select $1, $2, $3, last_seq, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $21::jsonb,
	    channel = 'email' and $7 = 'customer' and $4 <> 'customer' from numbered
	  on conflict (tenant_id, conversation_id, client_key) do nothing
	  returning ` + MessageColumns + `
	), event as (
	  insert into conversation_events (tenant_id, conversation_id, seq, kind, visibility, payload)
	  select $1, $3, seq, $17, $7, jsonb_set(jsonb_set($18::jsonb, '{message,seq}', to_jsonb(seq)),
	    '{message,created_at}', to_jsonb(created_at)) from message
	)
	select ` + MessageColumns + ` from message left join lateral (select pg_notify($19, $20)) wake on not $16`

func notInserted(ctx context.Context, tx pgx.Tx, m Message) (Message, bool, error) {
	if m.ClientKey != nil {
		existing, err := MessageByClientKey(ctx, tx, m.TenantID, m.ConversationID, *m.ClientKey)
		if err == nil || !errors.Is(err, ErrMessageNotFound) {
			return existing, false, err
		}
	}
	return Message{}, false, ErrConversationNotFound
}

func touch(ctx context.Context, tx pgx.Tx, m Message) error {
	_, err := tx.Exec(ctx, `update conversations set last_line = $3, last_author = $4, updated_at = now()
		where tenant_id = $1 and id = $2 and not exists (select from messages
		  where tenant_id = $1 and conversation_id = $2 and visibility = 'customer' and seq > $5)`,
		m.TenantID, m.ConversationID, Line(m.Body, 120), m.AuthorKind, m.Seq)
	if err != nil {
		return fmt.Errorf("update conversation: %w", err)
	}
	return nil
}

// ReplaceMessage writes a message's new text, meta and state and tells its
// readers with a message.updated event.
func ReplaceMessage(ctx context.Context, tx pgx.Tx, m Message) (Message, error) {
	rows, err := tx.Query(ctx, `update messages set body = $3, language = $4, answer = $5, state = $6, edited_at = $7
		where tenant_id = $1 and id = $2 returning `+MessageColumns,
		m.TenantID, m.ID, m.Body, m.Language, m.Answer, m.State, m.EditedAt)
	if err != nil {
		return Message{}, fmt.Errorf("update message: %w", err)
	}
	stored, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Message])
	if errors.Is(err, pgx.ErrNoRows) {
		return Message{}, ErrMessageNotFound
	}
	if err != nil {
		return Message{}, fmt.Errorf("update message: %w", err)
	}
	if stored.Visibility == VisibleToCustomer && (stored.State == MessageFinal || stored.State == MessageDeleted) {
		if err := touch(ctx, tx, stored); err != nil {
			return Message{}, err
		}
	}
	_, err = AppendEvent(ctx, tx, m.TenantID, m.ConversationID, EventMessageUpdated, stored.Visibility, MessagePayload(stored))
	return stored, err
}

// ReviseMessage gives a message another text; an empty one takes it back. What
// it said is kept as a revision, and no stream repeats what was taken back.
func ReviseMessage(ctx context.Context, tx pgx.Tx, m Message, text string, by Actor, at time.Time) (Message, error) {
	before := m.Body
	_, err := tx.Exec(ctx, `insert into message_revisions (tenant_id, message_id, number, body, by_kind, by_id, at)
		select $1, $2, count(*) + 1, $3, $4, $5, $6 from message_revisions where tenant_id = $1 and message_id = $2`,
		m.TenantID, m.ID, before, by.Kind, by.ID, at)
	if err != nil {
		return Message{}, fmt.Errorf("keep revision: %w", err)
	}
	m.Body, m.EditedAt = text, &at
	if text == "" {
		m.State, m.Answer = MessageDeleted, nil
		if err := dropFiles(ctx, tx, m); err != nil {
			return Message{}, err
		}
		_, err := tx.Exec(ctx, `update conversation_events set payload = jsonb_set(payload, '{message,body}', '""') #- '{message,attachments}'
			where tenant_id = $1 and conversation_id = $2 and kind in ('message.created', 'message.updated') and payload->'message'->>'id' = $3`,
			m.TenantID, m.ConversationID, m.ID.String())
		if err != nil {
			return Message{}, fmt.Errorf("take back message: %w", err)
		}
	}
	// A conversation may be called after its first message.
	_, err = tx.Exec(ctx, `update conversations set subject = $4 where tenant_id = $1 and id = $2 and subject = $3`,
		m.TenantID, m.ConversationID, Line(before, 200), Line(text, 200))
	if err != nil {
		return Message{}, fmt.Errorf("rename conversation: %w", err)
	}
	return ReplaceMessage(ctx, tx, m)
}

// files are a message's attachments as they are stored: never null.
func files(m Message) []Attachment {
	if m.Attachments == nil {
		return []Attachment{}
	}
	return m.Attachments
}

// dropFiles removes the files of a message that is taken back; their bytes go
// with the next sweep of package blob.
func dropFiles(ctx context.Context, tx pgx.Tx, m Message) error {
	if len(m.Attachments) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `delete from attachments where tenant_id = $1 and message_id = $2 returning storage_key`, m.TenantID, m.ID)
	if err != nil {
		return fmt.Errorf("drop attachments: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("drop attachments: %w", err)
	}
	for _, key := range keys {
		if key == "" {
			continue
		}
		if err := blob.Drop(ctx, tx, m.TenantID, key); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `update messages set attachments = '[]' where tenant_id = $1 and id = $2`, m.TenantID, m.ID); err != nil {
		return fmt.Errorf("drop attachments: %w", err)
	}
	return nil
}

// SetAttachmentState notes what a check of a message's file said and tells the
// message's readers. The caller holds the conversation's row.
func SetAttachmentState(ctx context.Context, tx pgx.Tx, tenant, message, file uuid.UUID, state string) error {
	m, err := oneMessage(ctx, tx, `update messages set attachments = (
			select jsonb_agg(case when a->>'id' = $3 then jsonb_set(a, '{state}', to_jsonb($4::text)) else a end order by n)
			from jsonb_array_elements(attachments) with ordinality as e (a, n))
		where tenant_id = $1 and id = $2 and attachments <> '[]' returning `+MessageColumns, tenant, message, file.String(), state)
	if errors.Is(err, ErrMessageNotFound) {
		return nil // taken back meanwhile
	}
	if err != nil {
		return err
	}
	_, err = AppendEvent(ctx, tx, tenant, m.ConversationID, EventMessageUpdated, m.Visibility, MessagePayload(m))
	return err
}

// MessageByID reads one message.
func MessageByID(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (Message, error) {
	return oneMessage(ctx, tx, `select `+MessageColumns+` from messages where tenant_id = $1 and id = $2`, tenant, id)
}

// MessageByClientKey reads a message by the id its sender gave it.
func MessageByClientKey(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, key string) (Message, error) {
	return oneMessage(ctx, tx, `select `+MessageColumns+` from messages
		where tenant_id = $1 and conversation_id = $2 and client_key = $3`, tenant, conversation, key)
}

func oneMessage(ctx context.Context, tx pgx.Tx, query string, args ...any) (Message, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Message])
	if errors.Is(err, pgx.ErrNoRows) {
		return Message{}, ErrMessageNotFound
	}
	if err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}
	return m, nil
}

// MessagesBefore reads up to limit messages with a number below seq (0: the
// latest), oldest first; internal ones only for staff.
func MessagesBefore(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, seq int64, staff bool, limit int) ([]Message, error) {
	rows, err := tx.Query(ctx, `select * from (
			select `+MessageColumns+` from messages
			where tenant_id = $1 and conversation_id = $2 and ($3::bigint = 0 or seq < $3) and ($4 or visibility = 'customer')
			order by seq desc limit $5) latest order by seq`, tenant, conversation, seq, staff, limit)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Message])
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return list, nil
}

// MessagePayload is a message as event streams and the API show it.
func MessagePayload(m Message) map[string]any {
	return map[string]any{"message": Wire(m)}
}

// Wire is a message's shape outside.
func Wire(m Message) WireMessage {
	return WireMessage{
		ID: m.ID, ConversationID: m.ConversationID, Seq: m.Seq, Author: WireAuthor{m.AuthorKind, m.AuthorName},
		Visibility: m.Visibility, Body: m.Body, Language: m.Language, ClientKey: m.ClientKey, InReplyTo: m.InReplyTo,
		Answer: m.Answer, Attachments: m.Attachments, State: m.State, CreatedAt: m.CreatedAt, EditedAt: m.EditedAt,
	}
}

// WireMessage is a message's shape outside: in events and in the API.
type WireMessage struct {
	ID             uuid.UUID    `json:"id"`
	ConversationID uuid.UUID    `json:"conversation_id"`
	Seq            int64        `json:"seq"`
	Author         WireAuthor   `json:"author"`
	Visibility     Visibility   `json:"visibility"`
	Body           string       `json:"body"`
	Language       string       `json:"language,omitempty"`
	ClientKey      *string      `json:"client_key,omitempty"`
	InReplyTo      *uuid.UUID   `json:"in_reply_to,omitempty"`
	Answer         *AnswerMeta  `json:"answer,omitempty"`
	Attachments    []Attachment `json:"attachments,omitempty"`
	State          MessageState `json:"state"`
	Vote           string       `json:"vote,omitempty"` // the reader's own
	CreatedAt      time.Time    `json:"created_at"`
	EditedAt       *time.Time   `json:"edited_at,omitempty"`
}

// WireAuthor is who speaks, as shown.
type WireAuthor struct {
	Kind AuthorKind `json:"kind"`
	Name string     `json:"name,omitempty"`
}

// Line is the first max runes of a text on one line.
func Line(text string, limit int) string {
	out := make([]rune, 0, limit)
	space := false
	for _, r := range text {
		if r == utf8.RuneError {
			continue
		}
		if r == '\n' || r == '\r' || r == '\t' || r == ' ' {
			space = len(out) > 0
			continue
		}
		if space {
			out = append(out, ' ')
			space = false
		}
		if len(out) >= limit-1 {
			return string(append(out, '…'))
		}
		out = append(out, r)
	}
	return string(out)
}

func nullable(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// StopStreaming marks the conversation's answer being written as stopped and
// tells its readers. Nothing happens when none is.
func StopStreaming(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID) error {
	rows, err := tx.Query(ctx, `update messages set state = 'stopped'
		where tenant_id = $1 and conversation_id = $2 and state = 'streaming' returning `+MessageColumns, tenant, conversation)
	if err != nil {
		return fmt.Errorf("stop answer: %w", err)
	}
	stopped, err := pgx.CollectRows(rows, pgx.RowToStructByName[Message])
	if err != nil {
		return fmt.Errorf("stop answer: %w", err)
	}
	for _, m := range stopped {
		if _, err := AppendEvent(ctx, tx, tenant, conversation, EventMessageUpdated, m.Visibility, MessagePayload(m)); err != nil {
			return err
		}
	}
	return nil
}
