// Package samlfake is a SAML 2.0 identity provider for tests, built on the
// library's own.
package samlfake

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Provider is an organisation's provider.
type Provider struct {
	idp     saml.IdentityProvider
	service *saml.EntityDescriptor
	now     func() time.Time
}

// New makes a provider under an address, with a key of its own, that knows a
// service by its metadata. now may be nil.
func New(address string, service []byte, now func() time.Time) (*Provider, error) {
	if now == nil {
		now = time.Now
	}
	p := &Provider{service: &saml.EntityDescriptor{}, now: now}
	if err := xml.Unmarshal(service, p.service); err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: address}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	about, err := url.Parse(address + "/metadata")
	if err != nil {
		return nil, err
	}
	entry, err := url.Parse(address + "/sso")
	if err != nil {
		return nil, err
	}
	p.idp = saml.IdentityProvider{Key: key, Certificate: certificate, MetadataURL: *about, SSOURL: *entry, ServiceProviderProvider: p, Clock: dsig.NewFakeClockAt(now())}
	return p, nil
}

// GetServiceProvider implements saml.ServiceProviderProvider.
func (p *Provider) GetServiceProvider(_ *http.Request, id string) (*saml.EntityDescriptor, error) {
	if id != p.service.EntityID {
		return nil, errors.New("samlfake: another service: " + id)
	}
	return p.service, nil
}

// EntityID is the provider's name.
func (p *Provider) EntityID() string { return p.idp.MetadataURL.String() }

// Metadata is what the provider says of itself.
func (p *Provider) Metadata() (string, error) {
	body, err := xml.Marshal(p.idp.Metadata())
	return string(body), err
}

// Person is who signs in there.
type Person struct {
	NameID, Format string // empty: persistent
	Email          string
	Groups         []string
	Signed         time.Time // when; zero: now
}

// Answer is how a test would have the provider answer, beside the right way.
type Answer struct {
	Change    func(a *saml.Assertion)       // before it is signed
	Unsigned  bool                          // the assertion is not; the response around it is
	Method    string                        // of the signature
	Tamper    func(response *etree.Element) // after everything is signed
	Cancelled bool
}

// Approve answers the request an address carries: what the browser posts.
func (p *Provider) Approve(to string, person Person, how Answer) (url.Values, error) {
	idp := p.idp
	idp.SignatureMethod = how.Method
	idp.Clock = dsig.NewFakeClockAt(p.now())
	request, err := saml.NewIdpAuthnRequest(&idp, httptest.NewRequest(http.MethodGet, to, nil))
	if err != nil {
		return nil, err
	}
	if err := request.Validate(); err != nil {
		return nil, err
	}
	if how.Cancelled {
		return p.cancelled(request)
	}
	signed := person.Signed
	if signed.IsZero() {
		signed = p.now()
	}
	session := &saml.Session{ID: "s", CreateTime: signed, ExpireTime: p.now().Add(time.Hour), Index: "1", NameID: person.NameID, NameIDFormat: cmp.Or(person.Format, string(saml.PersistentNameIDFormat)), UserName: person.NameID}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(request, session); err != nil {
		return nil, err
	}
	attributes := []saml.Attribute{attribute("groups", person.Groups...)}
	if person.Email != "" {
		attributes = append(attributes, attribute("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", person.Email))
	}
	request.Assertion.AttributeStatements = []saml.AttributeStatement{{Attributes: attributes}}
	if how.Change != nil {
		how.Change(request.Assertion)
	}
	if how.Unsigned {
		request.AssertionEl = request.Assertion.Element()
	}
	if err := request.MakeResponse(); err != nil {
		return nil, err
	}
	if how.Tamper != nil {
		// Parsed anew, as whoever is in between would.
		doc := etree.NewDocument()
		doc.SetRoot(request.ResponseEl)
		raw, err := doc.WriteToBytes()
		if err != nil {
			return nil, err
		}
		doc = etree.NewDocument()
		if err := doc.ReadFromBytes(raw); err != nil {
			return nil, err
		}
		how.Tamper(doc.Root())
		return posted(doc.Root(), request.RelayState)
	}
	return posted(request.ResponseEl, request.RelayState)
}

func (p *Provider) cancelled(request *saml.IdpAuthnRequest) (url.Values, error) {
	response := saml.Response{
		Destination: p.service.SPSSODescriptors[0].AssertionConsumerServices[0].Location, ID: "id-cancelled", InResponseTo: request.Request.ID,
		IssueInstant: p.now(), Version: "2.0", Issuer: &saml.Issuer{Value: p.EntityID()},
		Status: saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusResponder, StatusCode: &saml.StatusCode{Value: saml.StatusAuthnFailed}}},
	}
	return posted(response.Element(), request.RelayState)
}

func attribute(name string, values ...string) saml.Attribute {
	a := saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"}
	for _, v := range values {
		a.Values = append(a.Values, saml.AttributeValue{Type: "xs:string", Value: v})
	}
	return a
}

func posted(response *etree.Element, relay string) (url.Values, error) {
	doc := etree.NewDocument()
	doc.SetRoot(response)
	var out bytes.Buffer
	if _, err := doc.WriteTo(&out); err != nil {
		return nil, err
	}
	return url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(out.Bytes())}, "RelayState": {relay}}, nil
}
