package outcome

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Case is one conversation in the ledger.
type Case struct {
	Tenant       uuid.UUID
	Conversation uuid.UUID
	Channel      string
	Intent       string // of its first classified message, as people left it
	Week         time.Time
	Direct       bool    // filed as a ticket, or an integration's error: the assistant had no part
	Outcome      Outcome // empty: nobody asked anything
	People       Outcome // of its tickets; empty: people had no part, or are at it
	Ticket       Outcome // what the ticket says of itself
	Tokens       int64
	MicroUSD     int64
}

// ledgerEvents are all events of the conversations begun in a span, each
// conversation's together and in order. What happened at one moment happened in
// the order of what it means: words before their consequences.
const ledgerEvents = `
with c as (
  select c.tenant_id, c.id, c.user_id, c.channel, c.created_at,
    coalesce((select coalesce(k.corrected_intent, k.intent) from classifications k where k.tenant_id = c.tenant_id and k.conversation_id = c.id
      and coalesce(k.corrected_intent, k.intent) <> '' order by k.created_at, k.id limit 1), '') as intent,
    (select min(m.created_at) from messages m where m.tenant_id = c.tenant_id and m.conversation_id = c.id and m.author_kind = 'customer') as begun
  from conversations c where c.created_at >= $1 and c.created_at < $2 and ($3::uuid is null or c.tenant_id = $3)
), follow as (
  select c.tenant_id, c.id, n.created_at as at from c cross join lateral (
    select o.created_at from conversations o where o.tenant_id = c.tenant_id and o.user_id = c.user_id and o.id <> c.id and c.intent <> ''
      and o.created_at > c.created_at and o.created_at < c.created_at + interval '120 days'
      and (select coalesce(k.corrected_intent, k.intent) from classifications k where k.tenant_id = o.tenant_id and k.conversation_id = o.id
        and coalesce(k.corrected_intent, k.intent) <> '' order by k.created_at, k.id limit 1) = c.intent
    order by o.created_at) n
), t as (
  select k.tenant_id, k.id, k.conversation_id, k.closed_as, k.origin from tickets k join c on c.tenant_id = k.tenant_id and c.id = k.conversation_id
), e as (
  select m.tenant_id, m.conversation_id, m.created_at as at, 1 as rank, m.seq,
    case when m.author_kind = 'agent' then 'agent_wrote' when m.author_kind = 'assistant' then 'answered'
      when d.route = 'acknowledge' then 'pleasantry' else 'customer_wrote' end as kind
  from messages m join c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
  left join decisions d on d.tenant_id = m.tenant_id and d.message_id = m.id
  where m.visibility = 'customer' and m.state in ('final', 'stopped') and (m.author_kind in ('customer', 'agent')
    or m.author_kind = 'assistant' and m.answer->>'kind' in ('answer', 'status') and m.answer->>'evidence' <> 'none')
  union all
  select f.tenant_id, m.conversation_id, f.updated_at, 2, 0, f.vote from feedback f join messages m on m.tenant_id = f.tenant_id and m.id = f.message_id
    join c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
  union all
  select v.tenant_id, v.conversation_id, v.created_at, 2, 0, 'said_solved' from conversation_events v join c on c.tenant_id = v.tenant_id and c.id = v.conversation_id
    where v.kind = 'conversation.updated' and v.payload->>'state' = 'solved'
      and not exists (select from t where t.tenant_id = v.tenant_id and t.conversation_id = v.conversation_id)
  union all
  select s.tenant_id, t.conversation_id, s.created_at, 3, 0, 'handed_over' from escalations s join t on t.tenant_id = s.tenant_id and t.id = s.ticket_id
  union all
  select x.tenant_id, t.conversation_id, x.at, 4, 0, case x.kind when 'confirmed' then 'ticket_confirmed' when 'settled' then 'ticket_settled' when 'reopened' then 'ticket_reopened'
      when 'not_a_request' then 'ticket_none' when 'merged' then 'ticket_none' when 'resolved' then 'ticket_linked'
      else case when x.detail->>'to' in ('solved', 'closed') then 'ticket_solved' else 'ticket_moved' end end
    from ticket_events x join t on t.tenant_id = x.tenant_id and t.id = x.ticket_id
    where x.kind in ('confirmed', 'settled', 'reopened', 'not_a_request', 'merged')
      or x.kind = 'resolved' and x.detail->>'witness' = 'linked_work'
      or x.kind = 'state_changed' and (x.detail->>'from' in ('solved', 'closed')) <> (x.detail->>'to' in ('solved', 'closed'))
  union all
  -- The same matter again counts from the last thing that happened here.
  select f.tenant_id, f.id, f.at, 5, 0, 'returned' from follow f
    where f.at - (select max(m.created_at) from messages m where m.tenant_id = f.tenant_id and m.conversation_id = f.id and m.visibility = 'customer' and m.created_at < f.at) < interval '7 days'
)
select c.tenant_id, c.id, c.channel, c.intent, date_trunc('week', coalesce(c.begun, c.created_at) at time zone 'utc')::date,
  c.channel = 'integration' or exists (select from t join escalations s on s.tenant_id = t.tenant_id and s.ticket_id = t.id
    where t.tenant_id = c.tenant_id and t.conversation_id = c.id and s.reason in ('created_by_api', 'integration_error')),
  coalesce((select sum(d.prompt_tokens + d.output_tokens) from decisions d where d.tenant_id = c.tenant_id and d.conversation_id = c.id), 0)::bigint,
  coalesce((select sum(d.cost_microusd) from decisions d where d.tenant_id = c.tenant_id and d.conversation_id = c.id), 0)::bigint,
  array_agg(e.kind order by e.at, e.rank, e.seq) filter (where e.kind is not null), array_agg(e.at order by e.at, e.rank, e.seq) filter (where e.kind is not null)
from c left join e on e.tenant_id = c.tenant_id and e.conversation_id = c.id
group by c.tenant_id, c.id, c.channel, c.intent, c.begun, c.created_at order by c.created_at, c.id`

// Ledger hands over every conversation begun in a span, as it stands now. tx is
// of the worker role, over all tenants; tenant narrows it, uuid.Nil does not.
func Ledger(ctx context.Context, tx pgx.Tx, from, to time.Time, tenant uuid.UUID, now time.Time, fn func(Case)) error {
	var only *uuid.UUID
	if tenant != uuid.Nil {
		only = &tenant
	}
	rows, err := tx.Query(ctx, ledgerEvents, from, to, only)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	var c Case
	var kinds []string
	var times []time.Time
	_, err = pgx.ForEachRow(rows, []any{&c.Tenant, &c.Conversation, &c.Channel, &c.Intent, &c.Week, &c.Direct, &c.Tokens, &c.MicroUSD, &kinds, &times}, func() error {
		events := make([]event, len(kinds))
		for i, k := range kinds {
			events[i] = event{k, times[i]}
		}
		c.Outcome = conversation(events, now)
		c.Ticket, c.People = person(events)
		fn(c)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return nil
}
