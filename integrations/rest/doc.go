// Package rest reads records from any JSON API by configuration alone: base URL,
// authentication, and JSON pointers from the answer to fields. It implements
// portal/onboarding/source.Source.
//
// The configured address is not trusted to stay where it was: Guard looks at the
// address actually dialled, so a name that resolves inwards, a redirect or an odd
// spelling of 127.0.0.1 reaches nothing. Redirects are not followed, proxies of
// the environment not used, bodies bounded, and only JSON is read.
package rest
