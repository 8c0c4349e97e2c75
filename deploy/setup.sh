#!/usr/bin/env bash
# Installs what is missing, and nothing else.
#
#   deploy/setup.sh run    what `make run` needs: Go, PostgreSQL with pgvector
#                          (not where DATABASE_URL names a server), Node only
#                          when the web has to be built
#   deploy/setup.sh test   Go, PostgreSQL (not where USHER_TEST_DATABASE_URL names
#                          a superuser's server), Node and Chromium
#   deploy/setup.sh make   make itself
#
# Debian and Ubuntu (as root or with sudo) and macOS with Homebrew; elsewhere it
# says what to install. Packages come from the machine's own package sources, Go
# from its module proxy where the packaged one is too old, Node from the npm
# registry for the same reason (both under .usher/tools). No PostgreSQL cluster
# is created or started. Takes a fraction of a second when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-run}
tools=$PWD/.usher/tools
export PATH="$tools/bin:$PATH:/usr/local/go/bin" DEBIAN_FRONTEND=noninteractive

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
	printf 'setup: %s\n' "$@" >&2
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
temporary=()
tidy() { [ ${#temporary[@]} = 0 ] || rm -rf "${temporary[@]}"; }
trap tidy EXIT

# ---- What is there? ----------------------------------------------------------

# at_least 1.26.0 1.26.8: is the second version the first or a later one?
at_least() {
	local i a b
	IFS=. read -r -a a <<<"$1"
	IFS=. read -r -a b <<<"$2"
	for i in 0 1 2; do
		local x=${a[i]:-0} y=${b[i]:-0}
		x=${x%%[!0-9]*} y=${y%%[!0-9]*}
		[ "${y:-0}" -gt "${x:-0}" ] && return 0
		[ "${y:-0}" -lt "${x:-0}" ] && return 1
	done
	return 0
}

wanted_go=$(sed -nE 's/^go ([0-9.]+).*/\1/p' go.mod)
go_version() { (cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || go version | awk '{print $3}') | sed 's/^go//'; }
# A Go since 1.21 fetches the version go.mod asks for by itself.
go_ok() { have go && at_least 1.21 "$(go_version)"; }

# "folder major" of the PostgreSQL the product would choose (migrations/localpg):
# the newest with pgvector, else the newest.
postgres_found() {
	local bin version best=
	for bin in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin /usr/local/pgsql/bin 2>/dev/null | sort -rV) $(dirname "$(command -v pg_ctl || echo /nonexistent/pg_ctl)"); do
		[ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] || continue
		version=$("$bin/postgres" --version | sed -E 's/.*\(PostgreSQL\) ([0-9]+).*/\1/')
		[ "$version" -ge 15 ] 2>/dev/null || continue
		if pgvector_found "$bin"; then
			echo "$bin $version"
			return
		fi
		best=${best:-$bin $version}
	done
	echo "$best"
}
pgvector_found() {
	local control version
	control=$("$1/pg_config" --sharedir 2>/dev/null)/extension/vector.control
	version=$(sed -nE "s/^default_version *= *'([^']+)'.*/\1/p" "$control" 2>/dev/null) || return 1
	[ -n "$version" ] && at_least 0.8 "$version"
}

node_ok() { have node && have npm && at_least 20.19 "$(node -p process.versions.node 2>/dev/null)"; }

chromium_found() {
	[ -n "${CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome ||
		[ -d /Applications/Chromium.app ] || [ -d "/Applications/Google Chrome.app" ]
}

need_go= need_postgres= need_pgvector= need_node= need_chromium=
missing=() packages=()
case $want in
run | test) ;;
make)
	have make && exit 0
	missing=(make) packages=(make)
	;;
*) fail "unknown purpose '$want': say run, test or make" ;;
esac
if [ "$want" != make ]; then
	go_ok || { need_go=1 missing+=("Go $wanted_go"); have go || packages+=(golang-go); }
	server=${DATABASE_URL:-}
	[ "$want" = run ] || server=${USHER_TEST_DATABASE_URL:-}
	if [ -z "$server" ]; then
		read -r bin major <<<"$(postgres_found)"
		if [ -z "${bin:-}" ]; then
			need_postgres=1 need_pgvector=1
			missing+=("PostgreSQL 15 or later" "pgvector 0.8 or later")
			packages+=(postgresql)
		elif ! pgvector_found "$bin"; then
			need_pgvector=1
			missing+=("pgvector 0.8 or later for PostgreSQL $major")
		fi
	fi
	if ! node_ok && { [ "$want" = test ] || ! deploy/web.sh fresh; }; then
		need_node=1 missing+=("Node 20.19 or later with npm")
		{ have node && have npm; } || packages+=(nodejs npm)
	fi
	if [ "$want" = test ] && [ -z "${USHER_SKIP_BROWSER:-}" ] && ! chromium_found; then
		need_chromium=1 missing+=(Chromium)
	fi
