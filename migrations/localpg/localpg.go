// Package localpg runs a private PostgreSQL for one checkout.
//
// The cluster lives under the checkout's own folder, listens on a free port of
// 127.0.0.1 with generated passwords, and is started, reused and stopped with
// PostgreSQL's own pg_ctl. It never touches another cluster. PostgreSQL refuses
// to run as root, so a root process starts it as an unprivileged user; where
// that user cannot reach the folder, the data lies under /var/lib/usher instead
// and the folder's postgres.json says where.
package localpg

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Role and database the product uses on the private server.
const (
	OwnerRole = "usher_owner"
	Database  = "usher"
)

// Config says where the cluster lives. Fast trades durability for speed and is
// for test data only.
type Config struct {
	Dir  string // the checkout's folder of generated things, e.g. ".usher"
	Fast bool
}

// Server is a running private PostgreSQL.
type Server struct {
	StartedHere bool // this process started it, and should stop it
	state       state
	tools       tools
	path        string
}

// state is what postgres.json keeps, readable by its owner only.
type state struct {
	Data          string `json:"data"`
	Port          int    `json:"port"`
	AdminPassword string `json:"admin_password"`
	OwnerPassword string `json:"owner_password"`
}

// Start makes sure the private server runs and holds the product's database:
// it creates the cluster on first use and reuses a running one.
func Start(ctx context.Context, config Config) (*Server, error) {
	dir, err := filepath.Abs(cmp.Or(config.Dir, ".usher"))
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("private PostgreSQL: make %s: %w", config.Dir, err)
	}
	found, err := findTools()
	if err != nil {
		return nil, err
	}
	release, err := lockFolder(ctx, filepath.Join(dir, "postgres.lock"))
	if err != nil {
		return nil, err
	}
	defer release()

	s := &Server{tools: found, path: filepath.Join(dir, "postgres.json")}
	if err := s.load(); err != nil {
		return nil, err
	}
	if s.state.Data == "" {
		if err := s.create(ctx, dir, config.Fast); err != nil {
			return nil, err
		}
	}
	if !s.running(ctx) {
		if err := s.start(ctx); err != nil {
			return nil, err
		}
		s.StartedHere = true
	}
	if err := s.prepare(ctx); err != nil {
		if s.StartedHere {
			_ = s.Stop(context.WithoutCancel(ctx))
		}
		return nil, err
	}
	return s, nil
}

// OwnerURL is the address of the product's database as its owner.
func (s *Server) OwnerURL() string { return s.url(OwnerRole, s.state.OwnerPassword, Database) }

// SuperuserURL is the address of the maintenance database as the superuser.
func (s *Server) SuperuserURL() string { return s.url("postgres", s.state.AdminPassword, "postgres") }

func (s *Server) url(user, password, database string) string {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.state.Port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Stop ends the server; connections are closed, everything committed is kept.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("stopping the private PostgreSQL took over a minute"))
	defer cancel()
	if _, err := s.tools.run(ctx, "pg_ctl", "stop", "-D", s.state.Data, "-m", "fast", "-w", "-t", "50"); err != nil {
		return fmt.Errorf("stop private PostgreSQL: %w", err)
	}
	return nil
}

// CreateScratch makes an empty database with the extensions the schema needs,
// owned by OwnerRole. drop removes it with everything in it.
func (s *Server) CreateScratch(ctx context.Context) (address string, drop func(), err error) {
	var random [6]byte
	_, _ = rand.Read(random[:])
	name := "scratch_" + hex.EncodeToString(random[:])
	if err := s.createDatabase(ctx, name); err != nil {
		return "", nil, err
	}
	return s.url(OwnerRole, s.state.OwnerPassword, name), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if conn, err := pgx.Connect(ctx, s.SuperuserURL()); err == nil {
			defer conn.Close(ctx)
			_, _ = conn.Exec(ctx, "drop database if exists "+name+" with (force)")
		}
	}, nil
}

func (s *Server) load() error {
	body, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("private PostgreSQL: read its settings: %w", err)
	}
	if err := json.Unmarshal(body, &s.state); err != nil {
		return fmt.Errorf("private PostgreSQL: %s cannot be read; remove it together with the data folder to start afresh: %w", s.path, err)
	}
	if _, err := os.Stat(filepath.Join(s.state.Data, "PG_VERSION")); err != nil {
		s.state = state{} // the data was removed: start afresh
	}
	return nil
}

