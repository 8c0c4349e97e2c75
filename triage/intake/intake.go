package intake

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/confirm"
)

// ErrKeyReused says an idempotency key was sent again with another request.
var ErrKeyReused = errors.New("idempotency key was used for a different request")

// ErrBadKey says an idempotency key is longer than maxKey bytes.
var ErrBadKey = errors.New("idempotency key is too long")

// maxKey is what the contract allows and an index takes with ease.
const maxKey = 200

// ErrRequesterUnknown says a ticket names a requester the tenant does not have.
var ErrRequesterUnknown = errors.New("requester is not a person of this organisation")

// Jobs inserts a job in the transaction that makes it necessary. *river.Client is one.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Desk is told when a customer says a conversation is settled, changes a message
// or takes one back.
type Desk interface {
	CustomerChanged(ctx context.Context, tx pgx.Tx, m triage.Message, before string, actor triage.Actor) error
	CustomerConfirmed(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, actor triage.Actor) error
}

// Service takes messages in. Its database is of the app role: one tenant at a time.
type Service struct {
	db   *tenantdb.DB
	jobs Jobs
	desk Desk
	wake func(tenant, conversation uuid.UUID)

	// Codes are asked for in the chat; nil: none are. Set before the first message.
	Codes *confirm.Service
}

// New returns a Service. wake, if not nil, is told after commit which
// conversation changed, so that streams of this process need not wait.
func New(db *tenantdb.DB, jobs Jobs, desk Desk, wake func(tenant, conversation uuid.UUID)) *Service {
	if wake == nil {
		wake = func(_, _ uuid.UUID) {}
	}
	return &Service{db: db, jobs: jobs, desk: desk, wake: wake}
}

// Start is a new conversation. Text may be empty in a chat: a conversation
// without a message yet.
type Start struct {
	Channel   triage.Channel
	Subject   string
	Text      string
	ClientKey string // the caller's Idempotency-Key; the same key makes the same conversation
	Locale    string
	// Attachments are files the actor uploaded and has not sent yet.
	Attachments []uuid.UUID `json:",omitempty"`
	// Session of the actor; nil: there is none, as in mail.
	Session *Session `json:"-"`
}

// Start opens a conversation and, when there is a text, takes its first message.
func (s *Service) Start(ctx context.Context, actor triage.Actor, in Start) (triage.Conversation, triage.Message, error) {
	if len(in.ClientKey) > maxKey {
		return triage.Conversation{}, triage.Message{}, ErrBadKey
	}
	blank := strings.TrimSpace(in.Text) == ""
	silent := blank && len(in.Attachments) > 0
	if blank && !silent {
		in.Text = ""
	} else {
		var err error
		if in.Text, err = textOf(in.Text, in.Attachments, actor); err != nil {
			return triage.Conversation{}, triage.Message{}, err
		}
	}
	var conversation triage.Conversation
	var message triage.Message
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		conversation, message = triage.Conversation{}, triage.Message{}
		var err error
		for _, part := range []*string{&in.Text, &in.Subject} { // before a hash of it is kept
			if *part, err = s.withoutCode(ctx, tx, actor, uuid.Nil, *part, in.Session); err != nil {
				return err
			}
		}
		known, err := s.once(ctx, tx, actor, in.ClientKey, in)
		if err != nil {
			return err
		}
		if known != uuid.Nil {
			conversation, message, err = reread(ctx, tx, actor.TenantID, known)
			return err
		}
		conversation = triage.Conversation{
			TenantID: actor.TenantID, ID: uuid.Must(uuid.NewV7()), UserID: userID(actor), Channel: in.Channel,
			Subject: triage.Line(in.Subject, 200),
		}
		if in.Text == "" {
			conversation, err = triage.InsertConversation(ctx, tx, conversation)
		} else {
			conversation, message, err = s.open(ctx, tx, actor, conversation, in.Text, in.Attachments, ProcessArgs{Person: silent, Fresh: in.Session.fresh()})
		}
		if err != nil {
			return err
		}
		return s.remember(ctx, tx, actor, in.ClientKey, conversation.ID)
	})
	if err == nil {
		s.wake(actor.TenantID, conversation.ID)
	}
	return conversation, message, err
}

// open stores a conversation that starts with a message, and the message's job.
func (s *Service) open(ctx context.Context, tx pgx.Tx, actor triage.Actor, c triage.Conversation, text string, files []uuid.UUID, args ProcessArgs) (conversation triage.Conversation, message triage.Message, err error) {
	first := messageOf(actor, c, text)
	if first.Attachments, err = attachment.Take(ctx, tx, c.TenantID, c.ID, actor, files); err != nil {
		return conversation, message, err
	}
	if conversation, message, err = triage.InsertOpening(ctx, tx, c, first); err != nil {
		return conversation, message, err
	}
	if err := attachment.Bind(ctx, tx, message); err != nil {
		return conversation, message, err
	}
	return conversation, message, s.queue(ctx, tx, message, args)
}

