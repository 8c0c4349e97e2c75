#!/usr/bin/env bash
# Builds the web into portal/web/dist when its sources are newer.
#
#   deploy/web.sh           build if needed
#   deploy/web.sh fresh     succeed when there is nothing to build
#   deploy/web.sh modules   install the web's packages if needed
#   deploy/web.sh journeys  install the browser journeys' packages if needed
set -euo pipefail
cd "$(dirname "$0")/../portal"
# Node brings its own certificates; a network's own are in the system's.
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -e /etc/ssl/certs/ca-certificates.crt ]; then
	export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
fi

stale() { # is anything newer than the stamp $1?
	local stamp=$1
	shift
	[ ! -e "$stamp" ] || [ -n "$(find "$@" -newer "$stamp" -type f -print 2>/dev/null | head -n 1)" ]
}
stale_build() {
	[ -e web/dist/portal.html ] || return 0
	# A folder is newer than the stamp when a source was removed from it.
	stale web/dist/.stamp web/package.json web/package-lock.json web/vite.config.ts web/tsconfig.json web/*.html web/src web/public ||
		[ -n "$(find web/src web/public -newer web/dist/.stamp -type d -print 2>/dev/null | head -n 1)" ]
}
packages() { # folder
	if stale "$1/node_modules/.stamp" "$1/package-lock.json"; then
		echo "web: installing the packages of portal/$1" >&2
		(cd "$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2) || {
			echo "web: npm ci in portal/$1 failed: see the lines above; check the network to the npm registry and run again" >&2
			exit 1
		}
		touch "$1/node_modules/.stamp"
	fi
}

case ${1:-build} in
fresh) ! stale_build ;;
modules) packages web ;;
journeys) packages e2e ;;
build)
	if stale_build; then
		packages web
		echo "web: building" >&2
		(cd web && npm run --silent build </dev/null >&2) || {
			echo "web: the build failed: see the lines above" >&2
			exit 1
		}
		touch web/dist/.stamp
	fi
	;;
*)
	echo "web: unknown purpose '$1'" >&2
	exit 2
	;;
esac
