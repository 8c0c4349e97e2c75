-- Whether a search found nothing today already is asked with each such search. The
-- question's sum is enough, and short enough for an index.

-- +goose Up
create index gap_questions_searches on gap_questions (tenant_id, md5(lower(question)), created_at) where reason = 'no_result';

-- +goose Down
drop index gap_questions_searches;
