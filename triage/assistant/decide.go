package assistant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/triage"
)

// decide classifies the message and finds what to say or whom to involve.
func (a *Assistant) decide(ctx context.Context, r *run) error {
	r.guard = a.Guard.Inspect(r.text())
	r.guard.AutoResponder = len(r.burst) == 0 && r.guard.AutoResponder
	if err := a.classify(ctx, r); err != nil {
		return err
	}
	if err := a.followUp(ctx, r); err != nil {
		return err
	}
	if err := a.procedure(ctx, r); err != nil {
		return err
	}
	classification := *r.classification
	switch {
	case r.args.Person && r.files():
		r.handOver(triage.ReasonRequested, "The customer sent files without a word. The assistant reads no files; please look at them.")
	case r.args.Person:
		r.handOver(triage.ReasonRequested, "The customer asked for a person.")
	case r.guard.AutoResponder && r.conversation.Channel != triage.ChannelChat: // who types in the chat is a person
		r.ignore("an automatic message, not a person")
	case r.replies >= a.MaxReplies:
		r.handOver(triage.ReasonTurns, "The assistant has answered many times in a short while.")
	case r.guard.Abuse:
		r.handOver(triage.ReasonAbuse, "The message is abusive or a threat. Please be kind and careful.")
	case r.guard.Spam || classification.Intent == "spam":
		r.handOver(triage.ReasonAction, "The message looks like advertising. If it is, close the ticket; if not, please answer.")
		r.quiet = r.conversation.Channel != triage.ChannelChat // an answer by mail only says that somebody reads it
	case r.inProcedure():
		a.follow(r)
	case classification.Route == "acknowledge":
		r.acknowledge(classification)
	case classification.Intent == "talk_to_person":
		r.handOver(triage.ReasonRequested, "The customer asked for a person.")
	case classification.Sensitive:
		r.handOver(triage.ReasonSensitive, "The topic is one people decide about: "+classification.Intent+".")
	case classification.Priority == triage.PriorityUrgent:
		r.handOver(triage.ReasonUrgent, "The message is urgent by its words or impact.")
	default:
		return a.reply(ctx, r)
	}
	return nil
}

func (a *Assistant) classify(ctx context.Context, r *run) error {
	classification, err := a.classifyText(ctx, r, r.text())
	if err != nil {
		return err
	}
	r.decision.versions["classifier"] = classification.Version
	r.classification = &classification
	if len(r.burst) == 0 || needsPeople(classification) {
		return nil
	}
	// "A person, please" and then "hello?", a question and then "thanks": what needs
	// people, or an answer, stays what the customer wants.
	for _, m := range append(slices.Clone(r.burst), r.message) {
		c, err := a.classifyText(ctx, r, m.Body)
		if err != nil {
			return err
		}
		if needsPeople(c) {
			r.classification = &c
			return nil
		}
		if r.classification.Route == "acknowledge" && c.Route != "acknowledge" {
			r.classification = &c
		}
	}
	return nil
}

func needsPeople(c triage.Classification) bool {
	return c.Sensitive || c.Intent == "talk_to_person" || c.Priority == triage.PriorityUrgent
}

func (a *Assistant) classifyText(ctx context.Context, r *run, text string) (triage.Classification, error) {
	c, err := a.Classifier.Classify(ctx, ClassifyInput{
		TenantID: r.tenant.ID, Text: text, History: r.history, Language: r.language(),
		Tier: r.tenant.Tier, Stage: r.tenant.LifecycleState, Corrections: r.corrections,
	})
	if err != nil {
		return c, fmt.Errorf("classify: %w", err)
	}
	r.decision.usage = r.decision.usage.Add(c.Usage)
	return c, nil
}

// read classifies a message people answer, so that what the conversation has
// become shows on the ticket. Failing is no reason to keep the message from them.
func (a *Assistant) read(ctx context.Context, r *run) {
	if r.decision.reason != personInCharge {
		return
	}
	if err := a.classify(ctx, r); err != nil {
		a.Log.WarnContext(ctx, "classify for people failed", "error", err, "tenant_id", r.tenant.ID, "message_id", r.message.ID)
		return
	}
	r.thanks = r.classification.Route == "acknowledge"
}

// reply answers what nothing above kept from being answered.
func (a *Assistant) reply(ctx context.Context, r *run) error {
	if r.turn != nil && (r.turn.Text != "" || r.turn.HandOver != nil) {
		a.follow(r)
		return nil
	}
	if a.empty(ctx, r) {
		return nil
	}
	if done, err := a.several(ctx, r); done || err != nil {
		return err
	}
	switch c := r.classification; {
	case c.Route == "escalate":
		r.handOver(triage.ReasonAction, "This needs a person: "+c.Intent+".")
		return nil
	case c.Route == "status" && !a.articleSaysBetter(ctx, r):
		return a.status(ctx, r, Asked{c.Intent, r.text()})
	default:
		return a.answer(ctx, r)
	}
}

// Where a status intent is less sure than the first and an article answers at
// least as surely as the second, the article is asked.
const (
	sureStatus  = 0.75
	sureArticle = 0.655
)

