package saml_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	ours "github.com/usherdesk/usher/integrations/saml"
	"github.com/usherdesk/usher/integrations/saml/samlfake"
	"github.com/usherdesk/usher/portal/identity"
)

type bundle struct {
	client     *ours.Client
	provider   *samlfake.Provider
	connection identity.Connection
	skipped    time.Duration // on our clock
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{}
	b.client = ours.New(ours.Config{PublicURL: "https://support.example", Now: func() time.Time { return time.Now().Add(b.skipped) }})
	b.provider = b.another(t, "https://idp.acme.test")
	b.connection = connection(t, b.provider)
	return b
}

func (b *bundle) another(t *testing.T, address string) *samlfake.Provider {
	t.Helper()
	about, err := b.client.Metadata()
	require.NoError(t, err)
	p, err := samlfake.New(address, about, nil)
	require.NoError(t, err)
	return p
}

func connection(t *testing.T, p *samlfake.Provider) identity.Connection {
	t.Helper()
	metadata, err := p.Metadata()
	require.NoError(t, err)
	return identity.Connection{Protocol: identity.SAML, Issuer: p.EntityID(), Metadata: metadata}
}

var (
	request = identity.Request{State: "sso_" + strings.Repeat("0", 32) + "_" + strings.Repeat("s", 43), Nonce: "the nonce", Verifier: "v"}
	ana     = samlfake.Person{NameID: "ana-1", Format: string(saml.PersistentNameIDFormat), Email: "ana@acme.test", Groups: []string{"support", "finance"}}
)

// signIn goes to the provider for a request and redeems its answer for another or the same.
func (b *bundle) signIn(t *testing.T, person samlfake.Person, how samlfake.Answer) (identity.Claims, error) {
	t.Helper()
	return b.redeem(t, b.provider, request, request, person, how)
}

func (b *bundle) redeem(t *testing.T, p *samlfake.Provider, asked, answered identity.Request, person samlfake.Person, how samlfake.Answer) (identity.Claims, error) {
	t.Helper()
	theirs := b.connection
	if p != b.provider {
		theirs = connection(t, p)
	}
	to, err := b.client.AuthorizeURL(t.Context(), theirs, asked)
	require.NoError(t, err)
	form, err := p.Approve(to, person, how)
	require.NoError(t, err)
	require.Equal(t, asked.State, form.Get("RelayState"))
	return b.client.Redeem(t.Context(), b.connection, answered, identity.Answer{State: asked.State, Response: form.Get("SAMLResponse")})
}

func TestAPersonIsVouchedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	claims, err := b.signIn(t, ana, samlfake.Answer{})
	require.NoError(t, err)
	require.Equal(t, "https://idp.acme.test/metadata", claims.Issuer)
	require.Equal(t, "ana-1", claims.Subject)
	require.Equal(t, "ana@acme.test", claims.Email)
	require.Equal(t, []string{"support", "finance"}, claims.Values("groups"))
	require.WithinDuration(t, time.Now(), claims.AuthTime, 5*time.Second)
	require.Nil(t, claims.EmailVerified)

	claims, err = b.signIn(t, samlfake.Person{NameID: "ana@acme.test", Format: string(saml.EmailAddressNameIDFormat)}, samlfake.Answer{})
	require.NoError(t, err)
	require.Equal(t, "ana@acme.test", claims.Email, "the NameID may be the address")
}

func TestWhatWeAreToProviders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body, err := b.client.Metadata()
	require.NoError(t, err)
	for _, want := range []string{`entityID="https://support.example/saml/metadata"`, `Location="https://support.example/saml/acs"`, `WantAssertionsSigned="true"`, "HTTP-POST"} {
		require.Contains(t, string(body), want)
	}
	require.NotContains(t, string(body), "SingleLogoutService")
	require.NotContains(t, string(body), "HTTP-Artifact")
}

