-- Since when a connection is as it is: who has to sign in again for more than a
-- day is offered help. Kept by the table itself, whoever changes the state.

-- +goose Up
alter table integrations add column auth_since timestamptz not null default now();
alter table integrations no force row level security;
update integrations set auth_since = observed_at;
alter table integrations force row level security;

-- +goose StatementBegin
create function usher.note_auth_since() returns trigger language plpgsql as $$
begin
  if new.auth_state is distinct from old.auth_state then
    -- When the source said so, where it says when.
    new.auth_since := case when new.observed_at is distinct from old.observed_at then new.observed_at else now() end;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger note_auth_since before update on integrations for each row execute function usher.note_auth_since();

-- +goose Down
drop trigger note_auth_since on integrations;
drop function usher.note_auth_since();
alter table integrations drop column auth_since;
