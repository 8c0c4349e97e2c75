package saml

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
	"github.com/gin-gonic/gin"

	"github.com/usherdesk/usher/portal/identity"
)

// Where the provider's answers and questions go, below the public address.
const (
	AnswerPath   = "/saml/acs"
	MetadataPath = "/saml/metadata"
)

// skew of a provider's clock that is borne with. The library bears with more.
const skew = time.Minute

// maxResponse is larger than any provider's answer, in bytes.
const maxResponse = 512 << 10

// Config joins the client to its surroundings.
type Config struct {
	PublicURL string
	Now       func() time.Time
}

// Client speaks with providers.
type Client struct{ Config }

var _ identity.Provider = (*Client)(nil)

// New returns a Client.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{c}
}

// service is us, as a connection's provider knows us.
func (c *Client) service(connection identity.Connection) (*saml.ServiceProvider, error) {
	answer, err := url.Parse(c.PublicURL + AnswerPath)
	if err != nil {
		return nil, fmt.Errorf("%w: our own address cannot be read", identity.ErrProvider)
	}
	about, err := url.Parse(c.PublicURL + MetadataPath)
	if err != nil {
		return nil, fmt.Errorf("%w: our own address cannot be read", identity.ErrProvider)
	}
	sp := &saml.ServiceProvider{
		EntityID: cmp.Or(connection.ClientID, about.String()), MetadataURL: *about, AcsURL: *answer,
		AuthnNameIDFormat: saml.UnspecifiedNameIDFormat, RejectSHA1Signatures: true, RejectUnknownConditions: true, LimitRelayStateLength: true,
		AssertionConsumerServiceBindings: []string{saml.HTTPPostBinding}, LogoutBindings: []string{},
	}
	if connection.Metadata != "" {
		if sp.IDPMetadata, err = Read([]byte(connection.Metadata)); err != nil {
			return nil, err
		}
		if sp.IDPMetadata.EntityID != connection.Issuer {
			return nil, fmt.Errorf("%w: its metadata is of %.200q", identity.ErrProvider, sp.IDPMetadata.EntityID)
		}
	}
	return sp, nil
}

// Read reads a provider's metadata, and says what is missing.
func Read(body []byte) (*saml.EntityDescriptor, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{identity.ErrProvider}, args...)...)
	}
	about, err := samlsp.ParseMetadata(body)
	if err != nil {
		return nil, bad("its metadata cannot be read: %w", err)
	}
	if len(about.IDPSSODescriptors) != 1 || about.EntityID == "" {
		return nil, bad("its metadata must be of one identity provider")
	}
	sp := saml.ServiceProvider{IDPMetadata: about}
	at, err := url.Parse(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding))
	switch {
	case err != nil || at.Host == "":
		return nil, bad("its metadata has no address to sign in at by HTTP-Redirect")
	case at.Scheme != "https" && !(at.Scheme == "http" && (at.Hostname() == "localhost" || at.Hostname() == "127.0.0.1")):
		return nil, bad("it is signed in at without encryption, at %s", at)
	}
	keys := 0
	for _, key := range about.IDPSSODescriptors[0].KeyDescriptors {
		if key.Use != "encryption" {
			keys += len(key.KeyInfo.X509Data.X509Certificates)
		}
	}
	if keys == 0 {
		return nil, bad("its metadata has no key to sign by")
	}
	return about, nil
}

// requestID is the name of an attempt's request. It is derived from the browser's
// secret, so only an answer to this browser's own request fits.
func requestID(r identity.Request) string {
	sum := sha256.Sum256([]byte(r.Nonce))
	return "id-" + hex.EncodeToString(sum[:])
}

