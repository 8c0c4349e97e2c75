-- Codes the chat asks for before it says what should reach nobody but the person
-- asking: which question waits for one, and in which conversation. Both are empty
-- for a code that a page asked for.

-- +goose Up
alter table confirmations
  add column conversation_id uuid,
  add column message_id uuid,
  add foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade,
  add foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade,
  add check ((conversation_id is null) = (message_id is null));

-- +goose Down
alter table confirmations drop column message_id, drop column conversation_id;
