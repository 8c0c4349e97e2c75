-- Which end of a verification an article's owner was told of, and when, so that
-- each is told once and nobody gets more than one mail a day.

-- +goose Up
alter table shared_articles add column lapse_told timestamptz, add column lapse_told_at timestamptz;
alter table tenant_articles add column lapse_told timestamptz, add column lapse_told_at timestamptz;

-- +goose Down
alter table tenant_articles drop column lapse_told, drop column lapse_told_at;
alter table shared_articles drop column lapse_told, drop column lapse_told_at;
