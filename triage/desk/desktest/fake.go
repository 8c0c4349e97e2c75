// Package desktest has in-memory destinations for tests of the desk: they keep
// what a vendor would keep, and can fail before or after having done it.
package desktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// Fault is what happens to one call: Before fails it without effect, After
// makes it take effect and then fail as a lost answer does.
type Fault struct{ Before, After error }

// Faults decides the fate of each call by its name. Nil: all succeed.
type Faults func(call string) Fault

// Channel is an in-memory desk.Channel.
type Channel struct {
	Name   string
	mu     sync.Mutex
	faults Faults
	next   int
	Roots  map[uuid.UUID][]Root // by ticket: more than one is a bug
	Posts  map[string][]Sent    // by root id
	Edits  int
	Blind  bool // answers to lookups cannot be had, as where history is not allowed
	Asks   []SentAsk
	Pings  []desk.Ping
}

// SentAsk is one question to a colleague with what stands below it.
type SentAsk struct {
	ID     string
	Ask    desk.Ask
	Asides []SentAside
}

// SentAside is one message below a question.
type SentAside struct {
	ID    string
	Aside desk.Aside
}

// Root is one posted root message with the card it shows now.
type Root struct {
	ID   string
	Card desk.Card
}

// Sent is one thread message.
type Sent struct {
	ID   string
	Post desk.Post
}

// NewChannel returns an empty Channel called slack.
func NewChannel(faults Faults) *Channel {
	return &Channel{Name: "slack", faults: faults, Roots: map[uuid.UUID][]Root{}, Posts: map[string][]Sent{}}
}

// Fail sets what happens to calls from now on.
func (c *Channel) Fail(f Faults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = f
}

// System names the fake.
func (c *Channel) System() string { return c.Name }

// UpsertRoot posts or edits a root.
func (c *Channel) UpsertRoot(_ context.Context, card desk.Card, at desk.Ref) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "root")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	roots := c.Roots[card.TicketID]
	switch {
	case !at.IsZero():
		for i := range roots {
			if roots[i].ID == at.ID {
				roots[i].Card = card
				c.Edits++
				return at, f.After
			}
		}
		return desk.Ref{}, &desk.PermanentError{Safe: "The message is gone.", Err: errors.New("message_not_found")}
	case card.Retry && !c.Blind && len(roots) > 0:
		roots[0].Card = card
		return desk.Ref{ID: roots[0].ID}, f.After
	}
	c.next++
	root := Root{fmt.Sprintf("C1:%d", c.next), card}
	c.Roots[card.TicketID] = append(roots, root)
	return desk.Ref{ID: root.ID}, f.After
}

// PostThread adds a message below a root.
func (c *Channel) PostThread(_ context.Context, root desk.Ref, post desk.Post) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "thread")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	if root.IsZero() {
		return desk.Ref{}, errors.New("no root to post below")
	}
	for i, sent := range c.Posts[root.ID] {
		if sent.ID == post.At.ID || post.At.IsZero() && post.Retry && !c.Blind && sent.Post.Key == post.Key {
			if post.Changed {
				c.Posts[root.ID][i].Post = post
				c.Edits++
			}
			return desk.Ref{ID: sent.ID}, f.After
		}
	}
	if !post.At.IsZero() {
		return post.At, f.After // somebody deleted it
	}
	c.next++
	sent := Sent{fmt.Sprintf("C1:%d", c.next), post}
	c.Posts[root.ID] = append(c.Posts[root.ID], sent)
	return desk.Ref{ID: sent.ID}, f.After
}

// UpsertAsk sends or edits a question.
func (c *Channel) UpsertAsk(_ context.Context, ask desk.Ask, at desk.Ref) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "ask")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	for i, sent := range c.Asks {
		if sent.ID == at.ID || at.IsZero() && ask.Retry && !c.Blind && sent.Ask.Key == ask.Key {
			c.Asks[i].Ask = ask
			c.Edits++
			return desk.Ref{ID: sent.ID}, f.After
		}
	}
	if ask.Ended != "" {
		return desk.Ref{}, f.After
	}
	c.next++
	id := fmt.Sprintf("D%s:%d", ask.Person, c.next)
	c.Asks = append(c.Asks, SentAsk{ID: id, Ask: ask})
	return desk.Ref{ID: id}, f.After
}

