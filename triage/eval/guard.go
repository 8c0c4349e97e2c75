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
	Text  string `json:"text"`
	Label string `json:"label"`
}

// GuardReport is the outcome of `usher eval guard`.
type GuardReport struct {
	Recall            float64 `json:"recall"`
	FalsePositiveRate float64 `json:"false_positive_rate"`
	N                 int     `json:"n"`
	EmbeddedRecall    float64 `json:"embedded_recall"`
}

// ReadGuardRows reads JSONL rows.
func ReadGuardRows(path string) ([]GuardRow, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer file.Close()
	var rows []GuardRow
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for line := 1; scanner.Scan(); line++ {
		var row GuardRow
		if err := json.Unmarshal(scanner.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("read rows: %s line %d is not a JSON object like {text, label}: %w", path, line, err)
		}
		rows = append(rows, row)
	}
	return rows, scanner.Err()
}

// Guard inspects every row. Embedded instructions are counted apart.
func Guard(rows []GuardRow) GuardReport {
	var found, attacks, alarms, benign, embedded, planted int
	for _, row := range rows {
		flagged := one(guard.Inspect(row.Text).Injection)
		switch row.Label {
		case "injection":
			attacks++
			found += flagged
		case "embedded_instruction":
			planted++
			embedded += flagged
		default:
			benign++
			alarms += flagged
		}
	}
	return GuardReport{share(found, attacks), share(alarms, benign), attacks + benign, share(embedded, planted)}
}
