-- Keys of stored bytes that no row names: an upload is under way, or its file was
-- dropped. What stays here for an hour is deleted with its bytes.

-- +goose Up
create table loose_files (
  tenant_id   uuid not null references tenants (id),
  storage_key text not null,
  since       timestamptz not null,
  primary key (tenant_id, storage_key)
);
select usher.protect('loose_files');
create index on loose_files (since);

-- +goose Down
drop table loose_files;
