package knowledge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Outcome is what taking one item in came to.
type Outcome string

const (
	Added     Outcome = "new"
	Updated   Outcome = "changed"
	Unchanged Outcome = "unchanged"
	// Edited: somebody changed the article by hand since it was taken in; it was left.
	Edited Outcome = "edited"
	// Withdrawn: a curator retired the article; it was left.
	Withdrawn Outcome = "withdrawn"
)

// Taking says how items of a source are taken in one at a time.
type Taking struct {
	Source uuid.UUID
	// Publish makes what was taken in live at once. Without it, it is a draft.
	Publish bool
	// Overwrite replaces what was edited by hand, which stays among the versions.
	Overwrite bool
	// Revive takes an article up again that is retired.
	Revive bool
	By     uuid.UUID
}

var (
	selectTaken = NewStatement(`
		select id, state, content_hash, imported_sum from {articles}
		where {scope} and source_id = @source and external_id = @external_id for update`)
	markTaken = NewStatement(`
		update {articles} set source_id = @source, external_id = @external_id, content_hash = @hash, imported_sum = @sum,
			locale = @locale, changed_at = coalesce(@changed, changed_at)
		where {scope} and id = @id`)
	moveTaken = NewStatement(`
		update {articles} set external_id = @to where {scope} and source_id = @source and external_id = @from
			and not exists (select from {articles} o where {o.scope} and o.source_id = @source and o.external_id = @to)`)
	unlinkTaken = NewStatement(`
		update {articles} set source_id = null, external_id = null, content_hash = null, imported_sum = null
		where {scope} and source_id = @source`)
	selectOfSource = NewStatement(`select id from {articles} where {scope} and source_id = @source and state <> 'retired' order by id`)
)

type takenRow struct {
	ID          uuid.UUID
	State       State
	ContentHash []byte
	ImportedSum []byte
}

// sum tells whether an article still says what was taken in.
func (c Content) sum() ([]byte, error) {
	list := func(values []string) []string {
		out := slices.Clone(values)
		slices.Sort(out)
		return slices.Concat([]string{}, out)
	}
	a := c.Audience
	text, err := json.Marshal([]any{
		c.Title, c.Description, c.Body, c.Product, list(c.Tags), list(c.Contexts),
		a.Level, list(a.Departments), list(a.Roles), list(a.Plans), list(a.Locales),
	})
	if err != nil {
		return nil, fmt.Errorf("sum article: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// Take brings one item of a source in, inside the caller's transaction, and
// returns its article. Content that cannot be an article is an InvalidError.
func (s *Service) Take(ctx context.Context, tx pgx.Tx, space Space, item Item, how Taking) (uuid.UUID, Outcome, error) {
	content, err := item.Content.normalize()
	if err != nil {
		return uuid.Nil, "", err
	}
	item.Content = content
	if item.Locale == "" {
		item.Locale = "en"
	}
	hash, err := item.hash()
	if err != nil {
		return uuid.Nil, "", err
	}
	sum, err := content.sum()
	if err != nil {
		return uuid.Nil, "", err
	}
	rows, err := tx.Query(ctx, selectTaken.For(space), space.Args(pgx.NamedArgs{"source": how.Source, "external_id": item.ExternalID}))
	if err != nil {
		return uuid.Nil, "", err
	}
	old, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[takenRow])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		id, err := s.takeNew(ctx, tx, space, item, how, hash, sum)
		return id, Added, err
	case err != nil:
		return uuid.Nil, "", err
	case old.State == StateRetired && !how.Revive:
		return old.ID, Withdrawn, nil
	case old.State != StateRetired && bytes.Equal(old.ContentHash, hash):
		outcome, err := s.publishTaken(ctx, tx, space, old, how)
		return old.ID, outcome, err
	}
	article, err := space.article(ctx, tx, old.ID)
	if err != nil {
		return old.ID, "", err
	}
	edited, err := space.edited(ctx, tx, article, old.ImportedSum)
	if err != nil {
		return old.ID, "", err
	}
	if edited && !how.Overwrite {
		return old.ID, Edited, nil
	}
	if err := exec(ctx, tx, space, dropWorking, pgx.NamedArgs{"id": old.ID}); err != nil {
		return old.ID, "", err
	}
	version, err := space.insertWorking(ctx, tx, old.ID, content, how.By, "import")
	if err != nil {
		return old.ID, "", err
	}
	if article.State == StateDraft {
		if err := exec(ctx, tx, space, describeDraft, pgx.NamedArgs{"id": old.ID, "version": version}); err != nil {
			return old.ID, "", err
		}
	}
	return old.ID, Updated, s.settleTaken(ctx, tx, space, old.ID, version, item, how, hash, sum)
}

func (s *Service) takeNew(ctx context.Context, tx pgx.Tx, space Space, item Item, how Taking, hash, sum []byte) (uuid.UUID, error) {
	slug, err := space.freeSlug(ctx, tx, Slug(item.Content.Title))
	if err != nil {
		return uuid.Nil, err
	}
	fresh := newArticle{id: newID(), version: newID(), slug: slug, locale: item.Locale, author: optional(how.By), verifiedUntil: optionalTime(item.VerifiedUntil)}
	if err := space.create(ctx, tx, fresh, item.Content); err != nil {
		return uuid.Nil, err
	}
	return fresh.id, s.settleTaken(ctx, tx, space, fresh.id, fresh.version, item, how, hash, sum)
}

// publishTaken makes an item that did not change live where that is wanted now and
// was not when it was taken in.
func (s *Service) publishTaken(ctx context.Context, tx pgx.Tx, space Space, old takenRow, how Taking) (Outcome, error) {
	if !how.Publish {
		return Unchanged, nil
	}
	article, err := space.article(ctx, tx, old.ID)
	if err != nil || article.WorkingVersionID == nil {
		return Unchanged, err
	}
	edited, err := space.edited(ctx, tx, article, old.ImportedSum)
	if err != nil || edited {
		return Unchanged, err
	}
	return Updated, s.publish(ctx, tx, space, old.ID, *article.WorkingVersionID, how.By)
}

// settleTaken publishes what was taken in, where that is wanted, and remembers
// what it was.
func (s *Service) settleTaken(ctx context.Context, tx pgx.Tx, space Space, id, version uuid.UUID, item Item, how Taking, hash, sum []byte) error {
	if how.Publish {
		if err := s.publish(ctx, tx, space, id, version, how.By); err != nil {
			return err
		}
	}
	return exec(ctx, tx, space, markTaken, pgx.NamedArgs{
		"id": id, "source": how.Source, "external_id": item.ExternalID, "hash": hash, "sum": sum, "locale": item.Locale, "changed": optionalTime(item.UpdatedAt),
	})
}

// edited reports whether an article says something else than what was taken in.
func (s Space) edited(ctx context.Context, tx pgx.Tx, article Article, was []byte) (bool, error) {
	at := article.WorkingVersionID
	if at == nil {
		at = article.PublishedVersionID
	}
	if at == nil || was == nil {
		return at != nil, nil
	}
	version, err := s.version(ctx, tx, article.ID, *at)
	if err != nil {
		return false, err
	}
	content, err := version.Content().normalize()
	if err != nil {
		return false, err
	}
	sum, err := content.sum()
	return !bytes.Equal(sum, was), err
}

// KeepEdited lets an article that was edited by hand stand against an item: it
// counts as taken in until the item changes again.
func (s *Service) KeepEdited(ctx context.Context, tx pgx.Tx, space Space, item Item, source uuid.UUID) error {
	content, err := item.Content.normalize()
	if err != nil {
		return err
	}
	item.Content = content
	hash, err := item.hash()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, keepEdited.For(space), space.Args(pgx.NamedArgs{"source": source, "external_id": item.ExternalID, "hash": hash}))
	return err
}

