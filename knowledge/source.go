package knowledge

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Source is where imported articles come from, and how its last sync went.
type Source struct {
	ID         uuid.UUID
	Name       string
	Kind       string // manual, markdown, html, jsonl, files, website
	Location   string
	LastSyncAt *time.Time
	NextSyncAt *time.Time
	LastError  string
	Added      int // of the last successful sync, as are the next three
	Updated    int
	Retired    int
	Unchanged  int
	CreatedAt  time.Time
}

// Origin names a Source; Name identifies it in its Space.
type Origin struct {
	Name     string
	Kind     string
	Location string
}

// Item is one article of a source.
type Item struct {
	ExternalID    string // stable inside the source
	Slug          string // derived from the title when empty
	Locale        string // default "en"
	Content       Content
	VerifiedUntil time.Time
	// UpdatedAt is the date the source gives, shown to readers.
	UpdatedAt time.Time
	// Broken says why the item could not be read. It is reported, and the
	// article it was before stays.
	Broken string `json:",omitempty"`
}

// Problem is an item that could not be imported; the others are.
type Problem struct {
	ExternalID string `json:"external_id"`
	Reason     string `json:"reason"`
}

// Report is what a sync did, by external id.
type Report struct {
	Added     []string  `json:"added"`
	Updated   []string  `json:"updated"`
	Retired   []string  `json:"retired"`
	Unchanged int       `json:"unchanged"`
	Problems  []Problem `json:"problems,omitempty"`
}

var (
	upsertSource = NewStatement(`
		insert into {sources} ({tenant}id, name, kind, location) values ({@tenant}@id, @name, @kind, @location)
		on conflict ({tenant}name) do update set kind = excluded.kind, location = excluded.location
		returning id`)
	selectSources = NewStatement(`
		select id, name, kind, location, last_sync_at, next_sync_at, last_error, added, updated, retired, unchanged, created_at
		from {sources} where {scope} order by name`)
	finishSource = NewStatement(`
		update {sources} set last_sync_at = @now, last_error = @error, added = @added, updated = @updated,
			retired = @retired, unchanged = @unchanged where {scope} and id = @id`)
	failSource = NewStatement(`
		update {sources} set last_error = @error where {scope} and id = @id`)
	selectImported = NewStatement(`
		select id, external_id, slug, state, content_hash
		from {articles} where {scope} and source_id = @source`)
	markImported = NewStatement(`
		update {articles} set source_id = @source, external_id = @external_id, content_hash = @hash, locale = @locale,
			verified_until = coalesce(@verified_until, verified_until), changed_at = coalesce(@changed, changed_at),
			state = 'published'
		where {scope} and id = @id`)
	selectSlugs = NewStatement(`select slug from {articles} where {scope}`)
	// New articles come in bulk, already live; one row of JSON each, because
	// arrays of different lengths cannot be unnested.
	importArticles = NewStatement(`
		insert into {articles} ({tenant}id, slug, locale, state, title, description, product, tags, contexts, audience_id,
			published_version_id, verified_until, source_id, external_id, content_hash, published_at, changed_at)
		select {@tenant}n.id, n.slug, n.locale, 'published', n.title, n.description, n.product, n.tags, n.contexts, n.audience,
			n.version, n.verified_until, @source, n.external_id, n.hash, now(), coalesce(n.changed, now())
		from jsonb_to_recordset(@rows::jsonb) n (id uuid, version uuid, slug text, locale text, title text, description text,
			product text, tags text[], contexts text[], audience uuid, verified_until timestamptz, external_id text,
			hash bytea, changed timestamptz)`)
	importVersions = NewStatement(`
		insert into {versions} ({tenant}id, article_id, number, state, title, description, body, product, tags, contexts,
			audience_id, author_id, note, published_at)
		select {@tenant}n.version, n.id, 1, 'published', n.title, n.description, n.body, n.product, n.tags, n.contexts,
			n.audience, @author, 'import', now()
		from jsonb_to_recordset(@rows::jsonb) n (id uuid, version uuid, title text, description text, body text,
			product text, tags text[], contexts text[], audience uuid)`)
	dropWorking = NewStatement(`
		update {versions} set state = 'discarded', updated_at = now()
		where {scope} and article_id = @id and state in ('draft', 'in_review')`)
)

