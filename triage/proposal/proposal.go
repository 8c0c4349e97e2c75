// Package proposal turns tickets that people solved into drafts of articles.
//
// A ticket counts when the assistant found no answer and an agent's reply solved
// it. Its question and that reply, personal data masked, become one of three
// things: a new article, an addition to the article that comes nearest, or nothing,
// where an article says it already. Tickets about the same become proof of one
// proposal. A curator takes it, changes it or turns it down; after four weeks
// it expires. Neighbours: knowledge/gap gathers questions without answers,
// triage/guard masks.
package proposal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/guard"
)

// ErrNotFound says there is no such open proposal.
var ErrNotFound = errors.New("proposal not found")

// Lifetime is how long a proposal waits for a curator.
const Lifetime = 28 * 24 * time.Hour

const (
	minReply  = 60   // characters of a reply that says something
	saysItAll = 0.75 // share of a reply's words that an article holds: it says it already
	saysPart  = 0.4  // enough to belong into that article
	// Two titles are of one matter where the other holds this share of the
	// shorter one's words, and at least so many.
	sameMatter   = 0.75
	fewestShared = 3
	perRun       = 50 // tickets looked at in one run
)

// Searcher finds passages. *search.Searcher is one.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
}

// Curation stores drafts. *knowledge.Service is one.
type Curation interface {
	CreateDraft(ctx context.Context, space knowledge.Space, draft knowledge.Draft, by uuid.UUID) (knowledge.Article, error)
	Article(ctx context.Context, space knowledge.Space, id uuid.UUID) (knowledge.Article, error)
	Version(ctx context.Context, space knowledge.Space, article, id uuid.UUID) (knowledge.Version, error)
	SaveDraft(ctx context.Context, space knowledge.Space, id uuid.UUID, content knowledge.Content, base time.Time, by uuid.UUID) (knowledge.Version, error)
}

// Service makes and settles proposals. DB is of the worker role.
type Service struct {
	DB       *tenantdb.DB
	Search   Searcher
	Articles Curation
	Now      func() time.Time // default time.Now
}

// Proposal is a draft with its proof.
type Proposal struct {
	TenantID  uuid.UUID  `db:"tenant_id"`
	ID        uuid.UUID  `db:"id"`
	Kind      string     `db:"kind"` // create, update
	Title     string     `db:"title"`
	Body      string     `db:"body"`
	ArticleID *uuid.UUID `db:"article_id"`
	Article   string     `db:"article"` // title of the article to update
	Tickets   int        `db:"tickets"` // solved tickets that say the same
	TicketID  uuid.UUID  `db:"ticket_id"`
	Number    int64      `db:"number"`
	CreatedAt time.Time  `db:"created_at"`
}

// solved is a ticket to learn from.
type solved struct {
	TenantID uuid.UUID `db:"tenant_id"`
	ID       uuid.UUID `db:"id"`
	Question string    `db:"question"`
	Reply    string    `db:"reply"`
	Language string    `db:"language"`
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

// Run looks at tickets solved since the last run, and lets old proposals expire.
// It returns how many it looked at.
func (s *Service) Run(ctx context.Context) (int, error) {
	var tickets []solved
	err := s.DB.WithSystem(ctx, "learn from solved tickets", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update proposals set state = 'expired', settled_at = $1 where state = 'open' and created_at < $2`, s.now(), s.now().Add(-Lifetime)); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select t.tenant_id, t.id, q.body as question, r.body as reply, coalesce(nullif(t.language, ''), 'en') as language
			from tickets t
			join lateral (select m.body from escalations e join messages m on m.tenant_id = e.tenant_id and m.id = e.message_id
			  where e.tenant_id = t.tenant_id and e.ticket_id = t.id and e.reason = any($1) order by e.created_at limit 1) q on true
			join lateral (select m.body from messages m where m.tenant_id = t.tenant_id and m.conversation_id = t.conversation_id
			  and m.author_kind = 'agent' and m.visibility = 'customer' and m.state = 'final' order by length(m.body) desc limit 1) r on true
			where t.internal_state in ('solved', 'closed') and t.closed_as not in ('not_a_request', 'merged') and t.resolution not in ('wrong', 'reopened')
			  and t.solved_at > $2 and not exists (select from proposals p where p.tenant_id = t.tenant_id and p.ticket_id = t.id)
			order by t.solved_at limit $3`,
			[]string{string(triage.ReasonNoAnswer), string(triage.ReasonGate), string(triage.ReasonRequested)}, s.now().AddDate(0, 0, -14), perRun)
		if err != nil {
			return err
		}
		tickets, err = pgx.CollectRows(rows, pgx.RowToStructByName[solved])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find solved tickets: %w", err)
	}
	for _, t := range tickets {
		if err := s.consider(ctx, t); err != nil {
			return 0, err
		}
	}
	return len(tickets), nil
}

