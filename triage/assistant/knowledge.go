package assistant

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/answer"
)

// Searcher finds passages. *search.Searcher is one.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
}

// FromKnowledge answers from the knowledge base. It is the Answerer.
type FromKnowledge struct {
	Search Searcher
	// Model writes answers where one is configured; nil, or on any failure before
	// its first sentence, the built-in composer quotes instead.
	Model  answer.Composer
	Policy answer.Policy
	// Inspect names what in a passage gives orders to whoever processes it. Such a
	// passage is shown to no model; where the answer rests on it the built-in
	// composer quotes instead. Nil: nothing.
	Inspect func(text string) []string
	Log     *slog.Logger // of failures of the model; nil: the default
	// Draft is searched as if it were published, for curators; nil: none.
	Draft *search.Draft
}

// Found is one run's material, for the curators' test page as well.
type Found struct {
	Request answer.Request
	Draft   answer.Draft
	Verdict answer.Verdict
	Result  search.Result
	Query   search.Query
	suspect map[int][]string // by number of the passage: the signs of orders in it
}

// ArticleURL is the relative address of an article's section.
func ArticleURL(slug, anchor string) string {
	if anchor == "" {
		return "/help/" + slug
	}
	return "/help/" + slug + "#" + anchor
}

// Find retrieves, drafts with the built-in composer and gates, without a model.
func (k FromKnowledge) Find(ctx context.Context, q search.Query, language string) (Found, error) {
	result, err := k.Search.Search(ctx, q)
	if err != nil {
		return Found{}, fmt.Errorf("search: %w", err)
	}
	return k.Judge(ctx, q, result, language)
}

// Judge drafts and gates what a search found.
func (k FromKnowledge) Judge(ctx context.Context, q search.Query, result search.Result, language string) (Found, error) {
	f := Found{Query: q, Result: result, Request: answer.Request{Question: q.Text, Language: language, Signals: answer.Signals{
		Unknown: result.Signals.Unknown, Words: result.Signals.Words, Content: result.Signals.Content,
	}, Meant: result.Meant}}
	for _, turn := range q.History {
		f.Request.History = append(f.Request.History, answer.Turn{Customer: turn.Customer, Text: turn.Text})
	}
	for i, p := range result.Passages {
		f.Request.Passages = append(f.Request.Passages, answer.Passage{
			Number: i + 1, ChunkID: p.ChunkID, ArticleID: p.ArticleID, Title: p.Title, Section: p.Heading,
			URL: ArticleURL(p.Slug, p.Anchor), Text: answer.Safe(p.Text), Language: p.Locale, UpdatedAt: p.UpdatedAt, Own: !p.Shared,
			Score: p.Score, Now: p.Legs.Now,
		})
		if k.Inspect == nil {
			continue
		}
		if signals := k.Inspect(p.Text); len(signals) > 0 {
			if f.suspect == nil {
				f.suspect = map[int][]string{}
			}
			f.suspect[i+1] = signals
		}
	}
	var err error
	f.Draft, err = answer.Extractive{}.Compose(ctx, f.Request, func(answer.Sentence) error { return nil })
	if err != nil {
		return Found{}, fmt.Errorf("compose: %w", err)
	}
	f.Verdict = answer.Gate(f.Request, f.Draft, k.Policy)
	return f, nil
}

// Preview implements Previewer.
func (k FromKnowledge) Preview(ctx context.Context, in AnswerRequest) (AnswerReply, error) {
	found, err := k.lookUp(ctx, in)
	return found.reply(), err
}

// LooksAt is how many passages an answer is looked for in.
const LooksAt = 8

// ownWords is how many telling words make a question complete by itself: "can I
// change it?" has one.
const ownWords = 2

