package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// A ticket's effects at one destination form a lane. Whoever drains it owns a
// lease, works the effects in order (the root or record first) and gives the
// lease back in the transaction that finds nothing more to do:
//
//	lease ─▶ pick: pending → sending, commit ─▶ call ─▶ finish: delivered │ pending, later │ failed
//	            └── nothing left: lease given back
//
// A worker killed between pick and finish leaves the row "sending". Whoever
// leases the lane next sees that and tells the adapter to look before it writes
// (Retry). No transaction is open during the call.

// errBusy says another worker owns the lane.
var errBusy = errors.New("lane is leased")

// delivery is a row of deliveries as the lane needs it.
type delivery struct {
	ID          uuid.UUID       `db:"id"`
	Kind        string          `db:"kind"`
	SubjectKey  string          `db:"subject_key"`
	State       string          `db:"state"`
	Attempts    int             `db:"attempts"`
	Payload     json.RawMessage `db:"payload"`
	ExternalRef Ref             `db:"external_ref"`
	Wanted      int64           `db:"wanted"`
	Batch       *uuid.UUID      `db:"batch"`
	NextAt      *time.Time      `db:"next_attempt_at"`
	CreatedAt   time.Time       `db:"created_at"`
	DeliveredAt *time.Time      `db:"delivered_at"`
	FirstTried  *time.Time      `db:"first_tried_at"`
	UpdatedAt   time.Time       `db:"updated_at"`
}

const deliveryColumns = `id, kind, subject_key, state, attempts, payload, external_ref, wanted, batch, next_attempt_at,
	created_at, delivered_at, first_tried_at, updated_at`

func (d delivery) head() bool { return d.Kind == kindRoot || d.Kind == kindRecord }

// effect is what is about to be done: one delivery, or several posts at once.
type effect struct {
	rows    []delivery
	unknown bool // an earlier try may have had its effect
	// unfinished says that another step follows once this one is kept.
	unfinished bool
	link       Ref
	fields     map[string]string // what a CRM record then says, by field
	call       func(ctx context.Context) (Ref, error)
}

// Drain carries out a ticket's pending effects at one destination, for at most
// budget. It returns how long to wait before looking again: zero when there is
// nothing left to do.
func (s *Service) Drain(ctx context.Context, tenant, ticket uuid.UUID, destination string, budget time.Duration) (time.Duration, error) {
	lane := &lane{s: s, tenant: tenant, ticket: ticket, destination: destination, token: uuid.New()}
	if !s.delivers(destination) {
		return 0, nil
	}
	select {
	case s.slots[destination] <- struct{}{}:
		defer func() { <-s.slots[destination] }()
	default:
		return 500 * time.Millisecond, nil
	}
	wait, err := lane.lease(ctx)
	if errors.Is(err, errBusy) {
		return 250 * time.Millisecond, nil
	}
	if errors.Is(err, triage.ErrTicketNotFound) {
		return 0, nil // erased with its tenant
	}
	if err != nil || wait > 0 {
		return wait, err
	}
	start := time.Now()
	for time.Since(start) < budget {
		done, wait, err := lane.step(ctx)
		if err != nil || done {
			return wait, err
		}
	}
	return time.Millisecond, lane.release(ctx)
}

func (s *Service) delivers(destination string) bool {
	if s.Channel != nil && s.Channel.System() == destination {
		return true
	}
	return s.crm(destination) != nil
}

func (s *Service) crm(system string) CRM {
	for _, crm := range s.CRMs {
		if crm.System() == system {
			return crm
		}
	}
	return nil
}

type lane struct {
	s           *Service
	tenant      uuid.UUID
	ticket      uuid.UUID
	destination string
	token       uuid.UUID
}

