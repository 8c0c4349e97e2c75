// Package stream delivers stored events as server-sent events.
//
// The table is the truth and the wake-ups are hints: a subscriber reads what is
// stored after the last number it has sent, whenever somebody says that its
// topic changed, and anyway every second or two, or more seldom while wake-ups
// are proven to arrive. So a lost notification costs a moment, a reconnect with
// Last-Event-ID misses nothing, and there is no queue a slow reader could fill:
// a write that does not get through in time ends the stream, and the reader
// resumes. A stream also ends after some minutes, because whoever listens may
// have signed out or lost a right: coming back asks for it again.
package stream
