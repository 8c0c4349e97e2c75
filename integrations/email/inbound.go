package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/intake"
)

// Store keeps a raw mail with its job, once per Message-ID. What comes in twice,
// from two mailboxes or after a lost connection, is worked on once.
func (s *Service) Store(ctx context.Context, raw []byte) error {
	if len(raw) > MaxMail {
		return fmt.Errorf("%w: it is larger than %d MB", ErrUnreadable, MaxMail>>20)
	}
	id := eventID(raw)
	return s.DB.WithSystem(ctx, "store inbound mail", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `insert into inbound_events (source, event_id, payload) values ($1, $2, $3) on conflict do nothing`, System, id, raw)
		if err != nil {
			return fmt.Errorf("store mail: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		if _, err := s.Jobs.InsertTx(ctx, tx, HandleMailArgs{EventID: id}, nil); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		return nil
	})
}

// eventID names a mail: its Message-ID with its sender, because a Message-ID is
// whatever its sender says.
func eventID(raw []byte) string {
	name := raw
	if m, err := Parse(raw); err == nil && m.ID != "" {
		name = []byte(m.From + "\x00" + m.ID)
	}
	sum := sha256.Sum256(name)
	return hex.EncodeToString(sum[:])
}

// Mount adds POST /email/inbound for providers that post raw MIME, signed as
// Standard Webhooks describe. Without secrets the address does not exist.
func (s *Service) Mount(router gin.IRouter) {
	if len(s.WebhookSecrets) == 0 {
		return
	}
	router.POST("/email/inbound", func(c *gin.Context) {
		body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxMail))
		if err != nil {
			c.AbortWithStatus(http.StatusRequestEntityTooLarge)
			return
		}
		if err := signature.StandardWebhooks(signature.Request{Header: c.Request.Header, Body: body}, s.Now(), s.WebhookSecrets...); err != nil {
			s.Log.WarnContext(c, "refused a request to the mail address", "error", err)
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		if err := s.Store(c, body); err != nil {
			s.Log.ErrorContext(c, "store mail", "error", err)
			c.AbortWithStatus(http.StatusServiceUnavailable)
			return
		}
		c.Status(http.StatusNoContent)
	})
}

// Handle works on a stored mail. It may be repeated.
func (s *Service) Handle(ctx context.Context, id string) error {
	var raw []byte
	var state string
	err := s.DB.Pool().QueryRow(ctx, `select payload, state from inbound_events where source = $1 and event_id = $2`, System, id).Scan(&raw, &state)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && state != "received" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read stored mail: %w", err)
	}
	outcome, why := "done", ""
	m, err := Parse(raw)
	if err != nil {
		outcome, why = "failed", "it cannot be read"
		if bounce, report := ParseBounce(raw); report { // some mail servers' reports name no sender
			outcome = "ignored"
			if why, err = s.bounced(ctx, bounce); err != nil {
				return err
			}
		}
	} else if why, err = s.take(ctx, m, raw, id); err != nil {
		return err
	} else if why != "" {
		outcome = "ignored"
	}
	_, err = s.DB.Pool().Exec(ctx, `update inbound_events set state = $3, error = $4, payload = '' where source = $1 and event_id = $2`, System, id, outcome, why)
	if err != nil {
		return fmt.Errorf("finish mail: %w", err)
	}
	return nil
}

// sender is the person a mail comes from, as far as that is proven.
type sender struct {
	actor        triage.Actor
	conversation uuid.UUID // where the mail belongs; zero: a new one
}

