// Package saml signs people in at their organisation's SAML 2.0 provider: we are
// a service provider, sign-ins begin here, and nothing else. It implements
// portal/identity.Provider on crewjam/saml.
//
//	AuthorizeURL   metadata of the connection → the browser goes to the provider with an AuthnRequest
//	Redeem         the posted Response → a signed assertion about this request → claims
//
// An assertion counts when it is signed itself, by a key of the metadata and not
// by SHA-1, names this issuer, this service, this address and this attempt's
// request, and is of now, give or take a minute. The request's id is derived from
// the browser's secret, and the attempt is used up by its first answer: what was
// not asked for, or was used, has no request to answer. Providers are never
// called from here; encrypted assertions and single logout are not spoken.
package saml
