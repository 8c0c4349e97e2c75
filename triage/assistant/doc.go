// Package assistant runs once over one inbound message: it classifies, answers
// from live records or from passages, asks back, or hands over to people.
//
//	load ── somebody in charge, or a newer message? ── yes ─▶ leave it to them
//	  │ no
//	guard ─▶ classify ─▶ route: acknowledge │ procedure │ status │ answer │ clarify │ escalate
//	  │                                                      │
//	  │                for the asker only, and not proven: a code first, answered when it is entered
//	gate: every sentence has an evidence class, or it does not leave
//	  │
//	deliver: reply, decision, hand-over and job completion in one transaction,
//	         after one more look whether a person or a newer message came in
//
// Whatever fails ends with a person and the customer told; the last failed try
// of the job does the same. Only an inbound message starts a run.
package assistant
