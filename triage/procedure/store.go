package procedure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Listed is a procedure as curators see it in a list.
type Listed struct {
	Latest    Procedure // the draft, or the version that was published last
	Draft     bool      // Latest is a draft
	Published int       // the version in use; 0: none
	Waiting   int       // runs that wait for an answer
}

// List reads all procedures by key.
func List(ctx context.Context, tx pgx.Tx) ([]Listed, error) {
	rows, err := tx.Query(ctx, `select distinct on (p.key) p.body, p.version, p.state = 'draft' as draft,
		coalesce((select version from procedures o where o.key = p.key and o.state = 'published'), 0) as published,
		(select count(*) from procedure_runs r where r.key = p.key and r.state = 'waiting') as waiting
		from procedures p order by p.key, p.version desc`)
	if err != nil {
		return nil, fmt.Errorf("list procedures: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Listed, err error) {
		var version int
		err = row.Scan(&l.Latest, &version, &l.Draft, &l.Published, &l.Waiting)
		l.Latest.Version = version
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list procedures: %w", err)
	}
	return list, nil
}

// SaveDraft stores a procedure as the draft of its next version. Nobody meets it
// before it is published.
func SaveDraft(ctx context.Context, tx pgx.Tx, p Procedure) (Procedure, error) {
	if err := p.Check(); err != nil {
		return p, err
	}
	var known bool
	if err := tx.QueryRow(ctx, `select exists (select from taxonomy_values where dimension = 'intent' and value = $1)`, p.Intent).Scan(&known); err != nil {
		return p, fmt.Errorf("save procedure: %w", err)
	}
	if !known {
		return p, fmt.Errorf("%w: the taxonomy has no intent %q", ErrBadProcedure, p.Intent)
	}
	err := tx.QueryRow(ctx, `insert into procedures (key, version, intent, body)
		values ($1, coalesce((select max(version) from procedures where key = $1 and state <> 'draft'), 0) + 1, $2, $3)
		on conflict (key, version) do update set intent = excluded.intent, body = excluded.body, updated_at = now()
		returning version`, p.Key, p.Intent, p).Scan(&p.Version)
	if err != nil {
		return p, fmt.Errorf("save procedure: %w", err)
	}
	return p, nil
}

// Publish puts the draft of a key into use. Runs under way stay with their version.
func Publish(ctx context.Context, tx pgx.Tx, key string) (version int, err error) {
	if _, err := tx.Exec(ctx, `update procedures set state = 'retired', updated_at = now() where key = $1 and state = 'published'
		and exists (select from procedures where key = $1 and state = 'draft')`, key); err != nil {
		return 0, fmt.Errorf("publish procedure: %w", err)
	}
	err = tx.QueryRow(ctx, `update procedures set state = 'published', published_at = now(), updated_at = now()
		where key = $1 and state = 'draft' returning version`, key).Scan(&version)
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, ErrNotFound
	case errors.As(err, &refused) && refused.ConstraintName == "procedures_one_of_intent":
		return 0, ErrIntentTaken
	case err != nil:
		return 0, fmt.Errorf("publish procedure: %w", err)
	}
	return version, nil
}

// Retire takes a procedure out of use. Runs under way end as they would.
func Retire(ctx context.Context, tx pgx.Tx, key string) error {
	tag, err := tx.Exec(ctx, `update procedures set state = 'retired', updated_at = now() where key = $1 and state = 'published'`, key)
	if err != nil {
		return fmt.Errorf("retire procedure: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotFound
	}
	return nil
}

// versionOf reads one version.
func versionOf(ctx context.Context, tx pgx.Tx, key string, version int) (p Procedure, err error) {
	err = tx.QueryRow(ctx, `select body from procedures where key = $1 and version = $2`, key, version).Scan(&p)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read procedure: %w", err)
	}
	p.Version = version
	return p, nil
}

// published finds the procedure of an intent that is in use.
func published(ctx context.Context, tx pgx.Tx, intent string) (p Procedure, err error) {
	var version int
	err = tx.QueryRow(ctx, `select body, version from procedures where intent = $1 and state = 'published'`, intent).Scan(&p, &version)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read procedure: %w", err)
	}
	p.Version = version
	return p, nil
}

// waiting reads the run of a conversation that waits for an answer. A run a
// person has answered into since is none: they have taken over.
func waiting(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID) (run Run, err error) {
	var answers []byte
	err = tx.QueryRow(ctx, `select id, key, version, step, opening, answers, tries, taken from procedure_runs r
		where tenant_id = $1 and conversation_id = $2 and state = 'waiting' and not exists (select from messages m
		  where m.tenant_id = $1 and m.conversation_id = $2 and m.seq > r.seq and m.author_kind = 'agent' and m.visibility = 'customer')`,
		tenant, conversation).Scan(&run.ID, &run.Key, &run.Version, &run.Step, &run.Opening, &answers, &run.Tries, &run.Taken)
	if errors.Is(err, pgx.ErrNoRows) {
		return run, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(answers, &run.Answers)
	}
	if err != nil {
		return run, fmt.Errorf("read procedure run: %w", err)
	}
	run.State = Waiting
	return run, nil
}

// keep stores where a run is now.
func keep(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID, seq int64, run Run) error {
	_, err := tx.Exec(ctx, `update procedure_runs set state = 'taken_over', updated_at = now()
		where tenant_id = $1 and conversation_id = $2 and state = 'waiting' and id <> $3`, tenant, conversation, run.ID)
	if err == nil {
		_, err = tx.Exec(ctx, `insert into procedure_runs (tenant_id, id, conversation_id, key, version, step, opening, answers, tries, taken, state, seq)
			values ($1, $2, $3, $4, $5, $6, $12, coalesce($7, '{}'::jsonb), $8, $9, $10, $11)
			on conflict (tenant_id, id) do update set step = excluded.step, answers = excluded.answers, tries = excluded.tries, taken = excluded.taken,
			  state = excluded.state, seq = excluded.seq, updated_at = now()`,
			tenant, run.ID, conversation, run.Key, run.Version, run.Step, run.Answers, run.Tries, run.Taken, run.State, seq, run.Opening)
	}
	if err != nil {
		return fmt.Errorf("keep procedure run: %w", err)
	}
	return nil
}

// Leave ends the run of a conversation that people have now.
func Leave(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID) error {
	_, err := tx.Exec(ctx, `update procedure_runs set state = 'taken_over', updated_at = now()
		where tenant_id = $1 and conversation_id = $2 and state = 'waiting'`, tenant, conversation)
	if err != nil {
		return fmt.Errorf("leave procedure run: %w", err)
	}
	return nil
}
