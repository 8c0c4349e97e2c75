package knowledge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// GapReason says how the knowledge fell short.
type GapReason string

const (
	GapUnanswered GapReason = "unanswered" // nothing could be answered
	GapWeak       GapReason = "weak"       // retrieval was too weak to answer from
	GapUnhelpful  GapReason = "unhelpful"  // the customer said it did not help
	GapEscalated  GapReason = "escalated"  // it went to a person
	GapNoResult   GapReason = "no_result"  // a help-centre search found nothing
	GapRepeated   GapReason = "repeated"   // the same organisation asked it again within a week
)

// GapState is where curators are with a gap.
type GapState string

const (
	GapOpen      GapState = "open"
	GapDrafted   GapState = "drafted"   // an article is being written
	GapResolved  GapState = "resolved"  // an article answers it
	GapDismissed GapState = "dismissed" // not ours to answer
)

// GapQuestion is one question that was not answered well.
type GapQuestion struct {
	Tenant       uuid.UUID
	Conversation uuid.UUID // uuid.Nil outside conversations
	Question     string
	Locale       string
	Reason       GapReason
}

// Gap is a cluster of such questions. Question is the one nearest its middle.
type Gap struct {
	ID            uuid.UUID
	Question      string
	State         GapState
	Questions     int
	Conversations int
	Repeats       int // of the questions those asked again within a week
	Unhelpful     int // and those whose answer was voted down
	ArticleID     *uuid.UUID
	ResolvedBy    *uuid.UUID
	ResolvedAt    *time.Time
	Note          string
	FirstSeenAt   time.Time
	LastSeenAt    time.Time
}

// ErrGapNotFound is returned for a gap that does not exist.
var ErrGapNotFound = errors.New("knowledge: gap not found")

const gapColumns = `id, question, state, questions, conversations, repeats, unhelpful, article_id, resolved_by, resolved_at, note, first_seen_at, last_seen_at`

// RecordGapTx keeps a question in the caller's transaction, which is the
// tenant's, and queues clustering. Blank questions are ignored.
func (s *Service) RecordGapTx(ctx context.Context, tx pgx.Tx, q GapQuestion) error {
	text := strings.TrimSpace(strings.ToValidUTF8(q.Question, ""))
	if text == "" {
		return nil
	}
	for utf8.RuneCountInString(text) > 2000 {
		text = string([]rune(text)[:2000])
	}
	_, err := tx.Exec(ctx, `insert into gap_questions (tenant_id, id, conversation_id, question, locale, reason)
		values ($1, $2, $3, $4, $5, $6)`, q.Tenant, newID(), optional(q.Conversation), text, cmp.Or(q.Locale, "en"), q.Reason)
	if err == nil && s.jobs != nil {
		_, err = s.jobs.InsertTx(ctx, tx, ClusterGapsArgs{}, clusterSoon())
	}
	return wrap("record gap", err)
}

// Gaps lists gaps for curators, those of most conversations first. before is
// the last gap of the previous page, or nil.
func (s *Service) Gaps(ctx context.Context, state GapState, before *Gap, limit int) (gaps []Gap, err error) {
	conversations, id := 0, uuid.Nil
	if before != nil {
		conversations, id = before.Conversations, before.ID
	}
	err = s.db.WithSystem(ctx, "list gaps", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+gapColumns+` from gaps
			where state = $1 and ($2::bool or (conversations, id) < ($3, $4))
			order by conversations desc, id desc limit $5`,
			cmp.Or(state, GapOpen), before == nil, conversations, id, min(max(limit, 1), 200))
		if err != nil {
			return err
		}
		gaps, err = pgx.CollectRows(rows, pgx.RowToStructByName[Gap])
		return err
	})
	return gaps, wrap("list gaps", err)
}

// GapQuestions lists the questions of a gap, newest first, at most 200.
func (s *Service) GapQuestions(ctx context.Context, gap uuid.UUID) (questions []GapQuestion, err error) {
	err = s.db.WithSystem(ctx, "read questions of a gap", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select tenant_id as tenant, coalesce(conversation_id, '00000000-0000-0000-0000-000000000000') as conversation,
			question, locale, reason from gap_questions where gap_id = $1 order by created_at desc limit 200`, gap)
		if err != nil {
			return err
		}
		questions, err = pgx.CollectRows(rows, pgx.RowToStructByName[GapQuestion])
		return err
	})
	return questions, wrap("read questions of a gap", err)
}

// ResolveGap moves a gap to a state, with the article that answers it, if one.
// New questions like it reopen a resolved gap.
func (s *Service) ResolveGap(ctx context.Context, gap uuid.UUID, state GapState, article uuid.UUID, note string, by uuid.UUID) error {
	switch state {
	case GapOpen, GapDrafted, GapResolved, GapDismissed:
	default:
		return &InvalidError{"state", fmt.Sprintf("%q is not one of open, drafted, resolved, dismissed", state)}
	}
	err := s.db.WithSystem(ctx, "resolve gap", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update gaps set state = $2, article_id = coalesce($3, article_id), note = $4, resolved_by = $5,
			resolved_at = case when $2 in ('resolved', 'dismissed') then $6::timestamptz end where id = $1`,
			gap, state, optional(article), note, optional(by), s.now())
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrGapNotFound
		}
		return err
	})
	return wrap("resolve gap", err)
}
