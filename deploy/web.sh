#!/usr/bin/env bash
# Builds the web into portal/web/dist when its sources are newer.
#
#   deploy/web.sh          build if needed
#   deploy/web.sh fresh    succeed when there is nothing to build
#   deploy/web.sh modules  install the packages if needed
set -euo pipefail
cd "$(dirname "$0")/../portal/web"

newer() { # any source newer than the stamp $1?
	[ ! -e "$1" ] || [ -n "$(find package.json package-lock.json vite.config.ts ./*.html src public ../openapi.yaml -newer "$1" -type f -print -quit 2>/dev/null)" ]
}
modules() {
	if [ ! -e node_modules/.stamp ] || [ package-lock.json -nt node_modules/.stamp ]; then
		echo "web: installing packages" >&2
		npm ci --silent --no-audit --no-fund >&2 || { echo "web: npm ci failed: check the network to the npm registry and run again" >&2; exit 1; }
		touch node_modules/.stamp
	fi
}

case "${1:-build}" in
fresh) ! newer dist/.stamp ;;
modules) modules ;;
build)
	if newer dist/.stamp; then
		modules
		echo "web: building" >&2
		npm run --silent build >&2 || { echo "web: the build failed: see the lines above" >&2; exit 1; }
		touch dist/.stamp
	fi
	;;
esac
