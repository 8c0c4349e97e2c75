package classify

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// ErrBadRow is wrapped by errors about a line that is no labelled text.
var ErrBadRow = errors.New("classify: bad row")

// Row is one labelled text as evaluation files hold it, one JSON object a line.
type Row struct {
	ID         string   `json:"id"`
	Text       string   `json:"text"`
	Body       string   `json:"body"` // of a mail or issue; Text is its subject then
	Label      string   `json:"label"`
	Confidence *float64 `json:"confidence"` // how sure the people were who labelled it, 0 to 1
}

// Input is what a model reads of the row: subject, empty line, body.
func (r Row) Input() string {
	if strings.TrimSpace(r.Body) == "" {
		return r.Text
	}
	return r.Text + "\n\n" + r.Body
}

// maxRow bounds one line of an evaluation file.
const maxRow = 8 << 20

// ReadRows reads JSON lines. Empty lines are skipped; a line without text or
// label is an error naming its number.
func ReadRows(r io.Reader) ([]Row, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxRow)
	var rows []Row
	for n := 1; scanner.Scan(); n++ {
		if len(strings.TrimSpace(scanner.Text())) == 0 {
			continue
		}
		var row Row
		if err := json.Unmarshal(scanner.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrBadRow, n, err)
		}
		if row.Label == "" || strings.TrimSpace(row.Input()) == "" {
			return nil, fmt.Errorf("%w: line %d: text and label are needed", ErrBadRow, n)
		}
		rows = append(rows, row)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}

