// Package feed brings what outside systems say into the record: connections and
// imports, signatures, verifications.
//
// Events arrive more than once and in any order, so each is applied by its own
// time: a late one never moves a state back, and applying one twice changes
// nothing. What changed for the customer is appended to the onboarding events
// and handed to the rules. A verification that changes only inside, behind the
// same customer state, is stored for staff and shows nowhere else, not even as a
// newer time.
//
// Signatures, webhooks and payload formats are the integrations' business; here
// arrive verified words. Everything runs on the worker's role, in the caller's
// transaction.
package feed
