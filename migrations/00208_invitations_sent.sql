-- An invitation is what is to be sent until it has been: only then it has a time,
-- and from then on it lasts.

-- +goose Up
alter table invitations
  alter column sent_at drop not null,
  alter column expires_at drop not null,
  add column sends int not null default 0,
  add column attempts int not null default 0,
  add column try_at timestamptz not null default now(),
  add column error_internal text not null default '';
select usher.hide_internal('invitations');
create index on invitations (try_at) where sent_at is null;

-- +goose Down
delete from invitations where sent_at is null or expires_at is null;
alter table invitations
  drop column sends, drop column attempts, drop column try_at, drop column error_internal,
  alter column sent_at set not null, alter column expires_at set not null;
grant select on invitations to usher_app;
