package assistant

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/classify"
)

const (
	// said is from where a part says what another has said: a word or so is different.
	said = 0.8
	// maxRequests is how many requests of one message are answered one by one;
	// a message with more is a letter, and taken as a whole.
	maxRequests = 4
	// maxFollowUp is how many words a message that continues the one before may
	// have, marks that stand alone (as in French) included.
	maxFollowUp = 10
)

// followUp gives a short message that continues a status question the intent it
// continues, and one that only names something the intent of that.
func (a *Assistant) followUp(ctx context.Context, r *run) error {
	if r.lastKind != "status" || len(strings.Fields(r.text())) > maxFollowUp {
		return a.named(ctx, r)
	}
	request := r.statusRequest(Asked{Text: r.text()})
	read := request.Language
	request.Language = cmp.Or(r.conversation.Language, read) // of the last answer: a few words say little about theirs
	intent, language, err := a.Status.FollowUp(ctx, request, r.lastIntent)
	if err == nil && intent == "" && read != request.Language {
		request.Language = read
		intent, language, err = a.Status.FollowUp(ctx, request, r.lastIntent)
	}
	if err != nil {
		return fmt.Errorf("follow up: %w", err)
	}
	if intent == "" {
		return a.named(ctx, r)
	}
	r.classification.Language = language
	r.take(intent, "continues the question before")
	return nil
}

// maxNamed is how many words a message may have that only names something.
const maxNamed = 6

func (a *Assistant) named(ctx context.Context, r *run) error {
	namer, ok := a.Status.(Namer)
	if !ok || r.classification.Confidence >= sureStatus || r.lastKind == "procedure" || r.lastKind == "clarify" || len(strings.Fields(r.text())) > maxNamed || r.files() {
		return nil
	}
	intent, err := namer.Named(ctx, r.statusRequest(Asked{Text: r.text()}))
	if err != nil {
		return fmt.Errorf("look for a name: %w", err)
	}
	if intent != "" {
		r.take(intent, "names something of the record")
	}
	return nil
}

// take makes a message a question of the intent.
func (r *run) take(intent, why string) {
	r.classification.Intent, r.classification.Route = intent, "status"
	r.classification.Confidence = max(r.classification.Confidence, sureStatus)
	r.classification.Explanation = append(r.classification.Explanation, why)
}

// request is one of several a message makes.
type request struct {
	text           string
	classification triage.Classification
}

// several answers a message that asks several things, each from where its answer
// is, in one reply. It reports false for a message that asks one thing, and where the
// parts by themselves say less than the whole: then the whole is answered.
func (a *Assistant) several(ctx context.Context, r *run) (bool, error) {
	requests, err := a.requests(ctx, r)
	if err != nil || len(requests) < 2 {
		return false, err
	}
	var asked []Asked
	var questions []string // to be looked for in articles
	var left []request     // people have to see to these
	for _, q := range requests {
		c := q.classification
		switch {
		case c.Sensitive || c.Intent == "talk_to_person":
			return false, nil // people decide, about the message as a whole
		case c.Route == "escalate":
			left = append(left, q)
		case c.Route == "status":
			asked = append(asked, Asked{c.Intent, q.text})
		default:
			questions = append(questions, q.text)
		}
	}
	var documents []AnswerReply
	var unknown []string // nothing answers these
	for _, question := range questions {
		in := r.request()
		in.Question = question
		reply, err := a.preview(ctx, in)
		if err != nil {
			return false, err
		}
		if reply.Outcome == AnswerSend {
			if !slices.ContainsFunc(documents, reply.repeats) {
				documents = append(documents, reply)
			}
			continue
		}
		if len(unknown) == 0 {
			if len(asked) == 0 {
				return false, nil
			}
			if whole, err := a.preview(ctx, r.request()); err != nil || whole.Outcome == AnswerSend {
				return false, err // together they say more
			}
		}
		unknown = append(unknown, question)
	}
	if len(asked)+len(documents) == 0 {
		return false, nil
	}
	meta := triage.AnswerMeta{Kind: "answer", Evidence: "documents"}
	var texts []string
	if len(asked) > 0 {
		reply, err := a.resolve(ctx, r, asked)
		if err != nil {
			return false, fmt.Errorf("resolve status: %w", err)
		}
		if reply.Confirm && !a.proven(r) {
			r.decision.route = "status"
			a.confirmFirst(r)
			return true, nil
		}
		if reply.Text == "" || reply.Clarify != "" {
			return false, nil
		}
		r.decision.route, r.decision.basis = "status", reply.Facts
		meta, texts = r.statusMeta(reply), append(texts, reply.Text)
		if reply.Escalate != "" {
			r.escalate = &handOver{reply.Escalate, reply.EscalateWhy}
		}
	} else {
		r.decision.route = "answer"
	}
	for _, reply := range documents {
		texts = append(texts, renumber(&meta, reply))
		r.decision.passages, r.decision.gate, r.decision.query = reply.Passages, reply.Gate, reply.Query
		for name, version := range reply.Versions {
			r.decision.versions[name] = version
		}
	}
	if len(left) > 0 {
		var texts []string
		for _, q := range left {
			texts = append(texts, triage.Line(q.text, 300))
		}
		why := "One of several requests needs a person: "
		if len(left) > 1 {
			why = fmt.Sprintf("%d of several requests need a person: ", len(left))
		}
		r.escalate = &handOver{triage.ReasonAction, why + strings.Join(texts, " / ")}
	}
	for _, question := range unknown {
		texts = append(texts, strings.ReplaceAll(speak(r.language()).noAnswerTo, "%q", triage.Line(question, 200)))
		r.gap, meta.OfferHuman = true, true
	}
	r.say(strings.Join(texts, "\n\n"), meta)
	if r.escalate != nil {
		r.decision.outcome, r.decision.reason = "escalated", string(r.escalate.reason)
	}
	return true, nil
}

