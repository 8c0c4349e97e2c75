-- What customers ask about, all of it: groups of questions that keep their
-- identity from week to week. A topic holds no customer's words but those several
-- questions share; the questions stay where they were asked. Questions asked again
-- within a week, and answers voted down, are gaps too.

-- +goose Up
create table topics (
  id           uuid primary key,
  intent       text not null default '',
  by_intent    boolean not null default false,  -- the intent alone decides: it is answered from the record
  name         text not null default '',
  named_at     int not null default 0,          -- how many questions it had when it was named
  members      int not null default 0,
  centroid     halfvec,
  model_id     int,
  created_at   timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);
create unique index topics_by_intent on topics (intent) where by_intent;
create index on topics (last_seen_at desc);
grant select, insert, update, delete on topics to usher_worker;

create table topic_messages (
  tenant_id       uuid not null,
  message_id      uuid not null,
  conversation_id uuid not null,
  topic_id        uuid not null references topics (id) on delete cascade,
  intent          text not null default '',
  at              timestamptz not null,
  again           boolean not null default false,  -- the same was asked within the seven days before, in another conversation
  primary key (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
select usher.protect('topic_messages');
create index on topic_messages (tenant_id, topic_id, at);
create index on topic_messages (topic_id, at);
create index on topic_messages (at);

alter table gap_questions drop constraint gap_questions_reason_check;
alter table gap_questions add constraint gap_questions_reason_check
  check (reason in ('unanswered', 'weak', 'unhelpful', 'escalated', 'no_result', 'repeated'));
create index on gap_questions (tenant_id, conversation_id);
alter table gaps add column repeats int not null default 0, add column unhelpful int not null default 0;

-- +goose Down
alter table gaps drop column repeats, drop column unhelpful;
drop index gap_questions_tenant_id_conversation_id_idx;
delete from gap_questions where reason = 'repeated';
alter table gap_questions drop constraint gap_questions_reason_check;
alter table gap_questions add constraint gap_questions_reason_check
  check (reason in ('unanswered', 'weak', 'unhelpful', 'escalated', 'no_result'));
drop table topic_messages, topics;
