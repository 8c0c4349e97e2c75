package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/sashabaranov/go-openai"
	"golang.org/x/text/language"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// noIntent stands for "nothing fits" in the schema.
const noIntent = "none"

// maxVerdict is the longest classification, in tokens. Reasoning counts.
const maxVerdict = 1000

var (
	sentiments = []string{"very_negative", "negative", "neutral", "positive", "very_positive"}
	priorities = []triage.Priority{triage.PriorityLow, triage.PriorityNormal, triage.PriorityHigh, triage.PriorityUrgent}
)

type classifier struct {
	client *Client
	values func(context.Context) ([]taxonomy.Value, error)
}

// Classifier classifies with the client's chat model among the enabled intents
// that values returns. An answer that does not fit is asked for once more; then
// the error is ErrInvalid and the caller falls back.
func Classifier(client *Client, values func(context.Context) ([]taxonomy.Value, error)) assistant.Classifier {
	return classifier{client, values}
}

// verdict is the model's answer.
type verdict struct {
	Intent     string          `json:"intent"`
	Language   string          `json:"language"`
	Sentiment  string          `json:"sentiment"`
	Priority   triage.Priority `json:"priority"`
	Confidence *float64        `json:"confidence"`
}

// Classify implements assistant.Classifier. The confidence is the model's own
// word: it is not calibrated.
func (c classifier) Classify(ctx context.Context, in assistant.ClassifyInput) (triage.Classification, error) {
	intents, err := c.intents(ctx)
	if err != nil {
		return triage.Classification{}, err
	}
	system, user, err := classifyMessages(intents, in)
	if err != nil {
		return triage.Classification{}, err
	}
	ctx = WithTenant(ctx, in.TenantID)
	user, _ = c.client.config.Mask(user) // nothing comes back that would need restoring
	request := chatRequest(c.client.config.ChatModel, system, user)
	request.MaxCompletionTokens = maxVerdict
	request.ResponseFormat = &sdk.ChatCompletionResponseFormat{
		Type:       sdk.ChatCompletionResponseFormatTypeJSONSchema,
		JSONSchema: &sdk.ChatCompletionResponseFormatJSONSchema{Name: ClassifyVersion, Schema: schema(intents), Strict: true},
	}
	var used triage.Usage
	for attempt := 0; ; attempt++ {
		v, out, err := c.ask(ctx, request, intents)
		used = used.Add(out.usage)
		switch {
		case err == nil:
			return v.classification(intents, out.model, used), nil
		case attempt > 0 || !repeatable(err):
			return triage.Classification{}, err
		}
		request.Messages = append(request.Messages[:2:2], sdk.ChatCompletionMessage{
			Role: sdk.ChatMessageRoleUser, Content: "Your last answer did not fit the schema. Answer with exactly one JSON object that fits it.",
		})
	}
}

// repeatable says whether a second answer may be better than the first.
func repeatable(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && (failure.Reason == ReasonAnswer || failure.Reason == ReasonEmpty) && errors.Is(err, ErrInvalid)
}

func (c classifier) intents(ctx context.Context) ([]taxonomy.Value, error) {
	values, err := c.values(ctx)
	if err != nil {
		return nil, fmt.Errorf("openai: classify: read taxonomy: %w", err)
	}
	values = slices.DeleteFunc(slices.Clone(values), func(v taxonomy.Value) bool {
		return v.Dimension != taxonomy.Intent || !v.Enabled || v.Value == noIntent
	})
	if len(values) == 0 {
		return nil, &Error{Kind: ErrInvalid, Reason: ReasonRequest, Op: "classify", Err: errors.New("the taxonomy has no enabled intent")}
	}
	return values, nil
}

// ask makes one call and checks the answer. Servers differ in whether they hold
// a model to a schema, so nothing is taken as given.
func (c classifier) ask(ctx context.Context, request sdk.ChatCompletionRequest, intents []taxonomy.Value) (verdict, completion, error) {
	tokens := maxVerdict
	for _, m := range request.Messages {
		tokens += estimate(m.Content)
	}
	settle, err := c.client.reserve(ctx, "classify", tokens)
	if err != nil {
		return verdict{}, completion{}, err
	}
	out, err := c.client.complete(ctx, "classify", request)
	settle(out.usage)
	c.client.meter(ctx, ForClassification, c.client.config.ChatModel, out.usage)
	if err != nil {
		return verdict{}, out, err
	}
	var v verdict
	if err := json.Unmarshal([]byte(object(out.text)), &v); err != nil {
		return verdict{}, out, misfit(err)
	}
	return v, out, v.check(intents)
}