// Each is one thing wrong with an answer that is right otherwise.
func TestAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	bearer := func(a *saml.Assertion) *saml.SubjectConfirmationData {
		return a.Subject.SubjectConfirmations[0].SubjectConfirmationData
	}
	signatures := func(el *etree.Element) {
		for _, s := range el.FindElements("//Signature") {
			s.Parent().RemoveChild(s)
		}
	}
	tests := map[string]samlfake.Answer{
		"nothing is signed":                     {Tamper: signatures},
		"the response is signed, not the claim": {Unsigned: true},
		"signed with SHA-1":                     {Method: dsig.RSASHA1SignatureMethod},
		"for another audience":                  {Change: func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example" }},
		"for everybody":                         {Change: func(a *saml.Assertion) { a.Conditions.AudienceRestrictions = nil }},
		"for another address":                   {Change: func(a *saml.Assertion) { bearer(a).Recipient = "https://other.example/saml/acs" }},
		"for another request":                   {Change: func(a *saml.Assertion) { bearer(a).InResponseTo = "id-another" }},
		"not asked for":                         {Change: func(a *saml.Assertion) { bearer(a).InResponseTo = "" }},
		"of another issuer":                     {Change: func(a *saml.Assertion) { a.Issuer.Value = "https://idp.other.test/metadata" }},
		"over, by what it is for":               {Change: func(a *saml.Assertion) { bearer(a).NotOnOrAfter = now.Add(-61 * time.Second) }},
		"over, by its conditions":               {Change: func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = now.Add(-61 * time.Second) }},
		"of a time to come":                     {Change: func(a *saml.Assertion) { a.Conditions.NotBefore = now.Add(90 * time.Second) }},
		"without an end":                        {Change: func(a *saml.Assertion) { bearer(a).NotOnOrAfter = time.Time{} }},
		"without a sign-in":                     {Change: func(a *saml.Assertion) { a.AuthnStatements = nil }},
		"of nobody":                             {Change: func(a *saml.Assertion) { a.Subject.NameID.Value = "" }},
		"of a name for once":                    {Change: func(a *saml.Assertion) { a.Subject.NameID.Format = string(saml.TransientNameIDFormat) }},
		"another person written in": {Tamper: func(r *etree.Element) {
			r.FindElement("//Subject/NameID").SetText("olga-1")
		}},
		"another address written in": {Tamper: func(r *etree.Element) {
			for _, v := range r.FindElements("//AttributeValue") {
				v.SetText("admin@acme.test")
			}
		}},
		"answers another request, in the response": {Tamper: func(r *etree.Element) { r.CreateAttr("InResponseTo", "id-another"); signature(r) }},
		"says it failed": {Cancelled: true},
	}
	for name, how := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			claims, err := b.signIn(t, ana, how)
			if how.Cancelled {
				require.ErrorIs(t, err, identity.ErrCancelled)
			} else {
				require.ErrorIs(t, err, identity.ErrProvider)
			}
			require.Empty(t, claims)
			require.NotContains(t, err.Error(), "ana@acme.test", "a log names nobody")
		})
	}
}

// signature takes the signature of an element away, not those in it.
func signature(el *etree.Element) {
	for _, child := range el.ChildElements() {
		if child.Tag == "Signature" {
			el.RemoveChild(child)
		}
	}
}

// The signed assertion stays whole somewhere in the answer, and an evil one
// stands where a careless reader looks.
func TestWrappedSignatures(t *testing.T) {
	t.Parallel()
	evil := func(a *etree.Element, id string) *etree.Element {
		forged := a.Copy()
		signature(forged)
		if id != "" {
			forged.CreateAttr("ID", id)
		}
		forged.FindElement(".//NameID").SetText("admin-1")
		for _, v := range forged.FindElements(".//AttributeValue") {
			v.SetText("admin@acme.test")
		}
		return forged
	}
	for name, wrap := range map[string]func(r, a *etree.Element){
		"before it":            func(r, a *etree.Element) { r.InsertChildAt(a.Index(), evil(a, "id-evil")) },
		"after it":             func(r, a *etree.Element) { r.AddChild(evil(a, "id-evil")) },
		"before it, by its id": func(r, a *etree.Element) { r.InsertChildAt(a.Index(), evil(a, "")) },
		"after it, by its id":  func(r, a *etree.Element) { r.AddChild(evil(a, "")) },
		"around it": func(r, a *etree.Element) {
			e := evil(a, "id-evil")
			r.RemoveChild(a)
			e.AddChild(a)
			r.AddChild(e)
		},
		"around it, with its signature": func(r, a *etree.Element) {
			e := evil(a, "id-evil")
			s := a.FindElement("./Signature").Copy()
			r.RemoveChild(a)
			s.CreateElement("ds:Object").AddChild(a)
			e.InsertChildAt(1, s)
			r.AddChild(e)
		},
		"with it among the extensions": func(r, a *etree.Element) {
			e := evil(a, "id-evil")
			r.RemoveChild(a)
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(a)
			r.InsertChildAt(1, x)
			r.AddChild(e)
		},
		"in a second signature, the first one genuine": func(r, a *etree.Element) {
			decoy := r.FindElement("./Signature")
			if decoy == nil {
				decoy = a.FindElement("./Signature")
			}
			decoy = decoy.Copy()
			decoy.CreateElement("ds:Object").AddChild(evil(a, "id-evil"))
			r.AddChild(decoy)
			r.RemoveChild(a)
		},
		"in a response of its own": func(r, a *etree.Element) {
			e := evil(a, "id-evil")
			r.RemoveChild(a)
			inner := r.Copy()
			inner.AddChild(a)
			r.AddChild(e)
			r.AddChild(inner)
		},
	} {
		for _, keep := range []bool{true, false} { // the response's own signature
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				claims, err := b.signIn(t, ana, samlfake.Answer{Tamper: func(r *etree.Element) {
					if !keep {
						signature(r)
					}
					wrap(r, r.FindElement("./Assertion"))
				}})
				if err == nil { // what is signed may be read, and nothing else
					require.Equal(t, "ana-1", claims.Subject)
					require.Equal(t, "ana@acme.test", claims.Email)
					require.NotContains(t, claims.Values("groups"), "admin@acme.test")
					return
				}
				require.ErrorIs(t, err, identity.ErrProvider)
			})
		}
	}
}

