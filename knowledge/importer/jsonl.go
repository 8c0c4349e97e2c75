package importer

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/usherdesk/usher/knowledge"
)

// jsonlRow is one article of a JSONL corpus. Unknown fields are ignored.
type jsonlRow struct {
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	Text          string   `json:"text"`
	Description   string   `json:"description"`
	Slug          string   `json:"slug"`
	Locale        string   `json:"locale"`
	Audience      string   `json:"audience"`
	Departments   []string `json:"departments"`
	Roles         []string `json:"roles"`
	Plans         []string `json:"plans"`
	Locales       []string `json:"locales"`
	Tags          []string `json:"tags"`
	Contexts      []string `json:"contexts"`
	Product       string   `json:"product"`
	Entity        string   `json:"entity"`
	VerifiedUntil string   `json:"verified_until"`
}

// maxLine bounds one row of a JSONL file.
const maxLine = 4 << 20

// ReadJSONL reads a corpus: one object a line with id, title and text, and
// optionally description, slug, locale, audience, departments, roles, plans,
// locales, tags, contexts, product (or entity) and verified_until.
func ReadJSONL(path string, audience knowledge.Level) ([]knowledge.Item, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read corpus: %w", err)
	}
	defer file.Close()
	var items []knowledge.Item
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		item, err := parseRow(lines.Bytes(), audience)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, n, err)
		}
		items = append(items, item)
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read corpus %s: %w", path, err)
	}
	return items, nil
}

func parseRow(line []byte, audience knowledge.Level) (knowledge.Item, error) {
	var row jsonlRow
	if err := json.Unmarshal(line, &row); err != nil {
		return knowledge.Item{}, err
	}
	if row.ID == "" {
		return knowledge.Item{}, errors.New("the row has no id")
	}
	until, err := parseDate(row.VerifiedUntil)
	if err != nil {
		return knowledge.Item{}, err
	}
	return knowledge.Item{
		ExternalID: row.ID, Slug: row.Slug, Locale: row.Locale, VerifiedUntil: until,
		Content: knowledge.Content{
			Title: cmp.Or(strings.TrimSpace(row.Title), firstWords(row.Text, 12), row.ID), Description: row.Description, Body: row.Text,
			Product: cmp.Or(row.Product, row.Entity), Tags: row.Tags, Contexts: row.Contexts,
			Audience: knowledge.Audience{
				Level: knowledge.Level(cmp.Or(row.Audience, string(audience))), Departments: row.Departments,
				Roles: row.Roles, Plans: row.Plans, Locales: row.Locales,
			},
		},
	}, nil
}

// firstWords stands in for a missing title.
func firstWords(text string, n int) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	words := strings.Fields(line)
	return strings.Join(words[:min(len(words), n)], " ")
}

func parseDate(text string) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2026-01-31", text)
}
