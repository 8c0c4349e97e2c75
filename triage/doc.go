// Package triage holds the words of the support domain: Conversation, Message,
// Ticket, Classification, Decision, Escalation, Actor, and how they are stored.
//
// Its neighbours do the work on them:
//
//	intake     takes a message in: stored with its job in one transaction
//	attachment files that messages carry: quarantined, checked, handed out
//	classify   what the message is about (built-in engine)
//	guard      what must not reach a model or an answer; loops and machines
//	answer     drafts from passages and gates every sentence
//	assistant  one run over one inbound message, from stored to answered or handed over
//	desk       people's work: tickets, escalations, agents' actions, deliveries
//	sla        promised times and the clocks that measure them
//	proposal   drafts of articles from tickets that people solved
//	eval       questions curators keep, replay of past ones, and the gate's and guard's figures
//
// No HTTP and no vendor is known here.
package triage
