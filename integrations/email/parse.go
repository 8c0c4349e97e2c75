package email

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net/textproto"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads mail that is not UTF-8
	"github.com/emersion/go-message/mail"

	"github.com/usherdesk/usher/triage"
)

// ErrUnreadable says a mail cannot be understood at all.
var ErrUnreadable = errors.New("mail cannot be read")

// MaxMail bounds a mail with its attachments.
const MaxMail = 25 << 20

// Mail is what is read of a message.
type Mail struct {
	ID          string // Message-ID without brackets, empty where there is none
	InReplyTo   []string
	References  []string
	From        string // address, lower case
	FromName    string
	To          []string // To, Cc, Delivered-To and X-Original-To
	Subject     string
	Date        time.Time
	Text        string // the whole text, quoted parts included
	Attachments []Attachment
	Header      textproto.MIMEHeader
}

// Attachment is a file of a mail, pictures within its text included. What it
// really is, is told by its content, later.
type Attachment struct {
	Name string
	Type string // as the sender says
	Body []byte
}

// smallest is below what a picture within a text has to say: marks of signatures
// and pixels that report who reads.
const smallest = 4 << 10

// Parse reads a raw mail. Broken parts are left out; a mail without a sender is
// unreadable.
func Parse(raw []byte) (Mail, error) {
	if len(raw) > MaxMail {
		return Mail{}, fmt.Errorf("%w: it is larger than %d MB", ErrUnreadable, MaxMail>>20)
	}
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) {
		return Mail{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	m := Mail{Header: textproto.MIMEHeader{}}
	for fields := reader.Header.Fields(); fields.Next(); {
		m.Header.Add(fields.Key(), fields.Value())
	}
	m.envelope(reader)
	if m.From == "" {
		return Mail{}, fmt.Errorf("%w: it names no sender", ErrUnreadable)
	}
	return m, m.body(reader)
}

func (m *Mail) envelope(reader *mail.Reader) {
	h := &reader.Header
	m.ID, _ = h.MessageID()
	m.InReplyTo, _ = h.MsgIDList("In-Reply-To")
	m.References, _ = h.MsgIDList("References")
	m.Subject, _ = h.Subject()
	m.Date, _ = h.Date()
	if from, err := h.AddressList("From"); err == nil && len(from) > 0 {
		m.From, m.FromName = strings.ToLower(from[0].Address), from[0].Name
	}
	for _, key := range []string{"To", "Cc", "Delivered-To", "X-Original-To", "X-Envelope-To"} {
		list, err := h.AddressList(key)
		if err != nil {
			continue
		}
		for _, a := range list {
			m.To = append(m.To, strings.ToLower(a.Address))
		}
	}
}

// body gathers the text: plain parts, or HTML ones where there are no plain ones.
func (m *Mail) body(reader *mail.Reader) error {
	var plain, rich strings.Builder
	for range 200 {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !message.IsUnknownCharset(err) {
			break // what was read so far is what there is
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			kind, params, _ := h.ContentType()
			if _, disposition, err := h.ContentDisposition(); err == nil && disposition["filename"] != "" {
				params["name"] = disposition["filename"]
			}
			switch {
			case strings.HasPrefix(kind, "image/"):
				m.attach(cmp.Or(params["name"], strings.Replace(kind, "/", ".", 1)), kind, part.Body, smallest)
				continue
			case params["name"] != "" && !strings.HasPrefix(kind, "text/"):
				m.attach(params["name"], kind, part.Body, 0)
				continue
			}
			text, _ := io.ReadAll(io.LimitReader(part.Body, 4<<20))
			switch kind {
			case "", "text/plain":
				plain.WriteString(valid(text) + "\n")
			case "text/html":
				rich.WriteString(plainText(valid(text)) + "\n")
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			kind, _, _ := h.ContentType()
			m.attach(name, kind, part.Body, 0)
		}
	}
	m.Text = strings.TrimSpace(plain.String())
	if m.Text == "" {
		m.Text = strings.TrimSpace(rich.String())
	}
	return nil
}

func (m *Mail) attach(name, kind string, body io.Reader, atLeast int) {
	content, err := io.ReadAll(body)
	if err != nil || len(content) < atLeast {
		return // a part that breaks off is no file
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = decoded
	}
	m.Attachments = append(m.Attachments, Attachment{oneLine(name, 120), kind, content})
}

func valid(text []byte) string {
	out := strings.ToValidUTF8(string(text), string(utf8.RuneError))
	return strings.ReplaceAll(strings.ReplaceAll(out, "\r\n", "\n"), "\x00", "")
}

var (
	dropped = regexp.MustCompile(`(?is)<(script|style|head|title)\b.*?</(script|style|head|title)>|<!--.*?-->`)
	quotes  = regexp.MustCompile(`(?is)<blockquote\b.*</blockquote>|<div[^>]+class="?gmail_quote.*`)
	breaks  = regexp.MustCompile(`(?i)<br\s*/?>|</(p|div|li|tr|h[1-6])>`)
	tags    = regexp.MustCompile(`<[^>]*>`)
	blanks  = regexp.MustCompile(`\n{3,}`)
)

// plainText is an HTML mail's text, without what it quotes.
func plainText(body string) string {
	body = quotes.ReplaceAllString(dropped.ReplaceAllString(body, ""), "")
	body = strings.Join(strings.Fields(body), " ")
	body = html.UnescapeString(tags.ReplaceAllString(breaks.ReplaceAllString(body, "\n"), ""))
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.TrimSpace(blanks.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}

func oneLine(text string, limit int) string {
	runes := []rune(strings.Join(strings.Fields(triage.Plain(text)), " "))
	if len(runes) > limit {
		runes = append(runes[:limit-1], '…')
	}
	return string(runes)
}
