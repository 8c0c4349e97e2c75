package knowledge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

const articleColumns = `a.id, a.slug, a.locale, a.state, a.title, a.description, a.product, a.tags, a.contexts,
	a.owner_id, a.verified_at, a.verified_until, a.source_id, a.external_id, a.created_at, a.updated_at,
	a.published_at, a.changed_at, a.indexed_at, a.published_version_id, a.working_version_id,
	coalesce(v.state, '') as working, w.audience as level, w.departments, w.roles, w.plans, w.locales`

const articleTables = `{articles} a
	join {audiences} w on {a=w} a.audience_id = w.id
	left join {versions} v on {a=v} a.working_version_id = v.id`

const versionColumns = `v.id, v.article_id, v.number, v.state, v.title, v.description, v.body, v.product, v.tags,
	v.contexts, v.author_id, v.reviewer_id, v.note, v.created_at, v.updated_at, v.published_at,
	w.audience as level, w.departments, w.roles, w.plans, w.locales`

var (
	selectArticle = NewStatement(`select ` + articleColumns + ` from ` + articleTables + `
		where {a.scope} and a.id = @id`)
	lockArticle   = NewStatement(`select id from {articles} where {scope} and id = @id for update`)
	insertArticle = NewStatement(`
		insert into {articles} ({tenant}id, slug, locale, title, description, product, tags, contexts, audience_id,
			owner_id, verified_until, source_id, external_id)
		values ({@tenant}@id, @slug, @locale, @title, @description, @product, @tags, @contexts, @audience,
			@owner, @verified_until, @source, @external_id)`)
	insertVersion = NewStatement(`
		insert into {versions} ({tenant}id, article_id, number, state, title, description, body, product, tags,
			contexts, audience_id, author_id, note)
		values ({@tenant}@version, @id,
			(select coalesce(max(number), 0) + 1 from {versions} where {scope} and article_id = @id),
			'draft', @title, @description, @body, @product, @tags, @contexts, @audience, @author, @note)`)
	updateWorking = NewStatement(`
		update {versions} set title = @title, description = @description, body = @body, product = @product,
			tags = @tags, contexts = @contexts, audience_id = @audience, author_id = coalesce(@author, author_id),
			state = 'draft', updated_at = clock_timestamp()
		where {scope} and id = @version and state in ('draft', 'in_review')`)
	setWorking = NewStatement(`
		update {articles} set working_version_id = @version, updated_at = now() where {scope} and id = @id`)
	setVersionState = NewStatement(`
		update {versions} set state = @state, reviewer_id = coalesce(@reviewer, reviewer_id), updated_at = now()
		where {scope} and id = @version`)
	supersede = NewStatement(`
		update {versions} set state = 'superseded', updated_at = now()
		where {scope} and article_id = @id and state = 'published'`)
	publishVersion = NewStatement(`
		update {versions} set state = 'published', published_at = now(), updated_at = now(),
			reviewer_id = coalesce(@reviewer, reviewer_id)
		where {scope} and id = @version`)
	publishArticle = NewStatement(`
		update {articles} a set state = 'published', published_version_id = v.id, working_version_id = null,
			title = v.title, description = v.description, product = v.product, tags = v.tags, contexts = v.contexts,
			audience_id = v.audience_id, published_at = now(), changed_at = now(), updated_at = now()
		from {versions} v
		where {a.scope} and a.id = @id and {a=v} v.id = @version`)
	selectVersions = NewStatement(`
		select ` + versionColumns + ` from {versions} v join {audiences} w on {v=w} v.audience_id = w.id
		where {v.scope} and v.article_id = @id order by v.number desc`)
	selectVersion = NewStatement(`
		select ` + versionColumns + ` from {versions} v join {audiences} w on {v=w} v.audience_id = w.id
		where {v.scope} and v.article_id = @id and v.id = @version`)
	selectAudience = NewStatement(`select id from {audiences} where {scope} and fingerprint = @fingerprint`)
	insertAudience = NewStatement(`
		insert into {audiences} ({tenant}id, audience, departments, roles, plans, locales, fingerprint)
		values ({@tenant}@id, @level, @departments, @roles, @plans, @locales, @fingerprint)
		on conflict ({tenant}fingerprint) do update set fingerprint = excluded.fingerprint
		returning id`)
	// A changed audience takes effect in search at once, before the chunks are rebuilt.
	moveChunkTerms = NewStatement(`
		update {chunk_terms} t set audience_id = @audience
		from {chunks} c where {c.scope} and c.article_id = @id and {c=t} t.chunk_id = c.id and t.audience_id <> @audience`)
	moveChunkVectors = NewStatement(`
		update {chunk_vectors} t set audience_id = @audience
		from {chunks} c where {c.scope} and c.article_id = @id and {c=t} t.chunk_id = c.id and t.audience_id <> @audience`)
)