// take brings a mail into its conversation. Where it belongs to none it says why.
func (s *Service) take(ctx context.Context, m Mail, raw []byte, id string) (ignored string, err error) {
	if reason, machine := Machine(m.Header, m.From); machine {
		if bounce, report := ParseBounce(raw); report {
			return s.bounced(ctx, bounce)
		}
		return reason, nil
	}
	if m.From == strings.ToLower(s.From) || m.From == strings.ToLower(s.ReplyTo) {
		return "our own mail", nil
	}
	who, ok, err := s.identify(ctx, m)
	if err != nil {
		return "", err
	}
	if !ok {
		return "sender is not verified", s.introduce(ctx, m)
	}
	text := Strip(m.Text)
	if text == "" && len(m.Attachments) == 0 {
		return "empty", nil
	}
	files, refused, err := s.keep(ctx, who.actor, m, id)
	if err != nil {
		return "", err
	}
	text += refused
	if len(text) > triage.MaxMessageBytes {
		text = strings.ToValidUTF8(text[:triage.MaxMessageBytes-64], "") + "\n[The mail was longer.]"
	}
	return "", s.say(ctx, who, m, text, id, files)
}

// refusals are why a file of a mail is not taken over, for whoever reads the
// conversation.
var refusals = []struct {
	err error
	why string
}{
	{blob.ErrType, "files of this type are not accepted"}, {blob.ErrTooLarge, "it is too large"}, {blob.ErrEmpty, "it is empty"},
	{attachment.ErrManyWaiting, "too many files wait already"}, {attachment.ErrTooMany, "a message carries at most ten files"},
}

// keep takes a mail's files in, each once however often the mail is worked on,
// and names those that are refused.
func (s *Service) keep(ctx context.Context, who triage.Actor, m Mail, id string) (files []uuid.UUID, refused string, err error) {
	for i, a := range m.Attachments {
		err := attachment.ErrTooMany
		var file attachment.File
		if len(files) < attachment.PerMessage {
			file, err = s.Files.Upload(ctx, attachment.Incoming{
				Tenant: who.TenantID, By: who, Source: attachment.FromEmail, Ref: fmt.Sprintf("%s/%d", id, i), Name: a.Name, Body: bytes.NewReader(a.Body),
			})
		}
		if err == nil {
			files = append(files, file.ID)
			continue
		}
		why := ""
		for _, r := range refusals {
			if errors.Is(err, r.err) {
				why = r.why
			}
		}
		if why == "" {
			return nil, "", err
		}
		refused += fmt.Sprintf("\n[Attachment not taken over: %s, %d kB: %s.]", a.Name, (len(a.Body)+1023)/1024, why)
	}
	return files, refused, nil
}

func (s *Service) say(ctx context.Context, who sender, m Mail, text, id string, files []uuid.UUID) error {
	conversation, message := who.conversation, uuid.Nil
	if conversation != uuid.Nil {
		posted, err := s.Intake.Post(ctx, who.actor, conversation, intake.Post{Text: text, ClientKey: "email:" + id, Attachments: files})
		switch {
		case errors.Is(err, triage.ErrConversationClosed), errors.Is(err, triage.ErrConversationNotFound):
			conversation = uuid.Nil // a new one, below
		case err != nil:
			return fmt.Errorf("post mail: %w", err)
		}
		message = posted.ID
	}
	if conversation == uuid.Nil {
		started, first, err := s.Intake.Start(ctx, who.actor, intake.Start{Channel: triage.ChannelEmail, Subject: m.Subject, Text: text, ClientKey: "email:" + id, Locale: who.actor.Locale, Attachments: files})
		if err != nil {
			return fmt.Errorf("open conversation of mail: %w", err)
		}
		conversation, message = started.ID, first.ID
	}
	if m.ID == "" {
		return nil
	}
	return s.DB.WithTenant(ctx, who.actor.TenantID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into email_messages (tenant_id, rfc_id, conversation_id, message_id, direction, created_at)
			values ($1, $2, $3, $4, 'in', $5) on conflict do nothing`, who.actor.TenantID, m.ID, conversation, message, s.Now().UTC())
		if err != nil {
			return fmt.Errorf("keep mail's id: %w", err)
		}
		return nil
	})
}

// identify finds who wrote and where it belongs. It is believed when the mail
// came to the sender's own signed address, or when the receiving server vouches
// for the sender and the address is one person's of one tenant.
func (s *Service) identify(ctx context.Context, m Mail) (sender, bool, error) {
	people, err := s.people(ctx, m.From)
	if err != nil || len(people) == 0 {
		return sender{}, false, err
	}
	if conversation, mac, ok := s.token(m.To); ok && s.belongsTo(conversation, mac, m.From) {
		for _, p := range people {
			mine, err := s.mine(ctx, p, conversation)
			if err != nil || mine {
				return sender{p, conversation}, err == nil, err
			}
		}
	}
	if !verified(m.Header, m.From, s.AuthServer) {
		return sender{}, false, nil
	}
	for _, p := range people { // an answer to a mail of ours, to the plain address
		for _, id := range append(append([]string{}, m.InReplyTo...), m.References...) {
			conversation, err := s.threaded(ctx, p, id)
			if err != nil {
				return sender{}, false, err
			}
			if conversation != uuid.Nil {
				return sender{p, conversation}, true, nil
			}
		}
	}
	if len(people) != 1 {
		return sender{}, false, nil // of several tenants: the portal tells which
	}
	return sender{actor: people[0]}, true, nil
}

func (s *Service) people(ctx context.Context, address string) ([]triage.Actor, error) {
	var out []triage.Actor
	err := s.DB.WithSystem(ctx, "find the sender of a mail", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select u.tenant_id, u.id, u.display_name, u.roles, u.departments, u.locale from users u
			join tenants t on t.id = u.tenant_id where u.email_normalized = $1 and u.state <> 'deactivated'
			and t.lifecycle_state in ('active', 'live') limit 5`, address)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (triage.Actor, error) {
			a := triage.Actor{Kind: triage.ActorCustomer}
			return a, row.Scan(&a.TenantID, &a.ID, &a.Name, &a.Roles, &a.Departments, &a.Locale)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find sender: %w", err)
	}
	return out, nil
}