func (a *Assistant) articleSaysBetter(ctx context.Context, r *run) bool {
	previewer, ok := a.Answerer.(Previewer)
	if !ok || r.classification.Confidence >= sureStatus {
		return false
	}
	reply, err := previewer.Preview(ctx, r.request())
	if err != nil {
		a.Log.WarnContext(ctx, "preview failed", "error", err)
		return false
	}
	return reply.Outcome == AnswerSend && reply.Score >= sureArticle
}

func (r *run) request() AnswerRequest {
	return AnswerRequest{Asker: r.asker, Plan: r.tenant.Plan, Question: r.question(), History: r.history, Language: r.language(), Apart: r.lastKind == "status"}
}

// question is what a message asks: one without a word of its own, as "how?", asks
// it of the customer's last message that has one.
func (r *run) question() string {
	if wordless(r.text()) {
		for _, turn := range slices.Backward(r.history) {
			if turn.Customer && !wordless(turn.Text) {
				return r.text() + " " + turn.Text
			}
		}
	}
	return r.text()
}

// acknowledge answers a greeting or thanks in one friendly sentence, and thanks
// after thanks not at all.
func (r *run) acknowledge(c triage.Classification) {
	r.decision.route = "acknowledge"
	r.thanks = c.Intent != "greeting"
	asks := strings.ContainsAny(r.text(), "?？")
	if r.lastKind == "acknowledge" && !asks || r.ticketOpen && r.thanks {
		r.ignore("a pleasantry that needs no answer")
		return
	}
	text := speak(r.language()).thanks
	if !r.thanks {
		text = speak(r.language()).greeting
	}
	r.say(text, triage.AnswerMeta{Kind: "acknowledge", Evidence: "none"})
}

// status answers from the live record. What the record cannot answer goes on to
// the knowledge base.
func (a *Assistant) status(ctx context.Context, r *run, asked ...Asked) error {
	reply, err := a.resolve(ctx, r, asked)
	if err != nil {
		return fmt.Errorf("resolve status: %w", err)
	}
	r.decision.route, r.decision.basis = "status", reply.Facts
	switch {
	case reply.Confirm && !a.proven(r):
		a.confirmFirst(r)
	case reply.Clarify != "" && r.conversation.Clarifications < maxClarifications:
		r.clarify(reply.Clarify, reply.Options)
	case reply.Clarify != "":
		r.handOver(triage.ReasonNoAnswer, "The customer's question stayed unclear after asking back: "+reply.Clarify)
	case reply.Text == "":
		return a.answer(ctx, r)
	default:
		r.say(reply.Text, r.statusMeta(reply))
		if reply.Escalate != "" {
			// The facts are said and people are told: one message, one ticket.
			r.escalate = &handOver{reply.Escalate, reply.EscalateWhy}
			r.decision.outcome, r.decision.reason = "escalated", string(reply.Escalate)
		}
	}
	return nil
}

func (a *Assistant) resolve(ctx context.Context, r *run, asked []Asked) (StatusReply, error) {
	request := r.statusRequest(asked...)
	request.Unproven = !a.proven(r)
	return a.Status.Resolve(ctx, request)
}

func (r *run) statusRequest(asked ...Asked) StatusRequest {
	return StatusRequest{Asker: r.asker, Asked: asked, Language: r.language(), History: r.history, Names: &r.names}
}

// statusMeta is what stands under a status answer.
func (r *run) statusMeta(reply StatusReply) triage.AnswerMeta {
	meta := triage.AnswerMeta{
		Kind: "status", Evidence: "known_state", Basis: reply.Basis, Stale: reply.Stale,
		Link: reply.Link, Options: reply.Options, Turn: reply.Turn, OfferHuman: reply.Offer || reply.Stale,
	}
	if meta.Link != "" {
		meta.LinkText = speak(r.language()).openLink
	}
	if !reply.AsOf.IsZero() {
		meta.AsOf = &reply.AsOf
	}
	return meta
}

// elsewhere says of a question about another organisation that only the asker's
// own records are seen; "" for any other question.
func (a *Assistant) elsewhere(ctx context.Context, r *run) (string, error) {
	knows, ok := a.Status.(Elsewhere)
	if !ok {
		return "", nil
	}
	text, err := knows.Elsewhere(ctx, r.statusRequest(Asked{Text: r.text()}))
	if err != nil {
		return "", fmt.Errorf("look for another organisation: %w", err)
	}
	return text, nil
}

// empty asks what a message is about that says nothing: "?", "hm", "when".
func (a *Assistant) empty(ctx context.Context, r *run) bool {
	if !mayAskBack(r) {
		return false
	}
	if r.classification.Route == "status" && len(strings.Fields(r.text())) > 1 {
		return false // "to do"
	}
	if goesOn := slices.Contains([]string{"status", "answer", "clarify", "procedure"}, r.lastKind); goesOn && strings.ContainsFunc(r.text(), unicode.IsLetter) {
		return false // "how?" goes on with what was answered
	}
	a.askBack(ctx, r)
	return true
}

