-- Websites as sources of articles: what is taken in, how often, and how each page
-- went. Everything a run needs to go on after it was cut off is in these rows.

-- +goose Up
create table shared_sites (
  source_id   uuid not null,
  url         text not null check (length(url) between 8 and 2000),
  include     text[] not null default '{}',     -- path prefixes; none: all
  exclude     text[] not null default '{}',
  max_pages   int not null check (max_pages between 1 and 5000),
  audience    text not null check (audience in ('public', 'customer', 'agent')),
  locale      text not null default '',         -- empty: what the pages say
  publish     bool not null default false,      -- at once; else drafts are for review
  cadence     text not null check (cadence in ('manual', 'hourly', 'daily', 'weekly')),
  paused      bool not null default false,
  run         int not null default 0,
  started_at  timestamptz,                      -- of the run in progress
  capped      bool not null default false,      -- the last run left pages out
  created_by  uuid,
  primary key (source_id),
  foreign key (source_id) references shared_sources (id)
);
create table tenant_sites (
  tenant_id   uuid not null,
  source_id   uuid not null,
  url         text not null check (length(url) between 8 and 2000),
  include     text[] not null default '{}',
  exclude     text[] not null default '{}',
  max_pages   int not null check (max_pages between 1 and 5000),
  audience    text not null check (audience in ('public', 'customer', 'agent')),
  locale      text not null default '',
  publish     bool not null default false,
  cadence     text not null check (cadence in ('manual', 'hourly', 'daily', 'weekly')),
  paused      bool not null default false,
  run         int not null default 0,
  started_at  timestamptz,
  capped      bool not null default false,
  created_by  uuid,
  primary key (tenant_id, source_id),
  foreign key (tenant_id, source_id) references tenant_sources (tenant_id, id)
);
select usher.protect('tenant_sites');

-- One row for each address, also such as became no article. Numbers are of runs:
-- the last that found the address, that fetched it, and that began with it.
create table shared_site_pages (
  source_id     uuid not null,
  url           text not null check (length(url) between 8 and 2000),
  state         text not null default 'waiting' check (state in ('waiting', 'ok', 'alias', 'duplicate', 'skipped', 'failed', 'missing', 'removed', 'conflict')),
  outcome       text not null default '' check (outcome in ('', 'new', 'changed', 'unchanged', 'removed', 'failed')), -- of the last run
  title         text not null default '',
  problem       text not null default '',
  signals       text[] not null default '{}',   -- of instructions in the text
  depth         int not null default 0,
  found_run     int not null default 0,
  fetched_run   int not null default 0,
  seed_run      int not null default 0,
  misses        int not null default 0,         -- runs in a row that did not find it
  etag          text not null default '',
  last_modified text not null default '',
  content_hash  bytea,
  links         text[] not null default '{}',
  pending       jsonb,                          -- what the page says, while an edit by hand stands against it
  fetched_at    timestamptz,
  primary key (source_id, url),
  foreign key (source_id) references shared_sources (id)
);
create table tenant_site_pages (
  tenant_id     uuid not null,
  source_id     uuid not null,
  url           text not null check (length(url) between 8 and 2000),
  state         text not null default 'waiting' check (state in ('waiting', 'ok', 'alias', 'duplicate', 'skipped', 'failed', 'missing', 'removed', 'conflict')),
  outcome       text not null default '' check (outcome in ('', 'new', 'changed', 'unchanged', 'removed', 'failed')),
  title         text not null default '',
  problem       text not null default '',
  signals       text[] not null default '{}',
  depth         int not null default 0,
  found_run     int not null default 0,
  fetched_run   int not null default 0,
  seed_run      int not null default 0,
  misses        int not null default 0,
  etag          text not null default '',
  last_modified text not null default '',
  content_hash  bytea,
  links         text[] not null default '{}',
  pending       jsonb,
  fetched_at    timestamptz,
  primary key (tenant_id, source_id, url),
  foreign key (tenant_id, source_id) references tenant_sources (tenant_id, id)
);
select usher.protect('tenant_site_pages');
create index shared_site_pages_same on shared_site_pages (source_id, content_hash) where content_hash is not null;
create index tenant_site_pages_same on tenant_site_pages (tenant_id, source_id, content_hash) where content_hash is not null;
create index shared_sources_due on shared_sources (next_sync_at) where next_sync_at is not null;
create index tenant_sources_due on tenant_sources (tenant_id, next_sync_at) where next_sync_at is not null;

grant select, insert, update, delete on shared_sites, shared_site_pages to usher_worker;
-- tenants' pages are curators' work, too
revoke all on tenant_sites, tenant_site_pages from usher_app;
grant select, insert, update, delete on tenant_sites, tenant_site_pages to usher_worker;

-- When a host may be asked again: one request at a time, whatever process sends it.
create table site_hosts (
  host    text primary key,
  free_at timestamptz not null
);
grant select, insert, update, delete on site_hosts to usher_worker;

-- +goose Down
drop index tenant_sources_due, shared_sources_due;
drop table site_hosts, tenant_site_pages, shared_site_pages, tenant_sites, shared_sites;
