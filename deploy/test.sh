#!/usr/bin/env bash
# Everything: vet, Go tests on a real PostgreSQL, the web's unit tests, and the
# browser journeys. Ends with one line that counts tests; fails if any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
passed=0 failed=0 skipped=0

stop() {
	bin/testpg stop --dir .usher/test >/dev/null 2>&1
	rm -rf "$out"
}
trap stop EXIT
trap 'exit 130' INT TERM

count() { # passed failed skipped of one suite
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	printf -- '-- %s: %d passed, %d failed, %d skipped\n' "$4" "$1" "$2" "$3"
}

if [ -z "${USHER_TEST_DATABASE_URL:-}" ]; then
	go build -o bin/testpg ./migrations/localpg/testpg || exit 1
	USHER_TEST_DATABASE_URL=$(bin/testpg start --dir .usher/test) || exit 1
	export USHER_TEST_DATABASE_URL
fi

echo "== go vet"
go vet ./... || { echo "go vet failed: see the lines above"; count 0 1 0 "go vet"; }

echo "== go test"
go test -json -timeout 20m ./... >"$out/go.json" 2>"$out/go.err"
go_status=$?
go run ./deploy/gotest <"$out/go.json" >"$out/go.count" || true
cat "$out/go.err" >&2
read -r p f s < <(tail -n 1 "$out/go.count")
sed '$d' "$out/go.count"
if [ "$go_status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
count "$p" "$f" "$s" "Go"

node_suite() { # name, folder, command…: a run of node's test runner or vitest as JSON lines
	local name=$1 folder=$2
	shift 2
	echo "== $name"
	(cd "$folder" && "$@") >"$out/suite" 2>&1
	local status=$?
	cat "$out/suite"
	local p f s
	p=$(sed -nE 's/^(# |ℹ )pass ([0-9]+)$/\2/p; s/.*Tests .*[ |]([0-9]+) passed.*/\1/p' "$out/suite" | tail -n 1)
	f=$(sed -nE 's/^(# |ℹ )fail ([0-9]+)$/\2/p; s/.*Tests .*[ |]([0-9]+) failed.*/\1/p' "$out/suite" | tail -n 1)
	s=$(sed -nE 's/^(# |ℹ )skipped ([0-9]+)$/\2/p; s/.*Tests .*[ |]([0-9]+) skipped.*/\1/p' "$out/suite" | tail -n 1)
	if [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; then f=1; fi
	count "${p:-0}" "${f:-0}" "${s:-0}" "$name"
}

deploy/web.sh modules && node_suite "web" portal/web env NO_COLOR=1 CI=1 npm test --silent
if [ -z "${USHER_SKIP_BROWSER:-}" ]; then
	if [ ! -e portal/e2e/node_modules/.stamp ] || [ portal/e2e/package-lock.json -nt portal/e2e/node_modules/.stamp ]; then
		(cd portal/e2e && npm ci --silent --no-audit --no-fund && touch node_modules/.stamp) || count 0 1 0 "journeys' packages"
	fi
	node_suite "browser journeys" portal/e2e env NO_COLOR=1 npm test --silent
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