// importBatch is how many articles one transaction imports.
const importBatch = 200

// Sync brings a source's articles to what items say: new ones are published,
// changed ones get a new published version, the same ones are left alone, and
// articles of the source that items no longer hold are retired. Running it again
// with the same items changes nothing. An item with invalid content is reported
// and skipped, and its article, if any, stays as it is. Empty items retire
// everything only when allowEmpty says that this is meant.
func (s *Service) Sync(ctx context.Context, space Space, origin Origin, items []Item, allowEmpty bool, by uuid.UUID) (Report, error) {
	if len(items) == 0 && !allowEmpty {
		return Report{}, fmt.Errorf("sync %s: the source holds no articles", origin.Name)
	}
	run := &syncRun{service: s, space: space, by: by, seen: make(map[string]bool), slugs: make(map[string]bool), audience: make(map[string]uuid.UUID)}
	if err := run.begin(ctx, origin); err != nil {
		return Report{}, fmt.Errorf("sync %s: %w", origin.Name, err)
	}
	err := run.all(ctx, items)
	if finishErr := run.finish(ctx, err); err == nil {
		err = finishErr
	}
	if err != nil {
		return run.report, fmt.Errorf("sync %s: %w", origin.Name, err)
	}
	return run.report, nil
}

// syncRun is one run of Sync.
type syncRun struct {
	service  *Service
	space    Space
	by       uuid.UUID
	source   uuid.UUID
	existing map[string]imported
	seen     map[string]bool
	slugs    map[string]bool
	audience map[string]uuid.UUID // by fingerprint
	fresh    []importRow          // of the present batch
	report   Report
}

