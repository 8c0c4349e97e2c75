-- Codes by which a signed-in person proves once more who they are before
-- something sensitive, such as an export. The code itself is in no column:
-- it is derived from the row's id and a secret of the service.

-- +goose Up
create table confirmations (
  tenant_id  uuid not null references tenants (id) on delete cascade,
  id         uuid not null,
  person_id  uuid not null,
  tries      int not null default 0 check (tries between 0 and 3),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  proven_at  timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references users (tenant_id, id) on delete cascade
);
select usher.protect('confirmations');
create index on confirmations (tenant_id, person_id, created_at);

create table staff_confirmations (
  id         uuid primary key,
  person_id  uuid not null references staff (id) on delete cascade,
  tries      int not null default 0 check (tries between 0 and 3),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  proven_at  timestamptz
);
grant select, insert, update, delete on staff_confirmations to usher_worker;
create index on staff_confirmations (person_id, created_at);

-- +goose Down
drop table staff_confirmations;
drop table confirmations;
