package email

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usherdesk/usher/triage/desk"
)

// Alert tells the on-call group that a destination takes nothing. It is for
// desk.Config.Outage, with the addresses bound.
func (s *Service) Alert(ctx context.Context, to []string, o desk.Outage) error {
	text := fmt.Sprintf("%s has taken nothing since %s. %d effects wait; they leave by themselves when it is back.\n\nLast answer: %s\n",
		o.Destination, o.Since.UTC().Format(time.RFC1123), o.Waiting, o.LastError)
	if s.PublicURL != "" {
		text += "\nDeliveries: " + s.PublicURL + "/agent/deliveries\n"
	}
	var errs []error
	for i, address := range to {
		errs = append(errs, s.transmit(ctx, outgoing{
			id: fmt.Sprintf("outage.%s.%d.%d", o.Destination, o.Since.Unix(), i), to: address, subject: o.Destination + " cannot be reached", text: text, automatic: true,
		}))
	}
	return errors.Join(errs...)
}