func (s *Server) save() error {
	body, err := json.MarshalIndent(s.state, "", "  ")
	if err == nil {
		err = os.WriteFile(s.path, append(body, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("private PostgreSQL: keep its settings: %w", err)
	}
	return nil
}

// create makes a new cluster with generated passwords.
func (s *Server) create(ctx context.Context, dir string, fast bool) error {
	data, err := s.tools.dataFolder(ctx, dir)
	if err != nil {
		return err
	}
	s.state = state{Data: data, AdminPassword: random(), OwnerPassword: random()}
	passwords, err := s.tools.secretFile(s.state.AdminPassword)
	if err != nil {
		return fmt.Errorf("private PostgreSQL: %w", err)
	}
	defer os.Remove(passwords)
	if _, err := s.tools.run(ctx, "initdb", "-D", data, "-U", "postgres", "--pwfile="+passwords,
		"--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"); err != nil {
		return fmt.Errorf("create the private PostgreSQL cluster: %w", err)
	}
	settings := "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\nshared_buffers = '256MB'\n" +
		"log_min_messages = warning\nlogging_collector = off\n"
	if fast {
		settings += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
	}
	file, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configure the private PostgreSQL: %w", err)
	}
	_, err = file.WriteString(settings)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("configure the private PostgreSQL: %w", err)
	}
	return s.save()
}

// running reports whether our server answers. A process that has just died can
// look alive to pg_ctl for a moment, and somebody else may have taken its port,
// so both are asked, for a few seconds.
func (s *Server) running(ctx context.Context) bool {
	for range 10 {
		if _, err := s.tools.run(ctx, "pg_ctl", "status", "-D", s.state.Data); err != nil {
			return false
		}
		if s.answers(ctx) {
			return true
		}
	}
	return false
}

func (s *Server) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.SuperuserURL())
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// start starts the cluster on its port, or on another when that is taken.
func (s *Server) start(ctx context.Context) error {
	var last error
	for range 3 {
		port, err := freePort(s.state.Port)
		if err != nil {
			return fmt.Errorf("private PostgreSQL: find a free port: %w", err)
		}
		s.state.Port = port
		if err := s.save(); err != nil {
			return err
		}
		log := filepath.Join(s.state.Data, "server.log")
		_, last = s.tools.run(ctx, "pg_ctl", "start", "-D", s.state.Data, "-l", log, "-w", "-t", "60", "-s", "-o", "-p "+strconv.Itoa(port))
		if last == nil {
			return nil
		}
		if ctx.Err() != nil {
			break
		}
		s.state.Port = 0
		last = fmt.Errorf("%w\n%s", last, tail(log))
	}
	return fmt.Errorf("start the private PostgreSQL: %w", last)
}

// prepare makes the owner role and the product's database where missing.
func (s *Server) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("the private PostgreSQL did not answer"))
	defer cancel()
	conn, err := pgx.Connect(ctx, s.SuperuserURL())
	if err != nil {
		return fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var haveRole, haveDatabase bool
	err = conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1), exists (select from pg_database where datname = $2)`,
		OwnerRole, Database).Scan(&haveRole, &haveDatabase)
	if err != nil {
		return fmt.Errorf("look into the private PostgreSQL: %w", err)
	}
	if !haveRole {
		// The password is hex, so it needs no quoting; roles take no parameters.
		if _, err := conn.Exec(ctx, fmt.Sprintf("create role %s login createrole password '%s'", OwnerRole, s.state.OwnerPassword)); err != nil {
			return fmt.Errorf("create role %s: %w", OwnerRole, err)
		}
	}
	if haveDatabase {
		return nil
	}
	return s.createDatabase(ctx, Database)
}

func (s *Server) createDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.SuperuserURL())
	if err != nil {
		return fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "create database "+name+" owner "+OwnerRole); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	inside, err := pgx.Connect(ctx, s.url("postgres", s.state.AdminPassword, name))
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", name, err)
	}
	defer inside.Close(context.WithoutCancel(ctx))
	if _, err := inside.Exec(ctx, "create extension if not exists vector; create extension if not exists btree_gin"); err != nil {
		_, _ = conn.Exec(ctx, "drop database if exists "+name+" with (force)")
		return fmt.Errorf("this PostgreSQL has no pgvector (version 0.8 or later): run `make setup`, which installs or builds it: %w", err)
	}
	return nil
}

func random() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// freePort is the wanted port when nothing listens on it, else any free one.
func freePort(wanted int) (int, error) {
	if wanted > 0 {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted))); err == nil {
			return wanted, listener.Close()
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// tail is the end of the server's log, for an error message.
func tail(path string) string {
	body, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
