// Package topic groups all questions of customers, so that curators see what is
// asked about, what grows and what is asked again.
//
// A question answered from the live record belongs to the topic of its intent,
// in any language. Every other one joins the topic its words come nearest, more
// readily one of the same intent, or begins a new one; a topic keeps its identity
// as questions arrive and is named by the words its questions share. A question
// is asked again when the same organisation asked it within seven days in another
// conversation; such questions, and those whose answer was voted down, go to
// the gaps. Neighbours: knowledge/cluster does the grouping, knowledge/gap groups
// what was not answered, triage/upkeep makes suggestions from topics.
package topic
