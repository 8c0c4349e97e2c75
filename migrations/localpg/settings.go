package localpg

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// settings are what postgres.json keeps, readable by its owner only.
type settings struct {
	Data          string `json:"data"` // relative to the folder where it lies inside, so that a moved checkout keeps working
	Port          int    `json:"port"`
	AdminPassword string `json:"admin_password"`
	OwnerPassword string `json:"owner_password"`
}

const (
	inside  = "postgres"       // the data folder's name inside the folder
	outside = "/var/lib/usher" // where it lies when PostgreSQL's user cannot reach the folder
	marker  = "usher.folder"   // in the data folder, once it is complete: the folder it belongs to
)

// outsideData is the data folder of a folder PostgreSQL's user cannot reach.
func outsideData(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(outside, hex.EncodeToString(sum[:6]))
}

// load reads the settings; both results are zero where there is no cluster yet.
func (s *Server) load() error {
	s.settings, s.data = settings{}, ""
	body, err := os.ReadFile(s.file("postgres.json"))
	if errors.Is(err, os.ErrNotExist) {
		return s.orphan(filepath.Join(s.dir, inside))
	}
	if err != nil {
		return fmt.Errorf("private PostgreSQL: read its settings: %w", explain(err))
	}
	var kept settings
	if err := json.Unmarshal(body, &kept); err != nil || kept.Data == "" || kept.AdminPassword == "" || kept.OwnerPassword == "" {
		return fmt.Errorf("private PostgreSQL: %s is damaged: restore it, or run `make db/reset` to start afresh without the data", s.file("postgres.json"))
	}
	data := kept.Data
	if !filepath.IsAbs(data) {
		data = filepath.Join(s.dir, data)
	}
	belongs, err := os.ReadFile(filepath.Join(data, marker))
	if errors.Is(err, os.ErrNotExist) {
		return nil // the data was removed, or never finished: start afresh
	}
	if err != nil {
		return fmt.Errorf("private PostgreSQL: look into its data folder: %w", explain(err))
	}
	if filepath.IsAbs(kept.Data) && string(belongs) != s.dir {
		// The folder was copied or moved, its data lies elsewhere. A copy must not
		// use the original's database; a moved one keeps its own.
		if _, err := os.Stat(filepath.Join(string(belongs), "postgres.json")); err == nil {
			return nil
		}
		if err := os.WriteFile(filepath.Join(data, marker), []byte(s.dir), 0o600); err != nil {
			return fmt.Errorf("private PostgreSQL: adopt the data of the moved folder: %w", explain(err))
		}
	}
	s.settings, s.data = kept, data
	return nil
}

// orphan refuses to overwrite a complete database whose settings are gone.
func (s *Server) orphan(data string) error {
	if _, err := os.Stat(filepath.Join(data, marker)); err == nil {
		return fmt.Errorf("private PostgreSQL: %s holds a database, but its passwords in %s are gone: restore that file, or run `make db/reset` to start afresh without the data",
			data, s.file("postgres.json"))
	}
	return nil
}

// save writes the settings whole or not at all.
func (s *Server) save() error {
	body, err := json.MarshalIndent(s.settings, "", "  ")
	if err == nil {
		next := s.file("postgres.json.new")
		if err = os.WriteFile(next, append(body, '\n'), 0o600); err == nil {
			err = os.Rename(next, s.file("postgres.json"))
		}
	}
	if err != nil {
		return fmt.Errorf("private PostgreSQL: keep its settings: %w", explain(err))
	}
	return nil
}

// secret is a random password that needs no quoting anywhere.
func secret() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
