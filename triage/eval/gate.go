package eval

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

	group string
}

// GateReport is the outcome of `usher eval gate`. Low and High are the ends of a
// 95 % interval over conversations drawn anew.
type GateReport struct {
	AUROC             float64 `json:"auroc"`
	AUROCLow          float64 `json:"auroc_low"`
	AUROCHigh         float64 `json:"auroc_high"`
	AnsweredRate      float64 `json:"answered_rate"`
	AnsweredAtTenth   float64 `json:"answered_at_tenth"` // at the threshold that answers one unanswerable question in ten
	FalseAnswerRate   float64 `json:"false_answer_rate"`
	FalseRefusalRate  float64 `json:"false_refusal_rate"`
	CitationPrecision float64 `json:"citation_precision"`
	CitationLow       float64 `json:"citation_precision_low"`
	CitationHigh      float64 `json:"citation_precision_high"`
	N                 int     `json:"n"`
	// The same questions over a corpus without what answers them, where asked for:
	// the larger sample of unanswerable ones.
	Withheld *WithheldReport `json:"withheld,omitempty"`
}

// WithheldReport is of answerable questions whose answers were taken away.
type WithheldReport struct {
	AUROC           float64 `json:"auroc"`
	AUROCLow        float64 `json:"auroc_low"`
	AUROCHigh       float64 `json:"auroc_high"`
	AnsweredAtTenth float64 `json:"answered_at_tenth"`
	FalseAnswerRate float64 `json:"false_answer_rate"`
	N               int     `json:"n"`
}

// Sample is one judged question.
type Sample struct {
	Features   [answer.Dimensions]float64
	Answerable bool
	Score      float64
	Sent       bool
	Withheld   bool   // answerable, but not with this corpus
	Set        int    // of the corpus it was put to
	Group      string // its conversation: samples of one are not independent
	Cited      int
	Right      int  // cited passages that are relevant
	First      bool // the first of them is
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
	groups(tasks)
	return tasks, scanner.Err()
}

// Fold is every n-th task with an answer, and the documents that answer them:
// the turns of one conversation fall into different folds, so that a corpus
// without a fold's documents still holds the rest of the conversation's.
func Fold(tasks []Task, fold, of int) (questions []Task, documents []string) {
	n := 0
	for _, t := range tasks {
		if !t.answerable() || len(t.Relevant) == 0 {
			continue
		}
		if n%of == fold {
			questions = append(questions, t)
			documents = append(documents, t.Relevant...)
		}
		n++
	}
	return questions, documents
}

func (t Task) answerable() bool {
	return t.Answerability != "unanswerable" && t.Answerability != "conversational"
}

// groups names each task's conversation by its first turn; one that stands alone
// goes with the others about the same document.
func groups(tasks []Task) {
	starts := map[string]bool{}
	for _, t := range tasks {
		if len(t.History) > 0 {
			starts[t.History[0][1]] = true
		}
	}
	for i := range tasks {
		t := &tasks[i]
		switch {
		case len(t.History) > 0:
			t.group = t.History[0][1]
		case starts[t.Text] || len(t.Relevant) == 0:
			t.group = t.Text
		default:
			t.group = t.Relevant[0]
		}
	}
}

// Samples judges every task over one corpus. withheld says that the corpus was
// indexed without what answers them.
func Samples(ctx context.Context, searcher assistant.Searcher, documents map[uuid.UUID]string, tasks []Task, withheld bool, progress io.Writer) ([]Sample, error) {
	knowledge := assistant.FromKnowledge{Search: searcher}
	var samples []Sample
	for i, t := range tasks {
		if t.Answerability == "conversational" {
			continue
		}
		q := search.Query{Text: t.Text, Limit: assistant.LooksAt}
		for _, turn := range t.History {
			q.History = append(q.History, search.Turn{Customer: turn[0] == "user" || turn[0] == "customer" || turn[0] == "U", Text: turn[1]})
		}
		found, err := knowledge.Find(ctx, q, "en")
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", t.ID, err)
		}
		s := Sample{
			Features: found.Verdict.Features.Vector(), Score: found.Verdict.Answerability, Sent: found.Verdict.Outcome == answer.Send,
			Answerable: t.answerable() && !withheld, Withheld: withheld, Group: t.group,
		}
		for _, p := range found.Draft.Cited(found.Request.Passages) {
			right := slices.Contains(t.Relevant, documents[p.ArticleID])
			s.First = s.First || s.Cited == 0 && right
			s.Cited++
			s.Right += one(right)
		}
		samples = append(samples, s)
		if (i+1)%100 == 0 {
			fmt.Fprintf(progress, "%d of %d tasks\n", i+1, len(tasks))
		}
	}
	return samples, nil
}

// Report sums samples up.
func Report(samples []Sample) GateReport {
	all := split(samples)
	r := GateReport{
		N: len(all.positives) + len(all.negatives), AUROC: auroc(all.positives, all.negatives),
		AnsweredRate: share(all.sent, len(all.positives)), FalseAnswerRate: share(all.falseAnswers, len(all.negatives)),
		CitationPrecision: share(all.right, all.cited),
	}
	r.FalseRefusalRate = 1 - r.AnsweredRate
	r.AnsweredAtTenth, _ = answeredAt(all.positives, all.negatives, 0.1)
	r.AUROCLow, r.AUROCHigh = interval(samples, func(p parts) (float64, bool) {
		return auroc(p.positives, p.negatives), len(p.positives) > 0 && len(p.negatives) > 0
	})
	r.CitationLow, r.CitationHigh = interval(samples, func(p parts) (float64, bool) { return share(p.right, p.cited), p.cited > 0 })
	if len(all.withheld) > 0 {
		w := WithheldReport{
			N: len(all.withheld), AUROC: auroc(all.positives, all.withheld), FalseAnswerRate: share(all.falseWithheld, len(all.withheld)),
		}
		w.AnsweredAtTenth, _ = answeredAt(all.positives, all.withheld, 0.1)
		w.AUROCLow, w.AUROCHigh = interval(samples, func(p parts) (float64, bool) {
			return auroc(p.positives, p.withheld), len(p.positives) > 0 && len(p.withheld) > 0
		})
		r.Withheld = &w
	}
	return r
}

// parts are samples by what they are, as scores and counts.
type parts struct {
	positives, negatives, withheld                  []float64
	sent, falseAnswers, falseWithheld, cited, right int
}

func split(samples []Sample) (p parts) {
	for _, s := range samples {
		switch {
		case s.Withheld:
			p.withheld = append(p.withheld, s.Score)
			p.falseWithheld += one(s.Sent)
		case s.Answerable:
			p.positives = append(p.positives, s.Score)
			if s.Sent {
				p.sent++
				p.cited += s.Cited
				p.right += s.Right
			}
		default:
			p.negatives = append(p.negatives, s.Score)
			p.falseAnswers += one(s.Sent)
		}
	}
	return p
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

// answeredAt is the share of positives above the least threshold that lets at
// most the target share of negatives through, and that threshold.
func answeredAt(positives, negatives []float64, target float64) (answered, threshold float64) {
	if len(positives) == 0 || len(negatives) == 0 {
		return 0, 0
	}
	sorted := slices.Clone(negatives)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	threshold = sorted[min(int(target*float64(len(sorted))), len(sorted)-1)]
	above := 0
	for _, p := range positives {
		above += one(p > threshold)
	}
	return share(above, len(positives)), threshold
}
