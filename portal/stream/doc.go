// Package stream delivers stored events as server-sent events.
//
// The table is the truth and the wake-ups are hints: a subscriber reads what is
// stored after the last number it has sent, whenever somebody says that its
// topic changed, and every second or two anyway. So a lost notification costs a
// moment, a reconnect with Last-Event-ID misses nothing, and there is no queue a
// slow reader could fill: a write that does not get through in time ends the
// stream, and the reader resumes.
package stream
