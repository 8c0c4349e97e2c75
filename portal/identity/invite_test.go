package identity_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/triage"
)

type letter struct{ id, to, subject, text string }

// post is a mail server that does not know some addresses and does not answer for
// others.
type post struct {
	letters []letter
	broken  map[string]error
}

func (p *post) Mail(_ context.Context, id, to, subject, text string) error {
	if err := p.broken[to]; err != nil {
		return err
	}
	p.letters = append(p.letters, letter{id, to, subject, text})
	return nil
}

// refusal is what a mail server said.
type refusal struct {
	code   int
	detail string
}

func (r refusal) Error() string              { return fmt.Sprint(r.code, " ", r.detail) }
func (r refusal) ErrorCode() int             { return r.code }
func (r refusal) EnhancedStatusCode() string { return r.detail }

// An invitation has a time only once it is sent, works once and for its days, and is
// accepted with the first sign-in. One that fails holds back no other.
func TestInvitationsAreSentOnceAndAcceptedBySigningIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mail := &post{broken: map[string]error{
		"nobody@acme.test": refusal{550, "5.1.1"}, "later@acme.test": errors.New("the server does not answer"), "policy@acme.test": refusal{550, "5.7.1"},
	}}
	b.service = identity.New(b.db.App, b.db.Worker, identity.Config{Idle: time.Hour, Absolute: 24 * time.Hour, Now: b.now.now, Mailer: mail, PublicURL: "https://help.example"})
	people := map[string]uuid.UUID{}
	for address, locale := range map[string]string{"nobody@acme.test": "en", "later@acme.test": "en", "policy@acme.test": "en", "dora@acme.test": "de-AT", "eve@acme.test": "en"} {
		people[address] = b.db.User(t, b.tenant, address)
		b.exec(t, `update users set state = 'invited', locale = $2 where id = $1`, people[address], locale)
		b.exec(t, `insert into invitations (tenant_id, user_id, try_at) values ($1, $2, $3)`, b.tenant, people[address], b.now.now())
	}
	state := func(address string) (sent, expires, accepted, bounced *time.Time) {
		require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select sent_at, expires_at, accepted_at, bounced_at from invitations where user_id = $1`, people[address]).Scan(&sent, &expires, &accepted, &bounced)
		}))
		return sent, expires, accepted, bounced
	}
	sent, _, _, _ := state("dora@acme.test")
	require.Nil(t, sent, "not before it is")
	for range 3 {
		require.NoError(t, b.service.SendInvitations(t.Context()))
	}
	require.Len(t, mail.letters, 2)
	texts := map[string]letter{}
	for _, l := range mail.letters {
		texts[l.to] = l
	}
	require.Contains(t, texts["dora@acme.test"].text, "Kundenportal von Tenant acme")
	require.Equal(t, "Ihre Einladung", texts["dora@acme.test"].subject)
	require.Contains(t, texts["eve@acme.test"].text, "It works once, for 14 days.")
	sent, expires, accepted, bounced := state("dora@acme.test")
	require.True(t, b.now.now().Equal(*sent))
	require.True(t, b.now.now().AddDate(0, 0, 14).Equal(*expires))
	require.Nil(t, accepted)
	require.Nil(t, bounced)
	sent, _, _, bounced = state("nobody@acme.test")
	require.Nil(t, sent)
	require.NotNil(t, bounced)
	for _, address := range []string{"later@acme.test", "policy@acme.test"} {
		sent, _, _, bounced = state(address)
		require.Nil(t, sent)
		require.Nil(t, bounced, "%s: that says nothing of the address", address)
	}

	link := regexp.MustCompile(`https://help\.example/s/(\S+)`)
	open := func(address string) error {
		_, _, err := b.service.Exchange(t.Context(), link.FindStringSubmatch(texts[address].text)[1])
		return err
	}
	b.now.pass(10 * 24 * time.Hour)
	require.NoError(t, open("dora@acme.test"))
	require.Error(t, open("dora@acme.test"), "once")
	_, _, accepted, _ = state("dora@acme.test")
	require.True(t, b.now.now().Equal(*accepted))
	delete(mail.broken, "later@acme.test")
	require.NoError(t, b.service.SendInvitations(t.Context()))
	require.Len(t, mail.letters, 3)
	texts["later@acme.test"] = mail.letters[2]
	b.now.pass(5 * 24 * time.Hour)
	require.Error(t, open("eve@acme.test"), "too late")

	admin := triage.Actor{Kind: triage.ActorCustomer, TenantID: b.tenant, ID: b.ana}
	require.ErrorIs(t, b.service.InviteAgain(t.Context(), admin, people["dora@acme.test"]), identity.ErrNotInvited, "she has signed in")
	require.ErrorIs(t, b.service.InviteAgain(t.Context(), triage.Actor{TenantID: b.db.Tenant(t, "globex")}, people["eve@acme.test"]), identity.ErrNotInvited)
	for _, address := range []string{"eve@acme.test", "later@acme.test", "nobody@acme.test"} {
		delete(mail.broken, address)
		require.NoError(t, b.service.InviteAgain(t.Context(), admin, people[address]))
	}
	first := texts["later@acme.test"]
	mail.letters = nil
	require.NoError(t, b.service.SendInvitations(t.Context()))
	require.Len(t, mail.letters, 3)
	for _, l := range mail.letters {
		require.NotEqual(t, texts[l.to].id, l.id, "a mail of its own")
		texts[l.to] = l
	}
	require.ErrorIs(t, b.service.InviteAgain(t.Context(), admin, people["eve@acme.test"]), identity.ErrTooOften)
	_, _, err := b.service.Exchange(t.Context(), link.FindStringSubmatch(first.text)[1])
	require.Error(t, err, "the earlier link is over")
	for _, address := range []string{"eve@acme.test", "later@acme.test", "nobody@acme.test"} {
		require.NoError(t, open(address))
	}
}

