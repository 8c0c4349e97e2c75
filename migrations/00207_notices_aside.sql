-- A notice that cannot be delivered is put aside with its reason, so that the ones
-- behind it go out. And an envelope remembers when it went out: what is done with
-- it since then, such as opening it, is no reason to wait longer for the signature.

-- +goose Up
alter table onboarding_notices
  add column attempts int not null default 0,
  add column failed_at timestamptz,
  add column error_internal text not null default '';
select usher.hide_internal('onboarding_notices');
alter table envelopes add column sent_at timestamptz;

-- +goose Down
alter table envelopes drop column sent_at;
alter table onboarding_notices drop column attempts, drop column failed_at, drop column error_internal;
grant select on onboarding_notices to usher_app;
