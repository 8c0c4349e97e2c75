-- A ticket that is opened again is merged into nothing any more, and one that is
-- merged lives on in one other. Relations of merges that were taken back go.

-- +goose Up
alter table ticket_relations no force row level security;
alter table tickets no force row level security;
delete from ticket_relations r where kind = 'merged_into' and (
  not exists (select from tickets t where t.tenant_id = r.tenant_id and t.id = r.ticket_id and t.closed_as = 'merged')
  or exists (select from ticket_relations n where n.tenant_id = r.tenant_id and n.ticket_id = r.ticket_id and n.kind = 'merged_into'
    and (n.created_at, n.related_id) > (r.created_at, r.related_id)));
alter table ticket_relations force row level security;
alter table tickets force row level security;
create unique index ticket_relations_merged_once on ticket_relations (tenant_id, ticket_id) where kind = 'merged_into';

-- +goose Down
drop index ticket_relations_merged_once;
