-- How far the replies of people in a chat were sent by mail, because nobody read
-- them there.

-- +goose Up
alter table conversations add column mailed_seq bigint not null default 0;
create index on messages (created_at) where author_kind = 'agent' and visibility = 'customer';

-- +goose Down
alter table conversations drop column mailed_seq;
