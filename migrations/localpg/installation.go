package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The oldest versions the schema works on.
const (
	MinPostgres      = 15
	MinPgvectorMinor = 8 // 0.8
)

// What is missing, for callers that branch on it (tests skip, doctor explains).
var (
	ErrNoPostgres = errors.New("PostgreSQL is not installed")
	ErrNoPgvector = errors.New("pgvector is not installed")
)

// Installation is one installed PostgreSQL server.
type Installation struct {
	Bin      string // folder of its programs
	Major    int    // 15
	Pgvector string // version of the extension it would create, "" when absent
}

// Places where server programs are installed: Debian and Ubuntu, Red Hat,
// Homebrew on either processor, Postgres.app, PostgreSQL's own default.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin",
}

// Find returns the PostgreSQL a new cluster would be made with: the newest that
// has pgvector. It fails with ErrNoPostgres or ErrNoPgvector.
func Find(ctx context.Context) (Installation, error) { return find(installations(ctx, "")) }

func find(all []Installation) (Installation, error) {
	if len(all) == 0 {
		return Installation{}, fmt.Errorf("%w: version %d or later is needed; run `make setup`, or set DATABASE_URL to a server of your own", ErrNoPostgres, MinPostgres)
	}
	for _, installed := range all {
		if installed.hasPgvector() {
			return installed, nil
		}
	}
	return Installation{}, fmt.Errorf("%w for PostgreSQL %d: version 0.%d or later is needed; run `make setup`, which installs or builds it, or set DATABASE_URL to a server that has it",
		ErrNoPgvector, all[0].Major, MinPgvectorMinor)
}

// installations lists what is installed, newest first; with bin only that.
func installations(ctx context.Context, bin string) (all []Installation) {
	var folders []string
	if bin != "" {
		folders = []string{bin}
	} else {
		for _, pattern := range places {
			found, _ := filepath.Glob(pattern) // the patterns are well-formed
			folders = append(folders, found...)
		}
		if path, err := exec.LookPath("pg_ctl"); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil {
				folders = append(folders, filepath.Dir(path))
			}
		}
	}
	for _, folder := range folders {
		if installed, ok := inspect(ctx, folder); ok {
			all = append(all, installed)
		}
	}
	slices.SortStableFunc(all, func(a, b Installation) int { return cmp.Compare(b.Major, a.Major) })
	return all
}

var (
	versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)
	defaultPattern = regexp.MustCompile(`(?m)^default_version\s*=\s*'([^']+)'`)
)

// inspect reports the server installed in a folder, if it is new enough.
func inspect(ctx context.Context, bin string) (Installation, bool) {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return Installation{}, false // a client-only installation
	}
	version, err := ask(ctx, filepath.Join(bin, "postgres"), "--version")
	if err != nil {
		return Installation{}, false
	}
	match := versionPattern.FindStringSubmatch(version)
	if match == nil {
		return Installation{}, false
	}
	major, err := strconv.Atoi(match[1])
	if err != nil || major < MinPostgres {
		return Installation{}, false
	}
	installed := Installation{Bin: bin, Major: major}
	share, err := ask(ctx, filepath.Join(bin, "pg_config"), "--sharedir")
	if err != nil {
		return installed, true
	}
	control, err := os.ReadFile(filepath.Join(share, "extension", "vector.control"))
	if err != nil {
		return installed, true
	}
	if match := defaultPattern.FindSubmatch(control); match != nil {
		installed.Pgvector = string(match[1])
	}
	return installed, true
}

// ask runs a program that answers at once and returns what it prints. It has a
// deadline of its own: cut short by a caller's, a program would look missing.
func ask(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, program, args...).Output()
	return strings.TrimSpace(string(output)), err
}

func (i Installation) hasPgvector() bool { return newEnough(i.Pgvector) }

// newEnough compares a pgvector version ("0.8.0") with the oldest that works.
func newEnough(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 0 || minor >= MinPgvectorMinor
}