func messageOf(actor triage.Actor, c triage.Conversation, text string) triage.Message {
	return triage.Message{
		TenantID: c.TenantID, ID: uuid.Must(uuid.NewV7()), ConversationID: c.ID,
		AuthorKind: triage.AuthorCustomer, AuthorID: userID(actor), AuthorName: actor.Name,
		Visibility: triage.VisibleToCustomer, Body: text,
	}
}

func (s *Service) queue(ctx context.Context, tx pgx.Tx, m triage.Message, args ProcessArgs) error {
	args.TenantID, args.MessageID = m.TenantID, m.ID
	if _, err := s.jobs.InsertTx(ctx, tx, args, nil); err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

// Post is one more message of a customer.
type Post struct {
	Text      string
	ClientKey string // the sender's id for it; sent twice, stored once
	// Attachments are files the actor uploaded and has not sent yet. With files
	// the text may be empty; a person looks at them then.
	Attachments []uuid.UUID
	// Session of the actor; nil: there is none, as in mail.
	Session *Session
}

// Post takes a message into a conversation of the actor.
func (s *Service) Post(ctx context.Context, actor triage.Actor, conversationID uuid.UUID, in Post) (triage.Message, error) {
	return s.post(ctx, actor, conversationID, in, false)
}

// AskForPerson hands the conversation to people: the note, or a plain request
// when there is none, becomes the customer's message.
func (s *Service) AskForPerson(ctx context.Context, actor triage.Actor, conversationID uuid.UUID, in Post) (triage.Message, error) {
	return s.post(ctx, actor, conversationID, in, true)
}

func (s *Service) post(ctx context.Context, actor triage.Actor, conversationID uuid.UUID, in Post, person bool) (triage.Message, error) {
	var message triage.Message
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) (err error) {
		message, err = s.postTx(ctx, tx, actor, conversationID, in, person)
		return err
	})
	if err == nil {
		s.wake(actor.TenantID, conversationID)
	}
	return message, err
}

func (s *Service) postTx(ctx context.Context, tx pgx.Tx, actor triage.Actor, conversationID uuid.UUID, in Post, person bool) (triage.Message, error) {
	if len(in.ClientKey) > maxKey {
		return triage.Message{}, ErrBadKey
	}
	if person && strings.TrimSpace(in.Text) == "" {
		in.Text = askForPerson(actor.Locale)
	}
	text, err := textOf(in.Text, in.Attachments, actor)
	if err != nil {
		return triage.Message{}, err
	}
	conversation, err := s.visible(ctx, tx, actor, conversationID)
	if err != nil {
		return triage.Message{}, err
	}
	if conversation.State == triage.ConversationClosed {
		return triage.Message{}, triage.ErrConversationClosed
	}
	if text, err = s.withoutCode(ctx, tx, actor, conversationID, text, in.Session); err != nil {
		return triage.Message{}, err
	}
	return s.take(ctx, tx, actor, conversation, text, in, person || strings.TrimSpace(in.Text) == "")
}

// take stores the message and its job.
func (s *Service) take(ctx context.Context, tx pgx.Tx, actor triage.Actor, c triage.Conversation, text string, in Post, person bool) (triage.Message, error) {
	message := messageOf(actor, c, text)
	if in.ClientKey != "" {
		message.ClientKey = &in.ClientKey
	}
	var err error
	message.Attachments, err = attachment.Take(ctx, tx, c.TenantID, c.ID, actor, in.Attachments)
	if errors.Is(err, attachment.ErrTaken) && in.ClientKey != "" { // by the same message, sent before
		if sent, known := triage.MessageByClientKey(ctx, tx, c.TenantID, c.ID, in.ClientKey); known == nil {
			return sent, nil
		}
	}
	if err != nil {
		return triage.Message{}, err
	}
	stored, created, err := triage.InsertMessage(ctx, tx, message)
	if err != nil || !created {
		return stored, err
	}
	if err := attachment.Bind(ctx, tx, stored); err != nil {
		return stored, err
	}
	return stored, s.queue(ctx, tx, stored, ProcessArgs{Person: person, Fresh: in.Session.fresh()})
}

// Ticket is work filed through the API on behalf of a person of the tenant.
type Ticket struct {
	Subject        string
	Text           string
	RequesterEmail string // a person of the tenant; empty: nobody in particular
	ClientKey      string // Idempotency-Key
}

// Filed is what became of it: a conversation the assistant works on at once.
// A ticket number appears when people take it over.
type Filed struct {
	Conversation triage.Conversation
	Message      triage.Message
}

// FileTicket takes a ticket in from another system of the tenant.
func (s *Service) FileTicket(ctx context.Context, actor triage.Actor, in Ticket) (Filed, error) {
	if in.RequesterEmail != "" {
		requester, err := s.requester(ctx, actor, in.RequesterEmail)
		if err != nil {
			return Filed{}, err
		}
		actor = requester
	}
	text := in.Text
	if strings.TrimSpace(text) == "" {
		text = in.Subject
	}
	conversation, message, err := s.Start(ctx, actor, Start{
		Channel: triage.ChannelAPI, Subject: in.Subject, Text: text, ClientKey: in.ClientKey,
	})
	if err == nil && message.ID == uuid.Nil {
		err = triage.ErrEmptyMessage
	}
	return Filed{conversation, message}, err
}

