package health_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/helpcentre"
	"github.com/usherdesk/usher/migrations/dbtest"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// shipped are the articles of the shipped help centre.
func shipped(t testing.TB) (out []health.Article) {
	t.Helper()
	err := fs.WalkDir(helpcentre.Files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(helpcentre.Files, file)
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(raw), "---\n")
		front, body, found := strings.Cut(rest, "---\n")
		require.True(t, found, file)
		var meta struct {
			Title, Slug, Audience, Tenant string
		}
		require.NoError(t, yaml.Unmarshal([]byte(front), &meta), file)
		a := health.Article{
			ID: uuid.NewSHA1(uuid.Nil, []byte(file)), Slug: meta.Slug, Locale: "en", Title: meta.Title, Body: body, Level: knowledge.Level(meta.Audience),
			External: file, PublishedAt: now.AddDate(0, -1, 0), ChangedAt: now.AddDate(0, -1, 0),
		}
		if meta.Tenant != "" {
			a.Space = knowledge.Of(uuid.NewSHA1(uuid.Nil, []byte(meta.Tenant)))
		}
		out = append(out, a)
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(out), 40)
	return out
}

// public are the articles of a real help centre.
func public(t testing.TB) (out []health.Article) {
	t.Helper()
	file, err := os.Open(dbtest.TestData(t, "data", "plausible_kb", "corpus.jsonl"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var row struct{ ID, Title, Text string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &row))
		out = append(out, health.Article{
			ID: uuid.NewSHA1(uuid.Nil, []byte(row.ID)), Slug: path.Base(row.ID), Locale: "en", Title: row.Title, Body: row.Text, Level: knowledge.Public,
			External: row.ID, PublishedAt: now.AddDate(0, -1, 0), ChangedAt: now.AddDate(0, -1, 0),
		})
	}
	require.NoError(t, lines.Err())
	return out
}

func describe(articles []health.Article, f health.Finding) string {
	title := func(id uuid.UUID) string {
		for _, a := range articles {
			if a.ID == id {
				return a.Slug
			}
		}
		return "-"
	}
	return fmt.Sprintf("%s/%s %s + %s\n    %q\n    %q\n    mine=%s theirs=%s term=%s share=%.2f", f.Kind, f.Cause, title(f.Article), title(f.Other), f.Detail.Quote, f.Detail.OtherQuote, f.Detail.Mine, f.Detail.Theirs, f.Detail.Term, f.Detail.Share)
}