fi
if [ ${#missing[@]} = 0 ]; then
	if [ "$want" = make ] || at_least "$wanted_go" "$(go_version)"; then exit 0; fi
	# The first call fetches the toolchain; say so, because it takes a while.
	if ! GOTOOLCHAIN=${GOTOOLCHAIN:-auto} go version >/dev/null 2>&1; then
		fail "Go $(go_version) is installed, the project needs $wanted_go, and fetching that failed:" \
			"check the network to the Go module proxy (go env GOPROXY), unset GOTOOLCHAIN, or install Go $wanted_go yourself"
	fi
	exit 0
fi
list=$(printf ', %s' "${missing[@]}")
say "missing: ${list:2}"

# ---- Package managers --------------------------------------------------------

if [ "$(uname)" = Darwin ]; then
	have brew || fail "install Homebrew (brew.sh) and run again, or install these yourself; with DATABASE_URL set no PostgreSQL is needed"
	formulas=()
	[ -z "$need_go" ] || formulas+=(go)
	[ -z "$need_postgres" ] || formulas+=(postgresql@17)
	[ -z "$need_pgvector" ] || formulas+=(pgvector)
	[ -z "$need_node" ] || formulas+=(node)
	if [ ${#formulas[@]} != 0 ]; then
		say "installing ${formulas[*]}"
		brew install --quiet "${formulas[@]}" >&2 || fail "brew install ${formulas[*]} failed: see the lines above"
	fi
	if [ -n "$need_chromium" ]; then
		say "installing Chromium"
		brew install --quiet --cask chromium >&2 || fail "brew install --cask chromium failed: see the lines above, or set CHROMIUM to a Chromium or Chrome of your own"
	fi
	exit 0
fi

have apt-get || fail "this is neither Debian, Ubuntu nor macOS with Homebrew: install these yourself and run again;" \
	"with DATABASE_URL set to a server that has pgvector, no PostgreSQL is needed here"

as_root=()
if [ "$(id -u)" != 0 ]; then
	as_root=(sudo env DEBIAN_FRONTEND=noninteractive)
	[ -t 0 ] || as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
fi
root() { ${as_root[@]+"${as_root[@]}"} "$@"; }
need_root() {
	[ "$(id -u)" = 0 ] && return
	local why
	if ! have sudo; then
		why="you are not root and sudo is not installed"
	elif ! root true 2>/dev/null; then
		why="you are not root and sudo does not let you"
	else
		return 0
	fi
	fail "installing packages needs root, and $why." \
		"Run 'deploy/setup.sh $want' once as root, then continue as yourself." \
		"With DATABASE_URL set to a server that has pgvector, no PostgreSQL is needed here; with USHER_SKIP_BROWSER=1 no Chromium."
}

updated=
update() {
	[ -z "$updated" ] || return 0
	need_root
	say "reading the package lists"
	root apt-get update -qq >/dev/null || fail "apt-get update failed: see the lines above; check the network and the sources in /etc/apt"
	updated=1
}
install() {
	update
	say "installing $*"
	local log
	log=$(mktemp)
	temporary+=("$log")
	root apt-get install -y -q --no-install-recommends "$@" </dev/null >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		fail "apt-get install $* failed: see the lines above"
	}
}
candidate() { apt-cache policy "$1" 2>/dev/null | sed -nE 's/^ +Candidate: ([0-9]+:)?([0-9].*)/\2/p'; }

# ---- Packages ------------------------------------------------------------------

if [ -n "$need_chromium" ]; then
	update
	if [ -n "$(candidate chromium)" ]; then packages+=(chromium); else packages+=(chromium-browser); fi
	packages+=(fonts-liberation)
fi
# What is fetched over TLS afterwards needs certificates.
if [ ${#packages[@]} != 0 ] && [ "$want" != make ] && [ ! -e /etc/ssl/certs/ca-certificates.crt ] && [ -z "${SSL_CERT_FILE:-}" ]; then
	packages+=(ca-certificates)
fi
if [ -n "$need_postgres" ]; then
	# Installing the server would create a cluster "main" and start it; ours is
	# private. postgresql-common comes first, because it owns this setting's folder.
	install postgresql-common
	no_cluster=/etc/postgresql-common/createcluster.d/usher-setup.conf
	root mkdir -p "${no_cluster%/*}"
	echo 'create_main_cluster = false' | root tee "$no_cluster" >/dev/null
	trap 'root rm -f "$no_cluster"; tidy' EXIT
fi
[ ${#packages[@]} = 0 ] || install "${packages[@]}"
if [ -n "$need_postgres" ]; then
	root rm -f "$no_cluster"
	trap tidy EXIT
	read -r bin major <<<"$(postgres_found)"
	[ -n "${bin:-}" ] || fail "the packaged PostgreSQL is older than 15:" \
		"add a newer package source, or set DATABASE_URL to a server of 15 or later with pgvector 0.8 or later"
fi
if [ -n "$need_chromium" ]; then
	{ chromium_found && { chromium --version || chromium-browser --version || google-chrome --version; } >/dev/null 2>&1; } ||
		fail "the packaged Chromium does not run here (a snap in a container?):" \
			"set CHROMIUM to a Chromium or Chrome, or USHER_SKIP_BROWSER=1 to leave the browser journeys out"
fi

# ---- pgvector --------------------------------------------------------------------

# Debian 12 has PostgreSQL 15 and no pgvector, Ubuntu 24.04 an older pgvector.
# The source package of a later release builds in seconds; apt checks its
# signature. The site is the one this machine's own packages come from. The
# server's headers are unpacked, not installed: their package drags in a compiler
# suite that is not needed without JIT bitcode.
build_pgvector() {
	local id codename suites suite site keyring work pgxs options includes=()
	id=$(. /etc/os-release && echo "$ID") codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	case $id in
	ubuntu) suites="resolute questing plucky" keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
	*) suites="trixie forky sid" keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
	esac
	site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Release: $codename" 'Component: main' 2>/dev/null | head -n 1)
	[ -n "$site" ] || site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
	[ -n "$site" ] || fail "pgvector has to be built, but apt names no site to fetch its source from:" \
		"install pgvector 0.8 or later for PostgreSQL $major yourself, or set DATABASE_URL to a server that has it"
	have gcc && have make && [ -e /usr/include/stdlib.h ] || install gcc libc6-dev make
	work=$(mktemp -d)
	temporary+=("$work")
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/headers"
	[ -e "$keyring" ] || keyring=
	options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$work/state"
		-o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1)
	say "building pgvector for PostgreSQL $major from its source package"
	set +e
	(
		set -e
		cd "$work"
		for suite in $suites; do
			echo "deb-src ${keyring:+[signed-by=$keyring]} $site $suite main" >sources.list
			apt-get "${options[@]}" -o APT::Update::Error-Mode=any update -q && apt-get "${options[@]}" source -q --download-only pgvector && break
		done
		mkdir source && tar -xzf pgvector_*.orig.tar.gz -C source --strip-components=1
		pgxs=$("$bin/pg_config" --pgxs)
		if [ ! -e "$("$bin/pg_config" --includedir-server)/postgres.h" ]; then
			apt-get -o APT::Sandbox::User="$(id -un)" download "postgresql-server-dev-$major"
			dpkg-deb -x postgresql-server-dev-*.deb headers
			[ -e "$pgxs" ] || pgxs=$work/headers$pgxs
			includes=(includedir_server="$work/headers$("$bin/pg_config" --includedir-server)")
		fi
		make -s -C source -j2 PG_CONFIG="$bin/pg_config" PGXS="$pgxs" ${includes[@]+"${includes[@]}"} OPTFLAGS= with_llvm=no
		root make -s -C source PG_CONFIG="$bin/pg_config" PGXS="$pgxs" ${includes[@]+"${includes[@]}"} OPTFLAGS= with_llvm=no install
		root chown -R "$(id -u)" "$work" # with headers unpacked, it installed some there
	) >"$work/log" 2>&1
	set -e # what counts is whether it is there now
	pgvector_found "$bin" || {
		tail -n 20 "$work/log" >&2
		fail "building pgvector for PostgreSQL $major failed: see the lines above;" \
			"install pgvector 0.8 or later yourself, or set DATABASE_URL to a server that has it"
	}
}
if [ -n "$need_pgvector" ]; then
	update
	need_root
	packaged=$(candidate "postgresql-$major-pgvector")
	if [ -n "$packaged" ] && at_least 0.8 "$packaged"; then
		install "postgresql-$major-pgvector"
		pgvector_found "$bin" || fail "the package postgresql-$major-pgvector is installed, but $bin/pg_config does not find its extension: check which PostgreSQL that is"
	else
		build_pgvector
	fi
fi

# ---- Go ----------------------------------------------------------------------------

if [ -n "$need_go" ]; then
	if ! at_least 1.21 "$(go_version)"; then
		# The packaged Go is from before Go fetched its own releases, but they are
		# modules, and it can fetch those and check their sums.
		machine=$(cd / && go env GOOS)-$(cd / && go env GOARCH)
		say "fetching Go $wanted_go (the packaged one is $(go_version))"
		release=$(cd / && GO111MODULE=on GOFLAGS=-mod=mod go mod download -json "golang.org/toolchain@v0.0.1-go$wanted_go.$machine" |
			sed -nE 's/.*"Dir": "(.*)",?/\1/p') || true
		[ -n "$release" ] && [ -f "$release/bin/go" ] ||
			fail "fetching Go $wanted_go failed: check the network to the Go module proxy (go env GOPROXY), or install Go $wanted_go yourself (go.dev/dl)"
		chmod 755 "$release"/bin/* "$release"/pkg/tool/*/* # modules carry no modes
		mkdir -p "$tools/bin"
		ln -sf "$release/bin/go" "$release/bin/gofmt" "$tools/bin/"
		hash -r
	fi
	go_ok || fail "Go $(go_version) is too old: install Go $wanted_go (go.dev/dl) and run again"
	at_least "$wanted_go" "$(go_version)" || GOTOOLCHAIN=${GOTOOLCHAIN:-auto} go version >/dev/null ||
		fail "fetching Go $wanted_go failed: see the line above; check the network to the Go module proxy (go env GOPROXY)"
fi

# ---- Node --------------------------------------------------------------------------

if [ -n "$need_node" ] && ! node_ok; then
	say "fetching Node 22 (the packaged one is $(node --version))"
	mkdir -p "$tools/node" "$tools/bin"
	log=$(mktemp)
	temporary+=("$log")
	npm install --no-save --no-package-lock --no-audit --no-fund --prefix "$tools/node" node@22 npm@10 </dev/null >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		fail "fetching Node 22 failed: see the lines above; check the network to the npm registry, or install Node 20.19 or later yourself"
	}
	for program in node npm npx; do ln -sf "../node/node_modules/.bin/$program" "$tools/bin/$program"; done
	hash -r
	node_ok || fail "Node $(node --version) is too old and its replacement in $tools does not run: install Node 20.19 or later and run again"
fi
# What root fetched into somebody else's checkout is theirs.
if [ "$(id -u)" = 0 ] && [ -d "$tools" ]; then
	owner=$(stat -c %u:%g .)
	chown "$owner" .usher && chown -R "$owner" "$tools"
fi
say "done"
