package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// Role and database the product uses on the private server.
const (
	OwnerRole = "usher_owner"
	Database  = "usher"

	superuser = "postgres" // role and maintenance database
)

// Config says where the cluster lives. The zero value is ".usher" with the
// newest installed PostgreSQL that has pgvector.
type Config struct {
	Dir  string // the checkout's folder of generated things
	Bin  string // folder of PostgreSQL's programs, where they are not found by themselves
	Fast bool   // trade durability for speed: for test data only
}

// Server is a private PostgreSQL in use by this process.
type Server struct {
	StartedHere bool // Start found it stopped and started it

	dir      string // absolute
	data     string // absolute; "" while there is no cluster
	bin      string
	account  account
	settings settings
	users    *os.File // locked, shared, while in use
}

// Start makes sure the private server runs and holds the product's database: it
// creates the cluster on first use and reuses a running one. Call Stop at the
// end. It fails with ErrNoPostgres or ErrNoPgvector where those are missing.
func Start(ctx context.Context, config Config) (*Server, error) {
	s, unlock, err := open(ctx, config)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if s.data == "" {
		if err := s.create(ctx, config.Fast); err != nil {
			return nil, err
		}
	}
	running, err := s.running(ctx)
	if err != nil {
		return nil, err
	}
	if !running {
		if err := s.start(ctx); err != nil {
			return nil, err
		}
		s.StartedHere = true
	}
	if s.users, err = joinUsers(s.file("postgres.users")); err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		if s.StartedHere {
			err = errors.Join(err, s.stop(ctx))
		}
		s.leave()
		return nil, err
	}
	return s, nil
}

// open locks the folder and reads what is there.
func open(ctx context.Context, config Config) (s *Server, unlock func(), err error) {
	if s, unlock, err = lock(ctx, config); err != nil {
		return nil, nil, err
	}
	if err = s.load(); err == nil {
		err = s.choose(ctx, config.Bin)
	}
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return s, unlock, nil
}

// lock makes the folder if need be and locks it.
func lock(ctx context.Context, config Config) (s *Server, unlock func(), err error) {
	dir, err := filepath.Abs(cmp.Or(config.Dir, ".usher"))
	if err != nil {
		return nil, nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("private PostgreSQL: make its folder: %w", explain(err))
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, nil, fmt.Errorf("private PostgreSQL: %w", explain(err))
	}
	s = &Server{dir: dir}
	if s.account, err = serverAccount(); err != nil {
		return nil, nil, err
	}
	unlock, err = lockFolder(ctx, s.file("postgres.lock"))
	return s, unlock, err
}

// OwnerURL is the address of the product's database as its owner.
func (s *Server) OwnerURL() string { return s.owner(Database) }

// SuperuserURL is the address of the maintenance database as the superuser.
func (s *Server) SuperuserURL() string { return s.admin(superuser) }

func (s *Server) owner(database string) string {
	return s.url(s.settings.Port, OwnerRole, s.settings.OwnerPassword, database)
}

func (s *Server) admin(database string) string {
	return s.url(s.settings.Port, superuser, s.settings.AdminPassword, database)
}

func (s *Server) url(port int, user, password, database string) string {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Stop ends this process's use of the server, and the server itself when no
// other process uses it. It stops even when ctx is done.
func (s *Server) Stop(ctx context.Context) error {
	if s.users == nil {
		return nil
	}
	defer s.leave()
	unlock, err := lockFolder(context.WithoutCancel(ctx), s.file("postgres.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if !lastUser(s.users) {
		return nil
	}
	return s.stop(ctx)
}

func (s *Server) leave() {
	if s.users != nil {
		_ = s.users.Close()
		s.users = nil
	}
}

// Remove deletes the folder's cluster with all its data; there may be none. It
// refuses while another process uses it.
func Remove(ctx context.Context, config Config) error {
	s, unlock, err := lock(ctx, config)
	if err != nil {
		return err
	}
	defer unlock()
	if s.users, err = joinUsers(s.file("postgres.users")); err != nil {
		return err
	}
	defer s.leave()
	if !lastUser(s.users) {
		return errors.New("remove private PostgreSQL: another process is using it: stop that first")
	}
	// Damaged settings are one reason to remove it, so they are no reason not to.
	if s.load() == nil && s.data != "" && s.choose(ctx, config.Bin) == nil {
		if err := s.stop(ctx); err != nil {
			return err
		}
	}
	for _, data := range []string{s.data, filepath.Join(s.dir, inside), outsideData(s.dir)} {
		if data == "" {
			continue
		}
		if claim, err := readPidfile(data); err == nil && claim.alive(ctx, data) {
			return fmt.Errorf("remove private PostgreSQL: process %d still runs on %s: end it and run again", claim.pid, data)
		}
		if err := os.RemoveAll(data); err != nil {
			return fmt.Errorf("remove private PostgreSQL: %w", explain(err))
		}
	}
	if err := os.Remove(s.file("postgres.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove private PostgreSQL: %w", explain(err))
	}
	return nil
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }
