-- How far each mailbox was read: mail that a person opened first, or that came while
-- nobody listened, is behind the cursor all the same. UIDs count only under their
-- mailbox's validity. Mailboxes are the service's own, no tenant's.

-- +goose Up
create table mail_cursors (
  mailbox  text primary key,                   -- user, server and folder
  validity bigint not null,
  uid      bigint not null,                    -- the last one taken in
  at       timestamptz not null
);
grant select, insert, update, delete on mail_cursors to usher_worker;

-- +goose Down
drop table mail_cursors;