// lookUp finds what answers a question in its conversation. Talk about the record
// weighs a passage down that holds all of the question and nothing of that talk:
// what is not answered so and complete by itself is looked for by itself, too.
func (k FromKnowledge) lookUp(ctx context.Context, in AnswerRequest) (Found, error) {
	language, _, _ := strings.Cut(strings.ToLower(in.Asker.Locale), "-")
	q := search.Query{
		Text: in.Question, History: turns(in.History), Limit: LooksAt, Draft: k.Draft,
		Viewer: knowledge.Viewer{
			TenantID: in.Asker.TenantID, Roles: in.Asker.Roles, Departments: in.Asker.Departments, Plan: in.Plan, Locale: language,
		},
	}
	found, err := k.Find(ctx, q, in.Language)
	if err != nil || !in.Apart || found.Verdict.Outcome == answer.Send || found.Result.Signals.Words < ownWords {
		return found, err
	}
	q.History = nil
	alone, err := k.Find(ctx, q, in.Language)
	if err != nil || alone.Verdict.Outcome == answer.Send {
		return alone, err
	}
	return found, nil
}

// Answer implements Answerer.
func (k FromKnowledge) Answer(ctx context.Context, in AnswerRequest, emit func(text string) error) (AnswerReply, error) {
	found, err := k.lookUp(ctx, in)
	if err != nil {
		return AnswerReply{}, err
	}
	// Whether there is an answer is decided by evidence before a model may write.
	if k.Model != nil && found.Verdict.Outcome == answer.Send && !found.leansOnSuspect() {
		if err := k.write(ctx, &found, emit); err != nil {
			return found.reply(), err
		}
	}
	return found.reply(), nil
}

// write lets the model write; each sentence passes the gate before it is shown.
// Where it fails, even after its first sentences, or says nothing that passes,
// the built-in draft stands: half an answer is none. What it used is counted.
func (k FromKnowledge) write(ctx context.Context, f *Found, emit func(text string) error) error {
	shown := 0
	var stopped error
	request := f.Request
	request.Passages = slices.DeleteFunc(slices.Clone(request.Passages), func(p answer.Passage) bool { return len(f.suspect[p.Number]) > 0 })
	if cited := f.Draft.Cited(request.Passages); len(cited) > 0 && !answer.Comparable(request.Language, cited[0].Language) {
		request.Language = lexicon.Base(cited[0].Language) // a translation nobody could check would be dropped
	}
	draft, err := k.Model.Compose(ctx, request, func(s answer.Sentence) error {
		if check := answer.Sentinel(request, s); check.Problem != "" {
			f.Verdict.Sentences = append(f.Verdict.Sentences, check)
			return nil // the sentence does not leave; the others may
		}
		text := s.Markdown()
		if shown > 0 {
			text = answer.Join([]string{"", text})
		}
		if stopped = emit(text); stopped != nil {
			return stopped
		}
		shown++
		return nil
	})
	f.Draft.Usage = f.Draft.Usage.Add(draft.Usage)
	switch {
	case stopped != nil:
		return stopped
	case err != nil:
		k.log().WarnContext(ctx, "the model did not finish an answer, the built-in engine answers", "error", err, "sentences", shown)
		f.Verdict.Reason = "the model did not finish its answer: " + triage.Line(err.Error(), 200)
		return nil
	case !draft.Found:
		f.Verdict.Reason = "the model found no answer in the passages"
		return nil
	}
	draft.Usage = f.Draft.Usage
	draft.Sentences = slices.DeleteFunc(draft.Sentences, func(s answer.Sentence) bool {
		return answer.Sentinel(request, s).Problem != ""
	})
	if len(draft.Sentences) == 0 {
		f.Verdict.Reason = "nothing the model wrote passed the gate"
		return nil
	}
	f.Draft = draft
	f.Verdict.Sentences = nil
	for _, s := range draft.Sentences {
		f.Verdict.Sentences = append(f.Verdict.Sentences, answer.Sentinel(request, s))
	}
	return nil
}

func (k FromKnowledge) log() *slog.Logger { return cmp.Or(k.Log, slog.Default()) }

