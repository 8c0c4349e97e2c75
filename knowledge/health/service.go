package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Errors callers branch on.
var (
	ErrNotFound = errors.New("health: finding not found")
	ErrNoReason = errors.New("health: a finding is dismissed with a reason")
	ErrNoOther  = errors.New("health: the finding is not about two articles of one space")
	ErrBadAct   = errors.New("health: unknown act")
)

// Witness says what conversations prove. Package triage/proof is one.
type Witness interface {
	Evidence(ctx context.Context, now time.Time) (Evidence, error)
}

// Curation changes articles. *knowledge.Service is one.
type Curation interface {
	Verify(ctx context.Context, space knowledge.Space, id uuid.UUID, until time.Time, by uuid.UUID) error
	Retire(ctx context.Context, space knowledge.Space, id, by uuid.UUID) error
	Merge(ctx context.Context, space knowledge.Space, keep, drop, by uuid.UUID) error
	SetOwner(ctx context.Context, space knowledge.Space, id, owner uuid.UUID) error
}

// Service keeps findings. DB is of the worker role.
type Service struct {
	DB        *tenantdb.DB
	Articles  Curation
	Witnesses []Witness
	Now       func() time.Time // default time.Now
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC().Truncate(time.Microsecond)
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

// Run checks every published article and stores what it finds. It returns how
// many findings there are.
func (s *Service) Run(ctx context.Context) (int, error) {
	started, now := time.Now(), s.now()
	var evidence Evidence
	for _, w := range s.Witnesses {
		more, err := w.Evidence(ctx, now)
		if err != nil {
			return 0, fmt.Errorf("gather evidence: %w", err)
		}
		evidence = evidence.with(more)
	}
	var articles []Article
	var all []knowledge.Space
	err := s.DB.WithSystem(ctx, "read articles to check their health", func(tx pgx.Tx) (err error) {
		if all, err = spaces(ctx, tx); err != nil {
			return err
		}
		for _, space := range all {
			of, err := live(ctx, tx, space)
			if err != nil {
				return err
			}
			articles = append(articles, of...)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read articles: %w", err)
	}
	found := Check(articles, evidence, now)
	err = s.DB.WithSystem(ctx, "store the health of articles", func(tx pgx.Tx) error {
		// One run at a time writes: a later one knows more.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtext('usher knowledge health'))`); err != nil {
			return err
		}
		for _, space := range all {
			of := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Space != space })
			if err := keep(ctx, tx, space, of, now); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `delete from knowledge_checks where at < $1`, now.AddDate(0, 0, -OutcomeDays)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into knowledge_checks (id, at, articles, findings, duration_ms) values ($1, $2, $3, $4, $5)`,
			uuid.Must(uuid.NewV7()), now, len(articles), len(found), time.Since(started).Milliseconds())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store findings: %w", err)
	}
	return len(found), nil
}

// with adds what another witness says.
func (e Evidence) with(more Evidence) Evidence {
	e.Replies, e.Gone = append(e.Replies, more.Replies...), append(e.Gone, more.Gone...)
	e.Searched += more.Searched
	for id, o := range more.Outcomes {
		if e.Outcomes == nil {
			e.Outcomes = map[uuid.UUID]Outcome{}
		}
		e.Outcomes[id] = o
	}
	for id := range more.Found {
		if e.Found == nil {
			e.Found = map[uuid.UUID]bool{}
		}
		e.Found[id] = true
	}
	return e
}

// Stored is a finding as curators see it.
type Stored struct {
	Space       knowledge.Space
	ID          uuid.UUID
	Kind        Kind
	Cause       string
	Article     Link
	Other       *Link
	Detail      Detail
	Weight      int
	State       string
	Note        string
	SettledBy   string
	SettledAt   *time.Time
	FirstSeenAt time.Time
	LastSeenAt  time.Time
	OwnerID     *uuid.UUID
	Owner       string
	Proofs      []Shown
}

// Link names an article.
type Link struct {
	Space knowledge.Space
	ID    uuid.UUID
	Slug  string
	Title string
}

// Shown is a proof with its ticket, where the conversation has one.
type Shown struct {
	Proof
	Tenant       string // its name
	TicketID     *uuid.UUID
	TicketNumber int64
}

// Report is the list of findings of a space.
type Report struct {
	CheckedAt *time.Time
	Articles  int
	Findings  []Stored
}

// Findings lists those of a space in a state: open or dismissed.
func (s *Service) Findings(ctx context.Context, space knowledge.Space, state string) (Report, error) {
	var report Report
	err := s.DB.WithSystem(ctx, "a curator reads the health of articles", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select at, articles from knowledge_checks order by at desc limit 1`).Scan(&report.CheckedAt, &report.Articles)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		rows, err := tx.Query(ctx, selectFindings.For(space), space.Args(pgx.NamedArgs{"state": cmp.Or(state, "open")}))
		if err != nil {
			return err
		}
		settled := map[uuid.UUID]*uuid.UUID{}
		report.Findings, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Stored, err error) {
			var other, by *uuid.UUID
			f.Space, f.Article.Space = space, space
			err = row.Scan(&f.ID, &f.Kind, &f.Cause, &f.Article.ID, &other, &f.Detail, &f.Weight, &f.State, &f.Note, &by, &f.SettledAt, &f.FirstSeenAt, &f.LastSeenAt,
				&f.Article.Slug, &f.Article.Title, &f.OwnerID)
			if other != nil {
				f.Other = &Link{ID: *other}
			}
			settled[f.ID] = by
			return f, err
		})
		if err != nil {
			return err
		}
		if err := others(ctx, tx, space, report.Findings); err != nil {
			return err
		}
		if err := shownProofs(ctx, tx, report.Findings); err != nil {
			return err
		}
		return named(ctx, tx, report.Findings, settled)
	})
	if err != nil {
		return Report{}, fmt.Errorf("list findings: %w", err)
	}
	return report, nil
}

