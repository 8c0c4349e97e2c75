package knowledge

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	viewArticle = NewStatement(`select ` + articleColumns + ` from ` + articleTables + `
		where {a.scope} and a.state = 'published' and a.slug = @slug and ` + Predicate)
	viewArticleByID = NewStatement(`select ` + articleColumns + ` from ` + articleTables + `
		where {a.scope} and a.state = 'published' and a.id = @id and ` + Predicate)
	viewRedirect = NewStatement(`select ` + articleColumns + ` from {redirects} r
		join {articles} a on {r=a} r.article_id = a.id
		join {audiences} w on {a=w} a.audience_id = w.id
		left join {versions} v on {a=v} a.working_version_id = v.id
		where {r.scope} and r.slug = @slug and a.state = 'published' and ` + Predicate)
	listArticles = NewStatement(`select ` + articleColumns + ` from ` + articleTables + `
		where {a.scope}
			and (@state::text = '' or a.state = @state or v.state = @state)
			and (@tag::text = '' or @tag = any(a.tags))
			and (@text::text = '' or strpos(lower(a.title || ' ' || a.slug), @text) > 0)
			and (@source::uuid is null or a.source_id = @source)
			and (@owner::uuid is null or a.owner_id = @owner)
			and (not @unverified::bool or a.verified_until is null or a.verified_until < @now)
			and (@before::timestamptz is null or (a.updated_at, a.id) < (@before, @before_id::uuid))
		order by a.updated_at desc, a.id desc limit @limit`)
	listVisible = NewStatement(`select ` + articleColumns + ` from ` + articleTables + `
		where {a.scope} and a.state = 'published' and ` + Predicate + `
			and (@tag::text = '' or @tag = any(a.tags))
			and (@context::text = '' or @context = any(a.contexts))
			and (@before::timestamptz is null or (a.updated_at, a.id) < (@before, @before_id::uuid))
		order by a.updated_at desc, a.id desc limit @limit`)
)

// Page is an article as a reader opens it.
type Page struct {
	Article Article
	Version Version
	// Moved is set when the article was asked for by an earlier slug; the
	// caller redirects to Article.Slug.
	Moved bool
}

// Get opens a published article by slug. What the viewer may not see, and what
// does not exist, are the same ErrNotFound. A tenant's own article wins over a
// shared one of the same slug.
func (s *Service) Get(ctx context.Context, viewer Viewer, slug string) (Page, error) {
	return s.open(ctx, viewer, pgx.NamedArgs{"slug": slug}, viewArticle, viewRedirect)
}

// GetByID opens a published article by id, as citations link to it.
func (s *Service) GetByID(ctx context.Context, viewer Viewer, id uuid.UUID) (Page, error) {
	return s.open(ctx, viewer, pgx.NamedArgs{"id": id}, viewArticleByID)
}

func (s *Service) open(ctx context.Context, viewer Viewer, args pgx.NamedArgs, attempts ...Statement) (page Page, err error) {
	err = s.Read(ctx, viewer, func(tx pgx.Tx) error {
		spaces := viewer.Spaces()
		for i, statement := range attempts {
			for j := range spaces {
				space := spaces[len(spaces)-1-j]
				found, err := space.collect(ctx, tx, statement, viewer.Args(args))
				if err != nil {
					return err
				}
				if len(found) == 0 {
					continue
				}
				page.Article, page.Moved = found[0], i > 0
				page.Version, err = space.version(ctx, tx, page.Article.ID, *page.Article.PublishedVersionID)
				return err
			}
		}
		return ErrNotFound
	})
	return page, wrap("open article", err)
}

// Read runs fn in a read-only view of what the viewer's spaces hold: inside the
// tenant's policies, or without any tenant.
func (s *Service) Read(ctx context.Context, viewer Viewer, fn func(tx pgx.Tx) error) error {
	if viewer.TenantID != uuid.Nil {
		return s.db.WithTenant(ctx, viewer.TenantID, fn)
	}
	return pgx.BeginTxFunc(ctx, s.db.Pool(), pgx.TxOptions{AccessMode: pgx.ReadOnly}, fn)
}

func (s Space) collect(ctx context.Context, tx pgx.Tx, statement Statement, args pgx.NamedArgs) ([]Article, error) {
	rows, err := tx.Query(ctx, statement.For(s), s.Args(args))
	if err != nil {
		return nil, err
	}
	return articlesOf(s, rows)
}

// Cursor marks the last article of a page of a list; the zero value is its start.
type Cursor struct {
	UpdatedAt time.Time
	ID        uuid.UUID
}

func (c Cursor) args(args pgx.NamedArgs) pgx.NamedArgs {
	args["before"], args["before_id"] = optionalTime(c.UpdatedAt), optional(c.ID)
	return args
}

