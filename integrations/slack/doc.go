// Package slack is where agents work on tickets: one root message per ticket in
// a private channel, kept up to date in place, with the work in its thread.
//
// Client posts (it is a desk.Channel); Inbound takes events, buttons, modals and
// commands in. What a person types in a thread stays internal. A customer sees
// only what is sent through the reply modal, which shows who will get it.
//
// Everything inbound is checked on its raw body, stored under its id, answered,
// and only then worked on, in a job. Thread history is never read to work: what
// is needed was stored when it happened. The one exception is a post whose
// answer was lost, which is looked up by the key it carries before it is
// repeated.
package slack