// lease takes the lane, or says how long the destination is paused.
func (l *lane) lease(ctx context.Context) (wait time.Duration, err error) {
	now := l.s.Now().UTC()
	err = l.s.DB.WithTenant(ctx, l.tenant, func(tx pgx.Tx) error {
		if wait, err = paused(ctx, tx, l.destination, now); err != nil || wait > 0 {
			return err
		}
		if _, err := TicketByID(ctx, tx, l.tenant, l.ticket); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `insert into delivery_lanes (tenant_id, ticket_id, destination, lease, lease_until)
			values ($1, $2, $3, $4, $6) on conflict (tenant_id, ticket_id, destination) do update set lease = $4, lease_until = $6
			where delivery_lanes.lease is null or delivery_lanes.lease_until < $5`,
			l.tenant, l.ticket, l.destination, l.token, now, now.Add(l.s.LeaseFor))
		if err != nil {
			return fmt.Errorf("lease lane: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return errBusy
		}
		return nil
	})
	return wait, err
}

func paused(ctx context.Context, tx pgx.Tx, destination string, now time.Time) (time.Duration, error) {
	var until time.Time
	err := tx.QueryRow(ctx, `select paused_until from delivery_pauses where destination = $1 and paused_until > $2`, destination, now).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read pause: %w", err)
	}
	// A little apart, so that not everything wakes at once.
	return until.Sub(now) + time.Duration(rand.Int64N(int64(500*time.Millisecond))), nil
}

func (l *lane) release(ctx context.Context) error {
	return l.s.DB.WithTenant(context.WithoutCancel(ctx), l.tenant, func(tx pgx.Tx) error { return l.free(ctx, tx) })
}

func (l *lane) free(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(context.WithoutCancel(ctx), `update delivery_lanes set lease = null
		where tenant_id = $1 and ticket_id = $2 and destination = $3 and lease = $4`, l.tenant, l.ticket, l.destination, l.token)
	if err != nil {
		return fmt.Errorf("release lane: %w", err)
	}
	return nil
}

// step carries out the next effect. done says the lease is given back, with the
// time to wait before looking again.
func (l *lane) step(ctx context.Context) (done bool, wait time.Duration, err error) {
	next, wait, err := l.pick(ctx)
	if err != nil || next == nil {
		return true, wait, err
	}
	within := l.s.CallTimeout
	if next.rows[0].Kind == kindFile {
		within = max(within, min(copyTimeout, l.s.LeaseFor-5*time.Second)) // the lane is ours no longer than that
	}
	call, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%s did not answer within %s", l.destination, within))
	ref, callErr := next.call(call)
	if callErr != nil && call.Err() != nil {
		callErr = fmt.Errorf("%w: %w", context.Cause(call), callErr)
	}
	cancel()
	if ctx.Err() != nil && callErr != nil {
		// Stopping: the row stays "sending" and is looked up by the next worker.
		return true, 0, errors.Join(ctx.Err(), l.release(ctx))
	}
	return l.finish(context.WithoutCancel(ctx), next, ref, callErr)
}

// pick marks the next effect as sending. With nothing to do it gives the lease
// back and says when to look again.
func (l *lane) pick(ctx context.Context) (next *effect, wait time.Duration, err error) {
	now := l.s.Now().UTC()
	err = l.s.DB.WithTenant(ctx, l.tenant, func(tx pgx.Tx) error {
		next, wait = nil, 0
		tag, err := tx.Exec(ctx, `update delivery_lanes set lease_until = $5
			where tenant_id = $1 and ticket_id = $2 and destination = $3 and lease = $4`,
			l.tenant, l.ticket, l.destination, l.token, now.Add(l.s.LeaseFor))
		if err != nil {
			return fmt.Errorf("keep lane: %w", err)
		}
		if tag.RowsAffected() == 0 {
			wait = 250 * time.Millisecond // the lease ran out and another worker has it
			return nil
		}
		if wait, err = paused(ctx, tx, l.destination, now); err != nil || wait > 0 {
			return errors.Join(err, l.free(ctx, tx))
		}
		rows, err := l.open(ctx, tx)
		if err != nil {
			return err
		}
		passed, err := l.passed(ctx, tx, rows, now)
		if err != nil {
			return err
		}
		for {
			var chosen []delivery
			chosen, wait = l.choose(rows, passed, now)
			if len(chosen) == 0 {
				return l.free(ctx, tx)
			}
			if next, err = l.prepare(ctx, tx, chosen, now); err != nil {
				return err
			}
			if next != nil {
				return l.mark(ctx, tx, chosen, now)
			}
			dropped := ids(chosen)
			if err := l.drop(ctx, tx, dropped, now); err != nil {
				return err
			}
			rows = slices.DeleteFunc(rows, func(d delivery) bool { return slices.Contains(dropped, d.ID) })
		}
	})
	return next, wait, err
}