// PostAside adds a message below a question, or edits it.
func (c *Channel) PostAside(_ context.Context, ask desk.Ref, aside desk.Aside) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "aside")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	for i := range c.Asks {
		if c.Asks[i].ID != ask.ID {
			continue
		}
		for j, sent := range c.Asks[i].Asides {
			if sent.ID == aside.At.ID || aside.At.IsZero() && aside.Retry && !c.Blind && sent.Aside.Key == aside.Key {
				if aside.Changed {
					c.Asks[i].Asides[j].Aside = aside
					c.Edits++
				}
				return desk.Ref{ID: sent.ID}, f.After
			}
		}
		if aside.Gone {
			return desk.Ref{}, f.After
		}
		c.next++
		id := fmt.Sprintf("D%s:%d", aside.Person, c.next)
		c.Asks[i].Asides = append(c.Asks[i].Asides, SentAside{id, aside})
		return desk.Ref{ID: id}, f.After
	}
	return desk.Ref{}, errors.New("no question to write below")
}

// Ping tells one person something once.
func (c *Channel) Ping(_ context.Context, ping desk.Ping) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "ping")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	for i, sent := range c.Pings {
		if ping.Retry && !c.Blind && sent.Key == ping.Key {
			return desk.Ref{ID: fmt.Sprintf("P%s:%d", ping.Person, i)}, f.After
		}
	}
	c.Pings = append(c.Pings, ping)
	return desk.Ref{ID: fmt.Sprintf("P%s:%d", ping.Person, len(c.Pings)-1)}, f.After
}

// AsksOf are the questions about a ticket, in order.
func (c *Channel) AsksOf(ticket uuid.UUID) (out []SentAsk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, sent := range c.Asks {
		if sent.Ask.Ticket.ID == ticket {
			sent.Asides = append([]SentAside(nil), sent.Asides...)
			out = append(out, sent)
		}
	}
	return out
}

// Thread is what stands below a ticket's root, in order.
func (c *Channel) Thread(ticket uuid.UUID) []desk.Post {
	c.mu.Lock()
	defer c.mu.Unlock()
	var posts []desk.Post
	for _, root := range c.Roots[ticket] {
		for _, sent := range c.Posts[root.ID] {
			posts = append(posts, sent.Post)
		}
	}
	return posts
}

// Event is a message of ours as the channel reports it back.
type Event struct {
	Key string
	At  desk.Ref
}

// Events are what the channel would report about a ticket's messages.
func (c *Channel) Events(ticket uuid.UUID) []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Event
	for _, root := range c.Roots[ticket] {
		out = append(out, Event{"root:" + ticket.String(), desk.Ref{ID: root.ID}})
		for _, sent := range c.Posts[root.ID] {
			out = append(out, Event{sent.Post.Key, desk.Ref{ID: sent.ID}})
		}
	}
	for _, sent := range c.Asks {
		if sent.Ask.Ticket.ID != ticket {
			continue
		}
		out = append(out, Event{sent.Ask.Key, desk.Ref{ID: sent.ID}})
		for _, a := range sent.Asides {
			out = append(out, Event{a.Aside.Key, desk.Ref{ID: a.ID}})
		}
	}
	return out
}

// CRM is an in-memory desk.CRM.
type CRM struct {
	mu      sync.Mutex
	faults  Faults
	name    string
	Records map[uuid.UUID]desk.Record
	Notes   map[string]map[uuid.UUID]desk.Note // by record id
	Fielded map[string]map[string]string       // by record id: state and priority in the CRM's words
	Changed map[string]time.Time               // by record id: last change by anybody
	Said    map[string][]desk.Comment          // by record id: comments of people there
	Now     func() time.Time
	Writes  int
}

