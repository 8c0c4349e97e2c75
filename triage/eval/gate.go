package eval

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/triage/answer"
	"github.com/usherdesk/usher/triage/assistant"
)

// Task is one labelled question with its conversation.
type Task struct {
	ID            string      `json:"id"`
	History       [][2]string `json:"history"` // speaker, text
	Text          string      `json:"text"`
	Answerability string      `json:"answerability"` // answerable, partial, unanswerable, conversational
	Relevant      []string    `json:"relevant"`
}

// GateReport is the outcome of `usher eval gate`.
type GateReport struct {
	AUROC             float64 `json:"auroc"`
	AnsweredRate      float64 `json:"answered_rate"`
	FalseAnswerRate   float64 `json:"false_answer_rate"`
	FalseRefusalRate  float64 `json:"false_refusal_rate"`
	CitationPrecision float64 `json:"citation_precision"`
	N                 int     `json:"n"`
	// The same questions with the passages that answer them taken away: the
	// larger sample of unanswerable ones.
	WithheldAUROC       float64 `json:"withheld_auroc"`
	WithheldFalseAnswer float64 `json:"withheld_false_answer_rate"`
}

// Sample is one judged question.
type Sample struct {
	Features   [answer.Dimensions]float64
	Answerable bool
	Score      float64
	Sent       bool
	Withheld   bool
	Weight     float64
	right      int // cited passages that are relevant
	cited      int
}

// ReadTasks reads JSONL tasks.
func ReadTasks(path string) ([]Task, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	defer file.Close()
	var tasks []Task
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for line := 1; scanner.Scan(); line++ {
		if len(scanner.Bytes()) == 0 {
			continue
		}
		var t Task
		if err := json.Unmarshal(scanner.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("read tasks: %s line %d is not a JSON object like {id, text, answerability, relevant}: %w", path, line, err)
		}
		tasks = append(tasks, t)
	}
	return tasks, scanner.Err()
}

// Samples judges every task, and every answerable one once more with the
// passages of its relevant documents taken away.
func Samples(ctx context.Context, searcher assistant.Searcher, documents map[uuid.UUID]string, tasks []Task, progress io.Writer) ([]Sample, error) {
	knowledge := assistant.FromKnowledge{Search: searcher}
	var samples []Sample
	for i, t := range tasks {
		if t.Answerability == "conversational" {
			continue
		}
		q := search.Query{Text: t.Text, Limit: 20}
		for _, turn := range t.History {
			q.History = append(q.History, search.Turn{Customer: turn[0] == "user" || turn[0] == "customer" || turn[0] == "U", Text: turn[1]})
		}
		result, err := searcher.Search(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", t.ID, err)
		}
		all := result.Passages
		result.Passages = all[:min(len(all), 8)]
		found, err := knowledge.Judge(ctx, q, result, "en")
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", t.ID, err)
		}
		s := sample(found, documents, t)
		s.Answerable = t.Answerability != "unanswerable"
		samples = append(samples, s)
		if s.Answerable && len(t.Relevant) > 0 {
			result.Passages = slices.DeleteFunc(slices.Clone(all), func(p search.Passage) bool { return slices.Contains(t.Relevant, documents[p.ArticleID]) })
			result.Passages = result.Passages[:min(len(result.Passages), 8)]
			if found, err = knowledge.Judge(ctx, q, result, "en"); err != nil {
				return nil, fmt.Errorf("task %s: %w", t.ID, err)
			}
			without := sample(found, documents, t)
			without.Withheld = true
			samples = append(samples, without)
		}
		if (i+1)%100 == 0 {
			fmt.Fprintf(progress, "%d of %d tasks\n", i+1, len(tasks))
		}
	}
	return samples, nil
}

func sample(f assistant.Found, documents map[uuid.UUID]string, t Task) Sample {
	s := Sample{Features: f.Verdict.Features.Vector(), Score: f.Verdict.Answerability, Sent: f.Verdict.Outcome == answer.Send, Weight: 1}
	for _, p := range f.Draft.Cited(f.Request.Passages) {
		s.cited++
		if slices.Contains(t.Relevant, documents[p.ArticleID]) {
			s.right++
		}
	}
	return s
}