// A signature does not cover comments: text must not end at one.
func TestACommentInANameChangesNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mallory := samlfake.Person{NameID: "admin@acme.test.evil.test", Format: string(saml.EmailAddressNameIDFormat), Email: "admin@acme.test.evil.test"}
	claims, err := b.signIn(t, mallory, samlfake.Answer{Tamper: func(r *etree.Element) {
		for _, el := range append(r.FindElements("//AttributeValue"), r.FindElement("//Subject/NameID")) {
			if rest, ok := strings.CutPrefix(el.Text(), "admin@acme.test"); ok {
				el.SetText("admin@acme.test")
				el.AddChild(etree.NewComment(" "))
				el.CreateCharData(rest)
			}
		}
	}})
	if err != nil {
		require.ErrorIs(t, err, identity.ErrProvider)
		return
	}
	require.Equal(t, "admin@acme.test.evil.test", claims.Subject)
	require.Equal(t, "admin@acme.test.evil.test", claims.Email)
}

func TestAnotherOrganisationsProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.another(t, "https://idp.other.test")
	_, err := b.redeem(t, other, request, request, ana, samlfake.Answer{})
	require.ErrorIs(t, err, identity.ErrProvider)
	// Nor one that takes this one's name, with a key of its own.
	impostor := b.another(t, "https://idp.acme.test")
	_, err = b.redeem(t, impostor, request, request, ana, samlfake.Answer{})
	require.ErrorIs(t, err, identity.ErrProvider)
}

func TestAnAnswerIsOfItsRequestAndItsTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	later := request
	later.Nonce = "of another attempt"
	_, err := b.redeem(t, b.provider, request, later, ana, samlfake.Answer{})
	require.ErrorIs(t, err, identity.ErrProvider)
	_, err = b.redeem(t, b.provider, request, identity.Request{State: request.State}, ana, samlfake.Answer{})
	require.ErrorIs(t, err, identity.ErrProvider)

	to, err := b.client.AuthorizeURL(t.Context(), b.connection, request)
	require.NoError(t, err)
	form, err := b.provider.Approve(to, ana, samlfake.Answer{})
	require.NoError(t, err)
	b.skipped = 10 * time.Minute
	_, err = b.client.Redeem(t.Context(), b.connection, request, identity.Answer{Response: form.Get("SAMLResponse")})
	require.ErrorIs(t, err, identity.ErrProvider, "kept for later")
	b.skipped = 0

	again := request
	again.Again = true
	_, err = b.redeem(t, b.provider, again, again, ana, samlfake.Answer{})
	require.NoError(t, err)
	old := ana
	old.Signed = time.Now().Add(-time.Hour)
	_, err = b.redeem(t, b.provider, again, again, old, samlfake.Answer{})
	require.ErrorIs(t, err, identity.ErrProvider, "not asked to sign in again")
	claims, err := b.redeem(t, b.provider, request, request, old, samlfake.Answer{})
	require.NoError(t, err)
	require.WithinDuration(t, old.Signed, claims.AuthTime, 2*time.Second, "an hour ago is not fresh")
}

func TestRubbishIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">&b;</samlp:Response>`
	for _, response := range []string{"", "%%%", "aGVsbG8=", strings.Repeat("A", 600<<10), base64.StdEncoding.EncodeToString([]byte(bomb)), base64.StdEncoding.EncodeToString([]byte(strings.Repeat("<a>", 50_000)))} {
		_, err := b.client.Redeem(t.Context(), b.connection, request, identity.Answer{Response: response})
		require.ErrorIs(t, err, identity.ErrProvider)
	}
}

func TestMetadataThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.connection.Metadata
	_, err := ours.Read([]byte(good))
	require.NoError(t, err)
	for want, body := range map[string]string{
		"cannot be read":           "not XML",
		"of one identity provider": `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"></EntityDescriptor>`,
		"without encryption":       strings.ReplaceAll(good, `Location="https://`, `Location="http://`),
		"no key to sign by":        strings.ReplaceAll(good, `use="signing"`, `use="encryption"`),
		"no address to sign in at": strings.ReplaceAll(good, "HTTP-Redirect", "SOAP"),
	} {
		_, err := ours.Read([]byte(body))
		require.ErrorContains(t, err, want)
	}
	b.connection.Issuer = "https://another.test"
	_, err = b.client.AuthorizeURL(t.Context(), b.connection, request)
	require.ErrorContains(t, err, "its metadata is of")
}

func TestKeysThatEnd(t *testing.T) {
	t.Parallel()
	b := setup(t) // the fake's key is good for a year
	require.Empty(t, ours.Expiring(b.connection, time.Now().AddDate(0, 0, 30)))
	days := ours.Expiring(b.connection, time.Now().AddDate(2, 0, 0))
	require.NotEmpty(t, days)
	require.WithinDuration(t, time.Now().AddDate(1, 0, 0), days[0], 48*time.Hour)
	page, err := b.client.Check(b.connection)
	require.NoError(t, err)
	require.Equal(t, "https://idp.acme.test/sso", page)
}