// Whose organisation signs people in by its own provider gets no link around it.
func TestAnInvitationGoesNotAroundTheOrganisationsProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mail := &post{}
	b.service = identity.New(b.db.App, b.db.Worker, identity.Config{Now: b.now.now, Mailer: mail, PublicURL: "https://help.example"})
	b.exec(t, `update users set state = 'invited' where id = $1`, b.ana)
	b.exec(t, `insert into invitations (tenant_id, user_id, try_at) values ($1, $2, $3)`, b.tenant, b.ana, b.now.now())
	b.exec(t, `insert into sso_connections (tenant_id, issuer, client_id, domains, enabled) values ($1, 'https://idp.example', 'c', '{acme.test}', true)`, b.tenant)
	require.NoError(t, b.service.SendInvitations(t.Context()))
	require.Len(t, mail.letters, 1)
	require.Contains(t, mail.letters[0].text, "your organisation's account")
	require.False(t, strings.Contains(mail.letters[0].text, "/s/"))
}

// slow is a mail server somebody else acts beside while it takes a mail.
type slow struct {
	post
	meanwhile func()
}

func (p *slow) Mail(ctx context.Context, id, to, subject, text string) error {
	if p.meanwhile != nil {
		p.meanwhile()
	}
	return p.post.Mail(ctx, id, to, subject, text)
}

// Inviting anew waits neither for a mail on its way nor for a link being made, and
// what becomes of the earlier mail does not count for the new one.
func TestInvitingAnewWaitsForNoMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mail := &slow{}
	b.service = identity.New(b.db.App, b.db.Worker, identity.Config{Now: b.now.now, Mailer: mail, PublicURL: "https://help.example"})
	eve := b.db.User(t, b.tenant, "eve@acme.test")
	b.exec(t, `update users set state = 'invited' where id = $1`, eve)
	b.exec(t, `insert into invitations (tenant_id, user_id, try_at) values ($1, $2, $3)`, b.tenant, eve, b.now.now())
	again := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return b.service.InviteAgain(ctx, triage.Actor{Kind: triage.ActorCustomer, TenantID: b.tenant, ID: b.ana}, eve)
	}
	mail.meanwhile = func() {
		mail.meanwhile = nil
		require.NoError(t, b.service.SendInvitations(t.Context()), "it is being sent: nobody else sends it")
		require.Empty(t, mail.letters)
		require.NoError(t, again())
	}
	require.NoError(t, b.service.SendInvitations(t.Context()))
	require.Len(t, mail.letters, 2, "the new one is sent too")
	require.NotEqual(t, mail.letters[0].id, mail.letters[1].id)

	b.now.pass(time.Hour)
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "a link being made", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into login_links (tenant_id, token_hash, user_id, expires_at) values ($1, '\x07', $2, now() + interval '1 day')`, b.tenant, eve)
		require.NoError(t, err)
		return again()
	}))
}