func ids(rows []delivery) []uuid.UUID {
	out := make([]uuid.UUID, len(rows))
	for i, d := range rows {
		out[i] = d.ID
	}
	return out
}

// drop discards an effect that is not wanted any more.
func (l *lane) drop(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, now time.Time) error {
	if _, err := tx.Exec(ctx, `update deliveries set state = 'discarded', updated_at = $3 where tenant_id = $1 and id = any($2)`, l.tenant, ids, now); err != nil {
		return fmt.Errorf("discard delivery: %w", err)
	}
	return nil
}

func (l *lane) open(ctx context.Context, tx pgx.Tx) ([]delivery, error) {
	rows, err := tx.Query(ctx, `select `+deliveryColumns+` from deliveries
		where tenant_id = $1 and ticket_id = $2 and destination = $3
		  and (state in ('pending', 'sending') or kind in ('root', 'record'))
		order by kind not in ('root', 'record'), position limit 200`, l.tenant, l.ticket, l.destination)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[delivery])
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return list, nil
}

// passed are the posts that others need not wait for: they were tried often
// enough, and the destination took something else about their last try. While it
// takes nothing at all, everything keeps its order.
func (l *lane) passed(ctx context.Context, tx pgx.Tx, rows []delivery, now time.Time) (map[uuid.UUID]bool, error) {
	passed := map[uuid.UUID]bool{}
	var took *time.Time // something, the last time
	for _, d := range rows {
		if d.head() || d.Attempts < l.s.MaxAttempts || d.NextAt == nil || !d.NextAt.After(now) {
			continue
		}
		if len(passed) == 0 {
			err := tx.QueryRow(ctx, `select max(delivered_at) from deliveries where tenant_id = $1 and destination = $2`, l.tenant, l.destination).Scan(&took)
			if err != nil {
				return nil, fmt.Errorf("read deliveries: %w", err)
			}
		}
		passed[d.ID] = took != nil && took.After(d.UpdatedAt.Add(-l.s.OutageAfter))
	}
	return passed, nil
}

// choose picks what to do next from a lane's rows in order. The head comes
// first: without a root there is no thread. Where the head was discarded before
// it ever was delivered, or has failed, the rest waits for a person or for the
// ticket's next change.
func (l *lane) choose(rows []delivery, passed map[uuid.UUID]bool, now time.Time) ([]delivery, time.Duration) {
	var wait time.Duration
	if len(rows) > 0 && rows[0].head() {
		head := rows[0]
		rows = rows[1:]
		exists := !head.ExternalRef.IsZero()
		open := head.State == "pending" || head.State == "sending"
		switch {
		case open && head.NextAt != nil && head.NextAt.After(now):
			wait = head.NextAt.Sub(now)
		case open && head.State == "pending" && exists && head.DeliveredAt != nil && now.Sub(*head.DeliveredAt) < l.s.EditEvery:
			wait = l.s.EditEvery - now.Sub(*head.DeliveredAt)
		case open:
			return []delivery{head}, 0
		}
		if !exists {
			return nil, wait
		}
	}
	// One person who cannot be reached holds up neither the thread nor another.
	waits := map[uuid.UUID]bool{}
	for i, d := range rows {
		whose := d.alone()
		switch {
		case waits[whose]:
		case d.NextAt != nil && d.NextAt.After(now):
			waits[whose] = !passed[d.ID]
			wait = least(wait, d.NextAt.Sub(now))
		default:
			return l.together(rows[i:], now), 0
		}
	}
	return nil, wait
}

