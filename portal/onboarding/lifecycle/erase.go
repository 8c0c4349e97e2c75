package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge/gap"
)

// kept are tables whose rows outlive a workspace: who did what stays provable,
// and the runtime roles could not delete it.
var kept = []string{"tenants", "audit_events"}

// Erasure says what is left to do outside the database, and how much went.
type Erasure struct {
	Rows int64
	// Blobs are the keys of the customer's files, of documents and of messages, to
	// be deleted after the commit.
	Blobs []string
	// Places are what was posted of the customer's in outside systems that can
	// delete it, to be deleted after the commit.
	Places []Place
}

// Place is one message or file of ours in an outside system.
type Place struct {
	System string // the destination of its delivery
	File   bool   // it is a file, not a message
	ID     string // there
}

// Erase removes everything a workspace in offboarding holds: every row of every
// table of tenants, vectors and search terms included, the copies of its
// questions in the operator's gaps and learned examples, and its name. What
// stays is an empty workspace in state erased, so that a late delivery of its
// contract does not open it again, and the audit. An erased workspace stays so.
func Erase(ctx context.Context, tx pgx.Tx, tenant uuid.UUID) (Erasure, error) {
	var out Erasure
	if err := erase(ctx, tx, tenant, &out); err != nil {
		return Erasure{}, fmt.Errorf("erase workspace: %w", err)
	}
	return out, nil
}

func erase(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, out *Erasure) error {
	from, err := StateOf(ctx, tx, tenant)
	if err != nil {
		return err
	}
	if err := Transition(ctx, tx, tenant, Erased); err != nil {
		return err
	}
	if err := audit(ctx, tx, tenant, uuid.Nil, from, Erased); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select storage_key from document_versions where tenant_id = $1 and storage_key <> ''
		union select storage_key from attachments where tenant_id = $1 and storage_key <> '' union select storage_key from loose_files where tenant_id = $1 order by 1`, tenant)
	if err != nil {
		return err
	}
	if out.Blobs, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, `select distinct destination, kind = 'file', external_ref->>'id' from deliveries where tenant_id = $1
		and destination = 'slack' and external_ref->>'id' <> '' and coalesce(external_ref->'detail'->>'step', '') <> 'deleted' order by 1, 2, 3`, tenant); err != nil {
		return err
	}
	if out.Places, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Place]); err != nil {
		return err
	}
	if err := gap.Lock(ctx, tx); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, `select distinct gap_id from gap_questions where tenant_id = $1 and gap_id is not null`, tenant); err != nil {
		return err
	}
	gaps, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	// Texts of this customer that went into what the operator keeps for all.
	b.Queue(`delete from topics t where exists (select from topic_messages m where m.topic_id = t.id and m.tenant_id = $1)
		and not exists (select from topic_messages m where m.topic_id = t.id and m.tenant_id <> $1)`, tenant)
	b.Queue(`delete from taxonomy_runs where act = 'preview'`)
	b.Queue(`delete from taxonomy_examples e where e.source = 'correction' and exists (select from example_origins o where o.tenant_id = $1 and o.text_md5 = md5(e.text))`, tenant)
	b.Queue(`delete from gaps g where exists (select from gap_questions q where q.tenant_id = $1 and q.gap_id = g.id)
		and not exists (select from gap_questions q where q.tenant_id <> $1 and q.gap_id = g.id)`, tenant)
	b.Queue(`update gaps g set question = (select q.question from gap_questions q where q.tenant_id <> $1 and q.gap_id = g.id order by q.created_at limit 1)
		where exists (select from gap_questions q where q.tenant_id = $1 and q.gap_id = g.id and q.question = g.question)`, tenant)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	order, err := deletionOrder(ctx, tx)
	if err != nil {
		return err
	}
	for _, table := range order {
		tag, err := tx.Exec(ctx, `delete from `+pgx.Identifier{table}.Sanitize()+` where tenant_id = $1`, tenant)
		if err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
		out.Rows += tag.RowsAffected()
	}
	if err := gap.Recount(ctx, tx, gaps); err != nil { // those that others' questions are in too
		return err
	}
	_, err = tx.Exec(ctx, `update tenants set name = 'Erased', slug = 'erased-' || id, crm_account_ref = null, time_zone = 'UTC', locale = 'en', industry = 'saas', plan = 'standard', tier = 'standard' where id = $1`, tenant)
	return err
}

// errCycle says that tables refer to each other in a circle.
var errCycle = errors.New("tables of tenants refer to each other in a circle")

// deletionOrder is every table of tenants, those that refer to others first. It
// is read from the catalogue: a table added later is not forgotten.
func deletionOrder(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `select c.relname::text, array(select distinct f.confrelid::regclass::text from pg_constraint f
		  where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as refers
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
		  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
		order by 1`)
	if err != nil {
		return nil, err
	}
	type table struct {
		Name   string
		Refers []string
	}
	left, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return nil, err
	}
	left = slices.DeleteFunc(left, func(t table) bool { return slices.Contains(kept, t.Name) })
	var order []string
	for len(left) > 0 {
		referred := map[string]bool{}
		for _, t := range left {
			for _, name := range t.Refers {
				referred[name] = true
			}
		}
		before := len(left)
		left = slices.DeleteFunc(left, func(t table) bool {
			if !referred[t.Name] {
				order = append(order, t.Name)
			}
			return !referred[t.Name]
		})
		if len(left) == before {
			var names []string
			for _, t := range left {
				names = append(names, t.Name)
			}
			return nil, fmt.Errorf("%w: %s", errCycle, strings.Join(names, ", "))
		}
	}
	return order, nil
}