// others names the second articles, the tenant's own or shared.
func others(ctx context.Context, tx pgx.Tx, space knowledge.Space, findings []Stored) error {
	var ids []uuid.UUID
	for _, f := range findings {
		if f.Other != nil {
			ids = append(ids, f.Other.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `select id, slug, title, null::uuid from shared_articles where id = any($1)
		union all select id, slug, title, tenant_id from tenant_articles where tenant_id = $2 and id = any($1)`, ids, space.Tenant)
	if err != nil {
		return err
	}
	links := map[uuid.UUID]Link{}
	var link Link
	var tenant *uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&link.ID, &link.Slug, &link.Title, &tenant}, func() error {
		link.Space = knowledge.Shared
		if tenant != nil {
			link.Space = knowledge.Of(*tenant)
		}
		links[link.ID] = link
		return nil
	})
	for i, f := range findings {
		if f.Other != nil {
			if found, ok := links[f.Other.ID]; ok {
				findings[i].Other = &found
			} else {
				findings[i].Other = nil
			}
		}
	}
	return err
}

func shownProofs(ctx context.Context, tx pgx.Tx, findings []Stored) error {
	at := map[uuid.UUID]int{}
	ids := make([]uuid.UUID, len(findings))
	for i, f := range findings {
		ids[i], at[f.ID] = f.ID, i
	}
	rows, err := tx.Query(ctx, `select p.finding_id, p.tenant_id, p.conversation_id, p.message_id, p.kind, p.quote, p.at, t.name, k.id, coalesce(k.number, 0)
		from finding_proofs p join tenants t on t.id = p.tenant_id
		left join lateral (select id, number from tickets k where k.tenant_id = p.tenant_id and k.conversation_id = p.conversation_id order by number desc limit 1) k on true
		where p.finding_id = any($1) order by p.at desc, p.message_id`, ids)
	if err != nil {
		return err
	}
	var finding uuid.UUID
	var p Shown
	_, err = pgx.ForEachRow(rows, []any{&finding, &p.Proof.Tenant, &p.Conversation, &p.Message, &p.Kind, &p.Quote, &p.At, &p.Tenant, &p.TicketID, &p.TicketNumber}, func() error {
		i := at[finding]
		findings[i].Proofs = append(findings[i].Proofs, p)
		return nil
	})
	return err
}

