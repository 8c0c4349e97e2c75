-- A connection may speak SAML 2.0 instead of OpenID Connect. Its provider is then
-- known by what it says of itself: its metadata, with the keys it signs by.

-- +goose Up
alter table sso_connections
  add column protocol text not null default 'oidc' check (protocol in ('oidc', 'saml')),
  add column metadata text not null default '' check (length(metadata) <= 262144),
  drop constraint sso_connections_client_id_check,
  add check (length(client_id) <= 300 and (protocol = 'saml' or client_id <> '')),
  add check ((protocol = 'saml') = (metadata <> ''));
alter table staff_sso_connection
  add column protocol text not null default 'oidc' check (protocol in ('oidc', 'saml')),
  add column metadata text not null default '' check (length(metadata) <= 262144),
  drop constraint staff_sso_connection_client_id_check,
  add check (length(client_id) <= 300 and (protocol = 'saml' or client_id <> '')),
  add check ((protocol = 'saml') = (metadata <> ''));

-- +goose Down
delete from sso_connections where protocol = 'saml';
delete from staff_sso_connection where protocol = 'saml';
alter table staff_sso_connection drop column protocol cascade, drop column metadata cascade,
  add constraint staff_sso_connection_client_id_check check (length(client_id) between 1 and 300);
alter table sso_connections drop column protocol cascade, drop column metadata cascade,
  add constraint sso_connections_client_id_check check (length(client_id) between 1 and 300);
