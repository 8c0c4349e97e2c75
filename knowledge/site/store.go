package site

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
)

const siteColumns = `s.source_id, s.url, s.include, s.exclude, s.max_pages, s.audience, s.locale, s.publish, s.cadence, s.paused, s.run, s.started_at, s.capped, s.created_by`

var (
	insertSource = knowledge.NewStatement(`
		insert into {sources} ({tenant}id, name, kind, location, next_sync_at) values ({@tenant}@id, @name, 'website', @url, @next)`)
	insertSite = knowledge.NewStatement(`
		insert into {sites} ({tenant}source_id, url, include, exclude, max_pages, audience, locale, publish, cadence, created_by)
		values ({@tenant}@id, @url, @include, @exclude, @max_pages, @audience, @locale, @publish, @cadence, @created_by)`)
	updateSource = knowledge.NewStatement(`
		update {sources} set name = @name, location = @url, next_sync_at = @next
		where {scope} and id = @id`)
	updateSite = knowledge.NewStatement(`
		update {sites} set url = @url, include = @include, exclude = @exclude, max_pages = @max_pages, audience = @audience,
			locale = @locale, publish = @publish, cadence = @cadence, started_at = null
		where {scope} and source_id = @id`)
	// What was read by other settings is read again as a whole.
	forgetTags  = knowledge.NewStatement(`update {site_pages} set etag = '', last_modified = '' where {scope} and source_id = @id`)
	pauseSite   = knowledge.NewStatement(`update {sites} set paused = @paused where {scope} and source_id = @id`)
	planSource  = knowledge.NewStatement(`update {sources} set next_sync_at = @next where {scope} and id = @id`)
	lockSource  = knowledge.NewStatement(`select id from {sources} where {scope} and id = @id for update`)
	selectSite  = knowledge.NewStatement(`select ` + siteColumns + ` from {sites} s where {s.scope} and s.source_id = @id`)
	selectSites = knowledge.NewStatement(`select ` + siteColumns + ` from {sites} s where {s.scope}`)
	countPages  = knowledge.NewStatement(`
		select p.source_id, p.state, count(*)::int, (count(*) filter (where p.fetched_run = s.run))::int
		from {site_pages} p join {sites} s on {p=s} p.source_id = s.source_id
		where {p.scope} group by 1, 2`)
	selectPages = knowledge.NewStatement(`
		select p.url, p.state, p.outcome, p.title, p.problem, p.signals, p.fetched_at, a.id as article_id, coalesce(a.state, '') as article_state
		from {site_pages} p left join {articles} a on {p=a} a.source_id = p.source_id and a.external_id = p.url
		where {p.scope} and p.source_id = @id and p.url > @after and (@state = '' or p.state = @state)
		order by p.url limit @limit`)
	selectPending = knowledge.NewStatement(`select state, pending from {site_pages} where {scope} and source_id = @id and url = @url for update`)
	settlePage    = knowledge.NewStatement(`
		update {site_pages} set state = 'ok', pending = null, problem = '' where {scope} and source_id = @id and url = @url`)
	deletePages  = knowledge.NewStatement(`delete from {site_pages} where {scope} and source_id = @id`)
	deleteSite   = knowledge.NewStatement(`delete from {sites} where {scope} and source_id = @id`)
	deleteSource = knowledge.NewStatement(`delete from {sources} where {scope} and id = @id`)

	// A run.
	beginRun = knowledge.NewStatement(`
		update {sites} set run = run + 1, started_at = @now where {scope} and source_id = @id returning run`)
	clearOutcomes = knowledge.NewStatement(`update {site_pages} set outcome = '' where {scope} and source_id = @id and outcome <> ''`)
	seedPage      = knowledge.NewStatement(`
		insert into {site_pages} ({tenant}source_id, url, found_run, seed_run) values ({@tenant}@id, @url, @run, @run)
		on conflict ({tenant}source_id, url) do update set found_run = excluded.found_run, seed_run = excluded.seed_run`)
	// Pages with an article first, so that the limit leaves out new ones; the start
	// before all. An article's page is asked for even when nothing leads to it.
	nextPage = knowledge.NewStatement(`
		select p.url, p.state, p.depth, p.etag, p.last_modified, p.content_hash, p.misses, a.id is not null as has_article
		from {site_pages} p left join {articles} a on {p=a} a.source_id = p.source_id and a.external_id = p.url
		where {p.scope} and p.source_id = @id and p.fetched_run < @run
			and (p.found_run = @run or a.id is not null and p.state <> 'removed')
		order by p.seed_run = @run desc, a.id is not null desc, p.depth, p.url limit 1`)
	countFetched = knowledge.NewStatement(`
		select count(*) filter (where state <> 'alias'), count(*) from {site_pages}
		where {scope} and source_id = @id and fetched_run = @run`)
	// A page's links, in its order, as long as the run may have more. The first new
	// one always: it is where a page that moved leads to.
	foundPages = knowledge.NewStatement(`
		insert into {site_pages} ({tenant}source_id, url, found_run, depth)
		select {@tenant}@id, l.url, @run, @depth
		from unnest(@links::text[]) with ordinality l (url, place)
		where not exists (select from {site_pages} p where {p.scope} and p.source_id = @id and p.url = l.url and p.found_run >= @run)
		order by l.place
		limit greatest(1, @most - (select count(*) from {site_pages} n where {n.scope} and n.source_id = @id and n.found_run = @run))
		on conflict ({tenant}source_id, url) do update set found_run = excluded.found_run
			where {site_pages}.found_run < excluded.found_run`)
	savePage = knowledge.NewStatement(`
		update {site_pages} set state = @state, outcome = @outcome, title = coalesce(nullif(@title, ''), title), problem = @problem,
			signals = coalesce(@signals, signals), fetched_run = @run, fetched_at = @now, etag = @etag, last_modified = @last_modified,
			content_hash = @hash, links = coalesce(@links, links), misses = @misses, pending = @pending
		where {scope} and source_id = @id and url = @url`)
	// A page that could not be read is what it was: links, validators and all.
	failPage = knowledge.NewStatement(`
		update {site_pages} set state = case when state in ('ok', 'conflict', 'missing') then state else @state end, outcome = 'failed', problem = @problem,
			fetched_run = @run, fetched_at = @now
		where {scope} and source_id = @id and url = @url returning links`)
	samePageAgain = knowledge.NewStatement(`
		update {site_pages} set state = case when pending is null then 'ok' else 'conflict' end, outcome = 'unchanged', fetched_run = @run, fetched_at = @now,
			problem = case when state in ('missing', 'failed') or outcome = 'failed' then '' else problem end
		where {scope} and source_id = @id and url = @url returning links`)
	startPage = knowledge.NewStatement(`select state, outcome, problem from {site_pages} where {scope} and source_id = @id and url = @url`)
	samePage  = knowledge.NewStatement(`
		select p.url from {site_pages} p where {p.scope} and p.source_id = @id and p.content_hash = @hash and p.url <> @url
			and p.state in ('ok', 'conflict') order by p.url limit 1`)
	firstFailure = knowledge.NewStatement(`
		select count(*) over (), url, problem from {site_pages} where {scope} and source_id = @id and outcome = 'failed' order by url limit 1`)
	isCapped = knowledge.NewStatement(`
		select exists (select from {site_pages} where {scope} and source_id = @id and found_run = @run and fetched_run < @run)`)
	// What the start leads to, by the links as last read.
	missUnlinked = knowledge.NewStatement(`
		with recursive reach (url) as (
			select url from {site_pages} where {scope} and source_id = @id and seed_run = @run
			union
			select l.url from reach r join {site_pages} p on {p.scope} and p.source_id = @id and p.url = r.url and p.state not in ('missing', 'removed')
				cross join unnest(p.links) l (url)
		)
		update {site_pages} p set misses = p.misses + 1, state = 'missing', problem = 'No page of the site leads here any more.'
		from {articles} a
		where {p.scope} and p.source_id = @id and {p=a} a.source_id = p.source_id and a.external_id = p.url
			and p.state = 'ok' and p.fetched_run = @run and p.outcome <> 'failed' and not exists (select from reach r where r.url = p.url)`)
	resetMisses = knowledge.NewStatement(`
		update {site_pages} set misses = 0 where {scope} and source_id = @id and state = 'ok' and misses > 0`)
	selectGone = knowledge.NewStatement(`
		select p.url, p.misses, p.problem from {site_pages} p join {articles} a on {p=a} a.source_id = p.source_id and a.external_id = p.url
		where {p.scope} and p.source_id = @id and p.state = 'missing' and p.misses >= 2 and p.fetched_run = @run order by p.url`)
	countArticles = knowledge.NewStatement(`
		select count(*) from {site_pages} p join {articles} a on {p=a} a.source_id = p.source_id and a.external_id = p.url
		where {p.scope} and p.source_id = @id and a.state <> 'retired'`)
	markRemoved = knowledge.NewStatement(`
		update {site_pages} set state = 'removed', outcome = 'removed', problem = @problem, etag = '', last_modified = '', content_hash = null, pending = null
		where {scope} and source_id = @id and url = @url`)
	forgetPages = knowledge.NewStatement(`
		delete from {site_pages} p where {p.scope} and p.source_id = @id and p.found_run < @run - 1
			and not exists (select from {articles} a where {p=a} a.source_id = p.source_id and a.external_id = p.url)`)
	endRun = knowledge.NewStatement(`
		update {sites} set started_at = null, capped = @capped where {scope} and source_id = @id`)
	endSource = knowledge.NewStatement(`
		update {sources} s set last_sync_at = case when @failed then s.last_sync_at else @now end, last_error = @error, next_sync_at = @next,
			added = coalesce(n.added, 0), updated = coalesce(n.updated, 0), retired = coalesce(n.removed, 0), unchanged = coalesce(n.unchanged, 0)
		from (select (count(*) filter (where outcome = 'new'))::int as added, (count(*) filter (where outcome = 'changed'))::int as updated,
				(count(*) filter (where outcome = 'removed'))::int as removed, (count(*) filter (where outcome = 'unchanged'))::int as unchanged
			from {site_pages} p where {p.scope} and p.source_id = @id) n
		where {s.scope} and s.id = @id`)
	noteError = knowledge.NewStatement(`update {sources} set last_error = @error where {scope} and id = @id`)
)

func (s Settings) args(id uuid.UUID) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": id, "url": s.URL, "include": s.Include, "exclude": s.Exclude, "max_pages": s.MaxPages, "audience": s.Audience,
		"locale": s.Locale, "publish": s.Publish, "cadence": string(s.Cadence),
	}
}
