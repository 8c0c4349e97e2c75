package site

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
)

// run is one slice of a site's reading.
type run struct {
	*Service
	space knowledge.Space
	id    uuid.UUID
	site  Site
	area  scope
	rules Rules
	pause time.Duration
}

type nextRow struct {
	URL          string
	State        PageState
	Depth        int
	ETag         string `db:"etag"`
	LastModified string
	ContentHash  []byte
	Misses       int
	HasArticle   bool
}

// Work reads a site for a slice of time, or to its end. When again is not zero
// there is more to do after that time.
func (s *Service) Work(ctx context.Context, space knowledge.Space, id uuid.UUID) (again time.Duration, err error) {
	r := &run{Service: s, space: space, id: id}
	err = space.In(ctx, s.DB, "begin to read a website", func(tx pgx.Tx) error { return r.begin(ctx, tx) })
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrNotAWebsite), errors.Is(err, ErrPaused):
		return 0, nil // removed or paused meanwhile
	case err != nil:
		return 0, fmt.Errorf("read website: %w", err)
	}
	again, err = r.slice(ctx)
	switch {
	case errors.Is(err, errStopped):
		return time.Millisecond, nil // the next slice finds out what holds now
	case err != nil:
		s.rules.Delete(id)
		return 0, fmt.Errorf("read website %s: %w", r.site.URL, err)
	case again == 0:
		s.rules.Delete(id)
	}
	return again, nil
}

// slice reads pages until its time is over, or none is left.
func (r *run) slice(ctx context.Context) (again time.Duration, err error) {
	end := r.Now().Add(r.Slice)
	if wait, failure, err := r.learn(ctx); err != nil || wait > 0 {
		return wait, err
	} else if failure != nil {
		return 0, r.fail(ctx, "The site could not be asked what it allows (robots.txt): "+reason(failure))
	}
	r.pause = max(r.Pause, min(r.rules.Delay(), time.Minute))
	for {
		wait, more, err := r.step(ctx)
		switch {
		case err != nil:
			return 0, err
		case !more:
			return 0, r.finish(ctx)
		case wait > 5*time.Second, r.Now().After(end):
			return max(wait, time.Millisecond), nil
		case wait > 0:
			select {
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			case <-time.After(wait):
			}
		}
	}
}

// ruling is what a host allowed when a run began.
type ruling struct {
	run   int
	until time.Time
	rules Rules
}

// learn reads the host's rules, once for all slices of a run that lasts no longer
// than a day. It returns how long to wait before the host may be asked, or why
// the host could not be.
func (r *run) learn(ctx context.Context) (wait time.Duration, failure, err error) {
	if kept, known := r.Service.rules.Load(r.id); known {
		if kept := kept.(ruling); kept.run == r.site.Run && r.Now().Before(kept.until) {
			r.rules = kept.rules
			return 0, nil, nil
		}
	}
	if wait, err = r.claim(ctx); err != nil || wait > 0 {
		return wait, nil, err
	}
	rules, failure := r.Web.Rules(ctx, r.site.URL)
	if ctx.Err() != nil {
		return 0, nil, context.Cause(ctx)
	}
	if err := r.release(ctx, r.Pause); err != nil {
		return 0, nil, err
	}
	if failure == nil {
		r.rules = rules
		r.Service.rules.Store(r.id, ruling{r.site.Run, r.Now().Add(24 * time.Hour), rules})
	}
	return 0, failure, nil
}

// errStopped ends a slice whose run must not go on: it was paused or removed
// meanwhile, or begins anew because the settings changed.
var errStopped = errors.New("site: the run was stopped")

// still locks the site, as it stands now, and returns errStopped when it is not
// in this run any more.
func (r *run) still(ctx context.Context, tx pgx.Tx) (Site, error) {
	site, err := r.Service.site(ctx, tx, r.space, r.id, true)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrNotAWebsite):
		return site, errStopped
	case err == nil && (site.StartedAt == nil || site.Run != r.site.Run):
		return site, errStopped
	}
	return site, err
}

// begin starts a run, or takes up the one in progress.
func (r *run) begin(ctx context.Context, tx pgx.Tx) (err error) {
	if r.site, err = r.Service.site(ctx, tx, r.space, r.id, true); err != nil {
		return err
	}
	if r.site.Paused {
		return ErrPaused
	}
	if r.area, err = r.site.scope(); err != nil {
		return err
	}
	if r.site.StartedAt != nil {
		return nil
	}
	if err := tx.QueryRow(ctx, beginRun.For(r.space), r.args(pgx.NamedArgs{"now": r.Now()})).Scan(&r.site.Run); err != nil {
		return err
	}
	if err := r.exec(ctx, tx, clearOutcomes, nil); err != nil {
		return err
	}
	return r.exec(ctx, tx, seedPage, pgx.NamedArgs{"url": r.site.URL})
}

