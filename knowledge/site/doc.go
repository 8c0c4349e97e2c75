// Package site takes websites in as articles and keeps them up with their pages.
//
// A Site is a Source with an address, a scope, a cadence and a way to publish. A
// run reads its pages one at a time:
//
//	due ──> run ──> next page ──> fetch ──> take in ──┐
//	         ▲          ▲                             │
//	   next slice       └────────────── more ─────────┤
//	         └───────── time is up ───────────────────┤
//	                                     none ──> settle what is gone
//
// Every step is one transaction on rows, so a run that is cut off goes on where it
// was. What a page says is data: it becomes Markdown, and a draft unless the
// curator chose otherwise for this site. knowledge.Service.Take decides what is
// new, changed or edited by hand. The Web that is read is integrations/website.
package site
