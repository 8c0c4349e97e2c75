// Package rule reacts to what happens in an onboarding: event → condition →
// action. Rules are the operator's data: stored, listed, switched on and off,
// tried without effect. A rule acts once on a subject, however often the event
// is delivered.
//
// What an action does is the caller's: Do is the port to tickets, messages and
// notices, and everything happens in the transaction of the event.
package rule