func (r *run) args(more pgx.NamedArgs) pgx.NamedArgs {
	args := r.space.Args(more)
	args["id"], args["run"] = r.id, r.site.Run
	return args
}

func (r *run) exec(ctx context.Context, tx pgx.Tx, statement knowledge.Statement, more pgx.NamedArgs) error {
	_, err := tx.Exec(ctx, statement.For(r.space), r.args(more))
	return err
}

// step reads the next page. It returns how long to wait before the host may be
// asked, and false when no page is left.
func (r *run) step(ctx context.Context) (wait time.Duration, more bool, err error) {
	page, found, err := r.next(ctx)
	if err != nil || !found {
		return 0, false, err
	}
	if !r.rules.Allowed(page.URL) {
		return 0, true, r.save(ctx, page, result{state: Skipped, problem: "The site asks robots not to read this address (robots.txt)."})
	}
	if wait, err = r.claim(ctx); err != nil || wait > 0 {
		return wait, true, err
	}
	request := Request{URL: page.URL}
	if page.HasArticle && (page.State == OK || page.State == Conflict || page.State == Missing) {
		request.ETag, request.LastModified = page.ETag, page.LastModified
	}
	response, err := r.Web.Fetch(ctx, request)
	if ctx.Err() != nil {
		return 0, true, context.Cause(ctx)
	}
	rest := r.pause
	if response.RetryAfter > 0 {
		rest = max(rest, min(response.RetryAfter, 5*time.Minute))
	}
	if releaseErr := r.release(ctx, rest); releaseErr != nil {
		return 0, true, releaseErr
	}
	if err != nil {
		return 0, true, r.failed(ctx, page, "The page could not be read: "+reason(err))
	}
	return 0, true, r.take(ctx, page, response)
}

func (r *run) next(ctx context.Context) (page nextRow, found bool, err error) {
	err = r.space.In(ctx, r.DB, "next page of a website", func(tx pgx.Tx) error {
		site, err := r.still(ctx, tx)
		if err != nil {
			return err
		}
		if site.Paused {
			return errStopped
		}
		var read, all int
		if err := tx.QueryRow(ctx, countFetched.For(r.space), r.args(nil)).Scan(&read, &all); err != nil {
			return err
		}
		if read >= r.site.MaxPages || all >= 3*r.site.MaxPages+10 {
			return nil
		}
		rows, err := tx.Query(ctx, nextPage.For(r.space), r.args(nil))
		if err != nil {
			return err
		}
		page, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[nextRow])
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		found = err == nil
		return err
	})
	return page, found, err
}

// claim takes the host for one request, for as long as that may last, or says
// how long somebody else has it.
func (r *run) claim(ctx context.Context) (wait time.Duration, err error) {
	now := r.Now()
	err = r.DB.WithSystem(ctx, "claim a host", func(tx pgx.Tx) error {
		var free time.Time
		err := tx.QueryRow(ctx, `insert into site_hosts (host, free_at) values ($1, $3)
			on conflict (host) do update set free_at = excluded.free_at where site_hosts.free_at <= $2 returning free_at`,
			r.area.start.Host, now, now.Add(time.Minute)).Scan(&free)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err := tx.QueryRow(ctx, `select free_at from site_hosts where host = $1`, r.area.start.Host).Scan(&free); err != nil {
			return err
		}
		wait = max(free.Sub(now), time.Millisecond)
		return nil
	})
	return wait, err
}

