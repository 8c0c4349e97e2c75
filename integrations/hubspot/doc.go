// Package hubspot keeps one HubSpot ticket per ticket of ours, found by a unique
// property, with its contact, company, owner and notes, and reads back what
// people change there.
//
// Every write is an upsert by a unique property of ours, so it may be repeated
// and two at once make one object; nothing is searched before it is created,
// because HubSpot's search lags its writes. Webhooks are hints: they say which
// ticket to read, and the state is taken from the reading.
package hubspot
