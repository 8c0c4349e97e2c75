package knowledge

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Service is the curators' side of the knowledge base and the readers' access
// to articles. Methods that take a Space change it: on Shared they need a pool
// of the worker role. Callers have checked that the actor is a curator.
type Service struct {
	db   *tenantdb.DB
	jobs JobInserter
	now  func() time.Time
}

// Config of a Service; the zero value is right outside tests.
type Config struct {
	Now func() time.Time
}

// New returns a Service. Without jobs nothing is indexed by itself, and the
// caller runs package index's Indexer (the evaluation commands do).
func New(db *tenantdb.DB, jobs JobInserter, config Config) *Service {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Service{db: db, jobs: jobs, now: config.Now}
}

// Draft is a new article.
type Draft struct {
	Content
	Slug          string // derived from the title when empty
	Locale        string // default "en"
	OwnerID       uuid.UUID
	VerifiedUntil time.Time
}

// CreateDraft stores a new article with its first working Version. It returns
// ErrSlugTaken when a given slug exists; a derived one is numbered instead.
func (s *Service) CreateDraft(ctx context.Context, space Space, draft Draft, by uuid.UUID) (article Article, err error) {
	content, err := draft.Content.normalize()
	if err != nil {
		return Article{}, err
	}
	if draft.Slug != "" && (!slugPattern.MatchString(draft.Slug) || len(draft.Slug) > 200) {
		return Article{}, &InvalidError{"slug", "may hold lower-case letters, digits and single - / _ . between them"}
	}
	err = space.In(ctx, s.db, "create article", func(tx pgx.Tx) error {
		slug := draft.Slug
		if slug == "" {
			if slug, err = space.freeSlug(ctx, tx, Slug(content.Title)); err != nil {
				return err
			}
		}
		item := newArticle{
			id: newID(), version: newID(), slug: slug, locale: cmp.Or(draft.Locale, "en"),
			owner: optional(draft.OwnerID), verifiedUntil: optionalTime(draft.VerifiedUntil), author: optional(by),
		}
		if err := space.create(ctx, tx, item, content); err != nil {
			return err
		}
		article, err = space.article(ctx, tx, item.id)
		return err
	})
	return article, wrap("create draft", err)
}

// SaveDraft stores an edit. The live Version, if any, does not change. When base
// is not zero and the working Version was saved after it, ErrConflict.
func (s *Service) SaveDraft(ctx context.Context, space Space, id uuid.UUID, content Content, base time.Time, by uuid.UUID) (version Version, err error) {
	if content, err = content.normalize(); err != nil {
		return Version{}, err
	}
	err = s.edit(ctx, space, id, "save draft", func(tx pgx.Tx, article Article) error {
		working, err := space.ensureWorking(ctx, tx, article, by)
		if err != nil {
			return err
		}
		if !base.IsZero() && working.UpdatedAt.After(base.Add(time.Millisecond)) {
			return ErrConflict
		}
		audience, err := space.audience(ctx, tx, content.Audience)
		if err != nil {
			return err
		}
		args := contentArgs(content, audience)
		args["version"], args["author"] = working.ID, optional(by)
		if err := exec(ctx, tx, space, updateWorking, args); err != nil {
			return err
		}
		if article.State == StateDraft {
			if err := exec(ctx, tx, space, describeDraft, pgx.NamedArgs{"id": id, "version": working.ID}); err != nil {
				return err
			}
		}
		version, err = space.version(ctx, tx, id, working.ID)
		return err
	})
	return version, err
}

// SubmitForReview marks the working Version as ready for another pair of eyes.
func (s *Service) SubmitForReview(ctx context.Context, space Space, id, by uuid.UUID) error {
	return s.moveWorking(ctx, space, id, by, VersionInReview, "submit for review")
}

// ReturnToDraft sends a Version in review back to its author.
func (s *Service) ReturnToDraft(ctx context.Context, space Space, id, by uuid.UUID) error {
	return s.moveWorking(ctx, space, id, by, VersionDraft, "return to draft")
}

// DiscardDraft drops the working Version; the live one stays.
func (s *Service) DiscardDraft(ctx context.Context, space Space, id, by uuid.UUID) error {
	return s.moveWorking(ctx, space, id, by, VersionDiscarded, "discard draft")
}

