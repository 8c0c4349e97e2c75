#!/usr/bin/env bash
# Measures the engine on the public development data in USHER_TESTDATA (default
# ../shared), one line of figures per measurement. ENGINE=openai has the model in
# USHER_OPENAI_CHAT_MODEL classify and talk to the shipped customers; what no model
# has a part in is measured of the built-in engine either way.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${USHER_TESTDATA:-../shared}/data
engine=(--engine "${ENGINE:-builtin}")
[ -d "$data" ] || {
	echo "eval: $data is absent: set USHER_TESTDATA to the folder that holds data/" >&2
	exit 1
}
run() { # name arguments…
	printf '%-28s' "$1"
	shift
	bin/usher eval "$@" --json
}
for set in banking77 clinc150 bitext_cs airline_sentiment nlbse24_issues langid; do
	oos=()
	[ "$set" != clinc150 ] || oos=(--oos-label oos)
	run "classify $set" classify --train "$data/$set/train.jsonl" --test "$data/$set/dev.jsonl" ${oos[@]+"${oos[@]}"} "${engine[@]}"
done
run "retrieve stackfaq" retrieve --corpus "$data/stackfaq/corpus.jsonl" --queries "$data/stackfaq/queries_dev.jsonl" --qrels "$data/stackfaq/qrels_dev.jsonl"
run "retrieve plausible_kb" retrieve --corpus "$data/plausible_kb/corpus.jsonl" --queries "$data/plausible_kb/queries_faq.jsonl" --qrels "$data/plausible_kb/qrels_faq.jsonl"
run "guard prompt_injection" guard --test "$data/prompt_injection/dev.jsonl" --passages "$data/plausible_kb/corpus.jsonl"
run "pii pii_presidio" pii --test "$data/pii_presidio/dev.jsonl"
run "gate mtrag_human" gate --corpus "$data/mtrag_human/corpus.jsonl" --tasks "$data/mtrag_human/tasks_dev.jsonl"
run "status" status --n 200 --seed 7
run "customers" customers "${engine[@]}"
