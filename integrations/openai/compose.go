package openai

import (
	"context"
	"strings"
	"time"

	sdk "github.com/sashabaranov/go-openai"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/answer"
)

// maxAnswer is the longest answer asked for, in tokens. Reasoning counts.
const maxAnswer = 1500

// recentTurns is how much of a conversation a prompt holds.
const recentTurns = 6

// notFound is what the model writes instead of an answer it has no grounds for.
const notFound = "NOT_FOUND"

type composer struct{ client *Client }

// Composer drafts answers with the client's chat model. A draft that fails after
// its first sentences is returned with them and the error.
func Composer(client *Client) answer.Composer { return composer{client} }

// Compose implements answer.Composer.
func (c composer) Compose(ctx context.Context, request answer.Request, emit func(answer.Sentence) error) (answer.Draft, error) {
	draft := answer.Draft{Engine: "openai/" + c.client.config.ChatModel, PromptVersion: ComposeVersion}
	if len(request.Passages) == 0 {
		return draft, ctx.Err()
	}
	system, user, err := composeMessages(request)
	if err != nil {
		return draft, err
	}
	user, restore := c.client.config.Mask(user)
	prompt := estimate(system) + estimate(user)
	settle, err := c.client.reserve(ctx, "compose", prompt+maxAnswer)
	if err != nil {
		return draft, err
	}
	var split splitter
	pass := func(sentences []answer.Sentence) error {
		for _, s := range sentences {
			s.Text = restore(s.Text)
			if strings.Trim(s.Text, " .`*\"") == notFound {
				continue
			}
			if err := emit(s); err != nil {
				return err
			}
			draft.Sentences = append(draft.Sentences, s)
		}
		return nil
	}
	out, err := c.client.stream(ctx, "compose", chatRequest(c.client.config.ChatModel, system, user), func(piece string) error {
		return pass(split.write(piece))
	})
	draft.Usage = out.usage
	if draft.Usage == (triage.Usage{}) && out.text != "" { // not every server reports it, and none where a stream breaks
		draft.Usage = c.client.usage(prompt, estimate(out.text))
	}
	settle(draft.Usage)
	c.client.meter(ctx, ForAnswer, c.client.config.ChatModel, draft.Usage)
	if err == nil {
		err = pass(split.rest())
	}
	draft.Found = len(draft.Sentences) > 0
	return draft, err
}

func chatRequest(model, system, user string) sdk.ChatCompletionRequest {
	return sdk.ChatCompletionRequest{
		Model: model, MaxCompletionTokens: maxAnswer,
		Messages: []sdk.ChatCompletionMessage{
			{Role: sdk.ChatMessageRoleSystem, Content: system}, {Role: sdk.ChatMessageRoleUser, Content: user},
		},
	}
}

type promptPassage struct {
	Number                        int
	Title, Section, Updated, Text string
}

// composeMessages renders the prompt. What others wrote stands between markers
// it cannot hold itself.
func composeMessages(r answer.Request) (system, user string, err error) {
	data := struct {
		Language, Question string
		Passages           []promptPassage
		History            []promptTurn
	}{Language: languageName(r.Language), Question: untrusted(r.Question)}
	for _, p := range r.Passages {
		data.Passages = append(data.Passages, promptPassage{
			p.Number, line(p.Title), line(p.Section), p.UpdatedAt.UTC().Format(time.DateOnly), untrusted(p.Text),
		})
	}
	for _, t := range r.History[max(0, len(r.History)-recentTurns):] {
		data.History = append(data.History, turn(t.Customer, t.Text))
	}
	return render(composePrompt, data)
}

func line(text string) string { return strings.Join(strings.Fields(untrusted(text)), " ") }

// languageName is the English name of a language code; English for none.
func languageName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return "English"
	}
	if name := display.English.Languages().Name(tag); name != "" {
		return name
	}
	return "English"
}
