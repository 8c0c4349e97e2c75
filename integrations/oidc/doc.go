// Package oidc signs people in at their organisation's OpenID Connect provider:
// the authorisation code flow with PKCE and nothing else. It implements
// portal/identity.Provider on golang.org/x/oauth2 and coreos/go-oidc.
//
//	AuthorizeURL   discovery → the browser goes to the provider with state, nonce, S256 challenge
//	Redeem         issuer of the answer (RFC 9207) → code and verifier for an ID token → its checks
//
// An ID token counts when a key of the provider's has signed it by an algorithm
// of the list below, it names this issuer, this client and this attempt's nonce,
// and it is of now, give or take a minute. The access token is not kept.
//
// Addresses are dialled through the caller's guarded dialer; redirects are not
// followed, proxies of the environment not used, answers bounded.
package oidc