// consider decides what a ticket is worth, and stores it so that it is looked
// at once.
func (s *Service) consider(ctx context.Context, t solved) error {
	question, _ := guard.Mask(t.Question)
	reply, _ := guard.Mask(t.Reply)
	p := Proposal{TenantID: t.TenantID, Kind: "nothing", Title: heading(question), Body: body(question, reply)}
	why := "the reply says too little"
	if len([]rune(strings.TrimSpace(t.Reply))) >= minReply {
		found, err := s.Search.Search(ctx, search.Query{Text: question, Limit: 5, Viewer: knowledge.Viewer{Staff: true, Roles: []string{"agent"}}})
		if err != nil {
			return fmt.Errorf("search for a solved ticket: %w", err)
		}
		p.Kind, p.ArticleID, why = judge(reply, t.Language, found.Passages)
	}
	return s.DB.WithSystem(ctx, "store a proposal", func(tx pgx.Tx) error {
		var same *uuid.UUID
		if p.Kind != "nothing" {
			var err error
			if same, err = alike(ctx, tx, p, t.Language); err != nil {
				return err
			}
		}
		state := "open"
		if p.Kind == "nothing" || same != nil {
			state = "none"
		}
		_, err := tx.Exec(ctx, `insert into proposals (tenant_id, id, ticket_id, kind, state, title, body, article_id, same_as, why, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (tenant_id, ticket_id) do nothing`,
			t.TenantID, uuid.Must(uuid.NewV7()), t.ID, p.Kind, state, p.Title, p.Body, p.ArticleID, same, why, s.now())
		if err != nil {
			return fmt.Errorf("store proposal: %w", err)
		}
		return nil
	})
}

// judge compares a reply with the articles its question finds.
func judge(reply, language string, passages []search.Passage) (kind string, article *uuid.UUID, why string) {
	words := stems(reply, language)
	best := 0.0
	text := map[uuid.UUID]string{}
	var order []uuid.UUID
	for _, p := range passages {
		if !p.Shared {
			continue // another tenant's own articles are none of the operator's
		}
		if _, seen := text[p.ArticleID]; !seen {
			order = append(order, p.ArticleID)
		}
		text[p.ArticleID] += " " + p.Title + " " + p.Text
	}
	for _, id := range order {
		if held := share(words, stems(text[id], language)); held > best {
			best, article = held, &id
		}
	}
	switch {
	case best >= saysItAll:
		return "nothing", nil, "an article says it already"
	case best >= saysPart:
		return "update", article, "an article says part of it"
	}
	return "create", nil, "no article says it"
}