func (s *Service) requester(ctx context.Context, actor triage.Actor, email string) (triage.Actor, error) {
	err := s.db.WithTenant(ctx, actor.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select id, display_name, roles, departments, locale from users
			where tenant_id = $1 and email_normalized = lower($2) and state <> 'deactivated'`,
			actor.TenantID, strings.TrimSpace(email)).
			Scan(&actor.ID, &actor.Name, &actor.Roles, &actor.Departments, &actor.Locale)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return triage.Actor{}, ErrRequesterUnknown
	}
	if err != nil {
		return triage.Actor{}, fmt.Errorf("read requester: %w", err)
	}
	return actor, nil
}

// once claims an idempotency key. It returns the conversation an earlier
// request with the key made, or uuid.Nil for the first.
func (s *Service) once(ctx context.Context, tx pgx.Tx, actor triage.Actor, key string, request any) (uuid.UUID, error) {
	if key == "" {
		return uuid.Nil, nil
	}
	body, err := json.Marshal(request)
	if err != nil {
		return uuid.Nil, fmt.Errorf("hash request: %w", err)
	}
	hash := sha256.Sum256(body)
	tag, err := tx.Exec(ctx, `insert into idempotency_keys (tenant_id, principal, key, request_hash)
		values ($1, $2, $3, $4) on conflict do nothing`, actor.TenantID, principal(actor), key, hash[:])
	if err != nil {
		return uuid.Nil, fmt.Errorf("claim idempotency key: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return uuid.Nil, nil
	}
	var stored []byte
	var conversation uuid.UUID
	err = tx.QueryRow(ctx, `select request_hash, (response->>'conversation_id')::uuid from idempotency_keys
		where tenant_id = $1 and principal = $2 and key = $3`, actor.TenantID, principal(actor), key).Scan(&stored, &conversation)
	if err != nil {
		return uuid.Nil, fmt.Errorf("read idempotency key: %w", err)
	}
	if string(stored) != string(hash[:]) {
		return uuid.Nil, ErrKeyReused
	}
	return conversation, nil
}

func (s *Service) remember(ctx context.Context, tx pgx.Tx, actor triage.Actor, key string, conversation uuid.UUID) error {
	if key == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `update idempotency_keys set response = jsonb_build_object('conversation_id', $4::text)
		where tenant_id = $1 and principal = $2 and key = $3`, actor.TenantID, principal(actor), key, conversation.String())
	if err != nil {
		return fmt.Errorf("keep idempotency key: %w", err)
	}
	return nil
}

func reread(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (triage.Conversation, triage.Message, error) {
	conversation, err := triage.ConversationByID(ctx, tx, tenant, id)
	if err != nil {
		return conversation, triage.Message{}, err
	}
	messages, err := triage.MessagesBefore(ctx, tx, tenant, id, 2, false, 1)
	if err != nil || len(messages) == 0 {
		return conversation, triage.Message{}, err
	}
	return conversation, messages[0], nil
}

// textOf is a message's text. Files sent without a word get a sentence, so that
// no list, mail or screen reader shows an empty message.
func textOf(text string, files []uuid.UUID, actor triage.Actor) (string, error) {
	if len(files) > 0 && strings.TrimSpace(text) == "" {
		return seeAttached(actor.Locale), nil
	}
	return cleanText(text)
}

// cleanText trims a customer's text and refuses what cannot be stored.
func cleanText(text string) (string, error) {
	if len(text) > triage.MaxMessageBytes {
		return "", triage.ErrMessageTooLong
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = strings.TrimSpace(strings.ReplaceAll(text, "\x00", ""))
	if text == "" {
		return "", triage.ErrEmptyMessage
	}
	return text, nil
}

func principal(actor triage.Actor) string { return string(actor.Kind) + ":" + actor.ID.String() }

func userID(actor triage.Actor) *uuid.UUID {
	if actor.ID == uuid.Nil || actor.HasRole(RoleAPI) {
		return nil
	}
	id := actor.ID
	return &id
}

func askForPerson(locale string) string {
	switch strings.ToLower(locale + "  ")[:2] {
	case "de":
		return "Ich möchte mit einem Menschen sprechen."
	case "fr":
		return "Je voudrais parler à une personne."
	case "es":
		return "Quiero hablar con una persona."
	case "pt":
		return "Quero falar com uma pessoa."
	}
	return "I would like to talk to a person."
}

func seeAttached(locale string) string {
	switch strings.ToLower(locale + "  ")[:2] {
	case "de":
		return "Bitte sehen Sie sich den Anhang an."
	case "fr":
		return "Merci de regarder la pièce jointe."
	case "es":
		return "Por favor, vea el archivo adjunto."
	case "pt":
		return "Por favor, veja o ficheiro em anexo."
	}
	return "Please see the attached file."
}

// SweepKeys forgets idempotency keys older than a day. A periodic job calls it.
func SweepKeys(ctx context.Context, db *tenantdb.DB, now time.Time) error {
	return db.WithSystem(ctx, "forget old idempotency keys", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `delete from idempotency_keys where created_at < $1`, now.Add(-24*time.Hour))
		return err
	})
}
