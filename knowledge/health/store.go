package health

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
)

var (
	selectLive = knowledge.NewStatement(`
		select a.id, a.slug, a.locale, v.title, v.body, w.audience, coalesce(a.external_id, ''), a.verified_at, a.verified_until,
			coalesce(v.published_at, a.published_at, a.created_at), a.changed_at, v.note = 'import', coalesce(s.name, ''),
			array(select r.slug from {redirects} r where {r=a} r.article_id = a.id)
		from {articles} a join {versions} v on {a=v} v.id = a.published_version_id
			join {audiences} w on {a=w} w.id = a.audience_id left join {sources} s on {a=s} s.id = a.source_id
		where {a.scope} and a.state = 'published' order by a.id`)
	// A finding that was gone and is back is open again; a dismissed one stays.
	upsertFinding = knowledge.NewStatement(`
		insert into {findings} ({tenant}id, fingerprint, kind, cause, article_id, other_id, detail, weight, first_seen_at, last_seen_at)
		values ({@tenant}@id, @fingerprint, @kind, @cause, @article, @other, @detail, @weight, @now, @now)
		on conflict ({tenant}fingerprint) do update set detail = excluded.detail, weight = excluded.weight, last_seen_at = excluded.last_seen_at,
			article_id = excluded.article_id, other_id = excluded.other_id,
			state = case when {findings}.state = 'gone' then 'open' else {findings}.state end
		returning id`)
	leaveGone = knowledge.NewStatement(`
		update {findings} set state = 'gone' where {scope} and state = 'open' and last_seen_at < @now`)
	forgetGone = knowledge.NewStatement(`
		delete from {findings} where {scope} and state = 'gone' and last_seen_at < @before`)
	selectFindings = knowledge.NewStatement(`
		select f.id, f.kind, f.cause, f.article_id, f.other_id, f.detail, f.weight, f.state, f.note, f.settled_by, f.settled_at, f.first_seen_at, f.last_seen_at,
			a.slug, a.title, a.owner_id
		from {findings} f join {articles} a on {f=a} a.id = f.article_id
		where {f.scope} and f.state = @state order by f.weight desc, f.first_seen_at, f.id limit 500`)
	lockFinding = knowledge.NewStatement(`
		select kind, cause, article_id, other_id, state from {findings} where {scope} and id = @id for update`)
	settleFinding = knowledge.NewStatement(`
		update {findings} set state = @state, note = @note, settled_by = @by, settled_at = @now where {scope} and id = @id`)
)

// live reads the published articles of a space.
func live(ctx context.Context, tx pgx.Tx, space knowledge.Space) ([]Article, error) {
	rows, err := tx.Query(ctx, selectLive.For(space), space.Args(nil))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Article, err error) {
		a.Space = space
		err = row.Scan(&a.ID, &a.Slug, &a.Locale, &a.Title, &a.Body, &a.Level, &a.External, &a.VerifiedAt, &a.VerifiedUntil,
			&a.PublishedAt, &a.ChangedAt, &a.Imported, &a.Source, &a.Earlier)
		return a, err
	})
}

// spaces are the shared one and those of tenants with articles or findings.
func spaces(ctx context.Context, tx pgx.Tx) ([]knowledge.Space, error) {
	rows, err := tx.Query(ctx, `select distinct tenant_id from tenant_articles where state = 'published' union select distinct tenant_id from tenant_findings order by 1`)
	if err != nil {
		return nil, err
	}
	tenants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	out := []knowledge.Space{knowledge.Shared}
	for _, t := range tenants {
		out = append(out, knowledge.Of(t))
	}
	return out, err
}

// keep stores what a run found in one space.
func keep(ctx context.Context, tx pgx.Tx, space knowledge.Space, findings []Finding, now time.Time) error {
	for _, f := range findings {
		detail, err := json.Marshal(f.Detail)
		if err != nil {
			return fmt.Errorf("encode finding: %w", err)
		}
		var other *uuid.UUID
		if f.Other != uuid.Nil {
			other = &f.Other
		}
		var id uuid.UUID
		err = tx.QueryRow(ctx, upsertFinding.For(space), space.Args(pgx.NamedArgs{
			"id": uuid.Must(uuid.NewV7()), "fingerprint": f.fingerprint(), "kind": f.Kind, "cause": f.Cause, "article": f.Article, "other": other,
			"detail": detail, "weight": f.Weight, "now": now,
		})).Scan(&id)
		if err != nil {
			return fmt.Errorf("store finding: %w", err)
		}
		if err := prove(ctx, tx, id, f.Proofs); err != nil {
			return err
		}
	}
	for _, statement := range []knowledge.Statement{leaveGone, forgetGone} {
		if _, err := tx.Exec(ctx, statement.For(space), space.Args(pgx.NamedArgs{"now": now, "before": now.AddDate(0, 0, -OutcomeDays)})); err != nil {
			return fmt.Errorf("close findings: %w", err)
		}
	}
	return nil
}

// prove replaces the proofs of a finding.
func prove(ctx context.Context, tx pgx.Tx, finding uuid.UUID, proofs []Proof) error {
	b := &pgx.Batch{}
	b.Queue(`delete from finding_proofs where finding_id = $1`, finding)
	for _, p := range proofs[:min(len(proofs), mostProofs)] {
		b.Queue(`insert into finding_proofs (tenant_id, finding_id, message_id, kind, conversation_id, quote, at)
			select $1, $2, $3, $4, $5, $6, $7 where exists (select from conversations where tenant_id = $1 and id = $5) on conflict do nothing`, p.Tenant, finding, p.Message, p.Kind, p.Conversation, p.Quote, p.At)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("store proofs: %w", err)
	}
	return nil
}

// mostProofs is how many conversations are kept with a finding, the latest first.
const mostProofs = 50
