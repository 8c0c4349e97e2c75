package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/wneessen/go-mail"

	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
)

// SMTP is the server mail leaves by.
type SMTP struct {
	Addr     string // host:port; port 465 speaks TLS at once
	User     string
	Password string
	Plain    bool // no encryption: for a server on this machine only
}

const maxAttempts = 12

// checkedWithin is how long a reply waits for the virus check of its files.
const checkedWithin = 10 * time.Minute

// tooOld is how long ago a message may have been said and still leave by mail by
// itself: after an outage a reply of last week may only confuse. Agents are told, and
// decide.
const tooOld = 48 * time.Hour

const saidTooOld = "Not sent: mail was not leaving when this was said, and after more than two days it may not be true any more. Read it; then send it by replaying, or discard it."

// Sweep finds messages said in e-mail conversations that have not left yet,
// stores their deliveries and returns how many. What it reads is marked when it is
// written, so a sweep costs what is due and not what there is. An answer still being
// written stays due, and so does one whose files are being checked.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	type due struct {
		TenantID  uuid.UUID `db:"tenant_id"`
		ID        uuid.UUID `db:"id"`
		Recipient string    `db:"email"`
		Said      bool      `db:"said"`
		Late      bool      `db:"late"`
	}
	n := 0
	now := s.Now().UTC()
	var late []due
	err := s.DB.WithSystem(ctx, "find mail to send", func(tx pgx.Tx) error {
		n, late = 0, nil
		rows, err := tx.Query(ctx, `select m.tenant_id, m.id, coalesce(u.email, '') as email,
			  u.id is not null and m.state in ('final', 'stopped') and btrim(m.body) <> '' as said, m.created_at <= $1 as late
			from messages m join conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
			left join users u on u.tenant_id = c.tenant_id and u.id = c.user_id
			where m.mail_due and (m.created_at <= $1
			  or m.state <> 'streaming' and (m.created_at < $2 or not m.attachments @> '[{"state": "pending"}]'))
			order by m.created_at limit 500 for update of m skip locked`, now.Add(-tooOld), now.Add(-checkedWithin))
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.Said && d.Late {
				late = append(late, d)
				continue
			}
			if _, err := tx.Exec(ctx, `update messages set mail_due = false where tenant_id = $1 and id = $2`, d.TenantID, d.ID); err != nil {
				return err
			}
			if !d.Said {
				continue
			}
			stored, err := s.queue(ctx, tx, d.TenantID, "mail", d.ID.String(), payload{MessageID: d.ID, To: d.Recipient})
			if err != nil {
				return err
			}
			if stored {
				n++
			}
		}
		unread, err := s.away(ctx, tx, now)
		n += unread
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find mail to send: %w", err)
	}
	// Telling of one holds its conversation: each in a transaction of its own, so that
	// no two are held at once. One that fails stays due and holds back no other.
	var failed []error
	for _, d := range late {
		if err := s.DB.WithSystem(ctx, "set late mail aside", func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, `update messages set mail_due = false where tenant_id = $1 and id = $2 and mail_due`, d.TenantID, d.ID)
			if err != nil || tag.RowsAffected() == 0 {
				return err
			}
			return s.setAside(ctx, tx, d.TenantID, d.ID, d.Recipient)
		}); err != nil {
			failed = append(failed, fmt.Errorf("set late mail aside: %w", err))
		}
	}
	return n, errors.Join(failed...)
}

// outgoing is one mail.
type outgoing struct {
	id         string // left part of the Message-ID
	to         string
	replyTo    string
	subject    string
	text       string
	automatic  bool
	inReplyTo  string
	references []string
	files      []attachment.File
}

// payload is what a mail's delivery says: the message to send, a chat with the
// numbers between which replies are unread, a question how it was settled, or the
// words of a notice.
type payload struct {
	MessageID      uuid.UUID `json:"message_id,omitzero"`
	ConversationID uuid.UUID `json:"conversation_id,omitzero"`
	To             string    `json:"to"`
	After          int64     `json:"after,omitempty"`
	UpTo           int64     `json:"up_to,omitempty"`
	RatingID       uuid.UUID `json:"rating_id,omitzero"`
	Subject        string    `json:"subject,omitempty"`
	Text           string    `json:"text,omitempty"`
}

