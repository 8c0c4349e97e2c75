-- Knowledge: articles and their versions, the chunks and vectors made from them,
-- what curators keep beside them (sources, synonyms, gaps, usage).
--
-- Two sets of the same tables. shared_* is the operator's and has no tenant;
-- tenant_* is one customer organisation's own, under row-level security. Search
-- asks both and fuses: a policy "mine or shared" on one table would make small
-- tenants invisible behind a large shared set.
--
-- Both sets are addressed by one Go template (knowledge.Space); a test prepares
-- every statement against both.

-- +goose Up

-- A model is a space of vectors. Exactly one is active; a new one is built
-- beside it and swapped in, the previous one is kept for rollback.
create table embedding_models (
  id           int generated always as identity primary key,
  name         text not null,
  provider     text not null,
  dimensions   int not null check (dimensions between 1 and 3072),
  state        text not null check (state in ('building', 'ready', 'active', 'previous', 'retired', 'failed')),
  auto_activate boolean not null default false,
  parameters   bytea,
  texts        int not null default 0,
  chunks_total int not null default 0,
  chunks_done  int not null default 0,
  tokens       bigint not null default 0,
  last_error   text not null default '',
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  activated_at timestamptz
);
create unique index embedding_models_one_active on embedding_models ((true)) where state = 'active';
create unique index embedding_models_one_building on embedding_models ((true)) where state in ('building', 'ready');
alter table embedding_models alter column parameters set storage external;
insert into embedding_models (name, provider, dimensions, state, activated_at)
  values ('builtin-hashed-v1', 'builtin', 256, 'active', now());
grant select on embedding_models to usher_app;
grant select, insert, update, delete on embedding_models to usher_worker;

-- A version that went live is history: its text cannot change afterwards.
-- +goose StatementBegin
create function usher.keep_version() returns trigger
language plpgsql as $$
begin
  if old.state in ('published', 'superseded', 'discarded')
     and (new.body, new.title, new.description, new.number, new.article_id)
         is distinct from (old.body, old.title, old.description, old.number, old.article_id) then
    raise exception 'version % of article % is immutable', old.number, old.article_id using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
-- +goose StatementEnd

-- The operator's.

-- Who may see an article: one row per distinct rule. Chunks carry the row's id,
-- so that search filters by a short list of ids before ranking.
create table shared_audiences (
  id          uuid not null,
  audience    text not null check (audience in ('public', 'customer', 'agent')),
  departments text[] not null default '{}',
  roles       text[] not null default '{}',
  plans       text[] not null default '{}',
  locales     text[] not null default '{}',
  fingerprint text not null,
  primary key (id),
  unique (fingerprint)
);

create table shared_sources (
  id          uuid not null,
  name        text not null check (length(name) between 1 and 200),
  kind        text not null check (kind in ('manual', 'markdown', 'html', 'jsonl')),
  location    text not null default '',
  last_sync_at timestamptz,
  next_sync_at timestamptz,
  last_error  text not null default '',
  added       int not null default 0,
  updated     int not null default 0,
  retired     int not null default 0,
  unchanged   int not null default 0,
  created_at  timestamptz not null default now(),
  primary key (id),
  unique (name)
);

-- changed_at is the date readers see: of the publication, or of the source.
-- title, description, tags, product, contexts and audience are those of the
-- live version (of the draft before the first publication).
create table shared_articles (
  id          uuid not null,
  slug        text not null check (length(slug) between 1 and 200),
  locale      text not null default 'en',
  state       text not null default 'draft' check (state in ('draft', 'published', 'retired')),
  title       text not null,
  description text not null default '',
  product     text not null default '',
  tags        text[] not null default '{}',
  contexts    text[] not null default '{}',
  audience_id uuid not null,
  published_version_id uuid,
  working_version_id   uuid,
  owner_id    uuid,
  verified_at timestamptz,
  verified_until timestamptz,
  source_id   uuid,
  external_id text,
  content_hash bytea,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  published_at timestamptz,
  changed_at  timestamptz not null default now(),
  indexed_at  timestamptz,
  primary key (id),
  unique (slug),
  unique (source_id, external_id),
  foreign key (audience_id) references shared_audiences (id),
  foreign key (source_id) references shared_sources (id),
  check ((state = 'published') <= (published_version_id is not null))
);
create index shared_articles_product on shared_articles (product) where product <> '';
create index shared_articles_listed on shared_articles (updated_at desc, id desc);

