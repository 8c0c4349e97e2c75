// Package eval measures status answers over generated onboarding worlds: is the
// intent recognised, does every fact in an answer equal the record, and does
// nothing hidden leave.
//
// The check knows nothing of how answers are made. It takes an answer apart
// again: every date, time, number, name and state word must be one the record
// allows for that question and that person, and those the question asks for
// must be there. Forecasts are checked against a solver of another kind
// (schedule/walk). Entities carry code words of their own, so that a name out
// of place is seen.
//
// The questions are paraphrases written for this purpose only. They are no
// training examples and no rules were written for them.
package eval
