package taxonomy

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/usherdesk/usher/triage"
)

//go:embed shipped.yaml
var shipped []byte

// shippedValue is one entry of shipped.yaml: a value and its examples by language.
type shippedValue struct {
	Value       string          `yaml:"value"`
	Description string          `yaml:"description"`
	Route       string          `yaml:"route"`
	Team        string          `yaml:"team"`
	Priority    triage.Priority `yaml:"priority"`
	Sensitive   bool            `yaml:"sensitive"`
	EN          []string        `yaml:"en"`
	DE          []string        `yaml:"de"`
	FR          []string        `yaml:"fr"`
	ES          []string        `yaml:"es"`
	PT          []string        `yaml:"pt"`
}

// Shipped is the taxonomy an operator starts with.
func Shipped() (Set, error) {
	var values []shippedValue
	if err := yaml.UnmarshalWithOptions(shipped, &values, yaml.Strict()); err != nil {
		return Set{}, fmt.Errorf("read shipped taxonomy: %w", err)
	}
	var set Set
	teams := map[string]bool{}
	for _, v := range values {
		set.Values = append(set.Values, Value{
			Dimension: Intent, Value: v.Value, Description: v.Description, Route: v.Route, Team: v.Team, Priority: v.Priority, Sensitive: v.Sensitive, Enabled: true,
		})
		if v.Team != "" && !teams[v.Team] {
			teams[v.Team] = true
			set.Values = append(set.Values, Value{Dimension: Team, Value: v.Team, Route: RouteAnswer, Enabled: true})
		}
		for _, group := range []struct {
			language string
			texts    []string
		}{{"en", v.EN}, {"de", v.DE}, {"fr", v.FR}, {"es", v.ES}, {"pt", v.PT}} {
			for _, text := range group.texts {
				set.Examples = append(set.Examples, Example{Dimension: Intent, Value: v.Value, Language: group.language, Text: text, Source: "shipped"})
			}
		}
	}
	for _, area := range productAreas {
		set.Values = append(set.Values, Value{Dimension: ProductArea, Value: area.value, Description: area.description, Route: RouteAnswer, Enabled: true})
		for _, text := range area.examples {
			set.Examples = append(set.Examples, Example{Dimension: ProductArea, Value: area.value, Language: "en", Text: text, Source: "shipped"})
		}
	}
	slices.SortStableFunc(set.Values, func(a, b Value) int { return compare(a.Dimension, b.Dimension) })
	return set, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// productAreas are the parts of the product a message can be about.
var productAreas = []struct {
	value, description string
	examples           []string
}{
	{"onboarding", "project, stages, milestones, tasks, go-live, people, meetings", []string{"When do we go live?", "which milestone is next", "who is our onboarding manager", "when is our next call"}},
	{"documents", "uploads, versions, reviews, contracts, signatures", []string{"Did you get our certificate?", "who still has to sign the contract", "why was the file rejected", "where is the signed agreement"}},
	{"verification", "KYC, KYB, compliance, identity, bank account checks", []string{"Is our KYC approved?", "what is missing for the compliance check", "how long does the verification take"}},
	{"integrations", "connections, imports, syncs, webhooks, API", []string{"Is the ERP connected?", "the import failed", "when did the data last sync", "our webhook returns an error"}},
	{"access", "sign-in, users, invitations, roles, keys, environments", []string{"I cannot sign in", "has my colleague been invited", "are the API keys issued", "is the sandbox ready"}},
	{"training", "courses, certificates", []string{"Have I finished all courses?", "who completed the training"}},
	{"support", "tickets, chat, the assistant, reply times", []string{"Any news on my ticket?", "I want to talk to a person", "how fast do you answer"}},
	{"billing", "invoices, payments, plans, prices", []string{"There is an error on our invoice", "we want to upgrade our plan", "we were charged twice"}},
}