// queue stores a mail's delivery and the job that sends it; not a second time
// under the same key.
func (s *Service) queue(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, kind, key string, p payload) (stored bool, err error) {
	id, stored, err := s.store(ctx, tx, tenant, kind, key, p, "pending", "")
	if err != nil || !stored {
		return false, err
	}
	if _, err := s.Jobs.InsertTx(ctx, tx, SendMailArgs{tenant, id}, nil); err != nil {
		return false, fmt.Errorf("store mail: %w", err)
	}
	return true, nil
}

// store stores a mail's delivery, and why it failed where it did.
func (s *Service) store(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, kind, key string, p payload, state, why string) (id uuid.UUID, stored bool, err error) {
	id = uuid.Must(uuid.NewV7())
	tag, err := tx.Exec(ctx, `insert into deliveries (tenant_id, id, destination, kind, subject_key, payload, state, last_error, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict do nothing`, tenant, id, System, kind, key, p, state, why, s.Now().UTC())
	if err != nil {
		return id, false, fmt.Errorf("store mail: %w", err)
	}
	return id, tag.RowsAffected() > 0, nil
}

// setAside stores the delivery of something too old to leave by itself, for people
// to see and to decide on.
func (s *Service) setAside(ctx context.Context, tx pgx.Tx, tenant, message uuid.UUID, to string) error {
	m, err := triage.MessageByID(ctx, tx, tenant, message)
	if err != nil {
		return err
	}
	id, stored, err := s.store(ctx, tx, tenant, "mail", message.String(), payload{MessageID: message, To: to}, "failed", saidTooOld)
	if err != nil || !stored || s.Desk == nil {
		return err
	}
	what := "The reply"
	if m.AuthorKind != triage.AuthorAgent {
		what = "The automatic answer"
	}
	return s.Desk.NotReached(ctx, tx, desk.Unreached{
		TenantID: tenant, ConversationID: m.ConversationID, Once: id.String() + ":old", Lost: true,
		Note: what + " to " + to + " of " + m.CreatedAt.UTC().Format("2 January 2006 15:04 MST") + " never left, because mail was not working. It may not be true any more: read it, then send it from Deliveries or write anew.",
	})
}

// letter is a delivery read for sending.
type letter struct {
	mail         outgoing
	conversation uuid.UUID
	message      uuid.UUID
	attempts     int
}

// Send sends one message. It returns how long to wait before the next try; zero
// when there is none.
func (s *Service) Send(ctx context.Context, tenant, id uuid.UUID) (time.Duration, error) {
	l, err := s.open(ctx, tenant, id)
	if err != nil || l == nil {
		return 0, err
	}
	sendErr := s.transmit(ctx, l.mail)
	var wait time.Duration
	err = s.DB.WithTenant(context.WithoutCancel(ctx), tenant, func(tx pgx.Tx) (err error) {
		wait, err = s.settle(ctx, tx, tenant, id, l, sendErr)
		return err
	})
	return wait, err
}

func (s *Service) open(ctx context.Context, tenant, id uuid.UUID) (*letter, error) {
	var out *letter
	err := s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		out = nil
		var payload payload
		var kind string
		var attempts int
		err := tx.QueryRow(ctx, `update deliveries set state = 'sending', attempts = attempts + 1, updated_at = $4
			where tenant_id = $1 and id = $2 and destination = $3 and state in ('pending', 'sending') returning kind, payload, attempts`,
			tenant, id, System, s.Now().UTC()).Scan(&kind, &payload, &attempts)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take mail: %w", err)
		}
		if kind == kindNotice {
			out = &letter{mail: outgoing{id: id.String(), to: payload.To, subject: payload.Subject, text: payload.Text, automatic: true}, attempts: attempts}
			return nil
		}
		if kind == kindUnread || kind == kindRating {
			late := "It was read in the chat."
			if kind == kindRating {
				late = "It was answered, or can be no more."
				out, err = s.question(ctx, tx, tenant, id, payload)
			} else {
				out, err = s.gather(ctx, tx, tenant, id, payload)
			}
			if err != nil {
				return err
			}
			if out == nil {
				_, err := tx.Exec(ctx, `update deliveries set state = 'discarded', last_error = $3 where tenant_id = $1 and id = $2`, tenant, id, late)
				return err
			}
			out.attempts = attempts
			return nil
		}
		m, err := triage.MessageByID(ctx, tx, tenant, payload.MessageID)
		if err != nil {
			return err
		}
		if m.AuthorKind != triage.AuthorAgent {
			held, err := s.tooMany(ctx, tx, tenant, payload.To)
			if err != nil {
				return err
			}
			if held {
				_, err := tx.Exec(ctx, `update deliveries set state = 'failed', last_error = $3 where tenant_id = $1 and id = $2`,
					tenant, id, "Held back: this address got too many automatic mails within an hour. A machine may be answering.")
				return err
			}
		}
		mail, err := s.compose(ctx, tx, m, payload.To)
		if err != nil {
			return err
		}
		out = &letter{mail, m.ConversationID, m.ID, attempts}
		return nil
	})
	return out, err
}

