package topic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/cluster"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/guard"
)

const (
	// alike is the cosine from which two questions are of one topic, aliker the one
	// for questions of the same intent.
	alike     = 0.62
	sameAlike = 0.45
	batch     = 200
	// considered bounds the topics compared with, the latest first.
	considered = 5000
	// window is how far back questions are grouped.
	window = "90 days"
	// embedded is how many questions of a topic make its middle anew when the
	// embedding model has changed.
	embedded = 5
)

// Gaps takes questions the articles may have to answer better. *knowledge.Service is one.
type Gaps interface {
	RecordGapTx(ctx context.Context, tx pgx.Tx, q knowledge.GapQuestion) error
}

// Service groups questions and reads the groups. DB is of the worker role.
type Service struct {
	DB     *tenantdb.DB
	Models *switchover.Registry
	Gaps   Gaps
	Jobs   knowledge.JobInserter // for Soon
}

type question struct {
	TenantID       uuid.UUID
	MessageID      uuid.UUID
	ConversationID uuid.UUID
	Body           string
	Language       string
	Intent         string
	Status         bool // answered from the record
	Specific       bool // its intent names one matter, not a kind of question
	At             time.Time
}

type topic struct {
	id       uuid.UUID
	intent   string
	byIntent bool
	cluster.Center
}

// Run groups every question that is in no topic yet and returns how many.
func (s *Service) Run(ctx context.Context) (total int, err error) {
	for {
		n, err := s.step(ctx)
		total += n
		if err != nil {
			return total, fmt.Errorf("group questions by topic: %w", err)
		}
		if n < batch {
			break
		}
	}
	if err := s.name(ctx); err != nil {
		return total, fmt.Errorf("name topics: %w", err)
	}
	if err := s.votedDown(ctx); err != nil {
		return total, fmt.Errorf("take answers voted down to the gaps: %w", err)
	}
	return total, nil
}

