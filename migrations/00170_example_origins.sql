-- Whose corrected messages became examples of the operator. The example's text is
-- masked, so it is not found by the message any more; its sum is, under whatever
-- name its value goes later.

-- +goose Up
create table example_origins (
  tenant_id uuid not null references tenants (id),
  text_md5  text not null,                     -- of taxonomy_examples.text
  primary key (tenant_id, text_md5)
);
select usher.protect('example_origins');
select usher.hide_internal('example_origins');
-- Corrected before: what stands in a message as it was.
alter table messages no force row level security;
alter table example_origins no force row level security;
insert into example_origins (tenant_id, text_md5)
select distinct m.tenant_id, md5(e.text) from taxonomy_examples e join messages m on m.body = e.text where e.source = 'correction';
alter table messages force row level security;
alter table example_origins force row level security;

-- +goose Down
drop table example_origins;
