// Package rehearsal lets customers that do not exist talk to the assistant: each
// has a goal, a way of writing and some patience, says several messages and has
// to get what the scenario expects. Everything is decided as live and nothing is
// stored. What they say is made by rules, the same every time.
//
//	opening ─▶ the assistant decides ─▶ a reply to what it did, else the next of then,
//	               ▲                     else, while something expected is missing and
//	               └─────────────────────patience lasts, the same again; last: a person
//
// Neighbours: triage/assistant decides (Talk), triage/eval keeps what curators
// want to stay right and runs it.
package rehearsal
