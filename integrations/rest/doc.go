// Package rest reads records from any JSON API by configuration alone: base URL,
// authentication, and JSON pointers from the answer to fields. It implements
// portal/onboarding/source.Source.
//
// The address actually dialled is checked (package egress). Redirects are not followed, proxies of
// the environment not used, bodies bounded, and only JSON is read.
package rest