// AudienceColumns are the columns of an audiences row, for row collectors.
type AudienceColumns struct {
	Level       Level
	Departments []string
	Roles       []string
	Plans       []string
	Locales     []string
}

type articleRow struct {
	Article
	AudienceColumns
}

type versionRow struct {
	Version
	AudienceColumns
}

func (c AudienceColumns) audience() Audience {
	return Audience{Level: c.Level, Departments: c.Departments, Roles: c.Roles, Plans: c.Plans, Locales: c.Locales}
}

func articlesOf(space Space, rows pgx.Rows) ([]Article, error) {
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[articleRow])
	if err != nil {
		return nil, err
	}
	out := make([]Article, len(found))
	for i, row := range found {
		out[i] = row.Article
		out[i].Space, out[i].Audience = space, row.audience()
	}
	return out, nil
}

func versionsOf(rows pgx.Rows) ([]Version, error) {
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[versionRow])
	if err != nil {
		return nil, err
	}
	out := make([]Version, len(found))
	for i, row := range found {
		out[i] = row.Version
		out[i].Audience = row.audience()
	}
	return out, nil
}

// article reads an article in any state, or ErrNotFound.
func (s Space) article(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Article, error) {
	rows, err := tx.Query(ctx, selectArticle.For(s), s.Args(pgx.NamedArgs{"id": id}))
	if err != nil {
		return Article{}, err
	}
	found, err := articlesOf(s, rows)
	if err != nil {
		return Article{}, err
	}
	if len(found) == 0 {
		return Article{}, ErrNotFound
	}
	return found[0], nil
}

// locked reads an article and holds it until the transaction ends.
func (s Space) locked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Article, error) {
	if err := tx.QueryRow(ctx, lockArticle.For(s), s.Args(pgx.NamedArgs{"id": id})).Scan(nil); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return Article{}, ErrNotFound
		}
		return Article{}, err
	}
	return s.article(ctx, tx, id)
}

func (s Space) version(ctx context.Context, tx pgx.Tx, article, version uuid.UUID) (Version, error) {
	rows, err := tx.Query(ctx, selectVersion.For(s), s.Args(pgx.NamedArgs{"id": article, "version": version}))
	if err != nil {
		return Version{}, err
	}
	found, err := versionsOf(rows)
	if err != nil {
		return Version{}, err
	}
	if len(found) == 0 {
		return Version{}, ErrNoVersion
	}
	return found[0], nil
}

// audience returns the id of an audience's row, made when new.
func (s Space) audience(ctx context.Context, tx pgx.Tx, a Audience) (uuid.UUID, error) {
	args := s.Args(pgx.NamedArgs{"fingerprint": a.fingerprint()})
	var id uuid.UUID
	err := tx.QueryRow(ctx, selectAudience.For(s), args).Scan(&id)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	args["id"], args["level"] = newID(), a.Level
	args["departments"], args["roles"], args["plans"], args["locales"] = a.Departments, a.Roles, a.Plans, a.Locales
	err = tx.QueryRow(ctx, insertAudience.For(s), args).Scan(&id)
	return id, err
}

func contentArgs(c Content, audience uuid.UUID) pgx.NamedArgs {
	return pgx.NamedArgs{
		"title": c.Title, "description": c.Description, "body": c.Body, "product": c.Product,
		"tags": c.Tags, "contexts": c.Contexts, "audience": audience,
	}
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// optional is nil for the zero UUID: a null column.
func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// taken maps a unique violation to ErrSlugTaken.
func taken(err error) error {
	if constraint, is := tenantdb.Duplicate(err); is {
		return fmt.Errorf("%w (%s)", ErrSlugTaken, constraint)
	}
	return err
}

func exec(ctx context.Context, tx pgx.Tx, s Space, statement Statement, args pgx.NamedArgs) error {
	_, err := tx.Exec(ctx, statement.For(s), s.Args(args))
	return err
}
