// Package answer drafts an answer from passages and gates every sentence of it.
//
// A Composer turns a question and the passages of one retrieval into sentences
// with citations. The built-in one is extractive: it quotes the fewest sentences,
// list blocks or table rows that answer, in their order. The gate then decides
// from evidence, never from a model's opinion of itself: is the question
// answerable from these passages at all, does each sentence cite a passage of
// this run and say no more than it, does it promise, leak or follow an
// instruction it was fed.
package answer
