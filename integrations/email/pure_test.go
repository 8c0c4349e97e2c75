package email

import (
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "Hello\n\nIt stopped.", "Hello\n\nIt stopped."},
		{"English quotation", "Thanks!\n\nOn Mon, 23 Nov 2026 at 10:00, Bo <bo@usher.test> wrote:\n> Which file?\n> Bo", "Thanks!"},
		{"quotation line on two lines", "Yes\n\nOn Mon, 23 Nov 2026 at 10:00 AM Somebody With A Long Name\n<bo@usher.test> wrote:\n\n> x", "Yes"},
		{"German quotation", "Ja\n\nAm 23.11.2026 um 10:00 schrieb Bo <bo@usher.test>:\n> Welche?", "Ja"},
		{"French quotation", "Oui\n\nLe lun. 23 nov. 2026 à 10:00, Bo <bo@usher.test> a écrit :\n> Lequel ?", "Oui"},
		{"Outlook block", "Done.\n\nFrom: Bo <bo@usher.test>\nSent: Monday, 23 November 2026 10:00\nTo: Ana\nSubject: Re: x\n\nWhich?", "Done."},
		{"German Outlook block", "Erledigt.\n\nVon: Bo\nGesendet: Montag\nAn: Ana\n\nWelche?", "Erledigt."},
		{"original message", "See below\n-----Original Message-----\nold", "See below"},
		{"signature", "Please call me.\n-- \nAna Lopez\nACME", "Please call me."},
		{"phone's line", "Ok\n\nSent from my iPhone", "Ok"},
		{"answers between quoted lines", "> Which file?\nThe first.\n> When?\nToday.", "The first.\nToday."},
		{"nothing but a quotation stays whole", "> only this", "> only this"},
		{"a sentence that begins with On", "On Monday we go live, she wrote a note: fine.\nBye", "On Monday we go live, she wrote a note: fine.\nBye"},
		{"from as a word", "From: is a word\nand nothing more", "From: is a word\nand nothing more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, Strip(c.in))
		})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, key, value, from string
		machine                bool
	}{
		{"a person", "Subject", "Import stops", "ana@acme.test", false},
		{"auto-submitted no", "Auto-Submitted", "no", "ana@acme.test", false},
		{"auto-replied", "Auto-Submitted", "auto-replied (vacation)", "ana@acme.test", true},
		{"auto-generated", "Auto-Submitted", "auto-generated", "ana@acme.test", true},
		{"empty return path", "Return-Path", "<>", "ana@acme.test", true},
		{"return path of a person", "Return-Path", "<ana@acme.test>", "ana@acme.test", false},
		{"bulk", "Precedence", "Bulk", "ana@acme.test", true},
		{"first-class", "Precedence", "first-class", "ana@acme.test", false},
		{"mailing list", "List-Id", "<dev.acme.test>", "ana@acme.test", true},
		{"report", "Content-Type", "multipart/report; report-type=delivery-status", "x@acme.test", true},
		{"autoreply", "X-Autoreply", "yes", "ana@acme.test", true},
		{"mailer daemon", "Subject", "Hi", "MAILER-DAEMON@acme.test", true},
		{"no reply", "Subject", "Hi", "no-reply@acme.test", true},
		{"noreplying person", "Subject", "Hi", "noreplyfan@acme.test", false},
		{"out of office", "Subject", "Automatic reply: Import", "ana@acme.test", true},
		{"Abwesenheit", "Subject", "Abwesenheitsnotiz", "ana@acme.test", true},
		{"our own", ownHeader, "x", "support@usher.test", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := textproto.MIMEHeader{}
			h.Set(c.key, c.value)
			_, machine := Machine(h, c.from)
			require.Equal(t, c.machine, machine)
		})
	}
}

func TestVerified(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []string
		want   bool
	}{
		{"dmarc of our server", []string{"mx.usher.test; spf=pass smtp.mailfrom=acme.test; dmarc=pass header.from=acme.test"}, true},
		{"dkim for the domain", []string{"mx.usher.test; dkim=pass header.d=acme.test header.s=k1"}, true},
		{"dkim for a parent domain", []string{"mx.usher.test; dkim=pass header.d=acme.test"}, true},
		{"dkim for another domain", []string{"mx.usher.test; dkim=pass header.d=evil.test"}, false},
		{"failed", []string{"mx.usher.test; dmarc=fail header.from=acme.test"}, false},
		{"spf alone", []string{"mx.usher.test; spf=pass smtp.mailfrom=acme.test"}, false},
		{"another server's word", []string{"mx.evil.test; dmarc=pass header.from=acme.test"}, false},
		{"ours failed, a forged one below passes", []string{"mx.usher.test; dmarc=fail header.from=acme.test", "mx.usher.test; dmarc=pass header.from=acme.test"}, false},
		{"none", nil, false},
		{"top-level domain signs for all", []string{"mx.usher.test; dkim=pass header.d=test"}, false},
	} {
		h := textproto.MIMEHeader{"Authentication-Results": c.values}
		require.Equal(t, c.want, verified(h, "ana@acme.test", "mx.usher.test"), c.name)
		require.False(t, verified(h, "ana@acme.test", ""), "no trusted server, no trust")
	}
}

func TestReplyAddress(t *testing.T) {
	t.Parallel()
	s := &Service{Config{ReplyTo: "support@usher.test", Secret: "0123456789abcdef"}}
	id := uuid.New()
	address := s.replyAddress(id, "Ana@acme.test")
	local, _, _ := strings.Cut(address, "@")
	require.LessOrEqual(t, len(local), 64, "a local part has 64 characters at most")
	got, mac, ok := s.token([]string{"other@x.test", strings.ToUpper(address)})
	require.True(t, ok)
	require.Equal(t, id, got)
	require.True(t, s.belongsTo(got, mac, "ana@acme.test"))
	require.False(t, s.belongsTo(got, mac, "eve@acme.test"))
	require.False(t, s.belongsTo(uuid.New(), mac, "ana@acme.test"))
	for _, bad := range []string{"support@usher.test", "support+x@usher.test", strings.Replace(address, "usher.test", "evil.test", 1)} {
		_, _, ok := s.token([]string{bad})
		require.False(t, ok, bad)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	html := "From: Ana <ana@acme.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<style>x{}</style><p>Hello <b>you</b></p><script>alert(1)</script><p>Bye &lt;3</p><blockquote>old</blockquote>"
	m, err := Parse([]byte(html))
	require.NoError(t, err)
	require.Equal(t, "Grüße", m.Subject)
	require.Equal(t, "Hello you\nBye <3", m.Text)
	mixed := "From: ana@acme.test\r\nMessage-ID: <1@acme.test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\r\nPDF\r\n--b--\r\n"
	m, err = Parse([]byte(mixed))
	require.NoError(t, err)
	require.Equal(t, "Grüße", m.Text)
	require.Equal(t, "1@acme.test", m.ID)
	require.Equal(t, []Attachment{{"a.pdf", "application/pdf", []byte("PDF")}}, m.Attachments)
	for _, bad := range []string{"", "no headers at all", "Subject: x\r\n\r\nno sender"} {
		_, err := Parse([]byte(bad))
		require.ErrorIs(t, err, ErrUnreadable, "%q", bad)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a@b.c\r\n\r\nHi"))
	f.Add([]byte("From: a@b.c\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nHi\r\n--x--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw)
		if err == nil && m.From == "" {
			t.Fatal("a mail without a sender was read")
		}
		Strip(m.Text)
	})
}
