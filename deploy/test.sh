#!/usr/bin/env bash
# Everything: build, vet, the Go tests on a real PostgreSQL, the web's unit tests
# and the browser journeys. Ends with one line that counts tests, and fails if
# any failed. A step that fails as a whole counts as one failed test; the others
# still run. USHER_SKIP_BROWSER=1 leaves the journeys out.
set -uo pipefail
cd "$(dirname "$0")/.."

# Tests meet no database or account of yours: what is configured stays outside.
for name in DATABASE_URL $(compgen -e USHER_); do
	case $name in USHER_TEST_DATABASE_URL | USHER_TESTDATA | USHER_SKIP_BROWSER) ;; *) unset "$name" ;; esac
done

if [ -z "${USHER_TEST_DATABASE_URL:-}" ]; then
	# A private server for the length of this run (migrations/localpg).
	go build -buildvcs=false -o bin/testpg ./migrations/localpg/testpg || exit 1
	exec bin/testpg run --dir .usher/test -- deploy/test.sh
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0 skipped=0 began=$SECONDS
failures=() # what to look for above

count() { # name passed failed skipped
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
	[ "$3" = 0 ] || failures+=("$1")
	printf -- '-- %s: %d passed, %d failed, %d skipped (%ds)\n' "$1" "$2" "$3" "$4" $((SECONDS - began))
}
step() { # name command…: one thing that has to work before tests make sense
	local name=$1
	shift
	"$@" || {
		echo "$name failed: see the lines above"
		count "$name" 0 1 0
		return 1
	}
}
number() { # pass|fail|skip: the last such count in the suite's output, of node's test runner or vitest
	sed -nE "s/^(# |ℹ )$1[a-z]* ([0-9]+)\$/\\2/p; s/^ *Tests (.*[ |])?([0-9]+) $1[a-z]*.*/\\2/p" "$out/suite" | tail -n 1
}
suite() { # name folder command…
	local name=$1 folder=$2 status p f s
	shift 2
	echo "== $name"
	(cd "$folder" && exec env NO_COLOR=1 CI=1 "$@") 2>&1 </dev/null | tee "$out/suite"
	status=${PIPESTATUS[0]}
	p=$(number pass) f=$(number fail) s=$(number skip)
	if [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; then f=1; fi
	if [ $((${p:-0} + ${f:-0} + ${s:-0})) = 0 ]; then
		echo "$name: no test ran"
		f=1
	fi
	count "$name" "${p:-0}" "${f:-0}" "${s:-0}"
}

echo "== build"
step "web build" deploy/web.sh
step "build" go build -tags nomsgpack -buildvcs=false -o bin/usher ./cmd/usher
built=$?

echo "== go vet"
step "go vet" go vet ./...

echo "== go test"
step "test counter" go build -buildvcs=false -o bin/gotest ./deploy/gotest || exit 1
go test -json -timeout 20m ./... 2>"$out/errors" | bin/gotest "$out/counts"
status=${PIPESTATUS[0]}
cat "$out/errors"
read -r p f s <"$out/counts" || p=0 f=1 s=0
if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
count "Go" "$p" "$f" "$s"
while read -r name; do [ -z "$name" ] || failures+=("    $name"); done <<<"$(sed 1d "$out/counts" 2>/dev/null)"

step "web packages" deploy/web.sh modules && suite "web" portal/web npm test --silent

if [ -n "${USHER_SKIP_BROWSER:-}" ]; then
	echo "== browser journeys: left out (USHER_SKIP_BROWSER)"
elif [ "$built" != 0 ]; then
	echo "== browser journeys: nothing to drive, the build failed"
else
	for found in chromium chromium-browser google-chrome "/Applications/Chromium.app/Contents/MacOS/Chromium" "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
		[ -n "${CHROMIUM:-}" ] || CHROMIUM=$(command -v "$found") || true
	done
	export CHROMIUM
	step "journeys' packages" deploy/web.sh journeys && suite "browser journeys" portal/e2e npm test --silent
fi

echo
[ "$failed" = 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