// together gathers posts that piled up during an outage into one, and so what one
// person is told, as many as it has room for; those of an unfinished batch stay together.
func (l *lane) together(rows []delivery, now time.Time) []delivery {
	first := rows[0]
	if _, card := first.card(); card || first.Kind != kindThread && first.Kind != kindPing {
		return rows[:1]
	}
	if first.Batch != nil {
		var same []delivery
		for _, d := range rows {
			if d.Batch != nil && *d.Batch == *first.Batch {
				same = append(same, d)
			}
		}
		return same
	}
	// One that was tried alone may have arrived: it stays alone, under its own key.
	// So does one that stands there already and has changed.
	if first.State == "sending" || first.Attempts > 0 || !first.ExternalRef.IsZero() || now.Sub(first.CreatedAt) < l.s.CatchUpAfter {
		return rows[:1]
	}
	var waiting []delivery
	whose, other := first.alone(), first.other()
	for _, d := range rows {
		if d.alone() != whose {
			continue // goes to somebody else, at its own time
		}
		if _, card := d.card(); card || len(waiting) == catchUpPosts || d.other() != other || d.Kind != first.Kind || d.State != "pending" || d.Batch != nil || d.Attempts > 0 || !d.ExternalRef.IsZero() {
			break
		}
		waiting = append(waiting, d)
	}
	return waiting
}

func (l *lane) mark(ctx context.Context, tx pgx.Tx, chosen []delivery, now time.Time) error {
	var batch *uuid.UUID
	if len(chosen) > 1 {
		batch = &chosen[0].ID
		if chosen[0].Batch != nil {
			batch = chosen[0].Batch
		}
	}
	_, err := tx.Exec(ctx, `update deliveries set state = 'sending', attempts = attempts + 1, batch = coalesce($3, batch), updated_at = $4,
		first_tried_at = coalesce(first_tried_at, $4), next_attempt_at = null where tenant_id = $1 and id = any($2)`, l.tenant, ids(chosen), batch, now)
	if err != nil {
		return fmt.Errorf("mark delivery: %w", err)
	}
	return nil
}

// prepare reads what the effect needs and closes over it. It returns nil where
// the effect is not wanted any more.
func (l *lane) prepare(ctx context.Context, tx pgx.Tx, rows []delivery, now time.Time) (*effect, error) {
	d := rows[0]
	e := &effect{rows: rows, unknown: d.State == "sending" || d.Attempts > 0}
	link, err := linkOf(ctx, tx, l.tenant, l.ticket, l.destination)
	if err != nil {
		return nil, err
	}
	e.link = link
	switch d.Kind {
	case kindRoot:
		card, err := l.s.card(ctx, tx, l.tenant, l.ticket)
		if err != nil {
			return nil, err
		}
		card.Retry = e.unknown
		switch {
		case card.Retry && link.IsZero() && d.FirstTried != nil:
			card.Since = *d.FirstTried
		case card.Retry && d.DeliveredAt != nil:
			card.Since = *d.DeliveredAt // one posted anew came after it
		}
		e.call = func(ctx context.Context) (Ref, error) { return l.s.Channel.UpsertRoot(ctx, card, link) }
	case kindThread:
		said, err := l.batch(ctx, tx, rows)
		if err != nil {
			return nil, err
		}
		post, err := l.post(said)
		if err != nil {
			return nil, err
		}
		post.Retry = e.unknown
		if id, card := d.card(); card {
			if post.Approval, err = l.s.approval(ctx, tx, l.tenant, id); err != nil {
				return nil, err
			}
		}
		for _, d := range rows {
			post.Changed = post.Changed || d.Wanted > 1
			if !d.ExternalRef.IsZero() {
				post.At = d.ExternalRef
			}
		}
		if err := ping(ctx, tx, &post); err != nil {
			return nil, err
		}
		e.call = func(ctx context.Context) (Ref, error) { return l.s.Channel.PostThread(ctx, link, post) }
	case kindPing:
		return l.preparePing(ctx, tx, rows, e)
	case kindFile:
		return l.prepareCopy(ctx, tx, d, e)
	case kindAsk, kindAside:
		return l.prepareAside(ctx, tx, d, e)
	case kindRecord:
		record, err := l.s.record(ctx, tx, l.tenant, l.ticket)
		if err != nil {
			return nil, err
		}
		if mirror, ok := l.s.crm(l.destination).(Mirror); ok {
			e.fields = mirror.Fields(record)
		}
		e.call = func(ctx context.Context) (Ref, error) { return l.s.crm(l.destination).UpsertTicket(ctx, record) }
	case kindNote:
		note, err := l.note(ctx, tx, d)
		if err != nil {
			return nil, err
		}
		note.Retry = e.unknown
		e.call = func(ctx context.Context) (Ref, error) { return l.s.crm(l.destination).AddNote(ctx, link, note) }
	default:
		return nil, fmt.Errorf("delivery %s has the unknown kind %q", d.ID, d.Kind)
	}
	return e, nil
}