func (s *Service) step(ctx context.Context) (int, error) {
	model, embedder, err := s.Models.Active(ctx)
	if err != nil {
		return 0, err
	}
	questions, err := s.waiting(ctx)
	if err != nil || len(questions) == 0 {
		return 0, err
	}
	texts := make([]string, len(questions))
	for i, q := range questions {
		texts[i], _ = guard.Mask(q.Body)
	}
	vectors, err := switchover.Embed(ctx, embedder, texts)
	if err != nil {
		return 0, err
	}
	if err := s.refresh(ctx, model, embedder); err != nil {
		return 0, err
	}
	err = s.DB.WithSystem(ctx, "group questions by topic", func(tx pgx.Tx) error {
		// One grouping at a time, whatever the number of workers.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtext('usher topics'))`); err != nil {
			return err
		}
		topics, err := known(ctx, tx, model.ID)
		if err != nil {
			return err
		}
		for i, q := range questions {
			if topics, err = s.place(ctx, tx, topics, q, vectors[i], model.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return len(questions), err
}

func (s *Service) waiting(ctx context.Context) (questions []question, err error) {
	err = s.DB.WithSystem(ctx, "find questions in no topic", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			select d.tenant_id, d.message_id, d.conversation_id, m.body, coalesce(c.language, '') as language,
			  coalesce(c.corrected_intent, c.intent, '') as intent, d.route = 'status' and d.evidence = 'known_state' and coalesce(c.intent, '') <> '' as status,
			  coalesce(v.route, 'answer') <> 'answer' as specific, m.created_at as at
			from decisions d join messages m on m.tenant_id = d.tenant_id and m.id = d.message_id
			left join lateral (select * from classifications c where c.tenant_id = d.tenant_id and c.message_id = d.message_id order by c.created_at desc limit 1) c on true
			left join taxonomy_values v on v.dimension = 'intent' and v.value = coalesce(c.corrected_intent, c.intent)
			where d.created_at > greatest(now() - interval '`+window+`', coalesce((select max(at) from topic_messages) - interval '1 hour', '-infinity'))
			  and d.route in ('status', 'answer', 'clarify', 'escalate') and m.author_kind = 'customer' and m.state <> 'deleted' and length(m.body) between 3 and 4000
			  and not exists (select from topic_messages t where t.tenant_id = d.tenant_id and t.message_id = d.message_id)
			order by d.created_at, d.message_id limit $1`, batch)
		if err != nil {
			return err
		}
		questions, err = pgx.CollectRows(rows, pgx.RowToStructByName[question])
		return err
	})
	return questions, err
}

// refresh makes middles anew that were made with another embedding model, from
// the topic's latest questions. A topic without any is no topic any more.
func (s *Service) refresh(ctx context.Context, model knowledge.EmbeddingModel, embedder knowledge.Embedder) error {
	for {
		var ids []uuid.UUID
		texts := map[uuid.UUID][]string{}
		err := s.DB.WithSystem(ctx, "find topics of another embedding model", func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `select t.id, coalesce(array_agg(m.body) filter (where m.body is not null), '{}') from (
				  select id from topics where model_id is distinct from $1 and not by_intent order by last_seen_at desc limit $2) t
				left join lateral (select m.body from topic_messages q join messages m on m.tenant_id = q.tenant_id and m.id = q.message_id
				  where q.topic_id = t.id order by q.at desc limit $3) m on true group by t.id`, model.ID, batch, embedded)
			if err != nil {
				return err
			}
			var id uuid.UUID
			var bodies []string
			_, err = pgx.ForEachRow(rows, []any{&id, &bodies}, func() error {
				ids, texts[id] = append(ids, id), bodies
				bodies = nil
				return nil
			})
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		middles := map[uuid.UUID][]float32{}
		for _, id := range ids {
			masked := make([]string, len(texts[id]))
			for i, text := range texts[id] {
				masked[i], _ = guard.Mask(text)
			}
			if len(masked) == 0 {
				continue
			}
			vectors, err := switchover.Embed(ctx, embedder, masked)
			if err != nil {
				return err
			}
			var c cluster.Center
			for _, v := range vectors {
				c.Join(v)
			}
			middles[id] = c.Vector
		}
		err = s.DB.WithSystem(ctx, "make topics' middles anew", func(tx pgx.Tx) error {
			b := &pgx.Batch{}
			for _, id := range ids {
				if middle, ok := middles[id]; ok {
					b.Queue(`update topics set centroid = $2, model_id = $3 where id = $1`, id, pgvector.NewHalfVector(middle), model.ID)
				} else {
					b.Queue(`delete from topics where id = $1`, id)
				}
			}
			return tx.SendBatch(ctx, b).Close()
		})
		if err != nil {
			return err
		}
	}
}

func known(ctx context.Context, tx pgx.Tx, model int) ([]topic, error) {
	rows, err := tx.Query(ctx, `(select id, intent, by_intent, members, null::halfvec from topics where by_intent) union all
		(select id, intent, by_intent, members, centroid from topics where not by_intent and model_id = $1 order by last_seen_at desc limit $2)`, model, considered)
	if err != nil {
		return nil, err
	}
	var topics []topic
	var t topic
	var centroid *pgvector.HalfVector
	_, err = pgx.ForEachRow(rows, []any{&t.id, &t.intent, &t.byIntent, &t.Members, &centroid}, func() error {
		if t.Vector = nil; centroid != nil {
			t.Vector = append([]float32(nil), centroid.Slice()...)
		}
		topics = append(topics, t)
		return nil
	})
	return topics, err
}

// nearest is the topic a question belongs to, -1 for a new one.
func nearest(topics []topic, q question, vector []float32) int {
	best, similarity := -1, 0.0
	for i, t := range topics {
		if q.Status || t.byIntent {
			if q.Status && t.byIntent && t.intent == q.Intent {
				return i
			}
			continue
		}
		least := alike
		if q.Intent != "" && t.intent == q.Intent {
			least = sameAlike
		}
		if like := cluster.Cosine(t.Vector, vector); like >= least && like > similarity {
			best, similarity = i, like
		}
	}
	return best
}

func (s *Service) place(ctx context.Context, tx pgx.Tx, topics []topic, q question, vector []float32, model int) ([]topic, error) {
	at := nearest(topics, q, vector)
	if at < 0 {
		t := topic{id: uuid.Must(uuid.NewV7()), intent: q.Intent, byIntent: q.Status}
		if _, err := tx.Exec(ctx, `insert into topics (id, intent, by_intent, created_at) values ($1, $2, $3, $4)`, t.id, t.intent, t.byIntent, q.At); err != nil {
			return topics, err
		}
		topics, at = append(topics, t), len(topics)
	}
	t := &topics[at]
	var again bool
	err := tx.QueryRow(ctx, `with known as (
		  select exists (select from topic_messages where tenant_id = $1 and conversation_id <> $3 and at between $6::timestamptz - interval '7 days' and $6
		    and (topic_id = $4 or $7 and intent = $5)) as again)
		insert into topic_messages (tenant_id, message_id, conversation_id, topic_id, intent, at, again)
		select $1, $2, $3, $4, $5, $6, again from known on conflict do nothing returning again`,
		q.TenantID, q.MessageID, q.ConversationID, t.id, q.Intent, q.At, q.Specific && q.Intent != "").Scan(&again)
	if errors.Is(err, pgx.ErrNoRows) {
		return topics, nil // another run was first
	}
	if err != nil {
		return topics, err
	}
	t.Join(vector)
	var middle *pgvector.HalfVector
	var of *int
	if !t.byIntent {
		v := pgvector.NewHalfVector(t.Vector)
		middle, of = &v, &model
	}
	if _, err := tx.Exec(ctx, `update topics set centroid = $2, model_id = $3, members = members + 1, last_seen_at = greatest(last_seen_at, $4) where id = $1`,
		t.id, middle, of, q.At); err != nil {
		return topics, err
	}
	if again && !q.Status {
		return topics, s.gap(ctx, tx, q, knowledge.GapRepeated)
	}
	return topics, nil
}

// gap takes a question to the gaps, each conversation once for a reason.
func (s *Service) gap(ctx context.Context, tx pgx.Tx, q question, reason knowledge.GapReason) error {
	var there bool
	if err := tx.QueryRow(ctx, `select exists (select from gap_questions where tenant_id = $1 and conversation_id = $2 and reason = $3)`,
		q.TenantID, q.ConversationID, reason).Scan(&there); err != nil || there {
		return err
	}
	text, _ := guard.Mask(q.Body)
	return s.Gaps.RecordGapTx(ctx, tx, knowledge.GapQuestion{
		Tenant: q.TenantID, Conversation: q.ConversationID, Question: triage.Line(text, 500), Locale: q.Language, Reason: reason,
	})
}

// votedDown takes the questions of answers from articles that did not help to the gaps.
func (s *Service) votedDown(ctx context.Context) error {
	return s.DB.WithSystem(ctx, "find answers voted down", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select distinct on (a.tenant_id, a.conversation_id) a.tenant_id, q.id as message_id, a.conversation_id, q.body, q.language,
			  '' as intent, false as status, false as specific, q.created_at as at
			from feedback f join messages a on a.tenant_id = f.tenant_id and a.id = f.message_id
			join messages q on q.tenant_id = a.tenant_id and q.id = a.in_reply_to
			where f.vote = 'not_helpful' and f.updated_at > now() - interval '7 days' and a.answer->>'evidence' = 'documents' and q.state <> 'deleted'
			  and not exists (select from gap_questions g where g.tenant_id = a.tenant_id and g.conversation_id = a.conversation_id and g.reason = 'unhelpful')
			order by a.tenant_id, a.conversation_id, f.updated_at desc limit $1`, batch)
		if err != nil {
			return err
		}
		questions, err := pgx.CollectRows(rows, pgx.RowToStructByName[question])
		if err != nil {
			return err
		}
		for _, q := range questions {
			if err := s.gap(ctx, tx, q, knowledge.GapUnhelpful); err != nil {
				return err
			}
		}
		return nil
	})
}