func (r *run) release(ctx context.Context, rest time.Duration) error {
	return r.DB.WithSystem(ctx, "release a host", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update site_hosts set free_at = $2 where host = $1`, r.area.start.Host, r.Now().Add(rest))
		return err
	})
}

// result is what reading a page came to.
type result struct {
	state            PageState
	outcome, problem string
	title            string
	signals          []string // nil: as before
	links            []string // nil: as before
	response         Response
	hash             []byte
	misses           int
	pending          *knowledge.Item
}

// take decides what an answer means.
func (r *run) take(ctx context.Context, page nextRow, response Response) error {
	switch code := response.Status; {
	case code == http.StatusNotModified:
		return r.unchanged(ctx, page)
	case (code == http.StatusNotFound || code == http.StatusGone) && page.State == Removed: // still
		return r.save(ctx, page, result{state: Removed, problem: fmt.Sprintf("The page is gone (%d).", code), misses: page.Misses, links: []string{}})
	case code == http.StatusNotFound || code == http.StatusGone:
		return r.save(ctx, page, result{state: Missing, problem: fmt.Sprintf("The page is gone (%d).", code), misses: max(page.Misses, 1) + 1, links: []string{}})
	case code >= 300 && code < 400:
		return r.redirected(ctx, page, response)
	case code != http.StatusOK:
		return r.failed(ctx, page, fmt.Sprintf("The page could not be read: the site answered %d.", code))
	}
	got, err := r.area.read(page.URL, response, r.site.Settings)
	if err != nil {
		return err
	}
	switch {
	case got.alias != "":
		return r.moved(ctx, page, got.alias, "The page says its address is "+got.alias, got.links)
	case page.HasArticle && got.directory:
		return r.saveWith(ctx, page, &result{state: Removed, outcome: "removed", problem: "The paths that are taken in do not hold this page any more.", links: got.links}, func(tx pgx.Tx) error {
			if !r.site.Publish {
				return nil
			}
			_, err := r.Articles.RetireTaken(ctx, tx, r.space, r.id, page.URL)
			return err
		})
	case page.HasArticle && got.skip != "": // twice in a row it is gone
		return r.save(ctx, page, result{state: Missing, problem: got.skip, links: got.links, misses: page.Misses + 1})
	case got.skip != "":
		return r.save(ctx, page, result{state: Skipped, problem: got.skip, links: got.links, title: got.item.Content.Title, response: response})
	case got.directory:
		return r.save(ctx, page, result{state: Alias, links: got.links, title: got.item.Content.Title, response: response})
	}
	return r.article(ctx, page, response, got)
}

// article takes a page in.
func (r *run) article(ctx context.Context, page nextRow, response Response, got reading) error {
	text := got.item.Content.Title + "\n" + got.item.Content.Body
	sum := sha256.Sum256([]byte(text))
	done := result{state: OK, title: got.item.Content.Title, links: got.links, response: response, hash: sum[:], misses: page.Misses}
	if done.signals = r.Inspect(text); done.signals == nil {
		done.signals = []string{}
	}
	return r.saveWith(ctx, page, &done, func(tx pgx.Tx) error {
		if !page.HasArticle {
			var same string
			err := tx.QueryRow(ctx, samePage.For(r.space), r.args(pgx.NamedArgs{"hash": sum[:], "url": page.URL})).Scan(&same)
			if err == nil {
				done.state, done.problem, done.hash = Duplicate, "Says the same as "+same, nil
				return nil
			} else if !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		how := knowledge.Taking{Source: r.id, Publish: r.site.Publish, Revive: page.State == Removed}
		if r.site.CreatedBy != nil {
			how.By = *r.site.CreatedBy
		}
		_, outcome, err := r.Articles.Take(ctx, tx, r.space, got.item, how)
		var invalid *knowledge.InvalidError
		switch {
		case errors.As(err, &invalid):
			done.state, done.problem, done.hash = Skipped, "The page makes no article: its "+invalid.Field+" "+invalid.Reason+".", nil
			return nil
		case err != nil:
			return err
		}
		switch done.outcome = string(outcome); outcome {
		case knowledge.Edited:
			done.state, done.outcome, done.pending = Conflict, "changed", &got.item
			done.problem = "The page changed, and the article was edited by hand: choose which one holds."
		case knowledge.Withdrawn:
			done.outcome, done.problem = "unchanged", "Its article was retired by hand and stays so."
		case knowledge.Added, knowledge.Updated, knowledge.Unchanged:
		}
		return nil
	})
}

func (r *run) unchanged(ctx context.Context, page nextRow) error {
	return r.space.In(ctx, r.DB, "page unchanged", func(tx pgx.Tx) error {
		var links []string
		if err := tx.QueryRow(ctx, samePageAgain.For(r.space), r.args(pgx.NamedArgs{"url": page.URL, "now": r.Now()})).Scan(&links); err != nil {
			return err
		}
		return r.found(ctx, tx, page, links)
	})
}

// failed leaves a page as it was, and its links.
func (r *run) failed(ctx context.Context, page nextRow, problem string) error {
	return r.space.In(ctx, r.DB, "page failed", func(tx pgx.Tx) error {
		var links []string
		args := r.args(pgx.NamedArgs{"url": page.URL, "now": r.Now(), "state": string(Failed), "problem": storable(problem)})
		if err := tx.QueryRow(ctx, failPage.For(r.space), args).Scan(&links); err != nil {
			return err
		}
		return r.found(ctx, tx, page, links)
	})
}

// redirected queues where a page leads, inside the site only.
func (r *run) redirected(ctx context.Context, page nextRow, response Response) error {
	target := ""
	if at, err := url.Parse(page.URL); err == nil {
		target = r.area.resolve(at, response.Location)
	}
	switch {
	case target == "":
		return r.save(ctx, page, result{state: Skipped, problem: "Leads to another site, which is not followed: " + short(response.Location), links: []string{}})
	case target == page.URL: // the same by https
		return r.save(ctx, page, result{state: Skipped, problem: "Leads to the same address by https: make the source's address begin with https.", links: []string{}})
	case page.URL != r.site.URL && !r.area.holds(target):
		return r.save(ctx, page, result{state: Skipped, problem: "Leads out of what is taken in, to " + short(target), links: []string{}})
	}
	return r.moved(ctx, page, target, "Leads to "+target, nil)
}

// moved makes a page another address of the one it leads to, whose article it
// hands on where that has none.
func (r *run) moved(ctx context.Context, page nextRow, target, problem string, links []string) error {
	done := result{state: Alias, problem: problem, links: append([]string{target}, without(links, target)...)}
	return r.saveWith(ctx, page, &done, func(tx pgx.Tx) error {
		if !page.HasArticle {
			return nil
		}
		moved, err := r.Articles.MoveTaken(ctx, tx, r.space, r.id, page.URL, target)
		if err != nil || moved {
			return err
		}
		done.state, done.problem, done.outcome = Removed, problem+", which has an article of its own.", "removed"
		if r.site.Publish {
			_, err = r.Articles.RetireTaken(ctx, tx, r.space, r.id, page.URL)
		}
		return err
	})
}

func without(list []string, one string) (out []string) {
	for _, text := range list {
		if text != one {
			out = append(out, text)
		}
	}
	return out
}

func (r *run) save(ctx context.Context, page nextRow, done result) error {
	return r.saveWith(ctx, page, &done, func(pgx.Tx) error { return nil })
}

// saveWith runs fn, then keeps the result and the links found, all or nothing.
func (r *run) saveWith(ctx context.Context, page nextRow, done *result, fn func(tx pgx.Tx) error) error {
	return r.space.In(ctx, r.DB, "take a page in", func(tx pgx.Tx) error {
		if _, err := r.still(ctx, tx); err != nil {
			return err // what was read by other settings is read again
		}
		if err := fn(tx); err != nil {
			return err
		}
		var pending []byte
		if done.pending != nil {
			var err error
			if pending, err = json.Marshal(done.pending); err != nil {
				return fmt.Errorf("keep what the page says: %w", err)
			}
		}
		args := pgx.NamedArgs{
			"url": page.URL, "state": string(done.state), "outcome": done.outcome, "title": storable(done.title), "problem": storable(done.problem), "signals": done.signals,
			"now": r.Now(), "etag": storable(done.response.ETag), "last_modified": storable(done.response.LastModified), "hash": done.hash, "links": done.links,
			"misses": done.misses, "pending": pending,
		}
		if err := r.exec(ctx, tx, savePage, args); err != nil {
			return err
		}
		return r.found(ctx, tx, page, done.links)
	})
}

// mostWaiting pages for each that may be read are remembered in a run: a calendar
// or a shop's filters lead to ever more, which are never read. It is more than
// next reads, so that a run cut off here is known to be one.
const mostWaiting = 10

func (r *run) found(ctx context.Context, tx pgx.Tx, page nextRow, links []string) error {
	if len(links) == 0 {
		return nil
	}
	return r.exec(ctx, tx, foundPages, pgx.NamedArgs{"links": links, "depth": page.Depth + 1, "most": mostWaiting*r.site.MaxPages + 100})
}

// finish ends a run: pages that are gone are settled, and the source says how it went.
func (r *run) finish(ctx context.Context) error {
	return r.space.In(ctx, r.DB, "finish reading a website", func(tx pgx.Tx) error {
		site, err := r.still(ctx, tx)
		if err != nil {
			return err
		}
		if site.Paused {
			return errStopped // taken up again when it is resumed
		}
		var state PageState
		var outcome, problem string
		if err := tx.QueryRow(ctx, startPage.For(r.space), r.args(pgx.NamedArgs{"url": r.site.URL})).Scan(&state, &outcome, &problem); err != nil {
			return missing(err)
		}
		if state == Failed || state == Missing || state == Removed || state == Skipped || outcome == "failed" {
			return r.end(ctx, tx, "The address to begin with: "+problem+" Nothing was changed.", true, false)
		}
		var capped bool
		if err := tx.QueryRow(ctx, isCapped.For(r.space), r.args(nil)).Scan(&capped); err != nil {
			return err
		}
		if !capped {
			for _, statement := range []knowledge.Statement{missUnlinked, resetMisses} {
				if err := r.exec(ctx, tx, statement, nil); err != nil {
					return err
				}
			}
		}
		postponed, err := r.removeGone(ctx, tx)
		if err != nil {
			return err
		}
		if err := r.exec(ctx, tx, forgetPages, nil); err != nil {
			return err
		}
		note, err := r.summary(ctx, tx, postponed, capped)
		if err != nil {
			return err
		}
		return r.end(ctx, tx, note, false, capped)
	})
}

// removeGone marks what is gone as removed, and retires it where the site
// publishes by itself. Most of a site going at once is more often a fault of the
// site than a wish, so that has to be seen twice.
func (r *run) removeGone(ctx context.Context, tx pgx.Tx) (postponed int, err error) {
	rows, err := tx.Query(ctx, selectGone.For(r.space), r.args(nil))
	if err != nil {
		return 0, err
	}
	type goneRow struct {
		URL     string
		Misses  int
		Problem string
	}
	gone, err := pgx.CollectRows(rows, pgx.RowToStructByName[goneRow])
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	var articles int
	if err := tx.QueryRow(ctx, countArticles.For(r.space), r.args(nil)).Scan(&articles); err != nil {
		return 0, err
	}
	most := len(gone) >= 5 && 2*len(gone) > articles
	for _, page := range gone {
		if most && page.Misses < 3 {
			postponed++
			continue
		}
		if r.site.Publish {
			if _, err := r.Articles.RetireTaken(ctx, tx, r.space, r.id, page.URL); err != nil {
				return 0, err
			}
		}
		if err := r.exec(ctx, tx, markRemoved, pgx.NamedArgs{"url": page.URL, "problem": page.Problem}); err != nil {
			return 0, err
		}
	}
	return postponed, nil
}

// summary is what a curator has to know of a run that went through.
func (r *run) summary(ctx context.Context, tx pgx.Tx, postponed int, capped bool) (string, error) {
	switch {
	case postponed > 0:
		return fmt.Sprintf("%d pages are gone at once, most of the site. Nothing was retired: it will be if the next sync finds the same.", postponed), nil
	case capped:
		return fmt.Sprintf("The limit of %d pages was reached; the site has more. Raise the limit, or take in fewer paths.", r.site.MaxPages), nil
	}
	var n int
	var address, problem string
	err := tx.QueryRow(ctx, firstFailure.For(r.space), r.args(nil)).Scan(&n, &address, &problem)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", nil
	case err != nil:
		return "", err
	case n == 1:
		return fmt.Sprintf("One page could not be read: %s. %s", address, problem), nil
	}
	return fmt.Sprintf("%d pages could not be read; the first is %s. %s", n, address, problem), nil
}

// fail ends a run that could not be.
func (r *run) fail(ctx context.Context, why string) error {
	return r.space.In(ctx, r.DB, "reading a website failed", func(tx pgx.Tx) error {
		if _, err := r.still(ctx, tx); err != nil {
			return err
		}
		return r.end(ctx, tx, why, true, r.site.Capped)
	})
}

// end keeps how a run went. One that failed is tried again within the hour.
func (r *run) end(ctx context.Context, tx pgx.Tx, note string, failed, capped bool) error {
	next := r.Service.next(r.site.Cadence)
	if soon := r.Now().Add(time.Hour); failed && next != nil && next.After(soon) {
		next = &soon
	}
	args := pgx.NamedArgs{"now": r.Now(), "error": storable(note), "failed": failed, "next": next, "capped": capped}
	for _, statement := range []knowledge.Statement{endRun, endSource} {
		if err := r.exec(ctx, tx, statement, args); err != nil {
			return err
		}
	}
	return nil
}

// reason puts a failure of the network into words for a curator.
func reason(err error) string {
	switch {
	case errors.Is(err, ErrPrivate):
		return "it is not at a public address. An operator can allow its network (USHER_SOURCE_NETWORKS)."
	case errors.Is(err, ErrTooLarge):
		return "it is too large."
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long to answer."
	}
	return short(err.Error()) + "."
}

// storable is what the database takes of a text a site sent.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

func short(s string) string {
	if runes := []rune(s); len(runes) > 200 {
		return string(runes[:199]) + "…"
	}
	return s
}
