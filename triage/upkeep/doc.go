// Package upkeep lets curators change the taxonomy without harm: a draft made of
// steps, what it would change about customers' past messages, its publication,
// and the way back.
//
//	edits ─▶ draft ─▶ preview: past messages, corrections, held-back examples,
//	                  past and kept questions, asked of what is live and of the draft
//	           └────▶ publish: learned first, then values, examples and models at once
//	                    └────▶ restore: what a publication replaced
//
// Runs are jobs, one at a time. Neighbours: triage/taxonomy applies edits and
// trains, triage/eval replays questions, triage/guard masks what curators read.
package upkeep