create table shared_versions (
  id          uuid not null,
  article_id  uuid not null,
  number      int not null check (number > 0),
  state       text not null check (state in ('draft', 'in_review', 'published', 'superseded', 'discarded')),
  title       text not null check (length(title) between 1 and 300),
  description text not null default '',
  body        text not null,
  product     text not null default '',
  tags        text[] not null default '{}',
  contexts    text[] not null default '{}',
  audience_id uuid not null,
  author_id   uuid,
  reviewer_id uuid,
  note        text not null default '',
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  published_at timestamptz,
  primary key (id),
  unique (article_id, number),
  foreign key (article_id) references shared_articles (id) on delete cascade,
  foreign key (audience_id) references shared_audiences (id)
);
create unique index shared_versions_one_published on shared_versions (article_id) where state = 'published';
create unique index shared_versions_one_working on shared_versions (article_id) where state in ('draft', 'in_review');
create trigger shared_versions_immutable before update on shared_versions
  for each row execute function usher.keep_version();

-- Old addresses of articles whose slug changed.
create table shared_redirects (
  slug        text not null,
  article_id  uuid not null,
  primary key (slug),
  foreign key (article_id) references shared_articles (id) on delete cascade
);
create index shared_redirects_article on shared_redirects (article_id);

create table shared_chunks (
  id          uuid not null,
  article_id  uuid not null,
  version_id  uuid not null,
  ordinal     int not null,
  heading     text not null default '',
  anchor      text not null default '',
  body        text not null,
  hash        bytea not null,
  words       int not null,
  language    text not null default 'en',
  primary key (id),
  foreign key (article_id) references shared_articles (id) on delete cascade,
  foreign key (version_id) references shared_versions (id) on delete cascade
);
create index shared_chunks_article on shared_chunks (article_id, ordinal);
create index shared_chunks_version on shared_chunks (version_id);

-- BM25 document weights, one dimension a stem: the inner product with the
-- query's inverse document frequencies is the BM25 score.
create table shared_chunk_terms (
  chunk_id    uuid not null,
  audience_id uuid not null,
  weights     sparsevec(1000000000) not null,
  primary key (chunk_id),
  foreign key (chunk_id) references shared_chunks (id) on delete cascade,
  foreign key (audience_id) references shared_audiences (id)
);

