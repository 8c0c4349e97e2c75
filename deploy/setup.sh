#!/usr/bin/env bash
# Installs what is missing, and nothing else: PostgreSQL with pgvector (unless
# DATABASE_URL names a server), Go, Node to build the web, Chromium for tests.
#
#   deploy/setup.sh run    what `make run` needs
#   deploy/setup.sh test   the same and Chromium
#
# Fast when nothing is missing. Every failure says what failed and what to do.
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-run}

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

sudo=
if [ "$(id -u)" != 0 ]; then sudo=sudo; fi

# ---- packages -------------------------------------------------------------

updated=
apt_install() {
	have apt-get || fail "$* must be installed; this is neither Debian, Ubuntu nor macOS with Homebrew: install it yourself and run again"
	if [ -n "$sudo" ] && ! have sudo; then
		fail "$* must be installed: run as root or install sudo (apt-get install $*)"
	fi
	if [ -z "$updated" ]; then
		say "reading the package lists"
		$sudo apt-get update -qq >/dev/null || fail "apt-get update failed: check the network and the sources in /etc/apt"
		updated=1
	fi
	say "installing $*"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
		fail "installing $* failed: see the lines above; running 'apt-get install $*' by hand shows more"
}

brew_install() {
	say "installing $*"
	brew install --quiet "$@" || fail "brew install $* failed: see the lines above"
}

mac=
if [ "$(uname)" = Darwin ]; then
	have brew || fail "Homebrew is missing: install it from brew.sh, or set DATABASE_URL and install Go and Node yourself"
	mac=1
fi

# ---- Go --------------------------------------------------------------------

# Any Go since 1.21 fetches the version go.mod asks for by itself.
go_ok() { have go && [ "$(go env GOVERSION 2>/dev/null | sed -E 's/go1\.([0-9]+).*/\1/')" -ge 21 ] 2>/dev/null; }
if ! go_ok; then
	if [ -x /usr/local/go/bin/go ]; then
		fail "Go is installed in /usr/local/go but not in PATH: run 'export PATH=\$PATH:/usr/local/go/bin' and try again"
	elif [ -n "$mac" ]; then
		brew_install go
	else
		# Debian 12's own Go is too old; backports has newer ones.
		for package in golang-go golang-1.24-go golang-1.23-go golang-1.22-go golang-1.21-go; do
			candidate=$(apt-cache policy "$package" 2>/dev/null | sed -nE 's/ +Candidate: [0-9]*:?1\.([0-9]+).*/\1/p')
			if [ -n "$candidate" ] && [ "$candidate" -ge 21 ]; then apt_install "$package"; break; fi
		done
		if ! go_ok && [ -n "$(apt-cache policy 2>/dev/null | head -1)" ]; then
			codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
			site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | head -n 1)
			if [ -n "$codename" ] && [ -n "$site" ] && [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
				say "adding $codename-backports for a newer Go"
				echo "deb $site $codename-backports main" | $sudo tee /etc/apt/sources.list.d/usher-backports.list >/dev/null
				updated=
				apt_install -t "$codename-backports" golang-go
			fi
		fi
	fi
	for bin in /usr/lib/go-*/bin; do [ -x "$bin/go" ] && $sudo ln -sf "$bin/go" /usr/local/bin/go; done 2>/dev/null || true
	go_ok || fail "Go 1.21 or later is needed (it fetches the exact version by itself): install it from go.dev/dl and run again"
fi

# ---- PostgreSQL and pgvector ----------------------------------------------

pg_bin() {
	for bin in $(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -rV); do
		if [ -x "$bin/postgres" ] && [ "$("$bin/postgres" --version | sed -E 's/.*\) ([0-9]+).*/\1/')" -ge 15 ]; then echo "$bin"; return; fi
	done
}
pgvector_ok() {
	[ -n "$1" ] || return 1
	local share
	share=$("$1/pg_config" --sharedir 2>/dev/null) || share=/usr/share/postgresql/$(basename "$(dirname "$1")")
	[ -f "$share/extension/vector.control" ] &&
		[ "$(sed -nE "s/^default_version *= *'0\.([0-9]+).*/\1/p" "$share/extension/vector.control")" -ge 8 ] 2>/dev/null
}

# Debian 12 has PostgreSQL 15 but no pgvector: the next release's source package
# builds against it. The site comes from this machine's own apt settings.
build_pgvector() {
	local major=$1 work site key
	apt_install "postgresql-server-dev-$major" dpkg-dev make gcc libc6-dev
	site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
	key=$(ls /usr/share/keyrings/debian-archive-keyring.gpg 2>/dev/null || true)
	[ -n "$site" ] || fail "pgvector must be built but apt names no package site: install pgvector 0.8 for PostgreSQL $major yourself"
	work=$(mktemp -d)
	mkdir -p "$work/lists/partial"
	say "building pgvector for PostgreSQL $major from its source package"
	echo "deb-src ${key:+[signed-by=$key]} $site trixie main" >"$work/sources.list"
	local opts=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root)
	(
		cd "$work"
		apt-get "${opts[@]}" update -qq && apt-get "${opts[@]}" source -qq pgvector && cd pgvector-0*/ &&
			make -s PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" OPTFLAGS="" with_llvm=no &&
			$sudo make -s PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" with_llvm=no install
	) >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "building pgvector failed (log above): install pgvector 0.8 or later for PostgreSQL $major yourself, or set DATABASE_URL"; }
	rm -rf "$work"
}