func (s *Service) mine(ctx context.Context, who triage.Actor, conversation uuid.UUID) (mine bool, err error) {
	err = s.DB.WithTenant(ctx, who.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select exists (select from conversations where tenant_id = $1 and id = $2 and user_id = $3)`,
			who.TenantID, conversation, who.ID).Scan(&mine)
	})
	if err != nil {
		return false, fmt.Errorf("read conversation: %w", err)
	}
	return mine, nil
}

func (s *Service) threaded(ctx context.Context, who triage.Actor, rfcID string) (conversation uuid.UUID, err error) {
	err = s.DB.WithTenant(ctx, who.TenantID, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select e.conversation_id from email_messages e join conversations c on c.tenant_id = e.tenant_id and c.id = e.conversation_id
			where e.tenant_id = $1 and e.rfc_id = $2 and c.user_id = $3`, who.TenantID, rfcID, who.ID).Scan(&conversation)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find mail's conversation: %w", err)
	}
	return conversation, nil
}

// introduce tells somebody we do not know how to reach us, once a day, with no
// word about any tenant: not even whether the address is known.
func (s *Service) introduce(ctx context.Context, m Mail) error {
	sum := sha256.Sum256([]byte(m.From))
	tag, err := s.DB.Pool().Exec(ctx, `insert into mail_notices (address, at) values ($1, $2)
		on conflict (address) do update set at = $2 where mail_notices.at < $3`, sum[:], s.Now().UTC(), s.Now().Add(-24*time.Hour))
	if err != nil {
		return fmt.Errorf("keep notice: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	text := "Thank you for your message.\n\nWe could not confirm who sent it, so nobody has read it and nothing was changed. Please sign in and write to us there"
	if s.PublicURL != "" {
		text += ":\n" + s.PublicURL
	}
	err = s.transmit(ctx, outgoing{
		to: m.From, subject: "We could not confirm your message", text: text + "\n", automatic: true,
		id: hex.EncodeToString(sum[:8]) + "." + s.Now().UTC().Format("20060102"), inReplyTo: m.ID, references: m.References,
	})
	if err != nil {
		// A courtesy that failed is not worth another try.
		s.Log.WarnContext(ctx, "tell an unknown sender", "error", err)
	}
	return nil
}
