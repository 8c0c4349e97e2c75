package taxonomy

import "time"

// Collect sets how long changes rest before they are learned, for tests.
func (e *Engine) Collect(rest, patience time.Duration) { e.collect, e.patient = rest, patience }
