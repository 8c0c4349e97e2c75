-- When a destination took something, the last time: whether it works at all is
-- asked while something waits for it.

-- +goose Up
create index deliveries_taken on deliveries (tenant_id, destination, delivered_at);

-- +goose Down
drop index deliveries_taken;
