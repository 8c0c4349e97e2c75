-- Files in conversations. A file is its uploader's until a message carries it;
-- from then on whoever may read the message may have it, once it was checked.
-- The message keeps what is shown of its files (name, size, state) beside its
-- text, so that events, pages and transcripts tell the same.

-- +goose Up
create table attachments (
  tenant_id       uuid not null references tenants (id),
  id              uuid not null,
  conversation_id uuid,                        -- null: not sent yet
  message_id      uuid,                        -- null: not sent yet
  uploader_kind   text not null check (uploader_kind in ('customer', 'staff')),
  uploader_id     uuid,                        -- null: nobody known, by e-mail
  source          text not null check (source in ('portal', 'console', 'email', 'slack')),
  source_ref      text,                        -- its id there; makes a retry the same file
  file_name       text not null,
  content_type    text not null,
  size_bytes      bigint not null check (size_bytes > 0),
  sha256          bytea not null,
  storage_key     text not null,               -- '': its bytes were removed
  scan_state      text not null check (scan_state in ('pending', 'clean', 'infected', 'error', 'not_scanned')),
  scan_detail_internal text not null default '',
  created_at      timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, source_ref),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade,
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
select usher.protect('attachments');
select usher.hide_internal('attachments');
create index on attachments (tenant_id, message_id);
create index on attachments (tenant_id, conversation_id);
create index on attachments (created_at) where message_id is null;
alter table messages add column attachments jsonb not null default '[]';

-- +goose Down
alter table messages drop column attachments;
drop table attachments;