// AuthorizeURL implements identity.Provider.
func (c *Client) AuthorizeURL(_ context.Context, connection identity.Connection, r identity.Request) (string, error) {
	sp, err := c.service(connection)
	if err != nil {
		return "", err
	}
	if r.Again {
		sp.ForceAuthn = &r.Again
	}
	request, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return "", fmt.Errorf("%w: %w", identity.ErrProvider, err)
	}
	request.ID, request.IssueInstant = requestID(r), c.Now().UTC()
	to, err := request.Redirect(r.State, sp)
	if err != nil {
		return "", fmt.Errorf("%w: %w", identity.ErrProvider, err)
	}
	return to.String(), nil
}

// Redeem implements identity.Provider.
func (c *Client) Redeem(_ context.Context, connection identity.Connection, r identity.Request, answer identity.Answer) (identity.Claims, error) {
	bad := func(format string, args ...any) (identity.Claims, error) {
		return identity.Claims{}, fmt.Errorf("%w: "+format, append([]any{identity.ErrProvider}, args...)...)
	}
	sp, err := c.service(connection)
	switch {
	case err != nil:
		return identity.Claims{}, err
	case r.Nonce == "" || answer.Response == "":
		return bad("there is no answer to a request")
	case len(answer.Response) > maxResponse:
		return bad("the answer is too long")
	}
	raw, err := base64.StdEncoding.DecodeString(answer.Response)
	if err != nil {
		return bad("the answer cannot be read")
	}
	id := requestID(r)
	assertion, err := sp.ParseXMLResponse(raw, []string{id}, sp.AcsURL)
	if err != nil {
		return identity.Claims{}, refused(err)
	}
	if assertion.Signature == nil {
		return bad("the assertion itself is not signed")
	}
	if why := c.untimely(sp, assertion, id, r.Again); why != "" {
		return bad("%s", why)
	}
	return claimsOf(connection, assertion)
}

// refused tells a person who cancelled from an answer that cannot be believed. It
// leaves out the answer: it is about somebody.
func refused(err error) error {
	var invalid *saml.InvalidResponseError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("%w: the answer was refused", identity.ErrProvider)
	}
	var status saml.ErrBadStatus
	if errors.As(invalid.PrivateErr, &status) {
		return fmt.Errorf("%w: %.100q", identity.ErrCancelled, status.Status)
	}
	return fmt.Errorf("%w: %.300q", identity.ErrProvider, invalid.PrivateErr.Error())
}

// untimely says why an assertion is not of now. The library bears with three
// minutes either way.
func (c *Client) untimely(sp *saml.ServiceProvider, a *saml.Assertion, id string, again bool) string {
	now := c.Now()
	fits := func(from, to time.Time) bool { return !from.After(now.Add(skew)) && now.Before(to.Add(skew)) }
	switch conditions := a.Conditions; {
	case a.IssueInstant.After(now.Add(skew)):
		return "the assertion is of a time to come"
	case conditions.NotBefore.After(now.Add(skew)), !conditions.NotOnOrAfter.IsZero() && !now.Before(conditions.NotOnOrAfter.Add(skew)):
		return "the assertion is not of this time"
	case len(conditions.AudienceRestrictions) == 0:
		return "the assertion is for everybody"
	}
	bearer := func(s saml.SubjectConfirmation) bool {
		d := s.SubjectConfirmationData
		return s.Method == "urn:oasis:names:tc:SAML:2.0:cm:bearer" && d != nil && d.InResponseTo == id && d.Recipient == sp.AcsURL.String() && fits(d.NotBefore, d.NotOnOrAfter)
	}
	if !slices.ContainsFunc(a.Subject.SubjectConfirmations, bearer) {
		return "the assertion answers no request of ours in time"
	}
	for _, s := range a.AuthnStatements {
		if again && s.AuthnInstant.Before(now.Add(-5*time.Minute)) {
			return "the person was not asked to sign in again"
		}
		if s.SessionNotOnOrAfter != nil && !now.Before(s.SessionNotOnOrAfter.Add(skew)) {
			return "the session there is over"
		}
	}
	return ""
}

