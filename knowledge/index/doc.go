// Package index keeps the search tables true to the live articles: chunks, BM25
// weights, vectors of every live embedding model, and the vocabulary.
//
// The unit of work is one article, in an index_article job queued by the
// transaction that publishes or retires it. Chunks are compared by hash: what
// did not change keeps its row, its weights and its vectors, and costs nothing
// with a paid embedder. Embedding happens outside any transaction; the write
// then locks the article and gives up, to be retried, if it moved on meanwhile.
package index
