-- What was said to a customer in an e-mail conversation is due to leave by mail. The
-- sweep that finds it reads this index, which holds only what has not left, and no
-- longer every message of two days.

-- +goose Up
alter table messages add column mail_due boolean not null default false;
create index messages_mail_due on messages (created_at) where mail_due;
-- Said before: what has its delivery already is passed over by the sweep.
alter table messages no force row level security;
alter table conversations no force row level security;
update messages m set mail_due = true from conversations c
  where c.tenant_id = m.tenant_id and c.id = m.conversation_id and c.channel = 'email' and m.visibility = 'customer'
    and m.author_kind <> 'customer' and m.created_at > now() - interval '48 hours';
alter table messages force row level security;
alter table conversations force row level security;

-- +goose Down
drop index messages_mail_due;
alter table messages drop column mail_due;
