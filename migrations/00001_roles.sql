-- Roles, extensions and the one helper every tenant table is protected with.
--
-- usher_owner (whoever runs the migrations) owns everything. usher_app serves
-- customers, usher_worker runs jobs and staff screens. Neither of the two is
-- superuser, owner or BYPASSRLS; their passwords are set by Migrate.

-- +goose Up
create extension if not exists vector;
create extension if not exists btree_gin;

-- +goose StatementBegin
do $$
begin
  if not exists (select from pg_roles where rolname = 'usher_app') then
    create role usher_app nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'usher_worker') then
    create role usher_worker nologin;
  end if;
end $$;
-- +goose StatementEnd

create schema usher;
grant usage on schema usher to usher_app, usher_worker;
grant usage on schema public to usher_app, usher_worker;

-- protect makes a table a tenant table: RLS enabled and forced, the tenant
-- policy for everybody, the system policy for the worker role only, and the
-- data grants (never TRUNCATE, REFERENCES or TRIGGER).
--
-- The nullif is needed: after a transaction that used set_config(…, true) the
-- setting is the empty string, and ''::uuid raises instead of matching nothing.
-- The expression holds no sub-query, so the policies also work on Citus.
-- +goose StatementBegin
create function usher.protect(tbl regclass, col text default 'tenant_id') returns void
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', tbl);
  execute format('alter table %s force row level security', tbl);
  execute format($f$create policy tenant_isolation on %s
    using (%I = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (%I = nullif(current_setting('app.tenant_id', true), '')::uuid)$f$, tbl, col, col);
  execute format($f$create policy system_access on %s to usher_worker
    using (current_setting('app.system', true) = 'on')
    with check (current_setting('app.system', true) = 'on')$f$, tbl);
  execute format('grant select, insert, update, delete on %s to usher_app, usher_worker', tbl);
end $$;
-- +goose StatementEnd
revoke all on function usher.protect(regclass, text) from public;

-- +goose Down
drop schema usher cascade;
