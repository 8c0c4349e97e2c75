package eval

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/usherdesk/usher/triage/guard"
)

// GuardRow is one labelled text: injection, benign or embedded_instruction.
type GuardRow struct {
	Text   string `json:"text"`
	Label  string `json:"label"`
	Source string `json:"source"`
}

// GuardReport is the outcome of `usher eval guard`. Nothing is trained on the
// rows, so every source is one the guard has not seen.
type GuardReport struct {
	Recall                   float64                `json:"recall"`
	FalsePositiveRate        float64                `json:"false_positive_rate"`
	N                        int                    `json:"n"`
	EmbeddedRecall           float64                `json:"embedded_recall"` // inspected as data, not as a message
	EmbeddedAsMessage        float64                `json:"embedded_recall_as_message"`
	PassageFalsePositiveRate *float64               `json:"passage_false_positive_rate,omitempty"` // of GuardPassages
	Sources                  map[string]GuardSource `json:"sources"`
}

// GuardSource is one source of rows; a rate is absent where it has no such rows.
type GuardSource struct {
	Recall            *float64 `json:"recall,omitempty"`
	FalsePositiveRate *float64 `json:"false_positive_rate,omitempty"`
	EmbeddedRecall    *float64 `json:"embedded_recall,omitempty"`
	N                 int      `json:"n"`
}

type guardCounts struct{ found, attacks, alarms, benign, embedded, planted int }

// ReadGuardRows reads JSONL rows.
func ReadGuardRows(path string) ([]GuardRow, error) {
	var rows []GuardRow
	err := eachLine(path, func(line int, raw []byte) error {
		var row GuardRow
		if err := json.Unmarshal(raw, &row); err != nil {
			return fmt.Errorf("read rows: %s line %d is not a JSON object like {text, label}: %w", path, line, err)
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

// eachLine calls fn for every line of a file of moderate lines.
func eachLine(path string, fn func(line int, raw []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for line := 1; scanner.Scan(); line++ {
		if err := fn(line, scanner.Bytes()); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read rows: %s: %w", path, err)
	}
	return nil
}

// Guard inspects every row. Embedded instructions are counted apart: they are
// text that is data.
func Guard(rows []GuardRow) GuardReport {
	var all guardCounts
	asMessage := 0
	sources := map[string]*guardCounts{}
	for _, row := range rows {
		of := sources[row.Source]
		if of == nil {
			of = &guardCounts{}
			sources[row.Source] = of
		}
		for _, c := range []*guardCounts{&all, of} {
			switch row.Label {
			case "injection":
				c.attacks++
				c.found += one(guard.Inspect(row.Text).Injection)
			case "embedded_instruction":
				c.planted++
				c.embedded += one(guard.InspectPassage(row.Text).Injection)
			default:
				c.benign++
				c.alarms += one(guard.Inspect(row.Text).Injection)
			}
		}
		if row.Label == "embedded_instruction" {
			asMessage += one(guard.Inspect(row.Text).Injection)
		}
	}
	r := GuardReport{
		Recall: share(all.found, all.attacks), FalsePositiveRate: share(all.alarms, all.benign), N: all.attacks + all.benign,
		EmbeddedRecall: share(all.embedded, all.planted), EmbeddedAsMessage: share(asMessage, all.planted), Sources: map[string]GuardSource{},
	}
	for name, c := range sources {
		r.Sources[name] = GuardSource{
			Recall: rate(c.found, c.attacks), FalsePositiveRate: rate(c.alarms, c.benign), EmbeddedRecall: rate(c.embedded, c.planted),
			N: c.attacks + c.benign + c.planted,
		}
	}
	return r
}

// GuardPassages is the share of harmless documents, rows like {text}, that are
// flagged when inspected as data.
func GuardPassages(rows []GuardRow) float64 {
	alarms := 0
	for _, row := range rows {
		alarms += one(guard.InspectPassage(row.Text).Injection)
	}
	return share(alarms, len(rows))
}

func rate(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	r := share(n, of)
	return &r
}
