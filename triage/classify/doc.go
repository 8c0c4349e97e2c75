// Package classify decides what a message is about, with nothing but the
// operator's own words: no network, no key, no downloaded weights.
package classify
