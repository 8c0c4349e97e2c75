// Package status answers routine questions about a tenant's onboarding from its
// live record.
//
// Facts come from fields by template: no date, number, name or state in an
// answer is written by a model. What the asker may not see does not exist for
// the answer. Every answer says what it rests on, as of when, whose turn it is
// and where to look; where a name in the question fits several things it asks
// once, with the candidates.
package status
