package eval

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/usherdesk/usher/knowledge/search"
)

// Question is one labelled question.
type Question struct {
	ID      string
	Text    string
	History []search.Turn
	// Relevant maps document ids to gains above zero.
	Relevant map[string]float64
}

// questionRow is a row of queries or tasks in any of the formats read.
type questionRow struct {
	ID        string          `json:"id"`
	Text      string          `json:"text"`
	History   [][]string      `json:"history"`
	Turns     [][]string      `json:"turns"`
	Relevant  []string        `json:"relevant"`
	Knowledge json.RawMessage `json:"knowledge"`
}

// readQuestions reads queries with their qrels, or tasks (qrels empty). Rows
// without any relevant document are left out: ranking cannot be judged on them.
func readQuestions(path, qrels string) ([]Question, error) {
	judged, err := readQrels(qrels)
	if err != nil {
		return nil, err
	}
	var out []Question
	err = eachLine(path, func(line []byte) error {
		var row questionRow
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		q := row.question()
		if judged != nil {
			q.Relevant = judged[q.ID]
		}
		if q.Text == "" || q.ID == "" {
			return errors.New("a question needs id and text (or turns)")
		}
		if len(q.Relevant) > 0 {
			out = append(out, q)
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: no question has a relevant document", path)
	}
	return out, err
}

func (r questionRow) question() Question {
	q := Question{ID: r.ID, Text: r.Text, Relevant: make(map[string]float64)}
	turns := r.History
	if q.Text == "" && len(r.Turns) > 0 {
		last := r.Turns[len(r.Turns)-1]
		turns, q.Text = r.Turns[:len(r.Turns)-1], last[len(last)-1]
	}
	for _, turn := range turns {
		if len(turn) == 2 {
			speaker := strings.ToLower(turn[0])
			q.History = append(q.History, search.Turn{
				Customer: strings.HasPrefix(speaker, "u") || strings.HasPrefix(speaker, "c"), Text: turn[1],
			})
		}
	}
	var known []string
	_ = json.Unmarshal(r.Knowledge, &known) // absent, or another shape: no labels
	for _, id := range append(r.Relevant, known...) {
		q.Relevant[id] = 1
	}
	return q
}

func readQrels(path string) (map[string]map[string]float64, error) {
	if path == "" {
		return nil, nil
	}
	out := make(map[string]map[string]float64)
	err := eachLine(path, func(line []byte) error {
		var row struct {
			Query, Doc string
			Score      *float64
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		gain := 1.0
		if row.Score != nil {
			gain = *row.Score
		}
		if gain > 0 {
			if out[row.Query] == nil {
				out[row.Query] = make(map[string]float64)
			}
			out[row.Query][row.Doc] = gain
		}
		return nil
	})
	return out, err
}

func eachLine(path string, fn func(line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	for n := 1; ; n++ {
		line, err := reader.ReadBytes('\n')
		if strings.TrimSpace(string(line)) != "" {
			if fnErr := fn(line); fnErr != nil {
				return fmt.Errorf("%s line %d: %w", path, n, fnErr)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s line %d: %w", path, n, err)
		}
	}
}