// importRow is one new article as importArticles and importVersions read it.
type importRow struct {
	ID            uuid.UUID  `json:"id"`
	Version       uuid.UUID  `json:"version"`
	Slug          string     `json:"slug"`
	Locale        string     `json:"locale"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Body          string     `json:"body"`
	Product       string     `json:"product"`
	Tags          []string   `json:"tags"`
	Contexts      []string   `json:"contexts"`
	Audience      uuid.UUID  `json:"audience"`
	VerifiedUntil *time.Time `json:"verified_until"`
	ExternalID    string     `json:"external_id"`
	Hash          string     `json:"hash"` // bytea in hex
	Changed       *time.Time `json:"changed"`
}

type imported struct {
	ID          uuid.UUID
	ExternalID  string
	State       State
	Slug        string
	ContentHash []byte
}

func (r *syncRun) begin(ctx context.Context, origin Origin) error {
	return r.space.In(ctx, r.service.db, "begin sync", func(tx pgx.Tx) error {
		args := r.space.Args(pgx.NamedArgs{"id": newID(), "name": origin.Name, "kind": cmp.Or(origin.Kind, "manual"), "location": origin.Location})
		if err := tx.QueryRow(ctx, upsertSource.For(r.space), args).Scan(&r.source); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectImported.For(r.space), r.space.Args(pgx.NamedArgs{"source": r.source}))
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[imported])
		r.existing = make(map[string]imported, len(found))
		for _, f := range found {
			r.existing[f.ExternalID] = f
		}
		if err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectSlugs.For(r.space), r.space.Args(nil)); err != nil {
			return err
		}
		slugs, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, slug := range slugs {
			r.slugs[slug] = true
		}
		return err
	})
}

// adopt gives an article whose id in the source changed, but not its slug, the
// new id: a file that was moved is the same article.
func (r *syncRun) adopt(items []Item) {
	coming := make(map[string]bool, len(items))
	for _, item := range items {
		coming[item.ExternalID] = true
	}
	left := make(map[string]imported)
	for external, old := range r.existing {
		if !coming[external] {
			left[old.Slug] = old
		}
	}
	for _, item := range items {
		if _, known := r.existing[item.ExternalID]; known || item.Slug == "" {
			continue
		}
		if old, moved := left[item.Slug]; moved {
			delete(r.existing, old.ExternalID)
			delete(left, item.Slug)
			old.ContentHash = nil
			r.existing[item.ExternalID] = old
		}
	}
}

func (r *syncRun) all(ctx context.Context, items []Item) error {
	r.adopt(items)
	for len(items) > 0 {
		n := min(importBatch, len(items))
		err := r.space.In(ctx, r.service.db, "sync articles", func(tx pgx.Tx) error {
			for _, item := range items[:n] {
				if err := r.one(ctx, tx, item); err != nil {
					return fmt.Errorf("article %s: %w", item.ExternalID, err)
				}
			}
			return r.insert(ctx, tx)
		})
		if err != nil {
			return err
		}
		items = items[n:]
	}
	return r.retireMissing(ctx)
}

func (r *syncRun) one(ctx context.Context, tx pgx.Tx, item Item) error {
	if item.ExternalID == "" || r.seen[item.ExternalID] {
		r.problem(item, "has no id of its own in the source")
		return nil
	}
	r.seen[item.ExternalID] = true
	if item.Broken != "" {
		r.problem(item, item.Broken)
		return nil
	}
	content, err := item.Content.normalize()
	if err != nil {
		r.problem(item, err.Error())
		return nil
	}
	item.Content, item.Locale = content, cmp.Or(item.Locale, "en")
	hash, err := item.hash()
	if err != nil {
		return err
	}
	old, exists := r.existing[item.ExternalID]
	switch {
	case exists && old.State == StatePublished && bytes.Equal(old.ContentHash, hash):
		r.report.Unchanged++
		return nil
	case exists:
		r.report.Updated = append(r.report.Updated, item.ExternalID)
		return r.update(ctx, tx, old.ID, item, hash)
	}
	return r.add(ctx, tx, item, hash)
}

func (r *syncRun) problem(item Item, reason string) {
	r.report.Problems = append(r.report.Problems, Problem{ExternalID: item.ExternalID, Reason: reason})
}

func (i Item) hash() ([]byte, error) {
	text, err := json.Marshal([]any{i.Slug, i.Locale, i.Content, i.VerifiedUntil, i.UpdatedAt})
	if err != nil {
		return nil, fmt.Errorf("hash article: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// add puts a new article into the batch.
func (r *syncRun) add(ctx context.Context, tx pgx.Tx, item Item, hash []byte) error {
	slug := cmp.Or(item.Slug, Slug(item.Content.Title))
	if item.Slug != "" && (r.slugs[slug] || !slugPattern.MatchString(slug) || len(slug) > 200) {
		r.problem(item, fmt.Sprintf("its slug %q is taken, or holds other than lower-case letters, digits and single - / _ . between them", slug))
		return nil
	}
	for n := 2; r.slugs[slug]; n++ {
		slug = Slug(item.Content.Title) + "-" + strconv.Itoa(n)
	}
	r.slugs[slug] = true
	fingerprint := item.Content.Audience.fingerprint()
	if _, known := r.audience[fingerprint]; !known {
		id, err := r.space.audience(ctx, tx, item.Content.Audience)
		if err != nil {
			return err
		}
		r.audience[fingerprint] = id
	}
	c := item.Content
	r.fresh = append(r.fresh, importRow{
		ID: newID(), Version: newID(), Slug: slug, Locale: item.Locale, Title: c.Title, Description: c.Description,
		Body: c.Body, Product: c.Product, Tags: c.Tags, Contexts: c.Contexts, Audience: r.audience[fingerprint],
		VerifiedUntil: optionalTime(item.VerifiedUntil), ExternalID: item.ExternalID, Hash: `\x` + hex.EncodeToString(hash),
		Changed: optionalTime(item.UpdatedAt),
	})
	r.report.Added = append(r.report.Added, item.ExternalID)
	return nil
}

// insert writes the batch's new articles and queues their indexing.
func (r *syncRun) insert(ctx context.Context, tx pgx.Tx) error {
	if len(r.fresh) == 0 {
		return nil
	}
	rows, err := json.Marshal(r.fresh)
	if err != nil {
		return fmt.Errorf("encode articles: %w", err)
	}
	args := pgx.NamedArgs{"rows": rows, "source": r.source, "author": optional(r.by)}
	for _, statement := range []Statement{importArticles, importVersions} {
		if err := exec(ctx, tx, r.space, statement, args); err != nil {
			return taken(err)
		}
	}
	for _, row := range r.fresh {
		if err := r.service.queueIndex(ctx, tx, r.space, row.ID); err != nil {
			return err
		}
	}
	r.fresh = r.fresh[:0]
	return nil
}

func (r *syncRun) update(ctx context.Context, tx pgx.Tx, id uuid.UUID, item Item, hash []byte) error {
	if _, err := r.space.locked(ctx, tx, id); err != nil {
		return err
	}
	if err := exec(ctx, tx, r.space, dropWorking, pgx.NamedArgs{"id": id}); err != nil {
		return err
	}
	if _, err := r.space.insertWorking(ctx, tx, id, item.Content, r.by, "import"); err != nil {
		return err
	}
	return r.live(ctx, tx, id, item, hash)
}

// live publishes the working version of an imported article.
func (r *syncRun) live(ctx context.Context, tx pgx.Tx, id uuid.UUID, item Item, hash []byte) error {
	article, err := r.space.article(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := r.service.publish(ctx, tx, r.space, id, *article.WorkingVersionID, r.by); err != nil {
		return err
	}
	return exec(ctx, tx, r.space, markImported, pgx.NamedArgs{
		"id": id, "source": r.source, "external_id": item.ExternalID, "hash": hash, "locale": item.Locale,
		"verified_until": optionalTime(item.VerifiedUntil), "changed": optionalTime(item.UpdatedAt),
	})
}

func (r *syncRun) retireMissing(ctx context.Context) error {
	for external, old := range r.existing {
		if r.seen[external] || old.State != StatePublished {
			continue
		}
		if err := r.service.Retire(ctx, r.space, old.ID, r.by); err != nil && !errors.Is(err, ErrNotPublished) {
			return err
		}
		r.report.Retired = append(r.report.Retired, external)
	}
	return nil
}

// finish writes down how the sync went, also when it failed or was cut short.
func (r *syncRun) finish(ctx context.Context, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	args := pgx.NamedArgs{
		"id": r.source, "now": r.service.now(), "error": "", "added": len(r.report.Added), "updated": len(r.report.Updated),
		"retired": len(r.report.Retired), "unchanged": r.report.Unchanged,
	}
	statement := finishSource
	if failure != nil {
		statement, args["error"] = failSource, failure.Error()
	} else if n := len(r.report.Problems); n > 0 {
		args["error"] = fmt.Sprintf("%d articles could not be imported; the first is %s: %s", n, r.report.Problems[0].ExternalID, r.report.Problems[0].Reason)
	}
	return r.space.In(ctx, r.service.db, "finish sync", func(tx pgx.Tx) error {
		return exec(ctx, tx, r.space, statement, args)
	})
}

// Sources lists a space's sources by name.
func (s *Service) Sources(ctx context.Context, space Space) (sources []Source, err error) {
	err = space.In(ctx, s.db, "list sources", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectSources.For(space), space.Args(nil))
		if err != nil {
			return err
		}
		sources, err = pgx.CollectRows(rows, pgx.RowToStructByName[Source])
		return err
	})
	return sources, wrap("list sources", err)
}

var selectExternal = NewStatement(`select id, external_id from {articles} where {scope} and external_id is not null`)

// ExternalIDs maps imported articles to the ids they have in their sources.
func (s *Service) ExternalIDs(ctx context.Context, space Space) (ids map[uuid.UUID]string, err error) {
	ids = make(map[uuid.UUID]string)
	err = space.In(ctx, s.db, "list imported articles", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectExternal.For(space), space.Args(nil))
		if err != nil {
			return err
		}
		var id uuid.UUID
		var external string
		_, err = pgx.ForEachRow(rows, []any{&id, &external}, func() error {
			ids[id] = external
			return nil
		})
		return err
	})
	return ids, wrap("list imported articles", err)
}