// object is the JSON object in a text: servers that do not hold a model to the
// schema let it think aloud before, or put a code block around.
func object(text string) string {
	if _, after, found := strings.Cut(text, "</think>"); found {
		text = after
	}
	from, to := strings.Index(text, "{"), strings.LastIndex(text, "}")
	if from < 0 || to < from {
		return text
	}
	return text[from : to+1]
}

func misfit(err error) error {
	return &Error{Kind: ErrInvalid, Reason: ReasonAnswer, Op: "classify", Err: err}
}

// check holds an answer to the schema.
func (v verdict) check(intents []taxonomy.Value) error {
	known := slices.ContainsFunc(intents, func(i taxonomy.Value) bool { return i.Value == v.Intent })
	_, err := language.ParseBase(v.Language)
	switch {
	case v.Intent != noIntent && !known:
		return misfit(errors.New("the intent is not in the taxonomy"))
	case len(v.Language) != 2 || err != nil:
		return misfit(errors.New("the language is not a two-letter code"))
	case !slices.Contains(sentiments, v.Sentiment):
		return misfit(errors.New("the sentiment is unknown"))
	case !slices.Contains(priorities, v.Priority):
		return misfit(errors.New("the priority is unknown"))
	case v.Confidence == nil || *v.Confidence < 0 || *v.Confidence > 1:
		return misfit(errors.New("the confidence is not between 0 and 1"))
	}
	return nil
}

// classification fills in what the taxonomy says of the intent. Its priority is
// the least: a model may raise it, not lower it.
func (v verdict) classification(intents []taxonomy.Value, model string, used triage.Usage) triage.Classification {
	out := triage.Classification{
		Confidence: *v.Confidence, Priority: v.Priority, Language: v.Language, Sentiment: v.Sentiment, Route: taxonomy.RouteAnswer,
		Engine: "openai", Version: model, PromptVersion: ClassifyVersion, Usage: used,
	}
	at := slices.IndexFunc(intents, func(i taxonomy.Value) bool { return i.Value == v.Intent })
	if at < 0 {
		return out
	}
	value := intents[at]
	out.Intent, out.Route, out.Team, out.Sensitive, out.ProductArea = value.Value, value.Route, value.Team, value.Sensitive, value.ProductArea
	out.Labels = []triage.Label{{Value: value.Value, Score: *v.Confidence}}
	if slices.Index(priorities, value.Priority) > slices.Index(priorities, out.Priority) {
		out.Priority = value.Priority
	}
	return out
}

// schema is the strict schema of a verdict: every property required, nothing
// else allowed, and only the keywords every server knows.
func schema(intents []taxonomy.Value) json.RawMessage {
	names := make([]string, 0, len(intents)+1)
	for _, v := range intents {
		names = append(names, v.Value)
	}
	text := func(values any) map[string]any { return map[string]any{"type": "string", "enum": values} }
	raw, err := json.Marshal(map[string]any{
		"type": "object", "additionalProperties": false,
		"required": []string{"intent", "language", "sentiment", "priority", "confidence"},
		"properties": map[string]any{
			"intent": text(append(names, noIntent)), "sentiment": text(sentiments), "priority": text(priorities),
			"language":   map[string]any{"type": "string", "description": "ISO 639-1, two letters"},
			"confidence": map[string]any{"type": "number", "description": "0 to 1"},
		},
	})
	if err != nil { // strings and maps always marshal
		panic(err)
	}
	return raw
}

// classifyMessages renders the prompt.
func classifyMessages(intents []taxonomy.Value, in assistant.ClassifyInput) (system, user string, err error) {
	data := struct {
		Values                      []taxonomy.Value
		Tier, Stage, Language, Text string
		History                     []promptTurn
	}{Values: intents, Tier: line(in.Tier), Stage: line(in.Stage), Language: line(in.Language), Text: untrusted(in.Text)}
	for _, t := range in.History[max(0, len(in.History)-recentTurns):] {
		data.History = append(data.History, turn(t.Customer, t.Text))
	}
	return render(classifyPrompt, data)
}