// prepareAside is prepare for what goes to one colleague.
func (l *lane) prepareAside(ctx context.Context, tx pgx.Tx, d delivery, e *effect) (*effect, error) {
	colleagues := l.s.colleagues()
	if colleagues == nil {
		return nil, nil
	}
	if d.Kind == kindAsk {
		ask, err := l.ask(ctx, tx, d, e.unknown)
		if err != nil || ask == nil {
			return nil, err
		}
		e.call = func(ctx context.Context) (Ref, error) { return colleagues.UpsertAsk(ctx, *ask, d.ExternalRef) }
		return e, nil
	}
	aside, below, err := l.aside(ctx, tx, d, e.unknown)
	if err != nil || aside == nil {
		return nil, err
	}
	e.call = func(ctx context.Context) (Ref, error) { return colleagues.PostAside(ctx, below, *aside) }
	return e, nil
}

// preparePing is prepare for what the ticket's owner is told directly. It is not
// wanted any more where the ticket is settled or somebody else's by now, or where
// they cannot be reached.
func (l *lane) preparePing(ctx context.Context, tx pgx.Tx, rows []delivery, e *effect) (*effect, error) {
	said, err := l.batch(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	post, err := l.post(said)
	if err != nil {
		return nil, err
	}
	t, err := TicketByID(ctx, tx, l.tenant, l.ticket)
	if err != nil {
		return nil, err
	}
	pinger, ok := l.s.Channel.(Pinger)
	if err := ping(ctx, tx, &post); err != nil {
		return nil, err
	}
	settled := t.InternalState == triage.InternalSolved || t.InternalState == triage.InternalClosed
	theirs := rows[0].other() || t.AssigneeID != nil && *t.AssigneeID == post.Notify
	if !ok || post.Ping == "" || settled || !theirs {
		return nil, nil
	}
	out := Ping{Key: post.Key, Ticket: post.Ticket, Number: t.Number, Person: post.Ping, Text: post.Text, Thread: e.link, Retry: e.unknown}
	if first := rows[0].FirstTried; first != nil {
		out.Since = *first
	}
	e.call = func(ctx context.Context) (Ref, error) { return pinger.Ping(ctx, out) }
	return e, nil
}

// batch completes posts that left together by those of them that need no change.
func (l *lane) batch(ctx context.Context, tx pgx.Tx, rows []delivery) ([]delivery, error) {
	if rows[0].Batch == nil {
		return rows, nil
	}
	found, err := tx.Query(ctx, `select `+deliveryColumns+` from deliveries where tenant_id = $1 and ticket_id = $2 and batch = $3 and state <> 'discarded'
		order by position`, l.tenant, l.ticket, *rows[0].Batch)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[delivery])
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return all, nil
}

