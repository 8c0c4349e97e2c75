package knowledge

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	describeDraft = NewStatement(`
		update {articles} a set title = v.title, description = v.description, product = v.product, tags = v.tags,
			contexts = v.contexts, audience_id = v.audience_id
		from {versions} v where {a.scope} and a.id = @id and {a=v} v.id = @version`)
	liveAudience  = NewStatement(`select audience_id from {articles} where {scope} and id = @id`)
	retireArticle = NewStatement(`
		update {articles} set state = 'retired', updated_at = now() where {scope} and id = @id`)
	restoreArticle = NewStatement(`
		update {articles} set state = 'published', updated_at = now() where {scope} and id = @id`)
	verifyArticle = NewStatement(`
		update {articles} set verified_at = @now, verified_until = @until where {scope} and id = @id`)
	// Who takes an article over has not been told that its verification ran out.
	setOwner = NewStatement(`
		update {articles} set owner_id = @owner, lapse_told = case when owner_id is not distinct from @owner then lapse_told end where {scope} and id = @id`)
	setSlug = NewStatement(`update {articles} set slug = @slug, updated_at = now() where {scope} and id = @id`)
	// An address in use is no redirect any more.
	freeRedirect = NewStatement(`delete from {redirects} where {scope} and slug = @slug`)
	addRedirect  = NewStatement(`
		insert into {redirects} ({tenant}slug, article_id) values ({@tenant}@old, @id)
		on conflict ({tenant}slug) do update set article_id = excluded.article_id`)
	moveRedirects = NewStatement(`update {redirects} set article_id = @id where {scope} and article_id = @dropped`)
	slugsLike     = NewStatement(`
		select slug from {articles} where {scope} and (slug = @slug or left(slug, length(@slug) + 1) = @slug || '-')`)
)

// newArticle is what an insert needs beside the Content.
type newArticle struct {
	id, version   uuid.UUID
	slug, locale  string
	owner, author *uuid.UUID
	verifiedUntil *time.Time
}

// create inserts an article with its first working version.
func (s Space) create(ctx context.Context, tx pgx.Tx, item newArticle, content Content) error {
	audience, err := s.audience(ctx, tx, content.Audience)
	if err != nil {
		return err
	}
	args := contentArgs(content, audience)
	args["id"], args["version"], args["slug"], args["locale"] = item.id, item.version, item.slug, item.locale
	args["owner"], args["author"], args["verified_until"] = item.owner, item.author, item.verifiedUntil
	args["source"], args["external_id"], args["note"] = nil, nil, ""
	if err := exec(ctx, tx, s, insertArticle, args); err != nil {
		return taken(err)
	}
	for _, statement := range []Statement{insertVersion, setWorking} {
		if err := exec(ctx, tx, s, statement, args); err != nil {
			return err
		}
	}
	return nil
}

// freeSlug appends the first free number to a slug that is taken.
func (s Space) freeSlug(ctx context.Context, tx pgx.Tx, slug string) (string, error) {
	rows, err := tx.Query(ctx, slugsLike.For(s), s.Args(pgx.NamedArgs{"slug": slug}))
	if err != nil {
		return "", err
	}
	used, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	in := make(map[string]bool, len(used))
	for _, u := range used {
		in[u] = true
	}
	free := slug
	for n := 2; in[free]; n++ {
		free = slug + "-" + strconv.Itoa(n)
	}
	return free, nil
}

// ensureWorking returns the version being edited, a copy of the live one when
// there is none.
func (s Space) ensureWorking(ctx context.Context, tx pgx.Tx, article Article, by uuid.UUID) (Version, error) {
	if article.WorkingVersionID != nil {
		return s.version(ctx, tx, article.ID, *article.WorkingVersionID)
	}
	content := Content{Title: article.Title, Audience: article.Audience}
	if article.PublishedVersionID != nil {
		live, err := s.version(ctx, tx, article.ID, *article.PublishedVersionID)
		if err != nil {
			return Version{}, err
		}
		content = live.Content()
	}
	id, err := s.insertWorking(ctx, tx, article.ID, content, by, "")
	if err != nil {
		return Version{}, err
	}
	version, err := s.version(ctx, tx, article.ID, id)
	version.UpdatedAt = time.Time{} // just made: no one's edit is older
	return version, err
}

func (s Space) insertWorking(ctx context.Context, tx pgx.Tx, article uuid.UUID, content Content, by uuid.UUID, note string) (uuid.UUID, error) {
	audience, err := s.audience(ctx, tx, content.Audience)
	if err != nil {
		return uuid.Nil, err
	}
	args := contentArgs(content, audience)
	args["id"], args["version"], args["author"], args["note"] = article, newID(), optional(by), note
	for _, statement := range []Statement{insertVersion, setWorking} {
		if err := exec(ctx, tx, s, statement, args); err != nil {
			return uuid.Nil, err
		}
	}
	return args["version"].(uuid.UUID), nil
}