func named(ctx context.Context, tx pgx.Tx, findings []Stored, settled map[uuid.UUID]*uuid.UUID) error {
	rows, err := tx.Query(ctx, `select id, display_name from staff`)
	if err != nil {
		return err
	}
	names := map[uuid.UUID]string{}
	var id uuid.UUID
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error { names[id] = name; return nil }); err != nil {
		return err
	}
	for i, f := range findings {
		if f.OwnerID != nil {
			findings[i].Owner = names[*f.OwnerID]
		}
		if by := settled[f.ID]; by != nil {
			findings[i].SettledBy = names[*by]
		}
	}
	return nil
}

// VerifiedFor is how long a verification holds.
const VerifiedFor = 6 // months

// Act is what a curator does about a finding.
type Act struct {
	Do     string    // verify, retire, merge, take (its ownership), dismiss, reopen
	Reason string    // to dismiss
	Keep   uuid.UUID // to merge: the article that stays; the other one's address leads to it
}

// Act settles a finding.
func (s *Service) Act(ctx context.Context, space knowledge.Space, id uuid.UUID, act Act, by uuid.UUID) error {
	f, err := s.finding(ctx, space, id)
	if err != nil {
		return err
	}
	state, reason := "gone", strings.TrimSpace(act.Reason)
	switch act.Do {
	case "verify":
		err = s.Articles.Verify(ctx, space, f.Article, s.now().AddDate(0, VerifiedFor, 0), by)
		if f.Cause != CauseOverdue && f.Cause != CauseAged && f.Cause != CauseSource {
			state, reason = "dismissed", cmp.Or(reason, "Verified: the article is right.") // what it rests on is still there
		}
	case "retire":
		err = s.Articles.Retire(ctx, space, f.Article, by)
	case "merge":
		keep, drop := f.Other, f.Article
		if act.Keep == f.Article {
			keep, drop = drop, keep
		}
		if f.Kind != Duplicate || f.Other == uuid.Nil {
			return ErrNoOther
		}
		if err = s.Articles.Merge(ctx, space, keep, drop, by); errors.Is(err, knowledge.ErrNotFound) {
			return ErrNoOther
		}
	case "take":
		return s.Articles.SetOwner(ctx, space, f.Article, by)
	case "dismiss":
		if reason == "" {
			return ErrNoReason
		}
		state = "dismissed"
	case "reopen":
		state, reason = "open", ""
	default:
		return ErrBadAct
	}
	if err != nil {
		return err
	}
	return space.In(ctx, s.DB, "settle finding", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, settleFinding.For(space), space.Args(pgx.NamedArgs{"id": id, "state": state, "note": reason, "by": by, "now": s.now()}))
		return err
	})
}

func (s *Service) finding(ctx context.Context, space knowledge.Space, id uuid.UUID) (f Finding, err error) {
	err = space.In(ctx, s.DB, "read finding", func(tx pgx.Tx) error {
		var other *uuid.UUID
		var state string
		err := tx.QueryRow(ctx, lockFinding.For(space), space.Args(pgx.NamedArgs{"id": id})).Scan(&f.Kind, &f.Cause, &f.Article, &other, &state)
		if errors.Is(err, pgx.ErrNoRows) || state == "gone" {
			return ErrNotFound
		}
		if other != nil {
			f.Other = *other
		}
		return err
	})
	return f, err
}
