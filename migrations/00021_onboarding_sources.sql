-- What outside systems last said about a tenant, records that status packs bring,
-- templates, and the numbered events that keep live pages current.
--
-- Also takes from usher_app, which serves customers, the right to read any
-- column meant for the operator's people only.

-- +goose Up
-- +goose StatementBegin
create function usher.hide_internal(tbl regclass) returns void language plpgsql as $$
declare open_columns text;
begin
  select string_agg(quote_ident(attname), ', ' order by attnum) into open_columns
  from pg_attribute where attrelid = tbl and attnum > 0 and not attisdropped and attname !~ '(^internal_|_internal$)';
  execute format('revoke select on %s from usher_app', tbl);
  execute format('grant select (%s) on %s to usher_app', open_columns, tbl);
end $$;
-- +goose StatementEnd
revoke all on function usher.hide_internal(regclass) from public;

-- What a source last said. A reader who wants a newer value takes the lease, so
-- that one of many nodes calls; generation grows when a value is declared old,
-- so that a call that was already under way cannot make it look fresh again.
create table status_snapshots (
  tenant_id     uuid not null references tenants (id),
  source        text not null,
  entity_key    text not null,
  payload       jsonb,
  observed_at   timestamptz,              -- when the source says this was so
  fetched_at    timestamptz,              -- when we last heard it, changed or not
  max_age_ms    bigint not null default 0 check (max_age_ms >= 0),
  etag          text not null default '',
  state         text not null default 'unavailable' check (state in ('fresh', 'stale', 'absent', 'unavailable')),
  error_internal text not null default '',
  failures      int not null default 0,   -- in a row
  next_fetch_at timestamptz not null default '-infinity',
  leased_until  timestamptz not null default '-infinity',
  generation    bigint not null default 0,
  primary key (tenant_id, source, entity_key)
);
select usher.protect('status_snapshots');

-- One row per tenant; its lock numbers the tenant's onboarding events, so that a
-- reader who remembers the last number misses nothing.
create table onboarding_cursors (
  tenant_id uuid primary key references tenants (id),
  last_seq  bigint not null default 0
);
select usher.protect('onboarding_cursors');
-- An event names what changed and carries no content; readers fetch the record.
create table onboarding_events (
  tenant_id  uuid not null references tenants (id),
  seq        bigint not null,
  entity     text not null,
  entity_id  uuid,
  kind       text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, seq)
);
select usher.protect('onboarding_events');
revoke update on onboarding_events from usher_app, usher_worker;

-- +goose Down
drop table onboarding_events, onboarding_cursors, status_snapshots cascade;
drop function usher.hide_internal(regclass);
