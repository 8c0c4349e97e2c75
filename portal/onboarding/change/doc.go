// Package change is how the record changes after its template was laid out: by
// staff, by customers who tick their own tasks, and by other systems that plan
// the work (a project tool, an ERP, a calendar).
//
//	Apply: who may say it ─▶ which of it is news ─▶ the record
//	                                              ─▶ what follows: tasks unlock, milestones and stages are reached
//	                                              ─▶ audit, onboarding events, rules
//
// A field holds the latest word on it, by the time it was said, so that other
// systems' news may come late, twice and in any order and ends alike. A field that
// another system has spoken about is that system's: people change it there, or
// take the record's reference away first. People say what they saw (Version) and
// are told when somebody else was faster.
//
// Signatures, verifications and what connections and courses report come by
// package feed, reviews of documents by package document; they have no other way in.
// Everything runs on the worker's role, in the caller's transaction. Locks are taken
// in one order: tenant, the changed record, what follows from it, the event's number.
package change
