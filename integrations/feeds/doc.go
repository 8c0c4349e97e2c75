// Package feeds takes in the webhooks that keep the onboarding record true:
// signatures (DocuSign, PandaDoc), verifications (Stripe Identity, Onfido,
// Sumsub), and by Standard Webhooks any system's contracts, integration states,
// courses and plans (tasks, milestones, stages, meetings, environments).
//
//	POST /v1/hooks/{source} ─▶ size, signature over the raw bytes, JSON
//	                         ─▶ stored once by the event's identity, with a job ─▶ 200
//	job ─▶ parse ─▶ whose tenant ─▶ portal/onboarding/feed or lifecycle
//
// Only sources with a secret have an address. What is signed but unknown is
// stored and ignored. Payloads are dropped once worked on; identity values in
// them are never read.
package feeds
