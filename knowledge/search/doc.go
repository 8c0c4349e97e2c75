// Package search finds the Passages that answer a question.
//
// A Query becomes slots: its content words, each with its spelling repairs and
// synonyms; earlier turns of the customer add theirs at falling weight. One SQL
// statement ranks the shared and the tenant's chunks twice, by BM25 (an inner
// product of sparse vectors) and by the active embedding model, inside the
// viewer's audience, and returns the union with both exact scores. A rerank in
// Go adds what SQL does not see: the title as a whole, the product named in the
// conversation, freshness, language, near-duplicates.
//
// Everything is deterministic: the same question over the same index gives the
// same passages and scores.
package search
