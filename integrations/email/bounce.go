package email

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/desk"
)

// fate is what a report says has become of a mail.
type fate string

const (
	fateLost    fate = "lost"    // it will not arrive
	fateDelayed fate = "delayed" // it has not arrived yet; its server tries on
	fateArrived fate = "arrived" // it was delivered, or handed to a system that reports no more
)

// Bounce is a report about one mail of ours: a delivery status notification (RFC
// 3464), or an older bounce that carries the mail's headers.
type Bounce struct {
	Original string // Message-ID of the mail it is about, without brackets
	Fate     fate
	Status   string // RFC 3463, such as 5.1.1; empty: none was given
}

// ParseBounce reads a report. It is none where it names no mail.
func ParseBounce(raw []byte) (Bounce, bool) {
	entity, err := message.Read(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return Bounce{}, false
	}
	b := Bounce{}
	kind, _, _ := entity.Header.ContentType()
	if strings.HasPrefix(kind, "multipart/") {
		b.parts(entity, 0)
	} else {
		b.older(entity.Body)
	}
	if b.Original == "" {
		return Bounce{}, false
	}
	switch {
	case b.Fate != "":
	case kind == "multipart/report" || !mayBounce(entity.Header):
		return Bounce{}, false // of another kind, such as that it was read
	default:
		b.Fate = fateLost
	}
	return b, true
}

// mayBounce says that a mail without a status is one of the bounces from before
// there were any: it comes from a mail server, and to nobody's answer.
func mayBounce(h message.Header) bool {
	return h.Get("X-Failed-Recipients") != "" || strings.Trim(h.Get("Return-Path"), " ") == "<>" && bouncer.MatchString(h.Get("From"))
}

var bouncer = regexp.MustCompile(`(?i)\b(mailer-daemon|postmaster)@`)

func (b *Bounce) parts(entity *message.Entity, depth int) {
	reader := entity.MultipartReader()
	if reader == nil || depth > 3 {
		return
	}
	for range 50 {
		part, err := reader.NextPart()
		if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return // also at its end
		}
		switch kind, _, _ := part.Header.ContentType(); kind {
		case "message/delivery-status", "message/global-delivery-status":
			b.status(part.Body)
		case "message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers", "message/rfc822-headers":
			b.Original = cmp.Or(b.Original, messageIDOf(part.Body))
		default:
			if strings.HasPrefix(kind, "multipart/") {
				b.parts(part, depth+1)
			}
		}
	}
}

// status reads the groups of a delivery status: one of the mail, then one for each
// recipient. A mail of ours has one recipient; where a list made several of it, the
// worst news counts.
func (b *Bounce) status(body io.Reader) {
	r := textproto.NewReader(bufio.NewReader(io.LimitReader(body, 256<<10)))
	for range 100 {
		group, err := r.ReadMIMEHeader()
		if found := (map[string]fate{
			"failed": fateLost, "delayed": fateDelayed, "delivered": fateArrived, "relayed": fateArrived, "expanded": fateArrived,
		})[word(group.Get("Action"))]; found != "" && worse(found, b.Fate) {
			b.Fate, b.Status = found, ""
			if code := statusCode.FindString(group.Get("Status")); code != "" {
				b.Status = code
			}
		}
		if err != nil {
			return
		}
	}
}

// word is the first word of a field, in lower case, without a comment after it.
func word(field string) string {
	fields := strings.FieldsFunc(strings.ToLower(field), func(r rune) bool { return r == ' ' || r == '\t' || r == '(' || r == ';' })
	return append(fields, "")[0]
}

func worse(a, b fate) bool {
	order := map[fate]int{fateArrived: 1, fateDelayed: 2, fateLost: 3}
	return order[a] > order[b]
}

var statusCode = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)

// older looks for the headers that bounces without parts quote below their text.
func (b *Bounce) older(body io.Reader) {
	text, _ := io.ReadAll(io.LimitReader(body, 256<<10))
	if found := quotedID.FindSubmatch(text); found != nil {
		b.Original = string(found[1])
	}
	b.Status = string(statusCode.Find(text))
}

var quotedID = regexp.MustCompile(`(?im)^>?\s*Message-ID:\s*<([^<>\s]+)>`)

func messageIDOf(body io.Reader) string {
	entity, err := message.Read(io.LimitReader(body, 1<<20))
	if err != nil && entity == nil {
		return ""
	}
	return strings.Trim(strings.TrimSpace(entity.Header.Get("Message-Id")), "<>")
}

// causes are what status codes mean in plain words: the last two numbers, or the
// middle one with a star. What a server writes beside them is not shown: it may
// say anything.
var causes = map[string]string{
	"1.0": "the address is not accepted", "1.1": "the address does not exist", "1.2": "the domain of the address does not exist or takes no mail", "1.3": "the address is not valid",
	"1.6": "the mailbox has moved", "1.10": "the domain of the address takes no mail", "2.0": "the mailbox takes no mail", "2.1": "the mailbox is switched off", "2.2": "the mailbox is full", "2.3": "the mail is too large for the mailbox",
	"3.4": "the mail is too large for the server", "4.1": "the server does not answer", "4.4": "the domain of the address does not exist or takes no mail", "4.6": "the mail went round in circles",
	"4.7": "the server could not be reached for too long", "1.*": "the address is not accepted", "2.*": "the mailbox takes no mail", "3.*": "the server takes no mail just now", "4.*": "the server cannot be reached",
	"6.*": "the server does not take the content of the mail", "7.*": "the server's rules refuse the mail, as spam or for want of proof who sent it",
}

