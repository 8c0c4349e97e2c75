package feeds

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/usherdesk/usher/portal/onboarding/feed"
)

// maxBatch bounds how many events one delivery of our own formats carries.
const maxBatch = 500

// each reads one event, or a list of them. One that cannot be read does not keep
// the others from being applied.
func each(parse func([]byte) ([]event, error)) func([]byte) ([]event, error) {
	return func(body []byte) ([]event, error) {
		if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
			return parse(body)
		}
		var list []json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, err
		}
		if len(list) > maxBatch {
			return nil, fmt.Errorf("%d events at once, more than %d", len(list), maxBatch)
		}
		var events []event
		for n, one := range list {
			some, err := parse(one)
			switch {
			case err != nil:
				some = []event{{refused: fmt.Errorf("event %d: %w: %w", n+1, feed.ErrBadEvent, err)}}
			case len(some) == 0:
				some = []event{{refused: fmt.Errorf("event %d: %w", n+1, errIgnored)}}
			}
			events = append(events, some...)
		}
		return events, nil
	}
}
