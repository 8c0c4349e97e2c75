-- Files that curators upload are a source of articles, and so are websites; and what
-- an article said when it was taken in is kept, so that an edit by hand is known.

-- +goose Up
alter table shared_sources drop constraint shared_sources_kind_check,
  add check (kind in ('manual', 'markdown', 'html', 'jsonl', 'files', 'website'));
alter table tenant_sources drop constraint tenant_sources_kind_check,
  add check (kind in ('manual', 'markdown', 'html', 'jsonl', 'files', 'website'));

-- Of the content as it was taken in: an article that differs was edited by hand.
alter table shared_articles add column imported_sum bytea;
alter table tenant_articles add column imported_sum bytea;

-- +goose Down
alter table tenant_articles drop column imported_sum;
alter table shared_articles drop column imported_sum;
delete from tenant_articles a using tenant_sources s where s.tenant_id = a.tenant_id and s.id = a.source_id and s.kind in ('files', 'website');
delete from shared_articles a using shared_sources s where s.id = a.source_id and s.kind in ('files', 'website');
delete from tenant_sources where kind in ('files', 'website');
delete from shared_sources where kind in ('files', 'website');
alter table tenant_sources drop constraint tenant_sources_kind_check, add check (kind in ('manual', 'markdown', 'html', 'jsonl'));
alter table shared_sources drop constraint shared_sources_kind_check, add check (kind in ('manual', 'markdown', 'html', 'jsonl'));
