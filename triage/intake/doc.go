// Package intake takes messages in and shows customers what is theirs.
//
// A message is stored together with the job that works on it, in one
// transaction: once a caller has its answer nothing can be lost. What a
// customer may see is decided here and only here: their own conversations, and
// those of their organisation where their role shares them.
package intake
