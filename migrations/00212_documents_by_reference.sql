-- Whose a document request is in another system, as of every other record: what an
-- ERP says again of one changes that one and asks the customer for nothing twice.

-- +goose Up
alter table document_requests
  add column source       text not null default '',
  add column external_ref text not null default '';
create unique index document_requests_by_reference on document_requests (tenant_id, source, external_ref) where external_ref <> '';

-- +goose Down
drop index document_requests_by_reference;
alter table document_requests drop column source, drop column external_ref;