// repeats reports whether an answer quotes nothing that another does not.
func (r AnswerReply) repeats(other AnswerReply) bool {
	return !slices.ContainsFunc(r.Citations, func(c triage.Citation) bool {
		return !slices.ContainsFunc(other.Citations, func(have triage.Citation) bool { return have.ChunkID == c.ChunkID })
	})
}

// requests are what a message asks, courtesies left out. Fewer than two mean
// that it asks one thing, or that nothing tells the parts apart.
func (a *Assistant) requests(ctx context.Context, r *run) ([]request, error) {
	parts := classify.Split(r.text())
	if len(parts) < 2 || len(parts) > maxRequests {
		return nil, nil
	}
	var out []request
	for _, part := range parts {
		c, err := a.Classifier.Classify(ctx, ClassifyInput{
			TenantID: r.tenant.ID, Text: part, Language: r.language(), Tier: r.tenant.Tier, Stage: r.tenant.LifecycleState,
			Corrections: r.corrections,
		})
		if err != nil {
			return nil, fmt.Errorf("classify a part: %w", err)
		}
		r.decision.usage = r.decision.usage.Add(c.Usage)
		if c.Route == "acknowledge" {
			continue
		}
		same := func(q request) bool {
			return c.Route != "status" && q.classification.Intent == c.Intent && classify.Alike(q.text, part) >= said
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, request{part, c})
		}
	}
	return out, nil
}

// preview is an answer by the built-in composer, not yet shown.
func (a *Assistant) preview(ctx context.Context, in AnswerRequest) (AnswerReply, error) {
	if p, ok := a.Answerer.(Previewer); ok {
		return p.Preview(ctx, in)
	}
	return AnswerReply{Outcome: AnswerNotFound}, nil
}

// renumber adds an answer's citations to those of the reply so far, and gives
// back its text with their new numbers.
func renumber(meta *triage.AnswerMeta, reply AnswerReply) string {
	var pairs []string
	for _, c := range reply.Citations {
		old := fmt.Sprintf("[%d]", c.Number)
		at := slices.IndexFunc(meta.Citations, func(have triage.Citation) bool { return have.ChunkID == c.ChunkID && c.ChunkID != uuid.Nil })
		if at < 0 {
			c.Number = len(meta.Citations) + 1
			meta.Citations = append(meta.Citations, c)
			at = len(meta.Citations) - 1
		}
		pairs = append(pairs, old, fmt.Sprintf("[%d]", meta.Citations[at].Number))
	}
	return strings.NewReplacer(pairs...).Replace(reply.Text)
}
