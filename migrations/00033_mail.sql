-- E-mail: which mail belongs to which conversation, and whom we told lately that
-- we do not know them.

-- +goose Up
create table email_messages (
  tenant_id       uuid not null,
  rfc_id          text not null,               -- Message-ID without its brackets
  conversation_id uuid not null,
  message_id      uuid,                        -- our message, where it is one
  direction       text not null check (direction in ('in', 'out')),
  created_at      timestamptz not null default now(),
  primary key (tenant_id, rfc_id),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
select usher.protect('email_messages');
create index on email_messages (rfc_id);
create index on email_messages (tenant_id, conversation_id, created_at desc);

-- A person we do not know is told so at most once a day; the address is hashed.
create table mail_notices (
  address bytea primary key,
  at      timestamptz not null default now()
);
grant select, insert, update, delete on mail_notices to usher_worker;

create index conversations_by_mail on conversations (updated_at) where channel = 'email';

-- +goose Down
drop index conversations_by_mail;
drop table mail_notices, email_messages;