// post is the thread message of one row, or one catch-up for several.
func (l *lane) post(rows []delivery) (Post, error) {
	posts := make([]threadPost, len(rows))
	for i, d := range rows {
		if err := json.Unmarshal(d.Payload, &posts[i]); err != nil {
			return Post{}, fmt.Errorf("read delivery %s: %w", d.ID, err)
		}
	}
	ref := TicketRef{l.tenant, l.ticket}
	if len(rows) == 1 && rows[0].Batch == nil {
		p := posts[0]
		return Post{Key: rows[0].ID.String(), Ticket: ref, Label: p.Label, Author: p.Author, Text: p.Text, Links: p.Links, Notify: p.Notify, Message: p.Message, Colleague: p.Asked}, nil
	}
	var text strings.Builder
	key := rows[0].ID
	if rows[0].Batch != nil {
		key = *rows[0].Batch
	}
	catchUp := Post{Key: key.String(), Ticket: ref, Label: PostCatchUp}
	for i, p := range posts {
		if i > 0 {
			text.WriteString("\n")
		}
		head := fmt.Sprintf("%s · %s: ", p.At.UTC().Format("15:04 MST"), triage.Line(describe(p), 60))
		text.WriteString(head + triage.Line(p.Text, max(80, min(600, catchUpRoom/len(posts)-utf8.RuneCountInString(head)))))
		catchUp.Links = append(catchUp.Links, p.Links...)
		if p.Notify != uuid.Nil {
			catchUp.Notify = p.Notify // who owns the ticket now
		}
	}
	catchUp.Text = text.String()
	return catchUp, nil
}

const (
	catchUpRoom  = 9000              // about what a channel shows of one message
	catchUpPosts = catchUpRoom / 150 // each is given so much of it at least, with who wrote it
)

// ping looks up whom a post is to notify.
func ping(ctx context.Context, tx pgx.Tx, p *Post) error {
	if p.Notify == uuid.Nil {
		return nil
	}
	err := tx.QueryRow(ctx, `select coalesce(slack_user_id, '') from staff where id = $1 and state = 'active'`, p.Notify).Scan(&p.Ping)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read staff: %w", err)
	}
	return nil
}

func describe(p threadPost) string {
	label := map[PostLabel]string{
		PostCustomer: "Customer", PostSent: "Sent to customer", PostInternal: "Internal note", PostSummary: "Summary",
		PostDraft: "AI draft", PostAssistant: "Assistant", PostAutomatic: "Sent automatically", PostSystem: "Usher", PostAsked: "Colleague asked",
	}[p.Label]
	if p.Author == "" {
		return label
	}
	return label + ", " + p.Author
}

func (l *lane) note(ctx context.Context, tx pgx.Tx, d delivery) (Note, error) {
	var payload notePayload
	if err := json.Unmarshal(d.Payload, &payload); err != nil {
		return Note{}, fmt.Errorf("read delivery %s: %w", d.ID, err)
	}
	m, err := triage.MessageByID(ctx, tx, l.tenant, payload.MessageID)
	if err != nil {
		return Note{}, err
	}
	note := Note{
		Key: m.ID, At: m.CreatedAt, Author: describe(threadPost{Label: labelOf(m), Author: m.AuthorName}), Text: l.s.withFiles(triage.Ticket{TenantID: l.tenant, ID: l.ticket}, m),
		Internal: m.Visibility != triage.VisibleToCustomer,
	}
	if payload.Change > 0 {
		note.Key, note.At = uuid.NewSHA1(m.ID, fmt.Appendf(nil, "change %d", payload.Change)), d.CreatedAt
		note.Text = fmt.Sprintf("What was written at %s now reads:\n%s", m.CreatedAt.UTC().Format("2006-01-02 15:04 MST"), said(m))
	}
	return note, nil
}