func (s *Service) moveWorking(ctx context.Context, space Space, id, by uuid.UUID, state VersionState, operation string) error {
	return s.edit(ctx, space, id, operation, func(tx pgx.Tx, article Article) error {
		if article.WorkingVersionID == nil {
			return ErrNoDraft
		}
		reviewer := optional(by)
		if state == VersionInReview {
			reviewer = nil
		}
		if err := exec(ctx, tx, space, setVersionState, pgx.NamedArgs{"version": *article.WorkingVersionID, "state": state, "reviewer": reviewer}); err != nil {
			return err
		}
		working := article.WorkingVersionID
		if state == VersionDiscarded {
			working = nil
		}
		return exec(ctx, tx, space, setWorking, pgx.NamedArgs{"id": id, "version": working})
	})
}

// Publish makes the working Version live and queues its indexing. A changed
// audience holds in search at once.
func (s *Service) Publish(ctx context.Context, space Space, id, by uuid.UUID) error {
	return s.edit(ctx, space, id, "publish article", func(tx pgx.Tx, article Article) error {
		if article.WorkingVersionID == nil {
			return ErrNoDraft
		}
		return s.publish(ctx, tx, space, id, *article.WorkingVersionID, by)
	})
}

func (s *Service) publish(ctx context.Context, tx pgx.Tx, space Space, id, version, by uuid.UUID) error {
	args := pgx.NamedArgs{"id": id, "version": version, "reviewer": optional(by)}
	for _, statement := range []Statement{supersede, publishVersion, publishArticle} {
		if err := exec(ctx, tx, space, statement, args); err != nil {
			return err
		}
	}
	var audience uuid.UUID
	if err := tx.QueryRow(ctx, liveAudience.For(space), space.Args(args)).Scan(&audience); err != nil {
		return err
	}
	args["audience"] = audience
	for _, statement := range []Statement{moveChunkTerms, moveChunkVectors} {
		if err := exec(ctx, tx, space, statement, args); err != nil {
			return err
		}
	}
	return s.queueIndex(ctx, tx, space, id)
}

// Rollback publishes a copy of an earlier Version as a new one. An unpublished
// edit is kept as the working Version.
func (s *Service) Rollback(ctx context.Context, space Space, id, version, by uuid.UUID) error {
	return s.edit(ctx, space, id, "roll back article", func(tx pgx.Tx, article Article) error {
		old, err := space.version(ctx, tx, id, version)
		if err != nil {
			return err
		}
		working := article.WorkingVersionID
		if working != nil { // make room: only one working version at a time
			if err := exec(ctx, tx, space, setVersionState, pgx.NamedArgs{"version": *working, "state": VersionDiscarded, "reviewer": nil}); err != nil {
				return err
			}
		}
		copied, err := space.insertWorking(ctx, tx, id, old.Content(), by, fmt.Sprintf("copy of version %d", old.Number))
		if err != nil {
			return err
		}
		if err := s.publish(ctx, tx, space, id, copied, by); err != nil {
			return err
		}
		if working == nil {
			return nil
		}
		if err := exec(ctx, tx, space, setVersionState, pgx.NamedArgs{"version": *working, "state": VersionDraft, "reviewer": nil}); err != nil {
			return err
		}
		return exec(ctx, tx, space, setWorking, pgx.NamedArgs{"id": id, "version": working})
	})
}

// Retire takes a published article out of every list, search and answer at once;
// a job then deletes its chunks and vectors.
func (s *Service) Retire(ctx context.Context, space Space, id, by uuid.UUID) error {
	return s.edit(ctx, space, id, "retire article", func(tx pgx.Tx, article Article) error {
		if article.State != StatePublished {
			return ErrNotPublished
		}
		return s.retire(ctx, tx, space, id)
	})
}

func (s *Service) retire(ctx context.Context, tx pgx.Tx, space Space, id uuid.UUID) error {
	if err := exec(ctx, tx, space, retireArticle, pgx.NamedArgs{"id": id}); err != nil {
		return err
	}
	return s.queueIndex(ctx, tx, space, id)
}

