// Package knowledge is the knowledge base: articles that curators draft, review,
// publish and retire, who may see them, and what is learned from questions.
//
// An Article has Versions. One Version is live, at most one is being worked on;
// saving an edit of a published article changes the working Version only, and
// what customers read, search and get quoted changes when it is published. Live
// and earlier Versions are immutable; rolling back publishes a copy.
//
// A Space says whose articles: Shared (the operator's) or one tenant's own. The
// two live in separate tables, addressed by one SQL template. A Viewer says who
// asks, and Viewer.Predicate is the one rule for search, direct reads,
// suggestions and lists.
//
// Neighbours: package chunk splits text, package lexicon makes terms, package
// embed is the built-in embedder, package index keeps chunks and vectors up to
// date in jobs, package search finds Passages, package importer reads folders
// and files, package site keeps websites.
package knowledge