// Names providers give a person's address and name by.
var (
	addressNames = []string{"email", "mail", "emailaddress", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3"}
	nameNames    = []string{"displayname", "name", "http://schemas.microsoft.com/identity/claims/displayname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "urn:oid:2.16.840.1.113730.3.1.241", "cn", "urn:oid:2.5.4.3"}
)

func claimsOf(connection identity.Connection, a *saml.Assertion) (identity.Claims, error) {
	id := a.Subject.NameID
	switch {
	case id == nil || strings.TrimSpace(id.Value) == "" || len(id.Value) > 255:
		return identity.Claims{}, fmt.Errorf("%w: the assertion names nobody", identity.ErrProvider)
	case id.Format == string(saml.TransientNameIDFormat):
		return identity.Claims{}, fmt.Errorf("%w: it gives people another name each time (transient): let it send a persistent NameID or the address", identity.ErrProvider)
	}
	out := identity.Claims{Issuer: connection.Issuer, Subject: id.Value, All: map[string]any{}}
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			var values []any
			for _, v := range attribute.Values {
				values = append(values, v.Value)
			}
			for _, name := range []string{attribute.Name, attribute.FriendlyName} {
				if _, known := out.All[name]; !known && name != "" {
					out.All[name] = values
				}
			}
		}
	}
	out.Email, out.Name = first(out.All, addressNames), first(out.All, nameNames)
	if out.Email == "" && strings.Count(id.Value, "@") == 1 {
		out.Email = id.Value
	}
	for _, s := range a.AuthnStatements {
		if s.AuthnInstant.After(out.AuthTime) {
			out.AuthTime = s.AuthnInstant
		}
	}
	return out, nil
}

// first is the only value of the first of some names that has one.
func first(all map[string]any, names []string) string {
	for _, name := range names {
		for have, values := range all {
			list, _ := values.([]any)
			if strings.EqualFold(have, name) && len(list) == 1 {
				text, _ := list[0].(string)
				return text
			}
		}
	}
	return ""
}

// Check says where people sign in, and until when the provider's keys are good.
func (c *Client) Check(connection identity.Connection) (string, error) {
	sp, err := c.service(connection)
	if err != nil {
		return "", err
	}
	return sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), nil
}

// Expiring are the days on which keys a connection's provider signs by end, of
// those that end before a moment.
func Expiring(connection identity.Connection, before time.Time) (days []time.Time) {
	about, err := Read([]byte(connection.Metadata))
	if err != nil {
		return nil
	}
	for _, key := range about.IDPSSODescriptors[0].KeyDescriptors {
		for _, text := range key.KeyInfo.X509Data.X509Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text.Data), ""))
			if err != nil {
				continue
			}
			if c, err := x509.ParseCertificate(der); err == nil && key.Use != "encryption" && c.NotAfter.Before(before) {
				days = append(days, c.NotAfter)
			}
		}
	}
	return days
}

// Metadata is what providers are told of us.
func (c *Client) Metadata() ([]byte, error) {
	sp, err := c.service(identity.Connection{})
	if err != nil {
		return nil, err
	}
	about := sp.Metadata()
	about.ValidUntil, about.CacheDuration = time.Time{}, 24*time.Hour
	signed := true
	for i := range about.SPSSODescriptors {
		about.SPSSODescriptors[i].WantAssertionsSigned = &signed
	}
	body, err := xml.MarshalIndent(about, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write metadata: %w", err)
	}
	return append([]byte(xml.Header), body...), nil
}

// Mount serves what providers are told of us.
func (c *Client) Mount(router gin.IRouter) {
	router.GET(MetadataPath, func(g *gin.Context) {
		body, err := c.Metadata()
		if err != nil {
			g.Status(http.StatusInternalServerError)
			return
		}
		g.Header("Cache-Control", "public, max-age=3600")
		g.Data(http.StatusOK, "application/samlmetadata+xml; charset=utf-8", body)
	})
}