// finish writes what became of the effect. A rate limit pauses the destination
// and is no failed try. What may pass is tried until it does.
func (l *lane) finish(ctx context.Context, e *effect, ref Ref, callErr error) (done bool, wait time.Duration, err error) {
	now := l.s.Now().UTC()
	err = l.s.DB.WithTenant(ctx, l.tenant, func(tx pgx.Tx) error {
		done, wait = false, 0
		if callErr == nil {
			return l.delivered(ctx, tx, e, ref, now)
		}
		var temporary *TemporaryError
		var permanent *PermanentError
		switch {
		case errors.As(callErr, &permanent):
			return l.fail(ctx, tx, e, permanent.Safe, now)
		case errors.As(callErr, &temporary) && temporary.After > 0 && !temporary.Here:
			done, wait = true, temporary.After
			return l.pause(ctx, tx, e, temporary, now)
		case temporary == nil && !errors.Is(callErr, context.DeadlineExceeded) && e.rows[0].Attempts+1 >= l.s.MaxAttempts:
			return l.fail(ctx, tx, e, fmt.Sprintf("Gave up after %d tries; the last answer was: %s", l.s.MaxAttempts, Safe(callErr)), now)
		}
		wait = l.s.Backoff(e.rows[0].Attempts + 1)
		if temporary != nil {
			wait = max(wait, temporary.After)
		}
		if err := l.again(ctx, tx, e, Safe(callErr), now.Add(wait), now); err != nil || e.rows[0].alone() != uuid.Nil {
			return err // somebody else's messages go on
		}
		done = true
		return l.free(ctx, tx)
	})
	if callErr != nil {
		l.s.Log.WarnContext(ctx, "delivery did not succeed", "destination", l.destination, "kind", e.rows[0].Kind,
			"tenant_id", l.tenant, "ticket_id", l.ticket, "attempt", e.rows[0].Attempts+1, "error", callErr)
	}
	return done, wait, err
}

func (l *lane) delivered(ctx context.Context, tx pgx.Tx, e *effect, ref Ref, now time.Time) error {
	for _, d := range e.rows {
		// More was asked for during the call: the row stays pending. It was
		// discarded meanwhile: it happened all the same.
		_, err := tx.Exec(ctx, `update deliveries set state = case when wanted > $3 or $6 then 'pending' else 'delivered' end,
			sent = greatest(sent, $3), external_ref = $4, last_error = $7, delivered_at = $5, updated_at = $5, next_attempt_at = null,
			attempts = case when wanted > $3 or $6 then 0 else attempts end
			where tenant_id = $1 and id = $2`, l.tenant, d.ID, d.Wanted, ref, now, e.unfinished, ref.LeftOut)
		if err != nil {
			return fmt.Errorf("finish delivery: %w", err)
		}
	}
	if e.rows[0].Kind == kindAsk {
		return place(ctx, tx, l.tenant, e.rows[0].SubjectKey, ref)
	}
	if !e.rows[0].head() {
		return nil
	}
	_, err := tx.Exec(ctx, `insert into former_links (tenant_id, ticket_id, system, external_id, until) select tenant_id, ticket_id, system, external_id, $5
		from ticket_links where tenant_id = $1 and ticket_id = $2 and system = $3 and external_id <> $4 on conflict do nothing`,
		l.tenant, l.ticket, l.destination, ref.ID, now)
	if err != nil {
		return fmt.Errorf("remember former link: %w", err)
	}
	tag, err := tx.Exec(ctx, `insert into ticket_links (tenant_id, ticket_id, system, external_id, url, detail, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict (tenant_id, ticket_id, system) do update
		set external_id = excluded.external_id, url = excluded.url, detail = excluded.detail, updated_at = excluded.updated_at
		where ticket_links.external_id <> excluded.external_id`,
		l.tenant, l.ticket, l.destination, ref.ID, ref.URL, detail(ref), now)
	if err != nil {
		return fmt.Errorf("link ticket: %w", err)
	}
	w := &work{tx: tx, at: now, ticket: triage.Ticket{TenantID: l.tenant, ID: l.ticket}}
	for field, value := range e.fields {
		if err := agree(ctx, w, l.destination, field, value, "usher"); err != nil {
			return err
		}
	}
	if tag.RowsAffected() == 1 && e.rows[0].Kind == kindRecord {
		l.s.enqueueRoot(w) // the root shows where the record is
		return l.s.flush(ctx, w)
	}
	return nil
}

