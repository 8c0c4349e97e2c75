// Package egress decides which addresses may be dialled for a customer or an
// operator who named them: sources, identity providers, webhook endpoints.
//
// A configured address is not trusted to stay where it was. Guard looks at the
// address actually dialled, so a name that resolves inwards, a redirect or an odd
// spelling of 127.0.0.1 reaches nothing. It is the only such list: what dials an
// address somebody else wrote uses Guard.Dialer.
package egress
