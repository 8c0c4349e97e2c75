// Package eval measures retrieval on labelled questions, through the same import,
// index and search as live use. It is what `usher eval retrieve` runs.
//
// It reads JSONL as published retrieval sets have it: a corpus of {id, title,
// text, …}; queries of {id, text} with qrels of {query, doc, score}; or tasks
// that carry a conversation (history or turns) and their relevant documents.
package eval