func detail(r Ref) map[string]string {
	if r.Detail == nil {
		return map[string]string{}
	}
	return r.Detail
}

func (l *lane) fail(ctx context.Context, tx pgx.Tx, e *effect, safe string, now time.Time) error {
	return l.set(ctx, tx, e, `state = 'failed', last_error = $3, updated_at = $4`, safe, now)
}

func (l *lane) again(ctx context.Context, tx pgx.Tx, e *effect, safe string, at, now time.Time) error {
	return l.set(ctx, tx, e, `state = 'pending', last_error = $3, updated_at = $4, next_attempt_at = $5`, safe, now, at)
}

func (l *lane) pause(ctx context.Context, tx pgx.Tx, e *effect, limit *TemporaryError, now time.Time) error {
	_, err := tx.Exec(ctx, `insert into delivery_pauses (destination, paused_until, reason) values ($1, $2, $3)
		on conflict (destination) do update set paused_until = greatest(delivery_pauses.paused_until, excluded.paused_until), reason = excluded.reason`,
		l.destination, now.Add(limit.After), Safe(limit))
	if err != nil {
		return fmt.Errorf("pause destination: %w", err)
	}
	// Nothing was done, so an attempt that began here is not counted.
	if err := l.set(ctx, tx, e, `state = 'pending', last_error = $3, updated_at = $4, attempts = attempts - 1`, Safe(limit), now); err != nil {
		return err
	}
	return l.free(ctx, tx)
}

func (l *lane) set(ctx context.Context, tx pgx.Tx, e *effect, assignments string, args ...any) error {
	_, err := tx.Exec(ctx, `update deliveries set `+assignments+` where tenant_id = $1 and id = any($2) and state = 'sending'`,
		append([]any{l.tenant, ids(e.rows)}, args...)...)
	if err != nil {
		return fmt.Errorf("finish delivery: %w", err)
	}
	return nil
}

// Safe is an error's text for the deliveries page: no secrets, no causes of ours.
func Safe(err error) string {
	var temporary *TemporaryError
	var permanent *PermanentError
	switch {
	case errors.As(err, &permanent):
		return permanent.Safe
	case errors.As(err, &temporary) && temporary.Safe != "":
		return temporary.Safe
	case errors.Is(err, context.DeadlineExceeded):
		return "It did not answer in time."
	}
	return "It could not be reached or did not answer as expected."
}

// backoff grows from 2 seconds to 10 minutes, with jitter.
func backoff(attempt int) time.Duration {
	wait := min(time.Second<<min(attempt, 10), 10*time.Minute)
	return wait/2 + time.Duration(rand.Int64N(int64(wait/2)))
}

func least(a, b time.Duration) time.Duration {
	if a <= 0 {
		return b
	}
	return min(a, b)
}

func linkOf(ctx context.Context, tx pgx.Tx, tenant, ticket uuid.UUID, system string) (Ref, error) {
	var ref Ref
	err := tx.QueryRow(ctx, `select external_id, url, detail from ticket_links where tenant_id = $1 and ticket_id = $2 and system = $3`,
		tenant, ticket, system).Scan(&ref.ID, &ref.URL, &ref.Detail)
	if errors.Is(err, pgx.ErrNoRows) {
		return Ref{}, nil
	}
	if err != nil {
		return Ref{}, fmt.Errorf("read ticket link: %w", err)
	}
	return ref, nil
}