if [ -z "${DATABASE_URL:-}" ] || [ "$want" = test ]; then
	bin=$(pg_bin)
	if [ -z "$bin" ]; then
		if [ -n "$mac" ]; then
			brew_install postgresql@17 pgvector
		else
			# Never let the package start a cluster of its own on 5432.
			if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
				$sudo mkdir -p /etc/postgresql-common
				echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
			fi
			apt_install postgresql
		fi
		bin=$(pg_bin)
		[ -n "$bin" ] || fail "the distribution's PostgreSQL is older than 15: set DATABASE_URL to a newer server"
	fi
	if ! pgvector_ok "$bin"; then
		major=$("$bin/postgres" --version | sed -E 's/.*\) ([0-9]+).*/\1/')
		if [ -n "$mac" ]; then
			brew_install pgvector
		else
			candidate=$(apt-cache policy "postgresql-$major-pgvector" 2>/dev/null | sed -nE 's/ +Candidate: 0\.([0-9]+).*/\1/p')
			if [ -n "$candidate" ] && [ "$candidate" -ge 8 ]; then
				apt_install "postgresql-$major-pgvector"
			else
				build_pgvector "$major"
			fi
		fi
		pgvector_ok "$bin" || fail "pgvector 0.8 or later is still missing for PostgreSQL $major: install it yourself, or set DATABASE_URL"
	fi
fi

# ---- Node, only to build or test the web ------------------------------------

node_ok() { have node && have npm && [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" -ge 20 ] 2>/dev/null; }
if ! node_ok && { [ "$want" = test ] || ! deploy/web.sh fresh; }; then
	if [ -n "$mac" ]; then
		brew_install node
	else
		candidate=$(apt-cache policy nodejs 2>/dev/null | sed -nE 's/ +Candidate: ([0-9]+)\..*/\1/p')
		if [ -z "$candidate" ]; then apt_install ca-certificates; candidate=$(apt-cache policy nodejs | sed -nE 's/ +Candidate: ([0-9]+)\..*/\1/p'); fi
		apt_install nodejs npm
		if ! node_ok; then
			# Debian 12 ships Node 18. npm carries newer Node as a package.
			say "Node $(node --version) is too old; installing Node 22 through npm under .usher/node"
			mkdir -p .usher/node
			npm install --silent --no-save --prefix .usher/node node@22 >/dev/null 2>&1 ||
				fail "installing Node 22 failed: install Node 20 or later yourself and run again"
			$sudo ln -sf "$PWD/.usher/node/node_modules/node/bin/node" /usr/local/bin/node
		fi
	fi
	node_ok || fail "Node 20 or later is needed to build the web: install it and run again"
fi

# ---- Chromium, only for tests ------------------------------------------------

if [ "$want" = test ] && [ -z "${CHROMIUM:-}" ] && ! have chromium && ! have chromium-browser && ! have google-chrome; then
	if [ -n "$mac" ]; then
		brew_install --cask chromium
	else
		apt_install chromium
	fi
fi
