// Package enquiry reads agents' questions about the queue ("how many open KYC
// tickets for Acme?") into one of a few looks with a filter, and looks.
//
// It only reads. The words are matched with a small grammar and the operator's
// own names: customers, staff, teams, topics and connectors. What was understood
// is said back, and so are words nothing was made of; where two customers fit,
// both are offered. No model is needed and none decides: what is not in the
// grammar is not guessed.
package enquiry