// leansOnSuspect reports whether the answer rests on a passage no model may see.
func (f Found) leansOnSuspect() bool {
	return slices.ContainsFunc(f.Draft.Cited(f.Request.Passages), func(p answer.Passage) bool { return len(f.suspect[p.Number]) > 0 })
}

func turns(history []Turn) (out []search.Turn) {
	for _, t := range history {
		out = append(out, search.Turn{Customer: t.Customer, Text: t.Text})
	}
	return out
}

// passageRow is what the decision row keeps of a passage: enough to find it again.
type passageRow struct {
	Number  int     `json:"number"`
	ChunkID string  `json:"chunk_id"`
	Article string  `json:"article"`
	Version string  `json:"version_id"`
	Score   float64 `json:"score"`
	Used    bool    `json:"used"`
	// Signals say why no model was shown the passage.
	Signals []string `json:"signals,omitempty"`
}

func (f Found) reply() AnswerReply {
	cited := f.Draft.Cited(f.Request.Passages)
	rows := make([]passageRow, len(f.Result.Passages))
	for i, p := range f.Result.Passages {
		rows[i] = passageRow{
			Number: i + 1, ChunkID: p.ChunkID.String(), Article: p.Slug, Version: p.VersionID.String(), Score: p.Score,
			Used:    slices.ContainsFunc(cited, func(c answer.Passage) bool { return c.Number == i+1 }),
			Signals: f.suspect[i+1],
		}
	}
	reply := AnswerReply{
		Outcome: AnswerOutcome(f.Verdict.Outcome), Reason: f.Verdict.Reason, Query: f.Query.Text, Passages: rows, Gate: f.Verdict,
		Score: f.Verdict.Answerability, Engine: "builtin", Usage: f.Draft.Usage,
		Versions: map[string]string{"composer": f.Draft.Engine, "embedding": f.Result.ModelID},
	}
	if f.Draft.PromptVersion != "" {
		reply.Engine, reply.Versions["prompt"] = "openai", f.Draft.PromptVersion
	}
	if f.Verdict.Outcome == answer.Send {
		reply.Text, reply.Citations = f.Text()
		return reply
	}
	if f.Verdict.Outcome == answer.Suggest {
		reply.Draft, _ = f.Text()
	}
	reply.Nearest = nearest(f.Request.Passages)
	return reply
}

// Text is the draft as it is sent: citation numbers count from one.
func (f Found) Text() (string, []triage.Citation) {
	cited := f.Draft.Cited(f.Request.Passages)
	renumbered := map[int]int{}
	for i, p := range cited {
		renumbered[p.Number] = i + 1
	}
	draft := f.Draft
	draft.Sentences = slices.Clone(draft.Sentences)
	for i, s := range draft.Sentences {
		numbers := make([]int, len(s.Citations))
		for j, n := range s.Citations {
			numbers[j] = renumbered[n]
		}
		draft.Sentences[i].Citations = numbers
	}
	citations := answer.Citations(cited)
	for i := range citations {
		citations[i].Number = i + 1
	}
	if lead := f.lead(cited); lead != "" {
		return lead + "\n\n" + draft.Markdown(), citations
	}
	return draft.Markdown(), citations
}

// lead says that what is quoted is in another language than the customer's; ""
// where it is not, or a model wrote.
func (f Found) lead(cited []answer.Passage) string {
	if f.Draft.Engine != answer.Version || len(cited) == 0 {
		return ""
	}
	return speak(f.Request.Language).quoted[lexicon.Base(cited[0].Language)]
}

// nearest are the closest articles, each once, when nothing answers.
func nearest(passages []answer.Passage) []triage.Citation {
	var picked []answer.Passage
	for _, p := range passages {
		if len(picked) == 3 {
			break
		}
		if !slices.ContainsFunc(picked, func(other answer.Passage) bool { return other.ArticleID == p.ArticleID }) {
			picked = append(picked, p)
		}
	}
	out := answer.Citations(picked)
	for i := range out {
		out[i].Number = i + 1
		out[i].Quote = ""
	}
	return out
}
