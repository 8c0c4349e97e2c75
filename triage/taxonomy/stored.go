package taxonomy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage/classify"
)

// partSize is how much of a stored model travels at once.
const partSize = 256 << 10

// stored reads the models of a revision, or with none given the latest. It
// returns nil when there are none, or when this program's recipe has moved on.
func (e *Engine) stored(ctx context.Context, set Set, revision string) (*trained, error) {
	rows, err := e.db.Query(ctx, `select revision from classifier_models where $1 = '' or revision = $1 order by created_at desc limit 1`, revision)
	if err != nil {
		return nil, fmt.Errorf("find stored classifier: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find stored classifier: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	t := index(set)
	t.revision = found[0]
	if t.intent, err = e.model(ctx, t.revision, Intent); err == nil {
		t.area, err = e.model(ctx, t.revision, ProductArea)
	}
	switch {
	case errors.Is(err, classify.ErrCorrupt):
		e.log.InfoContext(ctx, "stored classifier is of another version of this program, training anew", "error", err)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read stored classifier: %w", err)
	case t.intent == nil: // stored whole, by an earlier release
		return nil, nil
	}
	return t, nil
}

// model reads one stored model, nil if there is none.
func (e *Engine) model(ctx context.Context, revision, dimension string) (*classify.Model, error) {
	rows, err := e.db.Query(ctx, `select content from classifier_model_parts where revision = $1 and dimension = $2 order by part`, revision, dimension)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	parts := bufio.NewReader(&partReader{rows: rows})
	if _, err := parts.Peek(1); errors.Is(err, io.EOF) {
		return nil, nil
	}
	m, err := classify.ReadModel(parts)
	if read := rows.Err(); read != nil {
		return nil, read
	}
	return m, err
}

// partReader reads rows of bytes as one stream.
type partReader struct {
	rows pgx.Rows
	left []byte
}

func (r *partReader) Read(p []byte) (int, error) {
	for len(r.left) == 0 {
		if !r.rows.Next() {
			if err := r.rows.Err(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
		r.left = r.rows.RawValues()[0] // binary form; valid until Next
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// store keeps the models of a revision and forgets all but the latest three.
func (e *Engine) store(ctx context.Context, t *trained, took time.Duration) error {
	return pgx.BeginFunc(ctx, e.db, func(tx pgx.Tx) error { return storeModels(ctx, tx, t, took) })
}

func storeModels(ctx context.Context, tx pgx.Tx, t *trained, took time.Duration) error {
	err := func() error {
		if _, err := tx.Exec(ctx, `delete from classifier_models where revision = $1`, t.revision); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into classifier_models (revision, trained_ms) values ($1, $2)`, t.revision, took.Milliseconds()); err != nil {
			return err
		}
		if err := storeModel(ctx, tx, t.revision, Intent, t.intent); err != nil {
			return err
		}
		if t.area != nil {
			if err := storeModel(ctx, tx, t.revision, ProductArea, t.area); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `delete from classifier_models where revision not in (select revision from classifier_models order by created_at desc limit 3)`)
		return err
	}()
	if err != nil {
		return fmt.Errorf("store classifier: %w", err)
	}
	return nil
}

func storeModel(ctx context.Context, tx pgx.Tx, revision, dimension string, m *classify.Model) error {
	parts := &partWriter{write: func(part int, content []byte) error {
		_, err := tx.Exec(ctx, `insert into classifier_model_parts (revision, dimension, part, content) values ($1, $2, $3, $4)`, revision, dimension, part, content)
		return err
	}}
	buffered := bufio.NewWriterSize(parts, partSize)
	if err := m.Write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// partWriter stores what it is given piece by piece; a bufio.Writer before it
// makes the pieces partSize long.
type partWriter struct {
	part  int
	write func(part int, content []byte) error
}

func (w *partWriter) Write(p []byte) (int, error) {
	if err := w.write(w.part, p); err != nil {
		return 0, err
	}
	w.part++
	return len(p), nil
}
