// Package outcome says what became of conversations: by whom they were settled,
// whether that held, and what it cost.
//
// Nothing is counted on the side. Every number is a fold over stored events:
// messages, votes, hand-overs, what happened to tickets. Counted again, it is
// the same; a changed vote or a customer who comes back changes it. Definitions
// are in Definitions, which the page shows.
//
//	asked ─► answered ─► confirmed   the customer said so, or found it helpful
//	   │         ├─────► assumed     seven quiet days after an answer
//	   │         ├─────► reopened    they came back, here or with the same matter
//	   │         ├─────► wrong       they said it did not help
//	   │         └─────► waiting     not known yet
//	   ├───────────────► escalated   a person stepped in; what people made of it is counted apart
//	   └───────────────► unanswered  nothing was answered, and nobody stepped in
package outcome