// NewCRM returns an empty CRM called name.
func NewCRM(name string, faults Faults) *CRM {
	return &CRM{
		faults: faults, name: name, Records: map[uuid.UUID]desk.Record{}, Notes: map[string]map[uuid.UUID]desk.Note{},
		Fielded: map[string]map[string]string{}, Changed: map[string]time.Time{}, Said: map[string][]desk.Comment{}, Now: time.Now,
	}
}

// Fail sets what happens to calls from now on.
func (c *CRM) Fail(f Faults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = f
}

// System names the fake.
func (c *CRM) System() string { return c.name }

// UpsertTicket keeps one record per key.
func (c *CRM) UpsertTicket(_ context.Context, record desk.Record) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "record")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	c.Records[record.Key] = record
	c.Writes++
	id := "crm-" + record.Key.String()
	c.Fielded[id], c.Changed[id] = c.Fields(record), c.Now()
	return desk.Ref{ID: id}, f.After
}

// Fields writes states as three stages, as CRMs do.
func (c *CRM) Fields(r desk.Record) map[string]string {
	stage := "open"
	switch r.State {
	case triage.InternalPending:
		stage = "waiting"
	case triage.InternalSolved, triage.InternalClosed:
		stage = "done"
	}
	return map[string]string{"state": stage, "priority": strings.ToUpper(string(r.Priority))}
}

// Decode reads them back.
func (c *CRM) Decode(field, value string) []string {
	if field == "priority" {
		return []string{strings.ToLower(value)}
	}
	return map[string][]string{
		"open":    {string(triage.InternalOpen), string(triage.InternalNew), string(triage.InternalOnHold), string(triage.InternalSnoozed)},
		"waiting": {string(triage.InternalPending)}, "done": {string(triage.InternalSolved), string(triage.InternalClosed)},
	}[value]
}

// Read is the record as it is now.
func (c *CRM) Read(_ context.Context, record desk.Ref) (desk.Seen, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := fault(c.faults, "read"); f.Before != nil {
		return desk.Seen{}, f.Before
	}
	seen := desk.Seen{At: c.Changed[record.ID], Fields: map[string]string{}, Comments: append([]desk.Comment(nil), c.Said[record.ID]...)}
	for k, v := range c.Fielded[record.ID] {
		seen.Fields[k] = v
	}
	return seen, nil
}

// Edit changes a field as a person in the CRM does. Nothing happens to a record
// that is not there.
func (c *CRM) Edit(ticket uuid.UUID, field, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := "crm-" + ticket.String()
	if fields := c.Fielded[id]; fields != nil {
		fields[field], c.Changed[id] = value, c.Now()
	}
}

// Say comments as a person in the CRM does.
func (c *CRM) Say(ticket uuid.UUID, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := "crm-" + ticket.String()
	if c.Fielded[id] == nil {
		return false
	}
	c.Said[id] = append(c.Said[id], desk.Comment{ID: fmt.Sprintf("%s-%d", id, len(c.Said[id])), Author: "Somebody there", Text: text, At: c.Now()})
	return true
}

// AddNote keeps one note per key.
func (c *CRM) AddNote(_ context.Context, record desk.Ref, note desk.Note) (desk.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault(c.faults, "note")
	if f.Before != nil {
		return desk.Ref{}, f.Before
	}
	if record.IsZero() {
		return desk.Ref{}, errors.New("no record to comment on")
	}
	if c.Notes[record.ID] == nil {
		c.Notes[record.ID] = map[uuid.UUID]desk.Note{}
	}
	c.Notes[record.ID][note.Key] = note
	return desk.Ref{ID: "note-" + note.Key.String()}, f.After
}

func fault(faults Faults, call string) Fault {
	if faults == nil {
		return Fault{}
	}
	return faults(call)
}
