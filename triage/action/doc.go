// Package action changes things in other systems, each time after a person has
// approved exactly that change. No model takes part and no customer's text
// decides where a request goes: a curator's definition does.
//
//	procedure step ─▶ proposal: the exact request, kept ─▶ card in the thread and the console
//	                     │ expired, declined, definition changed ─▶ the customer is told, a person goes on
//	                     ▼ approved, by the first who may
//	                  approval ─▶ attempt, written down ─▶ sent ─▶ done │ failed │ unknown
//	                                ▲───────────────────────────────┘ tried again only where that is safe
//
// The proposal's id is the request's idempotency key. Where it is not known
// whether a request had its effect, it is repeated only if the other system
// promises to recognise the key, or by a method that may be repeated; else the
// proposal says "unknown" and a person looks there.
//
// Neighbours: triage/procedure proposes, triage/desk shows the card and tells
// the customer, integrations/rest sends.
package action
