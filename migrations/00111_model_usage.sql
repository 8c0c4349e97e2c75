-- What calls of models were for and what they cost, by day: classifying, answering,
-- vectors of questions and of articles, trials. It is the operator's: vectors of
-- shared articles are nobody else's. What one message cost stands in its decision.

-- +goose Up
create table model_usage (
  day           date not null,
  purpose       text not null,
  model         text not null,
  calls         bigint not null,
  prompt_tokens bigint not null,
  output_tokens bigint not null,
  cost_microusd bigint not null,
  primary key (day, purpose, model)
);
grant select, insert, update, delete on model_usage to usher_worker;

-- +goose Down
drop table model_usage;
