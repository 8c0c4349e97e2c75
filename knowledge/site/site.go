package site

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/migrations/tenantdb"
)

// Errors callers branch on.
var (
	ErrNotFound      = errors.New("site: there is no such source")
	ErrExists        = errors.New("site: the address is a source already")
	ErrNotAWebsite   = errors.New("site: the source is no website")
	ErrPaused        = errors.New("site: the source is paused")
	ErrNothingToDo   = errors.New("site: the page waits for no decision")
	ErrUnknownChoice = errors.New("site: unknown choice")
)

// Cadence is how often a site is read by itself.
type Cadence string

const (
	Manual Cadence = "manual"
	Hourly Cadence = "hourly"
	Daily  Cadence = "daily"
	Weekly Cadence = "weekly"
)

var periods = map[Cadence]time.Duration{Manual: 0, Hourly: time.Hour, Daily: 24 * time.Hour, Weekly: 7 * 24 * time.Hour}

// Settings are what a curator decides.
type Settings struct {
	URL      string // a page to begin with, or a sitemap
	Include  []string
	Exclude  []string
	MaxPages int
	Audience string
	Locale   string
	// Publish makes what was read live at once, and retires the articles of pages
	// that are gone. Without it both wait for a curator.
	Publish bool
	Cadence Cadence
}

// Site is a website as it stands.
type Site struct {
	SourceID uuid.UUID
	Settings
	Paused    bool
	Run       int
	StartedAt *time.Time // of the run in progress
	Capped    bool
	CreatedBy *uuid.UUID
	// Counts of pages by state, and how many the run in progress has read.
	Pages map[string]int `db:"-"`
	Read  int            `db:"-"`
}

// PageState is where a page stands.
type PageState string

const (
	Waiting   PageState = "waiting"   // found, not read yet
	OK        PageState = "ok"        // an article says what it says
	Alias     PageState = "alias"     // another address of a page, or a list of pages
	Duplicate PageState = "duplicate" // says the same as another
	Skipped   PageState = "skipped"   // became no article, see Problem
	Failed    PageState = "failed"    // could not be read this time
	Missing   PageState = "missing"   // was not there, or nothing leads to it; once is no proof
	Removed   PageState = "removed"   // is gone
	Conflict  PageState = "conflict"  // changed, and so was its article, by hand
)

// Page is one address of a site.
type Page struct {
	URL       string
	State     PageState
	Outcome   string
	Title     string
	Problem   string
	Signals   []string
	FetchedAt *time.Time
	ArticleID *uuid.UUID
	// ArticleState is "" without an article.
	ArticleState string
}

// Config of a Service.
type Config struct {
	DB       *tenantdb.DB
	Jobs     knowledge.JobInserter
	Articles *knowledge.Service
	Web      Web
	// Inspect names what in a text reads like an instruction to an assistant.
	Inspect func(text string) []string
	Now     func() time.Time
	// Pause is the shortest time between two requests to a host, Slice how long a
	// job reads before it makes room for others. Zero: a second; 45 seconds.
	Pause, Slice time.Duration
}

// Service is the curators' side of websites, and what their jobs call.
type Service struct {
	Config
	rules sync.Map // of the runs in progress: the source's id to its ruling
}

// New returns a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	if c.Slice == 0 {
		c.Slice = 45 * time.Second
	}
	if c.Inspect == nil {
		c.Inspect = func(string) []string { return nil }
	}
	return &Service{Config: c}
}

// check fills in what is left out and refuses what cannot be.
func (s *Settings) check(space knowledge.Space) error {
	area, err := s.scope()
	if err != nil {
		return err
	}
	s.URL = area.start.String()
	if len(s.URL) < 8 {
		return &knowledge.InvalidError{Field: "url", Reason: "is too short to be a web address"}
	}
	if s.Include, err = prefixes("include", s.Include); err != nil {
		return err
	}
	if s.Exclude, err = prefixes("exclude", s.Exclude); err != nil {
		return err
	}
	if s.MaxPages == 0 {
		s.MaxPages = 500
	}
	if s.MaxPages < 1 || s.MaxPages > 5000 {
		return &knowledge.InvalidError{Field: "max_pages", Reason: "must be between 1 and 5000"}
	}
	if s.Cadence == "" {
		s.Cadence = Daily
	}
	if _, known := periods[s.Cadence]; !known {
		return &knowledge.InvalidError{Field: "cadence", Reason: "must be manual, hourly, daily or weekly"}
	}
	if s.Audience == "" {
		s.Audience = string(knowledge.Customer)
		if space.IsShared() {
			s.Audience = string(knowledge.Public)
		}
	}
	if !space.IsShared() && s.Audience == string(knowledge.Public) {
		return &knowledge.InvalidError{Field: "audience", Reason: "cannot be public for a customer's own articles"}
	}
	audience, err := knowledge.Audience{Level: knowledge.Level(s.Audience)}.Normalize()
	if err != nil {
		return err
	}
	s.Audience = string(audience.Level)
	if s.Locale = strings.ToLower(strings.TrimSpace(s.Locale)); len(s.Locale) > 20 {
		return &knowledge.InvalidError{Field: "locale", Reason: "is longer than 20 characters"}
	}
	return nil
}

