package email

import "context"

// Mail sends one mail that belongs to no conversation, such as a sign-in link.
// It is for identity.Mailer.
func (s *Service) Mail(ctx context.Context, id, to, subject, text string) error {
	return s.transmit(ctx, outgoing{id: id, to: to, subject: subject, text: text, automatic: true})
}