// tooMany guards against two machines answering each other.
func (s *Service) tooMany(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, to string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `select count(*) from deliveries d join messages m on m.tenant_id = d.tenant_id and m.id = (d.payload->>'message_id')::uuid
		where d.tenant_id = $1 and d.destination = $2 and d.state = 'delivered' and d.delivered_at > $3
		  and d.payload->>'to' = $4 and m.author_kind <> 'agent'`, tenant, System, s.Now().Add(-time.Hour), to).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("count automatic mail: %w", err)
	}
	return n >= s.MaxAutomatic, nil
}

func (s *Service) compose(ctx context.Context, tx pgx.Tx, m triage.Message, to string) (outgoing, error) {
	c, err := triage.ConversationByID(ctx, tx, m.TenantID, m.ConversationID)
	if err != nil {
		return outgoing{}, err
	}
	out := outgoing{
		id: m.ID.String(), to: to, replyTo: s.replyAddress(c.ID, to), text: m.Body, automatic: m.AuthorKind != triage.AuthorAgent,
		subject: cmp.Or(oneLine(c.Subject, 150), "Your message"),
	}
	if m.Answer != nil {
		if out.text, err = s.standing(ctx, tx, m, out.text); err != nil {
			return outgoing{}, err
		}
		if m.Answer.Link != "" {
			out.text += "\n\n" + s.PublicURL + m.Answer.Link
		}
		for _, cite := range m.Answer.Citations {
			out.text += fmt.Sprintf("\n[%d] %s %s", cite.Number, cite.Title, s.PublicURL+cite.URL)
		}
	}
	if out, err = s.carry(ctx, tx, m, out); err != nil {
		return outgoing{}, err
	}
	out.text += "\n\n-- \n" + cmp.Or(m.AuthorName, s.FromName)
	if out.automatic {
		out.text += "\nThis answer was written by a machine. Ask for a person and one will take over."
	}
	return s.inThread(ctx, tx, c, out)
}

// standing says under an answer as of when it is, and makes its links into the
// portal ones that can be followed from a mail.
func (s *Service) standing(ctx context.Context, tx pgx.Tx, m triage.Message, text string) (string, error) {
	text = strings.ReplaceAll(text, "](/", "]("+s.PublicURL+"/")
	if m.Answer.AsOf == nil {
		return text, nil
	}
	var zone string
	if err := tx.QueryRow(ctx, `select time_zone from tenants where id = $1`, m.TenantID).Scan(&zone); err != nil {
		return "", fmt.Errorf("read the tenant's time zone: %w", err)
	}
	return text + "\n\n" + status.AsOf(m.Language, zone, *m.Answer.AsOf, m.Answer.Stale), nil
}

// inThread joins a mail to those that were exchanged in the conversation.
func (s *Service) inThread(ctx context.Context, tx pgx.Tx, c triage.Conversation, out outgoing) (outgoing, error) {
	rows, err := tx.Query(ctx, `select rfc_id, direction from email_messages where tenant_id = $1 and conversation_id = $2 order by created_at desc limit 20`, c.TenantID, c.ID)
	if err != nil {
		return outgoing{}, fmt.Errorf("read thread: %w", err)
	}
	var id, direction string
	_, err = pgx.ForEachRow(rows, []any{&id, &direction}, func() error {
		if direction == "in" && out.inReplyTo == "" {
			out.inReplyTo = id
		}
		out.references = append([]string{id}, out.references...)
		return nil
	})
	if err != nil {
		return outgoing{}, fmt.Errorf("read thread: %w", err)
	}
	// What we say first is no reply.
	if len(out.references) > 0 && !strings.HasPrefix(strings.ToLower(out.subject), "re:") {
		out.subject = "Re: " + out.subject
	}
	return out, nil
}

// messageID is a mail's Message-ID, the same at every try.
func (s *Service) messageID(id string) string {
	_, domain, _ := strings.Cut(s.From, "@")
	return id + "@" + domain
}