// Report sums samples up.
func Report(samples []Sample) GateReport {
	var r GateReport
	var positives, negatives, withheld []float64
	sent, falseAnswers, falseWithheld, cited, right := 0, 0, 0, 0, 0
	for _, s := range samples {
		switch {
		case s.Withheld:
			withheld = append(withheld, s.Score)
			falseWithheld += one(s.Sent)
		case s.Answerable:
			positives = append(positives, s.Score)
			if s.Sent {
				sent++
				cited += s.cited
				right += s.right
			}
		default:
			negatives = append(negatives, s.Score)
			falseAnswers += one(s.Sent)
		}
	}
	r.N = len(positives) + len(negatives)
	r.AUROC, r.WithheldAUROC = auroc(positives, negatives), auroc(positives, withheld)
	r.AnsweredRate = share(sent, len(positives))
	r.FalseRefusalRate = 1 - r.AnsweredRate
	r.FalseAnswerRate = share(falseAnswers, len(negatives))
	r.WithheldFalseAnswer = share(falseWithheld, len(withheld))
	r.CitationPrecision = share(right, cited)
	return r
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// auroc is the chance that a positive scores above a negative; 0 without either.
func auroc(positives, negatives []float64) float64 {
	if len(positives) == 0 || len(negatives) == 0 {
		return 0
	}
	wins := 0.0
	for _, p := range positives {
		for _, n := range negatives {
			switch {
			case p > n:
				wins++
			case p == n:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(positives)*len(negatives))
}

// Fitted are weights learned from samples, with the least threshold that lets at
// most the target share of unanswerable questions through.
type Fitted struct {
	Bias      float64                    `json:"bias"`
	Weights   [answer.Dimensions]float64 `json:"weights"`
	Threshold float64                    `json:"threshold"`
	Answered  float64                    `json:"answered_rate"`
	AUROC     float64                    `json:"auroc"`
}

// Fit learns a logistic regression by gradient descent on standardised features,
// the two classes weighing the same, and a little decay.
func Fit(samples []Sample, target float64) Fitted {
	const steps, rate, decay = 4000, 0.3, 3e-2
	var mean, spread [answer.Dimensions]float64
	for _, s := range samples {
		for i, x := range s.Features {
			mean[i] += x / float64(len(samples))
		}
	}
	for _, s := range samples {
		for i, x := range s.Features {
			spread[i] += (x - mean[i]) * (x - mean[i]) / float64(len(samples))
		}
	}
	weight := [2]float64{}
	for _, s := range samples {
		weight[one(s.Answerable)] += s.Weight
	}
	var w [answer.Dimensions]float64
	b := 0.0
	for range steps {
		var gw [answer.Dimensions]float64
		gb := 0.0
		for _, s := range samples {
			z := b
			for i, x := range s.Features {
				z += w[i] * (x - mean[i]) / math.Sqrt(spread[i]+1e-9)
			}
			d := (1/(1+math.Exp(-z)) - float64(one(s.Answerable))) * s.Weight / weight[one(s.Answerable)]
			gb += d
			for i, x := range s.Features {
				gw[i] += d * (x - mean[i]) / math.Sqrt(spread[i]+1e-9)
			}
		}
		b -= rate * gb
		for i := range w {
			w[i] -= rate * (gw[i] + decay*w[i])
		}
	}
	f := Fitted{Bias: b}
	for i := range w {
		f.Weights[i] = w[i] / math.Sqrt(spread[i]+1e-9)
		f.Bias -= f.Weights[i] * mean[i]
	}
	f.choose(samples, target)
	return f
}

// choose sets the threshold and what it answers.
func (f *Fitted) choose(samples []Sample, target float64) {
	var positives, negatives []float64
	for _, s := range samples {
		z := f.Bias
		for i, x := range s.Features {
			z += f.Weights[i] * x
		}
		score := 1 / (1 + math.Exp(-z))
		if s.Answerable {
			positives = append(positives, score)
		} else {
			negatives = append(negatives, score)
		}
	}
	slices.SortFunc(negatives, func(a, b float64) int { return cmp.Compare(b, a) })
	if len(negatives) > 0 {
		f.Threshold = negatives[min(int(target*float64(len(negatives))), len(negatives)-1)]
	}
	above := 0
	for _, p := range positives {
		above += one(p > f.Threshold)
	}
	f.Answered, f.AUROC = share(above, len(positives)), auroc(positives, negatives)
}