// Cause is why, in plain words.
func (b Bounce) Cause() string {
	_, rest, _ := strings.Cut(b.Status, ".")
	subject, _, _ := strings.Cut(rest, ".")
	cause := cmp.Or(causes[rest], causes[subject+".*"], "the server gives no reason we know")
	if b.Status == "" {
		return cause
	}
	return cause + " (" + b.Status + ")"
}

// returned is a mail of ours that a report is about.
type returned struct {
	Tenant       uuid.UUID `db:"tenant_id"`
	ID           uuid.UUID `db:"id"`
	Kind         string    `db:"kind"`
	State        string    `db:"state"`
	Left         time.Time `db:"left_at"`
	To           string    `db:"recipient"`
	Conversation uuid.UUID `db:"conversation_id"`
}

// errUnsettled says that a report came before the answer of our own server was
// written down: it is worked on again.
var errUnsettled = errors.New("email: the mail a report is about is still being sent")

// bounced takes a report in. It returns what is kept of it.
func (s *Service) bounced(ctx context.Context, b Bounce) (string, error) {
	report := "delivery report: " + string(b.Fate)
	if b.Status != "" {
		report += " " + b.Status
	}
	id, domain, _ := strings.Cut(b.Original, "@")
	_, ours, _ := strings.Cut(s.From, "@")
	name, err := uuid.Parse(id)
	if err != nil || !strings.EqualFold(domain, ours) {
		return report + ", of no mail of a conversation", nil
	}
	mail, known, err := s.find(ctx, name, b.Original)
	if err != nil || !known {
		return report + ", of a mail we do not know", err
	}
	if mail.State == "pending" || mail.State == "sending" {
		return "", errUnsettled
	}
	if mail.State != "delivered" {
		return report + ", known already", nil
	}
	err = s.DB.WithTenant(ctx, mail.Tenant, func(tx pgx.Tx) error { return s.returns(ctx, tx, mail, b) })
	if err == nil && s.Wake != nil {
		s.Wake(mail.Tenant, mail.Conversation)
	}
	return report, err
}

// find looks up the delivery a Message-ID was made for: it is named by its
// message's id, or by its own.
func (s *Service) find(ctx context.Context, name uuid.UUID, rfcID string) (mail returned, known bool, err error) {
	err = s.DB.WithSystem(ctx, "find the mail a report is about", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select d.tenant_id, d.id, d.kind, d.state, coalesce(d.delivered_at, d.created_at) as left_at, d.payload->>'to' as recipient, e.conversation_id
			from email_messages e join deliveries d on d.tenant_id = e.tenant_id and d.destination = $3 and (d.subject_key = $2::text or d.id = $2::uuid)
			where e.rfc_id = $1 and e.direction = 'out'
			union all
			select d.tenant_id, d.id, d.kind, d.state, coalesce(d.delivered_at, d.created_at) as left_at, d.payload->>'to', $4::uuid
			from deliveries d where d.state in ('pending', 'sending') and d.destination = $3 and (d.subject_key = $2::text or d.id = $2::uuid) limit 1`,
			rfcID, name, System, uuid.Nil)
		if err != nil {
			return err
		}
		mail, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[returned])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return mail, false, nil
	}
	if err != nil {
		return mail, false, fmt.Errorf("find the mail a report is about: %w", err)
	}
	return mail, true, nil
}

// returns writes what became of a mail after it left, and tells agents of bad news.
func (s *Service) returns(ctx context.Context, tx pgx.Tx, mail returned, b Bounce) error {
	state, said := "delivered", ""
	switch b.Fate {
	case fateLost:
		state, said = "failed", "The mail came back from the customer's side: "+b.Cause()+"."
	case fateDelayed:
		said = "It left here but has not arrived yet: " + b.Cause() + ". The mail servers on the way go on trying."
	}
	tag, err := tx.Exec(ctx, `update deliveries set state = $3, last_error = $4, updated_at = $5 where tenant_id = $1 and id = $2 and state = 'delivered' and last_error <> $4`,
		mail.Tenant, mail.ID, state, said, s.Now().UTC())
	if err != nil {
		return fmt.Errorf("write what became of a mail: %w", err)
	}
	if tag.RowsAffected() == 0 || b.Fate == fateArrived || mail.Kind == kindRating || s.Desk == nil {
		return nil
	}
	news := desk.Unreached{
		TenantID: mail.Tenant, ConversationID: mail.Conversation, Once: fmt.Sprintf("%s:%d:%s", mail.ID, mail.Left.UnixMicro(), b.Fate),
		Lost: b.Fate == fateLost && mail.Kind != kindUnread,
	}
	what := "The reply sent to " + mail.To
	if mail.Kind == kindUnread {
		what = "The mail that told " + mail.To + " of unread replies in the chat"
	}
	switch b.Fate {
	case fateLost:
		news.Note = what + " did not arrive: " + b.Cause() + ". It will not arrive by itself. Reach the customer another way, or have the address put right and send it again from Deliveries."
	case fateDelayed:
		news.Note = what + " has not arrived yet: " + b.Cause() + ". The mail servers go on trying; if they give up, it is said here."
	}
	return s.Desk.NotReached(ctx, tx, news)
}
