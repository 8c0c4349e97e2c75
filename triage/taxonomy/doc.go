// Package taxonomy holds the operator's own list of what messages are about,
// and the classifier trained from it.
//
// Values have a description, examples and consequences (route, team, priority,
// sensitivity). The engine trains one model per dimension from them in-process,
// swaps it atomically when the list changes, and turns a text into a
// triage.Classification. "None fits" is a value: an empty intent.
package taxonomy
