// Package procedure does, step by step, what a curator has written down for an
// intent: asks with choices, looks up what is true now, says a text, hands over
// to a team. No model takes part: what a message comes to follows from the
// procedure's version, the run so far, the message and the record.
//
//	message ─▶ a run waits? ── yes ─▶ does it fit the question? ── no ─▶ ask again, then a person
//	  │ no                              │ yes
//	  ▼                                 ▼
//	a published procedure of the intent ─▶ steps whose conditions hold, until one asks,
//	                                       hands over, or they end
//
// One message, one reply: a turn says everything up to the next question. The
// assistant delivers it and keeps the run in the same transaction, so a crash
// repeats a turn or has done it. Who takes a conversation over ends its run.
package procedure