// name is what a source is listed as.
func (s Settings) name() string {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s.URL, "https://"), "http://"), "/")
	if len(name) > 200 {
		name = name[:200]
	}
	return name
}

// Add makes a website a source and queues its first run.
func (s *Service) Add(ctx context.Context, space knowledge.Space, settings Settings, by uuid.UUID) (id uuid.UUID, err error) {
	if err := settings.check(space); err != nil {
		return uuid.Nil, err
	}
	id = uuid.Must(uuid.NewV7())
	err = space.In(ctx, s.DB, "add a website", func(tx pgx.Tx) error {
		args := settings.args(id)
		args["name"], args["created_by"], args["next"] = settings.name(), by, s.next(settings.Cadence)
		for _, statement := range []knowledge.Statement{insertSource, insertSite} {
			if _, err := tx.Exec(ctx, statement.For(space), space.Args(args)); err != nil {
				return exists(err)
			}
		}
		return s.queue(ctx, tx, space, id)
	})
	return id, wrap("add website", err)
}

// Change stores other settings. Pages are read anew, since they may say
// something else now.
func (s *Service) Change(ctx context.Context, space knowledge.Space, id uuid.UUID, settings Settings) error {
	if err := settings.check(space); err != nil {
		return err
	}
	err := space.In(ctx, s.DB, "change a website", func(tx pgx.Tx) error {
		old, err := s.site(ctx, tx, space, id, true)
		if err != nil {
			return err
		}
		if !sameHost(old.URL, settings.URL) {
			return &knowledge.InvalidError{Field: "url", Reason: "must stay on the same host: add another website as a source of its own"}
		}
		args := settings.args(id)
		args["name"], args["next"] = settings.name(), s.Now() // soon
		if old.Paused {
			args["next"] = nil
		}
		for _, statement := range []knowledge.Statement{updateSource, updateSite, forgetTags} {
			if _, err := tx.Exec(ctx, statement.For(space), space.Args(args)); err != nil {
				return exists(err)
			}
		}
		return nil
	})
	return wrap("change website", err)
}

// sameHost compares hosts, not whether one is reached by https.
func sameHost(one, other string) bool {
	a, errA := url.Parse(one)
	b, errB := url.Parse(other)
	return errA == nil && errB == nil && a.Host == b.Host
}

// Act does "sync", "pause" or "resume".
func (s *Service) Act(ctx context.Context, space knowledge.Space, id uuid.UUID, act string) error {
	err := space.In(ctx, s.DB, "act on a website", func(tx pgx.Tx) error {
		site, err := s.site(ctx, tx, space, id, true)
		if err != nil {
			return err
		}
		switch act {
		case "sync":
			if site.Paused {
				return ErrPaused
			}
			return s.queue(ctx, tx, space, id)
		case "pause", "resume":
			args := pgx.NamedArgs{"id": id, "paused": act == "pause", "next": s.next(site.Cadence)}
			if act == "pause" {
				args["next"] = nil
			}
			for _, statement := range []knowledge.Statement{pauseSite, planSource} {
				if _, err := tx.Exec(ctx, statement.For(space), space.Args(args)); err != nil {
					return err
				}
			}
			if act == "resume" && site.StartedAt != nil {
				return s.queue(ctx, tx, space, id)
			}
			return nil
		}
		return ErrUnknownChoice
	})
	return wrap("act on website", err)
}

// Remove retires all articles of a source, of whatever kind, and forgets it. It
// returns how many were retired.
func (s *Service) Remove(ctx context.Context, space knowledge.Space, id uuid.UUID) (retired int, err error) {
	err = space.In(ctx, s.DB, "remove a source", func(tx pgx.Tx) error {
		var found uuid.UUID
		if err := tx.QueryRow(ctx, lockSource.For(space), space.Args(pgx.NamedArgs{"id": id})).Scan(&found); err != nil {
			return missing(err)
		}
		if retired, err = s.Articles.RetireSource(ctx, tx, space, id); err != nil {
			return err
		}
		for _, statement := range []knowledge.Statement{deletePages, deleteSite, deleteSource} {
			if _, err := tx.Exec(ctx, statement.For(space), space.Args(pgx.NamedArgs{"id": id})); err != nil {
				return err
			}
		}
		return nil
	})
	return retired, wrap("remove source", err)
}