// alike is an open proposal about the same matter, of any tenant.
func alike(ctx context.Context, tx pgx.Tx, p Proposal, language string) (*uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select id, title from proposals where state = 'open' order by created_at desc limit 500`)
	if err != nil {
		return nil, fmt.Errorf("read proposals: %w", err)
	}
	words := stems(p.Title, language)
	var id uuid.UUID
	var title string
	var same *uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id, &title}, func() error {
		other := stems(title, language)
		if same == nil && oneMatter(words, other) {
			found := id
			same = &found
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read proposals: %w", err)
	}
	return same, nil
}

// oneMatter reports whether most of the shorter title stands in the other, and
// enough of it to mean something.
func oneMatter(a, b map[string]bool) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	held := share(a, b)
	return held >= sameMatter && held*float64(len(a)) >= fewestShared
}

func stems(text, language string) map[string]bool {
	out := map[string]bool{}
	for _, t := range lexicon.Terms(text, lexicon.Base(language)) {
		out[t.Stem] = true
	}
	return out
}

// share is how much of a is in b, 0 to 1.
func share(a, b map[string]bool) float64 {
	if len(a) == 0 {
		return 0
	}
	n := 0
	for w := range a {
		if b[w] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

// body is the draft's Markdown: what was asked, and what the agent said.
func body(question, reply string) string {
	return "## " + heading(question) + "\n\n" + strings.TrimSpace(reply) + "\n"
}

// heading is the question itself, without what stands around it.
func heading(question string) string {
	for _, s := range chunk.Sentences(question) {
		if s = strings.TrimSpace(s); strings.HasSuffix(s, "?") {
			question = s
			break
		}
	}
	return triage.Line(strings.TrimLeft(question, "# "), 120)
}

// Open lists what waits for a curator, most proof first.
func (s *Service) Open(ctx context.Context) ([]Proposal, error) {
	var out []Proposal
	err := s.DB.WithSystem(ctx, "a curator reads proposals", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select p.tenant_id, p.id, p.kind, p.title, p.body, p.article_id, coalesce(a.title, '') as article, p.ticket_id, t.number, p.created_at,
			1 + (select count(*) from proposals o where o.same_as = p.id)::int as tickets
			from proposals p join tickets t on t.tenant_id = p.tenant_id and t.id = p.ticket_id left join shared_articles a on a.id = p.article_id
			where p.state = 'open' order by tickets desc, p.created_at desc limit 100`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Proposal])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list proposals: %w", err)
	}
	return out, nil
}

// Reject turns a proposal down.
func (s *Service) Reject(ctx context.Context, tenant, id, by uuid.UUID) error {
	return s.settle(ctx, tenant, id, by, "rejected", nil)
}

// Accept makes the draft, and returns its article. Nobody but curators sees it
// before it is published.
func (s *Service) Accept(ctx context.Context, tenant, id, by uuid.UUID) (uuid.UUID, error) {
	p, err := s.open(ctx, tenant, id)
	if err != nil {
		return uuid.Nil, err
	}
	article := uuid.Nil
	if p.Kind == "update" && p.ArticleID != nil {
		article, err = s.add(ctx, *p.ArticleID, p.Body, by)
	} else {
		var made knowledge.Article
		made, err = s.Articles.CreateDraft(ctx, knowledge.Shared, knowledge.Draft{
			Content: knowledge.Content{Title: p.Title, Body: p.Body, Audience: knowledge.Audience{Level: knowledge.Customer}}, OwnerID: by,
		}, by)
		article = made.ID
	}
	if err != nil {
		return uuid.Nil, err
	}
	return article, s.settle(ctx, tenant, id, by, "accepted", &article)
}

func (s *Service) open(ctx context.Context, tenant, id uuid.UUID) (p Proposal, err error) {
	err = s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select kind, title, body, article_id from proposals where tenant_id = $1 and id = $2 and state = 'open'`, tenant, id).
			Scan(&p.Kind, &p.Title, &p.Body, &p.ArticleID)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read proposal: %w", err)
	}
	return p, nil
}

// add puts a section at the end of an article's working text.
func (s *Service) add(ctx context.Context, id uuid.UUID, section string, by uuid.UUID) (uuid.UUID, error) {
	a, err := s.Articles.Article(ctx, knowledge.Shared, id)
	if err != nil {
		return uuid.Nil, err
	}
	latest := a.WorkingVersionID
	if latest == nil {
		latest = a.PublishedVersionID
	}
	if latest == nil {
		return uuid.Nil, ErrNotFound
	}
	version, err := s.Articles.Version(ctx, knowledge.Shared, id, *latest)
	if err != nil {
		return uuid.Nil, err
	}
	content := version.Content()
	content.Body = strings.TrimRight(content.Body, "\n") + "\n\n" + section
	_, err = s.Articles.SaveDraft(ctx, knowledge.Shared, id, content, time.Time{}, by)
	return id, err
}

func (s *Service) settle(ctx context.Context, tenant, id, by uuid.UUID, state string, article *uuid.UUID) error {
	return s.DB.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update proposals set state = $3, settled_by = $4, settled_at = $5, article_id = coalesce($6, article_id)
			where tenant_id = $1 and id = $2 and state = 'open'`, tenant, id, state, by, s.now(), article)
		if err != nil {
			return fmt.Errorf("settle proposal: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return nil
	})
}
