package search

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/knowledge/switchover"
)

// Draft is a version that is not live, searched as if it were: its chunks take
// the place of the live version's, weighed and embedded the same way. Only the
// worker role can read drafts, so only staff screens can preview.
type Draft struct {
	Space     knowledge.Space
	ArticleID uuid.UUID
	VersionID uuid.UUID
}

var selectDraft = knowledge.NewStatement(`
	select a.slug, a.locale, a.verified_until, v.title, v.description, v.product, v.body, w.audience
	from {versions} v
	join {articles} a on {v=a} a.id = v.article_id
	join {audiences} w on {v=w} w.id = v.audience_id
	where {v.scope} and v.article_id = @article and v.id = @version and ` + knowledge.Predicate)

// drafted is a draft as a viewer would see it.
type drafted struct {
	base     row
	document index.Document
}

// readDraft reads the draft, or nil where the viewer would not see it.
func (s *Searcher) readDraft(ctx context.Context, tx pgx.Tx, q Query) (*drafted, error) {
	d := *q.Draft
	if !d.Space.IsShared() && d.Space.Tenant != q.Viewer.TenantID {
		return nil, knowledge.ErrNoVersion
	}
	out := drafted{base: row{Shared: d.Space.IsShared(), ArticleID: d.ArticleID, VersionID: d.VersionID, UpdatedAt: s.now()}}
	args := q.Viewer.Args(d.Space.Args(pgx.NamedArgs{"article": d.ArticleID, "version": d.VersionID}))
	err := tx.QueryRow(ctx, selectDraft.For(d.Space), args).Scan(&out.base.Slug, &out.base.Locale, &out.base.VerifiedUntil,
		&out.document.Title, &out.document.Description, &out.document.Product, &out.document.Body, &out.base.Audience)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // not seen is an answer here, and what a viewer without access gets
	}
	if err != nil {
		return nil, fmt.Errorf("read draft: %w", err)
	}
	out.document.Language = lexicon.Base(out.base.Locale)
	out.base.Title, out.base.Product = out.document.Title, out.document.Product
	return &out, nil
}

// replace takes the article's live rows out and puts the draft's in.
func (d *drafted) replace(ctx context.Context, article uuid.UUID, embedder knowledge.Embedder, vector, topic []float32, found []row) ([]row, error) {
	kept := found[:0]
	for _, r := range found {
		if r.ArticleID != article {
			kept = append(kept, r)
		}
	}
	if d == nil {
		return kept, nil
	}
	rows, err := draftRows(ctx, d.base, d.document, embedder, vector, topic)
	return append(kept, rows...), err
}

func draftRows(ctx context.Context, base row, document index.Document, embedder knowledge.Embedder, vector, topic []float32) ([]row, error) {
	pieces := index.Cut(document)
	rows := make([]row, len(pieces))
	texts := make([]string, len(pieces))
	for i := range pieces {
		pieces[i].Analyse(document)
		texts[i] = pieces[i].Embeddable
		rows[i] = base
		// Not stored: an id derived from place, so that results can be compared.
		rows[i].ChunkID = uuid.NewSHA1(base.VersionID, fmt.Appendf(nil, "%d", i))
		rows[i].Heading, rows[i].Anchor = pieces[i].Heading, pieces[i].Anchor
		rows[i].Body, rows[i].Ordinal = pieces[i].Text, pieces[i].Ordinal
		rows[i].Weights = pgvector.NewSparseVectorFromMap(pieces[i].Weights, lexicon.Dimensions)
	}
	if embedder == nil || vector == nil {
		return rows, nil
	}
	vectors, err := switchover.Embed(ctx, embedder, texts)
	if err != nil {
		return nil, fmt.Errorf("embed draft: %w", err)
	}
	for i, v := range vectors {
		rows[i].Dense = cosine(vector, v)
		if topic != nil {
			rows[i].Topic = cosine(topic, v)
		}
	}
	return rows, nil
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}
