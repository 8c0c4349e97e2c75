package knowledge

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Synonym is a group of words and names customers use for one another here, as
// curators know it. It takes effect in search within seconds; nothing is
// indexed again.
type Synonym struct {
	ID        uuid.UUID
	Locale    string
	Terms     []string
	CreatedBy *uuid.UUID
	CreatedAt time.Time
}

var (
	selectSynonyms = NewStatement(`
		select id, locale, terms, created_by, created_at from {synonyms} where {scope} order by terms[1], id`)
	upsertSynonym = NewStatement(`
		insert into {synonyms} ({tenant}id, locale, terms, created_by) values ({@tenant}@id, @locale, @terms, @by)
		on conflict ({tenant}id) do update set locale = excluded.locale, terms = excluded.terms
		returning id, locale, terms, created_by, created_at`)
	deleteSynonym = NewStatement(`delete from {synonyms} where {scope} and id = @id`)
	// The revision tells searching processes to read the vocabulary again.
	touchCorpus = NewStatement(`update {corpora} set revision = revision + 1 where {scope}`)
)

// Synonyms lists a space's groups.
func (s *Service) Synonyms(ctx context.Context, space Space) (synonyms []Synonym, err error) {
	err = space.In(ctx, s.db, "list synonyms", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectSynonyms.For(space), space.Args(nil))
		if err != nil {
			return err
		}
		synonyms, err = pgx.CollectRows(rows, pgx.RowToStructByName[Synonym])
		return err
	})
	return synonyms, wrap("list synonyms", err)
}

// SaveSynonym stores a group; a zero ID makes a new one.
func (s *Service) SaveSynonym(ctx context.Context, space Space, synonym Synonym, by uuid.UUID) (saved Synonym, err error) {
	terms := make([]string, 0, len(synonym.Terms))
	for _, term := range synonym.Terms {
		if term = strings.ToLower(strings.Join(strings.Fields(term), " ")); term != "" && !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	if len(terms) < 2 || len(terms) > 20 {
		return Synonym{}, &InvalidError{"terms", "a group has 2 to 20 different words"}
	}
	if synonym.ID == uuid.Nil {
		synonym.ID = newID()
	}
	args := space.Args(pgx.NamedArgs{"id": synonym.ID, "locale": cmp.Or(synonym.Locale, "en"), "terms": terms, "by": optional(by)})
	err = space.In(ctx, s.db, "save synonym", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, upsertSynonym.For(space), args)
		if err != nil {
			return err
		}
		if saved, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Synonym]); err != nil {
			return err
		}
		return exec(ctx, tx, space, touchCorpus, nil)
	})
	return saved, wrap("save synonym", err)
}

// DeleteSynonym removes a group; one that is gone already is no error.
func (s *Service) DeleteSynonym(ctx context.Context, space Space, id uuid.UUID) error {
	return wrap("delete synonym", space.In(ctx, s.db, "delete synonym", func(tx pgx.Tx) error {
		if err := exec(ctx, tx, space, deleteSynonym, pgx.NamedArgs{"id": id}); err != nil {
			return err
		}
		return exec(ctx, tx, space, touchCorpus, nil)
	}))
}
