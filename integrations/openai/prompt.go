package openai

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed prompts/*.tmpl
var promptFiles embed.FS

// Versions of the prompts, as stored with what they made. A changed prompt is a
// new file.
const (
	ComposeVersion  = "compose_v1"
	ClassifyVersion = "classify_v1"
)

var (
	composePrompt  = template.Must(template.ParseFS(promptFiles, "prompts/"+ComposeVersion+".tmpl"))
	classifyPrompt = template.Must(template.ParseFS(promptFiles, "prompts/"+ClassifyVersion+".tmpl"))
)

// fences are what marks where data begins and ends; data may not hold them.
var fences = strings.NewReplacer("«", "‹", "»", "›")

// untrusted makes a text safe to stand between markers.
func untrusted(text string) string { return strings.TrimSpace(fences.Replace(text)) }

type promptTurn struct{ Who, Text string }

func turn(customer bool, text string) promptTurn {
	who := "Support"
	if customer {
		who = "Customer"
	}
	// One line each, so that no turn can pose as the next.
	return promptTurn{who, strings.Join(strings.Fields(untrusted(text)), " ")}
}

// render fills both parts of a prompt.
func render(prompt *template.Template, data any) (system, user string, err error) {
	var parts [2]strings.Builder
	for i, name := range []string{"system", "user"} {
		if err := prompt.ExecuteTemplate(&parts[i], name, data); err != nil {
			return "", "", fmt.Errorf("openai: render prompt: %w", err)
		}
	}
	return strings.TrimSpace(parts[0].String()), strings.TrimSpace(parts[1].String()), nil
}