var keepEdited = NewStatement(`update {articles} set content_hash = @hash where {scope} and source_id = @source and external_id = @external_id`)

// MoveTaken gives a source's article another id in it, where that is free.
func (s *Service) MoveTaken(ctx context.Context, tx pgx.Tx, space Space, source uuid.UUID, from, to string) (bool, error) {
	done, err := tx.Exec(ctx, moveTaken.For(space), space.Args(pgx.NamedArgs{"source": source, "from": from, "to": to}))
	return done.RowsAffected() > 0, err
}

// RetireTaken retires a source's article, published or never so. It reports
// whether there was one to retire.
func (s *Service) RetireTaken(ctx context.Context, tx pgx.Tx, space Space, source uuid.UUID, external string) (bool, error) {
	rows, err := tx.Query(ctx, selectTaken.For(space), space.Args(pgx.NamedArgs{"source": source, "external_id": external}))
	if err != nil {
		return false, err
	}
	old, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[takenRow])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil || old.State == StateRetired:
		return false, err
	}
	return true, s.retire(ctx, tx, space, old.ID)
}

// RetireSource retires all articles of a source and lets go of them, so that the
// source can be removed. It returns how many were retired.
func (s *Service) RetireSource(ctx context.Context, tx pgx.Tx, space Space, source uuid.UUID) (int, error) {
	args := pgx.NamedArgs{"source": source}
	rows, err := tx.Query(ctx, selectOfSource.For(space), space.Args(args))
	if err != nil {
		return 0, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := s.retire(ctx, tx, space, id); err != nil {
			return 0, err
		}
	}
	return len(ids), exec(ctx, tx, space, unlinkTaken, args)
}

// Upload takes a file of a curator in as a draft, new or for the article the same
// file made before. An article edited by hand is left, unless overwrite says
// otherwise.
func (s *Service) Upload(ctx context.Context, space Space, origin Origin, item Item, overwrite bool, by uuid.UUID) (id uuid.UUID, outcome Outcome, err error) {
	err = space.In(ctx, s.db, "upload article", func(tx pgx.Tx) error {
		how := Taking{Overwrite: overwrite, Revive: true, By: by}
		args := space.Args(pgx.NamedArgs{"id": newID(), "name": origin.Name, "kind": origin.Kind, "location": origin.Location})
		if err := tx.QueryRow(ctx, upsertSource.For(space), args).Scan(&how.Source); err != nil {
			return err
		}
		if id, outcome, err = s.Take(ctx, tx, space, item, how); err != nil {
			return err
		}
		done := pgx.NamedArgs{"id": how.Source, "now": s.now(), "error": "", "added": 0, "updated": 0, "retired": 0, "unchanged": 0}
		switch outcome {
		case Added:
			done["added"] = 1
		case Updated:
			done["updated"] = 1
		case Unchanged:
			done["unchanged"] = 1
		case Edited, Withdrawn:
			return nil
		}
		return exec(ctx, tx, space, finishSource, done)
	})
	return id, outcome, wrap("upload article", err)
}