// ReadRowsFile reads the rows of a file.
func ReadRowsFile(path string) ([]Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer func() { _ = f.Close() }()
	rows, err := ReadRows(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

// EvalOptions steer an evaluation.
type EvalOptions struct {
	Shots    int    // examples per label drawn from train; 0 means all of them
	Seeds    int    // draws to average over with Shots; 0 means 5
	OOSLabel string // rows of this label belong to no class
	Workers  int
	Progress io.Writer // one line per step; nil for none
	// Predict classifies in the place of a model trained on the rows; nil: that.
	Predict func(ctx context.Context, text string) (Prediction, error)
}

// Report is the outcome of an evaluation, as `usher eval classify --json` prints it.
// With Shots every figure is the mean over the draws.
type Report struct {
	Accuracy float64 `json:"accuracy"` // out-of-scope rows count, right when recognised
	MacroF1  float64 `json:"macro_f1"`
	ECE      float64 `json:"ece"` // of the confidence in the label, over in-scope rows
	N        int     `json:"n"`
	TrainS   float64 `json:"train_s"`
	PerS     float64 `json:"per_s"` // classifications per second on one core
	// With an out-of-scope label, at the threshold chosen from training data:
	InScopeAccuracy *float64 `json:"in_scope_accuracy,omitempty"` // a known text taken for a stranger is wrong
	OOSRecall       *float64 `json:"oos_recall,omitempty"`
	OOSPrecision    *float64 `json:"oos_precision,omitempty"`
}

// Evaluate trains on one set of rows and measures on the other. Nothing of
// test is looked at before the model stands.
func Evaluate(ctx context.Context, train, test []Row, opt EvalOptions) (Report, error) {
	if len(train) == 0 || len(test) == 0 {
		return Report{}, fmt.Errorf("evaluate: %w", ErrNoLabels)
	}
	if opt.Shots <= 0 {
		return evaluateOnce(ctx, train, test, opt, 1)
	}
	seeds := cmp.Or(opt.Seeds, 5)
	var mean Report
	add := func(sum **float64, x *float64) {
		if x == nil {
			return
		}
		if *sum == nil {
			*sum = new(float64)
		}
		**sum += *x / float64(seeds)
	}
	for seed := range seeds {
		r, err := evaluateOnce(ctx, draw(train, opt.Shots, uint64(seed)), test, opt, int64(seed))
		if err != nil {
			return Report{}, err
		}
		k := float64(seeds)
		mean.Accuracy += r.Accuracy / k
		mean.MacroF1 += r.MacroF1 / k
		mean.ECE += r.ECE / k
		mean.TrainS += r.TrainS / k
		mean.PerS += r.PerS / k
		mean.N = r.N
		add(&mean.InScopeAccuracy, r.InScopeAccuracy)
		add(&mean.OOSRecall, r.OOSRecall)
		add(&mean.OOSPrecision, r.OOSPrecision)
	}
	return mean, nil
}

// draw takes up to n rows of every label, by the seed alone.
func draw(rows []Row, n int, seed uint64) []Row {
	rng := rand.New(rand.NewPCG(seed, 1))
	taken := map[string]int{}
	var out []Row
	for _, i := range rng.Perm(len(rows)) {
		if taken[rows[i].Label] < n {
			taken[rows[i].Label]++
			out = append(out, rows[i])
		}
	}
	return out
}

func evaluateOnce(ctx context.Context, train, test []Row, opt EvalOptions, seed int64) (Report, error) {
	if opt.Predict != nil {
		return predictAll(ctx, test, opt)
	}
	examples := make([]Example, len(train))
	for i, r := range train {
		examples[i] = Example{Text: r.Input(), Label: r.Label}
		if r.Confidence != nil && *r.Confidence > 0 {
			examples[i].Weight = *r.Confidence
		}
	}
	start := time.Now()
	m, err := Train(ctx, nil, examples, Options{Seed: seed, OOSLabel: opt.OOSLabel, Workers: opt.Workers})
	if err != nil {
		return Report{}, err
	}
	report := Report{N: len(test), TrainS: time.Since(start).Seconds()}
	opt.progress("trained on %d rows in %.1f s\n", len(train), report.TrainS)

	start = time.Now()
	predictions := make([]Prediction, len(test))
	for i, r := range test {
		predictions[i] = m.Predict(r.Input())
	}
	report.PerS = float64(len(test)) / time.Since(start).Seconds()
	report.score(predictions, test, opt.OOSLabel)
	opt.progress("accuracy %.4f, macro F1 %.4f over %d rows\n", report.Accuracy, report.MacroF1, report.N)
	return report, nil
}

// predictAll measures a classifier that learns nothing here.
func predictAll(ctx context.Context, test []Row, opt EvalOptions) (Report, error) {
	report := Report{N: len(test)}
	start := time.Now()
	predictions := make([]Prediction, len(test))
	for i, r := range test {
		var err error
		if predictions[i], err = opt.Predict(ctx, r.Input()); err != nil {
			return Report{}, fmt.Errorf("classify row %d: %w", i+1, err)
		}
	}
	report.PerS = float64(len(test)) / time.Since(start).Seconds()
	report.score(predictions, test, opt.OOSLabel)
	opt.progress("accuracy %.4f, macro F1 %.4f over %d rows\n", report.Accuracy, report.MacroF1, report.N)
	return report, nil
}

func (r *Report) score(predictions []Prediction, test []Row, oos string) {
	final := make([]Prediction, len(test))
	gold := make([]string, len(test))
	var known []Prediction
	var knownGold []string
	var inScope, right, strangers, caught, flagged float64
	for i, p := range predictions {
		gold[i], final[i] = test[i].Label, p
		if oos == "" {
			continue
		}
		if p.OutOfScope {
			final[i].Label = oos
			flagged++
		}
		if gold[i] == oos {
			strangers++
			if p.OutOfScope {
				caught++
			}
			continue
		}
		inScope++
		if final[i].Label == gold[i] {
			right++
		}
		known, knownGold = append(known, p), append(knownGold, gold[i])
	}
	q := Measure(final, gold)
	r.Accuracy, r.MacroF1, r.ECE = q.Accuracy, q.MacroF1, q.ECE
	if oos == "" {
		return
	}
	r.ECE = Measure(known, knownGold).ECE
	r.InScopeAccuracy, r.OOSRecall, r.OOSPrecision = ratio(right, inScope), ratio(caught, strangers), ratio(caught, flagged)
}

func ratio(part, whole float64) *float64 {
	x := 0.0
	if whole > 0 {
		x = part / whole
	}
	return &x
}

func (opt EvalOptions) progress(format string, args ...any) {
	if opt.Progress != nil {
		_, _ = fmt.Fprintf(opt.Progress, format, args...)
	}
}
