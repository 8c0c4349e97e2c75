// Package health finds what is wrong with published articles, each finding with
// its cause and its proof: two passages that say different things of the same
// matter, near duplicates, what is out of date, what nobody needs, and what
// was quoted in answers that did harm.
//
// Everything here is a rule that can be read and explained; no model takes
// part. Rules prefer silence to a wrong finding: a curator who dismisses three
// false ones stops looking. What was dismissed stays dismissed until the text
// it was about changes.
//
//	Check   pure: articles and evidence in, findings out
//	Service stores findings, keeps what curators decided, runs after publications and nightly
//	Witness what conversations prove; package triage/proof is one
//
// Neighbours: knowledge/gap says what is missing, knowledge/lexicon makes stems.
package health
