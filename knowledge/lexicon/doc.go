// Package lexicon turns text into index terms.
//
// It owns everything about words that indexing and searching must agree on:
// tokens, stop words, stems per language, the numeric id of a term inside a
// sparse vector, the built-in thesaurus, and spelling repair against a
// vocabulary. It is pure: no database, no clock, no configuration. Which terms
// are rare, and how passages are ranked, is the business of package search.
package lexicon