// Sites are a space's websites by the id of their source.
func (s *Service) Sites(ctx context.Context, space knowledge.Space) (out map[uuid.UUID]Site, err error) {
	out = map[uuid.UUID]Site{}
	err = space.In(ctx, s.DB, "list websites", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectSites.For(space), space.Args(nil))
		if err != nil {
			return err
		}
		sites, err := pgx.CollectRows(rows, pgx.RowToStructByName[Site])
		if err != nil {
			return err
		}
		for _, one := range sites {
			one.Pages = map[string]int{}
			out[one.SourceID] = one
		}
		if rows, err = tx.Query(ctx, countPages.For(space), space.Args(nil)); err != nil {
			return err
		}
		var id uuid.UUID
		var state string
		var n, read int
		_, err = pgx.ForEachRow(rows, []any{&id, &state, &n, &read}, func() error {
			if one, known := out[id]; known {
				one.Pages[state] += n
				one.Read += read
				out[id] = one
			}
			return nil
		})
		return err
	})
	return out, wrap("list websites", err)
}

// pageList is how many pages one list holds.
const pageList = 100

// Pages lists the pages of a site by address, those after one, of one state or
// of all. more says that others follow.
func (s *Service) Pages(ctx context.Context, space knowledge.Space, id uuid.UUID, state PageState, after string) (pages []Page, more bool, err error) {
	err = space.In(ctx, s.DB, "list pages of a website", func(tx pgx.Tx) error {
		if _, err := s.site(ctx, tx, space, id, false); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectPages.For(space), space.Args(pgx.NamedArgs{"id": id, "state": string(state), "after": after, "limit": pageList + 1}))
		if err != nil {
			return err
		}
		pages, err = pgx.CollectRows(rows, pgx.RowToStructByName[Page])
		return err
	})
	if len(pages) > pageList {
		pages, more = pages[:pageList], true
	}
	return pages, more, wrap("list pages", err)
}

// Settle decides what a page waits for: "page" takes what it says now over an
// edit by hand, "mine" keeps the edit until the page changes again, "retire"
// retires the article of a page that is gone.
func (s *Service) Settle(ctx context.Context, space knowledge.Space, id uuid.UUID, address, choice string, by uuid.UUID) error {
	err := space.In(ctx, s.DB, "settle a page", func(tx pgx.Tx) error {
		site, err := s.site(ctx, tx, space, id, true)
		if err != nil {
			return err
		}
		args := space.Args(pgx.NamedArgs{"id": id, "url": address})
		var state PageState
		var pending *knowledge.Item
		if err := tx.QueryRow(ctx, selectPending.For(space), args).Scan(&state, &pending); err != nil {
			return missing(err)
		}
		switch {
		case choice == "retire" && (state == Removed || state == Missing):
			retired, err := s.Articles.RetireTaken(ctx, tx, space, id, address)
			if err == nil && !retired {
				err = ErrNothingToDo
			}
			return err
		case choice == "page" && state == Conflict && pending != nil:
			how := knowledge.Taking{Source: id, Publish: site.Publish, Overwrite: true, By: by}
			if _, _, err := s.Articles.Take(ctx, tx, space, *pending, how); err != nil {
				return err
			}
		case choice == "mine" && state == Conflict && pending != nil:
			if err := s.Articles.KeepEdited(ctx, tx, space, *pending, id); err != nil {
				return err
			}
		case slices.Contains([]string{"retire", "page", "mine"}, choice):
			return ErrNothingToDo
		default:
			return ErrUnknownChoice
		}
		_, err = tx.Exec(ctx, settlePage.For(space), args)
		return err
	})
	return wrap("settle page", err)
}

// next is when a site is due again; nil for never by itself.
func (s *Service) next(c Cadence) *time.Time {
	if periods[c] == 0 {
		return nil
	}
	at := s.Now().Add(periods[c])
	return &at
}

// queue asks for a run, unless one is asked for or under way.
func (s *Service) queue(ctx context.Context, tx pgx.Tx, space knowledge.Space, id uuid.UUID) error {
	if s.Jobs == nil {
		return nil
	}
	_, err := s.Jobs.InsertTx(ctx, tx, SyncArgs{space.Tenant, id}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: knowledge.Unfinished}})
	return err
}

func (s *Service) site(ctx context.Context, tx pgx.Tx, space knowledge.Space, id uuid.UUID, lock bool) (Site, error) {
	if lock {
		var found uuid.UUID
		if err := tx.QueryRow(ctx, lockSource.For(space), space.Args(pgx.NamedArgs{"id": id})).Scan(&found); err != nil {
			return Site{}, missing(err)
		}
	}
	rows, err := tx.Query(ctx, selectSite.For(space), space.Args(pgx.NamedArgs{"id": id}))
	if err != nil {
		return Site{}, err
	}
	one, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Site])
	if lock && errors.Is(err, pgx.ErrNoRows) {
		return one, ErrNotAWebsite
	}
	return one, missing(err)
}

func missing(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func exists(err error) error {
	if _, is := tenantdb.Duplicate(err); is {
		return ErrExists
	}
	return err
}

func wrap(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}