func mayAskBack(r *run) bool {
	return !r.files() && r.conversation.Clarifications < maxClarifications && wordless(r.text())
}

func (a *Assistant) askBack(ctx context.Context, r *run) {
	var options []string
	if s, ok := a.Status.(Suggester); ok {
		var err error
		if options, err = s.Suggestions(ctx, r.asker); err != nil {
			a.Log.WarnContext(ctx, "suggest questions failed", "error", err, "tenant_id", r.tenant.ID)
		}
	}
	r.decision.route = "clarify"
	r.clarify(speak(r.language()).empty, options[:min(len(options), 4)])
}

// nothingNew reports whether a reply to "how?" leaves the customer where they were.
func (r *run) nothingNew(reply AnswerReply) bool {
	switch reply.Outcome {
	case AnswerSend:
		return len(r.history) > 0 && reply.Text == r.history[len(r.history)-1].Text
	case AnswerClarify, AnswerEscalate:
		return false
	}
	return true
}

// sounds are what people type while they think.
var sounds = []string{"hm", "hmm", "hmmm", "uh", "uhm", "um", "eh", "ehm", "äh", "ähm", "euh", "heu", "mh", "mhm", "pues", "ah", "oh"}

// wordless reports whether a text has no word that carries a topic.
func wordless(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return len(words) <= 2 && !slices.ContainsFunc(words, func(w string) bool {
		return !slices.Contains(sounds, w) && !slices.ContainsFunc(answered, func(language string) bool { return lexicon.Stopword(w, language) })
	})
}

// answered are the languages the assistant has words of its own in.
var answered = []string{"en", "de", "fr", "es", "pt"}

// answer answers from the knowledge base.
func (a *Assistant) answer(ctx context.Context, r *run) error {
	out := &stream{assistant: a, run: r}
	reply, err := a.Answerer.Answer(ctx, r.request(), func(text string) error { return out.write(ctx, text) })
	r.decision.route = "answer"
	r.decision.query, r.decision.passages, r.decision.gate = reply.Query, reply.Passages, reply.Gate
	r.decision.reason = reply.Reason
	r.decision.usage = r.decision.usage.Add(reply.Usage)
	if reply.Engine != "" {
		r.decision.engine = reply.Engine
	}
	for name, version := range reply.Versions {
		r.decision.versions[name] = version
	}
	if errors.Is(err, errStopped) {
		r.decision.outcome, r.decision.reason = "stopped", "stopped while it was written"
		return err
	}
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if mayAskBack(r) && r.nothingNew(reply) {
		a.askBack(ctx, r)
		return nil
	}
	switch reply.Outcome {
	case AnswerSend:
		r.say(reply.Text, triage.AnswerMeta{Kind: "answer", Evidence: "documents", Citations: reply.Citations})
	case AnswerClarify:
		if r.files() { // what is meant may be in them
			r.handOver(triage.ReasonNoAnswer, "The question is not clear from its words. "+unread)
			return nil
		}
		if r.conversation.Clarifications < maxClarifications {
			r.decision.route = "clarify"
			r.clarify(speak(r.language()).ask, reply.Options)
			return nil
		}
		r.handOver(triage.ReasonNoAnswer, "The question stayed ambiguous after asking back.")
	case AnswerEscalate:
		r.gap = true
		r.handOver(triage.ReasonGate, "A draft did not pass the gate: "+reply.Reason)
	default:
		return a.notFound(ctx, r, reply)
	}
	return nil
}

// notFound says so plainly. In a chat the customer chooses what to do next; the
// second time in a row, and wherever nobody can press a button, people take it.
func (a *Assistant) notFound(ctx context.Context, r *run, reply AnswerReply) error {
	r.gap = true
	files := r.files()
	if r.conversation.Channel != triage.ChannelChat || r.lastKind == "not_found" || files ||
		r.classification.Sentiment == "very_negative" {
		why := "Neither the record nor an article answers this."
		if reply.Draft != "" {
			why = "No answer was sure enough to send. This draft is probably right; judge it before you use it: " + triage.Line(reply.Draft, 600)
		}
		if files {
			why += " " + unread
		}
		r.handOver(triage.ReasonNoAnswer, why)
		return nil
	}
	r.decision.reason = "about another organisation"
	text, err := a.elsewhere(ctx, r)
	if err != nil {
		return err
	}
	if text == "" {
		r.decision.reason = "nothing reliable found"
		text = speak(r.language()).notFound
	}
	if len(reply.Nearest) > 0 {
		text += " " + speak(r.language()).nearest
	}
	r.say(text, triage.AnswerMeta{Kind: "not_found", Evidence: "none", Nearest: reply.Nearest, OfferHuman: true})
	return nil
}

// unread tells people what the assistant had no part in.
const unread = "The customer sent files with it, which the assistant does not read."

func (r *run) clarify(question string, options []string) {
	r.say(question, triage.AnswerMeta{Kind: "clarify", Evidence: "none", Options: options, OfferHuman: true})
	if r.decision.route != "status" {
		r.decision.route = "clarify"
	}
}