// Restore makes a retired article live again with the Version it had.
func (s *Service) Restore(ctx context.Context, space Space, id, by uuid.UUID) error {
	return s.edit(ctx, space, id, "restore article", func(tx pgx.Tx, article Article) error {
		if article.State != StateRetired {
			return nil
		}
		if article.PublishedVersionID == nil {
			return ErrNotPublished
		}
		if err := exec(ctx, tx, space, restoreArticle, pgx.NamedArgs{"id": id}); err != nil {
			return err
		}
		return s.queueIndex(ctx, tx, space, id)
	})
}

// Verify records that the article was checked and holds until a date.
func (s *Service) Verify(ctx context.Context, space Space, id uuid.UUID, until time.Time, by uuid.UUID) error {
	return s.edit(ctx, space, id, "verify article", func(tx pgx.Tx, _ Article) error {
		return exec(ctx, tx, space, verifyArticle, pgx.NamedArgs{"id": id, "now": s.now(), "until": until})
	})
}

// SetOwner names who keeps the article right; uuid.Nil names nobody.
func (s *Service) SetOwner(ctx context.Context, space Space, id, owner uuid.UUID) error {
	return s.edit(ctx, space, id, "set owner", func(tx pgx.Tx, _ Article) error {
		return exec(ctx, tx, space, setOwner, pgx.NamedArgs{"id": id, "owner": optional(owner)})
	})
}

// SetSlug moves an article to a new address; the old one redirects.
func (s *Service) SetSlug(ctx context.Context, space Space, id uuid.UUID, slug string) error {
	if !slugPattern.MatchString(slug) || len(slug) > 200 {
		return &InvalidError{"slug", "may hold lower-case letters, digits and single - / _ . between them"}
	}
	return s.edit(ctx, space, id, "change slug", func(tx pgx.Tx, article Article) error {
		if article.Slug == slug {
			return nil
		}
		args := pgx.NamedArgs{"id": id, "old": article.Slug, "slug": slug}
		for _, statement := range []Statement{setSlug, freeRedirect, addRedirect} {
			if err := exec(ctx, tx, space, statement, args); err != nil {
				return taken(err)
			}
		}
		return nil
	})
}

// edit runs fn with the article locked.
func (s *Service) edit(ctx context.Context, space Space, id uuid.UUID, operation string, fn func(tx pgx.Tx, article Article) error) error {
	err := space.In(ctx, s.db, operation, func(tx pgx.Tx) error {
		article, err := space.locked(ctx, tx, id)
		if err != nil {
			return err
		}
		return fn(tx, article)
	})
	return wrap(operation, err)
}

// queueIndex queues what follows a change of what is live.
func (s *Service) queueIndex(ctx context.Context, tx pgx.Tx, space Space, id uuid.UUID) error {
	if s.jobs == nil {
		return nil
	}
	if _, err := s.jobs.InsertTx(ctx, tx, IndexArticleArgs{Tenant: space.Tenant, Article: id}, nil); err != nil {
		return err
	}
	_, err := s.jobs.InsertTx(ctx, tx, CheckHealthArgs{}, nil)
	return err
}

// QueueCheck asks for a check of all articles' health.
func (s *Service) QueueCheck(ctx context.Context) error {
	if s.jobs == nil {
		return nil
	}
	return s.db.WithSystem(ctx, "queue a check of articles", func(tx pgx.Tx) error {
		_, err := s.jobs.InsertTx(ctx, tx, CheckHealthArgs{}, &river.InsertOpts{ScheduledAt: s.now(), UniqueOpts: river.UniqueOpts{ByPeriod: 5 * time.Second}})
		return err
	})
}

// Merge retires an article into another of its space: its address, and those it
// had before, lead there.
func (s *Service) Merge(ctx context.Context, space Space, keep, drop, by uuid.UUID) error {
	return s.edit(ctx, space, drop, "merge articles", func(tx pgx.Tx, dropped Article) error {
		kept, err := space.article(ctx, tx, keep)
		if err != nil {
			return err
		}
		if keep == drop || kept.State != StatePublished || dropped.State != StatePublished {
			return ErrNotPublished
		}
		args := pgx.NamedArgs{"id": keep, "old": dropped.Slug, "dropped": drop}
		for _, statement := range []Statement{moveRedirects, addRedirect} {
			if err := exec(ctx, tx, space, statement, args); err != nil {
				return err
			}
		}
		return s.retire(ctx, tx, space, drop)
	})
}

func wrap(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}
