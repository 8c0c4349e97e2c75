// Package embed is the built-in embedder: dense vectors without a model server,
// a download or a key.
//
// A Model is learned from the operator's own articles. Every text becomes a
// TF-IDF vector over word stems and character n-grams; a truncated singular
// value decomposition of the corpus (latent semantic analysis) gives the
// projection to Dimensions numbers, so that words used in the same passages
// point the same way. What the corpus never held, such as a tenant's product
// name, is hashed into a few dimensions kept aside for it. Training and
// encoding are deterministic: the same corpus gives the same bytes, and the
// same text the same vector, on every machine.
//
// A Model is trained on shared articles only. It never sees a tenant's text.
package embed