// Filter narrows a curator's list. Zero fields do not narrow.
type Filter struct {
	// State is an article state, or "in_review" for articles with a version in review.
	State      string
	Tag        string
	Text       string // part of title or slug, in lower case
	SourceID   uuid.UUID
	OwnerID    uuid.UUID
	Unverified bool // never verified, or verification has run out
}

// List is one page of a space's articles for curators, newest change first.
// limit is 1 to 200; a page shorter than limit is the last.
func (s *Service) List(ctx context.Context, space Space, filter Filter, after Cursor, limit int) (articles []Article, err error) {
	args := after.args(pgx.NamedArgs{
		"state": filter.State, "tag": filter.Tag, "text": filter.Text,
		"source": optional(filter.SourceID), "owner": optional(filter.OwnerID),
		"unverified": filter.Unverified, "now": s.now(), "limit": min(max(limit, 1), 200),
	})
	err = space.In(ctx, s.db, "list articles", func(tx pgx.Tx) error {
		articles, err = space.collect(ctx, tx, listArticles, args)
		return err
	})
	return articles, wrap("list articles", err)
}

// ListAll is List from its first page to its last.
func (s *Service) ListAll(ctx context.Context, space Space, filter Filter) ([]Article, error) {
	const size = 200
	var all []Article
	var after Cursor
	for {
		page, err := s.List(ctx, space, filter, after, size)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < size {
			return all, nil
		}
		last := page[len(page)-1]
		after = Cursor{UpdatedAt: last.UpdatedAt, ID: last.ID}
	}
}

// Browse is one page of the help centre: the published articles of one of the
// viewer's spaces, optionally with a tag.
func (s *Service) Browse(ctx context.Context, viewer Viewer, space Space, tag string, after Cursor, limit int) ([]Article, error) {
	return s.visible(ctx, viewer, []Space{space}, tag, "", after, limit)
}

// Suggest returns published articles for a place in the product, the tenant's
// own first. Keys are what curators put in Content.Contexts.
func (s *Service) Suggest(ctx context.Context, viewer Viewer, contextKey string, limit int) ([]Article, error) {
	if contextKey == "" {
		return nil, nil
	}
	spaces := viewer.Spaces()
	for i, j := 0, len(spaces)-1; i < j; i, j = i+1, j-1 {
		spaces[i], spaces[j] = spaces[j], spaces[i]
	}
	found, err := s.visible(ctx, viewer, spaces, "", contextKey, Cursor{}, limit)
	return found[:min(len(found), max(limit, 0))], err
}

func (s *Service) visible(ctx context.Context, viewer Viewer, spaces []Space, tag, contextKey string, after Cursor, limit int) (articles []Article, err error) {
	args := viewer.Args(after.args(pgx.NamedArgs{"tag": tag, "context": contextKey, "limit": min(max(limit, 1), 200)}))
	err = s.Read(ctx, viewer, func(tx pgx.Tx) error {
		for _, space := range spaces {
			if !space.IsShared() && space.Tenant != viewer.TenantID {
				return ErrNotFound
			}
			found, err := space.collect(ctx, tx, listVisible, args)
			if err != nil {
				return err
			}
			articles = append(articles, found...)
		}
		return nil
	})
	return articles, wrap("list published articles", err)
}

// Article is one article in any state, for curators.
func (s *Service) Article(ctx context.Context, space Space, id uuid.UUID) (article Article, err error) {
	err = space.In(ctx, s.db, "read article", func(tx pgx.Tx) error {
		article, err = space.article(ctx, tx, id)
		return err
	})
	return article, wrap("read article", err)
}

// Versions is the history of an article, newest first.
func (s *Service) Versions(ctx context.Context, space Space, id uuid.UUID) (versions []Version, err error) {
	err = space.In(ctx, s.db, "list versions", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectVersions.For(space), space.Args(pgx.NamedArgs{"id": id}))
		if err != nil {
			return err
		}
		versions, err = versionsOf(rows)
		return err
	})
	if err == nil && len(versions) == 0 {
		err = ErrNotFound
	}
	return versions, wrap("list versions", err)
}

// Version is one state of an article.
func (s *Service) Version(ctx context.Context, space Space, article, id uuid.UUID) (version Version, err error) {
	err = space.In(ctx, s.db, "read version", func(tx pgx.Tx) error {
		version, err = space.version(ctx, tx, article, id)
		return err
	})
	return version, wrap("read version", err)
}

// Working is the version being edited, or ErrNoDraft.
func (s *Service) Working(ctx context.Context, space Space, article uuid.UUID) (version Version, err error) {
	err = space.In(ctx, s.db, "read draft", func(tx pgx.Tx) error {
		found, err := space.article(ctx, tx, article)
		if err != nil {
			return err
		}
		if found.WorkingVersionID == nil {
			return ErrNoDraft
		}
		version, err = space.version(ctx, tx, article, *found.WorkingVersionID)
		return err
	})
	return version, wrap("read draft", err)
}