// transmit hands one mail to the server.
func (s *Service) transmit(ctx context.Context, o outgoing) error {
	m := mail.NewMsg()
	if err := errors.Join(m.FromFormat(s.FromName, s.From), m.To(o.to)); err != nil {
		return &desk.PermanentError{Safe: "The customer's address cannot be written to.", Err: err}
	}
	if o.replyTo != "" {
		if err := m.ReplyTo(o.replyTo); err != nil {
			return &desk.PermanentError{Safe: "The reply address is not valid. Check USHER_MAIL_REPLY_TO.", Err: err}
		}
	}
	m.Subject(oneLine(o.subject, 200))
	m.SetDate()
	m.SetMessageIDWithValue(s.messageID(o.id))
	m.SetGenHeader(mail.Header(ownHeader), o.id)
	if o.inReplyTo != "" {
		m.SetGenHeader(mail.HeaderInReplyTo, "<"+o.inReplyTo+">")
	}
	if len(o.references) > 0 {
		m.SetGenHeader(mail.HeaderReferences, "<"+strings.Join(o.references, "> <")+">")
	}
	if o.automatic {
		m.SetGenHeader(mail.Header("Auto-Submitted"), "auto-replied")
		m.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
		m.SetGenHeader(mail.HeaderPrecedence, "auto_reply")
	}
	m.SetBodyString(mail.TypeTextPlain, o.text)
	for _, f := range o.files {
		if err := s.enclose(ctx, m, f); err != nil {
			return &desk.TemporaryError{Safe: "A file of the reply could not be read.", Err: err}
		}
	}
	client, err := s.client()
	if err != nil {
		return &desk.PermanentError{Safe: "The mail server's settings are not valid. Check USHER_SMTP_ADDR.", Err: err}
	}
	return classify(client.DialAndSendWithContext(ctx, m))
}

func (s *Service) client() (*mail.Client, error) {
	host, port, err := net.SplitHostPort(s.SMTP.Addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(20 * time.Second)}
	switch {
	case s.SMTP.Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case number == 465:
		options = append(options, mail.WithSSL(), mail.WithTLSConfig(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}))
	}
	if s.SMTP.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.SMTP.User), mail.WithPassword(s.SMTP.Password))
	}
	return mail.NewClient(host, options...)
}

func classify(err error) error {
	if err == nil {
		return nil
	}
	var send *mail.SendError
	if errors.As(err, &send) && !send.IsTemp() && send.ErrorCode() >= 500 {
		return &desk.PermanentError{Safe: fmt.Sprintf("The mail server refuses the mail (%d %s).", send.ErrorCode(), send.EnhancedStatusCode()), Err: err}
	}
	return &desk.TemporaryError{Safe: "The mail server could not be reached or asked to come again.", Err: err}
}

// settle writes what became of a try.
func (s *Service) settle(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID, l *letter, sendErr error) (time.Duration, error) {
	now := s.Now().UTC()
	if sendErr == nil {
		_, err := tx.Exec(ctx, `update deliveries set state = 'delivered', delivered_at = $3, updated_at = $3, last_error = '', next_attempt_at = null,
			external_ref = $4 where tenant_id = $1 and id = $2`, tenant, id, now, desk.Ref{ID: s.messageID(l.mail.id)})
		if err == nil && l.conversation != uuid.Nil {
			_, err = tx.Exec(ctx, `insert into email_messages (tenant_id, rfc_id, conversation_id, message_id, direction, created_at)
				values ($1, $2, $3, nullif($4, '00000000-0000-0000-0000-000000000000'::uuid), 'out', $5) on conflict do nothing`, tenant, s.messageID(l.mail.id), l.conversation, l.message, now)
		}
		if err != nil {
			return 0, fmt.Errorf("finish mail: %w", err)
		}
		return 0, nil
	}
	s.Log.WarnContext(ctx, "mail was not sent", "tenant_id", tenant, "delivery_id", id, "attempt", l.attempts, "error", sendErr)
	var permanent *desk.PermanentError
	if errors.As(sendErr, &permanent) || l.attempts >= maxAttempts {
		_, err := tx.Exec(ctx, `update deliveries set state = 'failed', last_error = $3, updated_at = $4 where tenant_id = $1 and id = $2`, tenant, id, desk.Safe(sendErr), now)
		return 0, err
	}
	wait := min(30*time.Second<<min(l.attempts, 8), 2*time.Hour)
	_, err := tx.Exec(ctx, `update deliveries set state = 'pending', last_error = $3, updated_at = $4, next_attempt_at = $5 where tenant_id = $1 and id = $2`,
		tenant, id, desk.Safe(sendErr), now, now.Add(wait))
	return wait, err
}