create table shared_chunk_vectors (
  model_id    int not null references embedding_models (id) on delete cascade,
  chunk_id    uuid not null,
  audience_id uuid not null,
  dimensions  smallint not null,
  embedding   halfvec not null,
  primary key (model_id, chunk_id),
  foreign key (chunk_id) references shared_chunks (id) on delete cascade,
  foreign key (audience_id) references shared_audiences (id)
);
alter table shared_chunk_vectors alter column embedding set storage plain;
create index shared_chunk_vectors_chunk on shared_chunk_vectors (chunk_id);
create index shared_chunk_vectors_hnsw_256 on shared_chunk_vectors
  using hnsw ((embedding::halfvec(256)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 256;
create index shared_chunk_vectors_hnsw_384 on shared_chunk_vectors
  using hnsw ((embedding::halfvec(384)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 384;
create index shared_chunk_vectors_hnsw_768 on shared_chunk_vectors
  using hnsw ((embedding::halfvec(768)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 768;
create index shared_chunk_vectors_hnsw_1024 on shared_chunk_vectors
  using hnsw ((embedding::halfvec(1024)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 1024;
create index shared_chunk_vectors_hnsw_1536 on shared_chunk_vectors
  using hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 1536;

-- The vocabulary: how many chunks hold a stem (stem = true) or a surface word.
create table shared_words (
  stem        boolean not null,
  word        text not null,
  chunks      int not null,
  primary key (stem, word)
);

create table shared_corpora (
  id          boolean not null default true check (id),
  chunks      int not null default 0,
  revision    bigint not null default 0,
  primary key (id)
);

create table shared_synonyms (
  id          uuid not null,
  locale      text not null default 'en',
  terms       text[] not null check (cardinality(terms) between 2 and 20),
  created_by  uuid,
  created_at  timestamptz not null default now(),
  primary key (id)
);

-- Counters per article and day; they hold no one's text.
create table shared_article_usage (
  article_id  uuid not null,
  day         date not null,
  cited       int not null default 0,
  helpful     int not null default 0,
  unhelpful   int not null default 0,
  escalated   int not null default 0,
  primary key (article_id, day),
  foreign key (article_id) references shared_articles (id) on delete cascade
);

grant select on shared_audiences, shared_sources, shared_articles, shared_versions, shared_redirects, shared_chunks, shared_chunk_terms, shared_chunk_vectors, shared_words, shared_corpora, shared_synonyms, shared_article_usage
  to usher_app;
grant insert, update on shared_article_usage to usher_app;
grant select, insert, update, delete on shared_audiences, shared_sources, shared_articles, shared_versions, shared_redirects, shared_chunks, shared_chunk_terms, shared_chunk_vectors, shared_words, shared_corpora, shared_synonyms, shared_article_usage
  to usher_worker;

-- Serving customers, only live text can be read at all: second line behind the queries.
alter table shared_versions enable row level security;
create policy live_only on shared_versions for select to usher_app using (state = 'published');
create policy curation on shared_versions to usher_worker using (true) with check (true);

-- A tenant's own.

-- Who may see an article: one row per distinct rule. Chunks carry the row's id,
-- so that search filters by a short list of ids before ranking.
create table tenant_audiences (
  tenant_id   uuid not null,
  id          uuid not null,
  audience    text not null check (audience in ('public', 'customer', 'agent')),
  departments text[] not null default '{}',
  roles       text[] not null default '{}',
  plans       text[] not null default '{}',
  locales     text[] not null default '{}',
  fingerprint text not null,
  primary key (tenant_id, id),
  unique (tenant_id, fingerprint)
);

create table tenant_sources (
  tenant_id   uuid not null,
  id          uuid not null,
  name        text not null check (length(name) between 1 and 200),
  kind        text not null check (kind in ('manual', 'markdown', 'html', 'jsonl')),
  location    text not null default '',
  last_sync_at timestamptz,
  next_sync_at timestamptz,
  last_error  text not null default '',
  added       int not null default 0,
  updated     int not null default 0,
  retired     int not null default 0,
  unchanged   int not null default 0,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, name)
);

-- changed_at is the date readers see: of the publication, or of the source.
-- title, description, tags, product, contexts and audience are those of the
-- live version (of the draft before the first publication).
create table tenant_articles (
  tenant_id   uuid not null,
  id          uuid not null,
  slug        text not null check (length(slug) between 1 and 200),
  locale      text not null default 'en',
  state       text not null default 'draft' check (state in ('draft', 'published', 'retired')),
  title       text not null,
  description text not null default '',
  product     text not null default '',
  tags        text[] not null default '{}',
  contexts    text[] not null default '{}',
  audience_id uuid not null,
  published_version_id uuid,
  working_version_id   uuid,
  owner_id    uuid,
  verified_at timestamptz,
  verified_until timestamptz,
  source_id   uuid,
  external_id text,
  content_hash bytea,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  published_at timestamptz,
  changed_at  timestamptz not null default now(),
  indexed_at  timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, slug),
  unique (tenant_id, source_id, external_id),
  foreign key (tenant_id, audience_id) references tenant_audiences (tenant_id, id),
  foreign key (tenant_id, source_id) references tenant_sources (tenant_id, id),
  check ((state = 'published') <= (published_version_id is not null))
);
create index tenant_articles_product on tenant_articles (tenant_id, product) where product <> '';
create index tenant_articles_listed on tenant_articles (tenant_id, updated_at desc, id desc);

create table tenant_versions (
  tenant_id   uuid not null,
  id          uuid not null,
  article_id  uuid not null,
  number      int not null check (number > 0),
  state       text not null check (state in ('draft', 'in_review', 'published', 'superseded', 'discarded')),
  title       text not null check (length(title) between 1 and 300),
  description text not null default '',
  body        text not null,
  product     text not null default '',
  tags        text[] not null default '{}',
  contexts    text[] not null default '{}',
  audience_id uuid not null,
  author_id   uuid,
  reviewer_id uuid,
  note        text not null default '',
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  published_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, article_id, number),
  foreign key (tenant_id, article_id) references tenant_articles (tenant_id, id) on delete cascade,
  foreign key (tenant_id, audience_id) references tenant_audiences (tenant_id, id)
);
create unique index tenant_versions_one_published on tenant_versions (tenant_id, article_id) where state = 'published';
create unique index tenant_versions_one_working on tenant_versions (tenant_id, article_id) where state in ('draft', 'in_review');
create trigger tenant_versions_immutable before update on tenant_versions
  for each row execute function usher.keep_version();

-- Old addresses of articles whose slug changed.
create table tenant_redirects (
  tenant_id   uuid not null,
  slug        text not null,
  article_id  uuid not null,
  primary key (tenant_id, slug),
  foreign key (tenant_id, article_id) references tenant_articles (tenant_id, id) on delete cascade
);
create index tenant_redirects_article on tenant_redirects (tenant_id, article_id);

create table tenant_chunks (
  tenant_id   uuid not null,
  id          uuid not null,
  article_id  uuid not null,
  version_id  uuid not null,
  ordinal     int not null,
  heading     text not null default '',
  anchor      text not null default '',
  body        text not null,
  hash        bytea not null,
  words       int not null,
  language    text not null default 'en',
  primary key (tenant_id, id),
  foreign key (tenant_id, article_id) references tenant_articles (tenant_id, id) on delete cascade,
  foreign key (tenant_id, version_id) references tenant_versions (tenant_id, id) on delete cascade
);
create index tenant_chunks_article on tenant_chunks (tenant_id, article_id, ordinal);
create index tenant_chunks_version on tenant_chunks (tenant_id, version_id);

-- BM25 document weights, one dimension a stem: the inner product with the
-- query's inverse document frequencies is the BM25 score.
create table tenant_chunk_terms (
  tenant_id   uuid not null,
  chunk_id    uuid not null,
  audience_id uuid not null,
  weights     sparsevec(1000000000) not null,
  primary key (tenant_id, chunk_id),
  foreign key (tenant_id, chunk_id) references tenant_chunks (tenant_id, id) on delete cascade,
  foreign key (tenant_id, audience_id) references tenant_audiences (tenant_id, id)
);

create table tenant_chunk_vectors (
  tenant_id   uuid not null,
  model_id    int not null references embedding_models (id) on delete cascade,
  chunk_id    uuid not null,
  audience_id uuid not null,
  dimensions  smallint not null,
  embedding   halfvec not null,
  primary key (tenant_id, model_id, chunk_id),
  foreign key (tenant_id, chunk_id) references tenant_chunks (tenant_id, id) on delete cascade,
  foreign key (tenant_id, audience_id) references tenant_audiences (tenant_id, id)
) partition by hash (tenant_id);
alter table tenant_chunk_vectors alter column embedding set storage plain;
-- +goose StatementBegin
do $$
begin
  for i in 0..15 loop
    execute format('create table tenant_chunk_vectors_%s partition of tenant_chunk_vectors for values with (modulus 16, remainder %s)', i, i);
    execute format('alter table tenant_chunk_vectors_%s alter column embedding set storage plain', i);
    perform usher.protect(format('tenant_chunk_vectors_%s', i)::regclass);
  end loop;
end $$;
-- +goose StatementEnd
create index tenant_chunk_vectors_chunk on tenant_chunk_vectors (tenant_id, chunk_id);
create index tenant_chunk_vectors_hnsw_256 on tenant_chunk_vectors
  using hnsw ((embedding::halfvec(256)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 256;
create index tenant_chunk_vectors_hnsw_768 on tenant_chunk_vectors
  using hnsw ((embedding::halfvec(768)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 768;
create index tenant_chunk_vectors_hnsw_1536 on tenant_chunk_vectors
  using hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops) with (m = 16, ef_construction = 64) where dimensions = 1536;

-- The vocabulary: how many chunks hold a stem (stem = true) or a surface word.
create table tenant_words (
  tenant_id   uuid not null,
  stem        boolean not null,
  word        text not null,
  chunks      int not null,
  primary key (tenant_id, stem, word)
);

create table tenant_corpora (
  tenant_id   uuid not null,
  chunks      int not null default 0,
  revision    bigint not null default 0,
  primary key (tenant_id)
);

create table tenant_synonyms (
  tenant_id   uuid not null,
  id          uuid not null,
  locale      text not null default 'en',
  terms       text[] not null check (cardinality(terms) between 2 and 20),
  created_by  uuid,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);

-- Counters per article and day; they hold no one's text.
create table tenant_article_usage (
  tenant_id   uuid not null,
  article_id  uuid not null,
  day         date not null,
  cited       int not null default 0,
  helpful     int not null default 0,
  unhelpful   int not null default 0,
  escalated   int not null default 0,
  primary key (tenant_id, article_id, day),
  foreign key (tenant_id, article_id) references tenant_articles (tenant_id, id) on delete cascade
);

select usher.protect('tenant_audiences');
select usher.protect('tenant_sources');
select usher.protect('tenant_articles');
select usher.protect('tenant_versions');
select usher.protect('tenant_redirects');
select usher.protect('tenant_chunks');
select usher.protect('tenant_chunk_terms');
select usher.protect('tenant_chunk_vectors');
select usher.protect('tenant_words');
select usher.protect('tenant_corpora');
select usher.protect('tenant_synonyms');
select usher.protect('tenant_article_usage');

alter table tenant_articles add foreign key (tenant_id) references tenants (id);

-- Questions the knowledge could not answer. The questions are tenants' text; a
-- gap groups them for curators and is read by staff only.
create table gaps (
  id           uuid primary key,
  question     text not null,
  state        text not null default 'open' check (state in ('open', 'drafted', 'resolved', 'dismissed')),
  centroid     halfvec,
  model_id     int,
  questions    int not null default 0,
  conversations int not null default 0,
  article_id   uuid,
  resolved_by  uuid,
  resolved_at  timestamptz,
  note         text not null default '',
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);
create index gaps_ranked on gaps (conversations desc, id desc) where state = 'open';
grant select, insert, update, delete on gaps to usher_worker;

create table gap_questions (
  tenant_id    uuid not null references tenants (id),
  id           uuid not null,
  conversation_id uuid,
  question     text not null check (length(question) between 1 and 4000),
  locale       text not null default 'en',
  reason       text not null check (reason in ('unanswered', 'weak', 'unhelpful', 'escalated', 'no_result')),
  gap_id       uuid,
  created_at   timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index gap_questions_unclustered on gap_questions (tenant_id, created_at) where gap_id is null;
create index gap_questions_gap on gap_questions (tenant_id, gap_id);
select usher.protect('gap_questions');

-- +goose Down
drop table gap_questions, gaps;
drop table tenant_article_usage, tenant_synonyms, tenant_corpora, tenant_words, tenant_chunk_vectors, tenant_chunk_terms, tenant_chunks, tenant_redirects, tenant_versions, tenant_articles, tenant_sources, tenant_audiences;
drop table shared_article_usage, shared_synonyms, shared_corpora, shared_words, shared_chunk_vectors, shared_chunk_terms, shared_chunks, shared_redirects, shared_versions, shared_articles, shared_sources, shared_audiences;
drop function usher.keep_version();
drop table embedding_models;
