package status

import "github.com/usherdesk/usher/portal/onboarding"

// kinds are what a record holds that people call by name, with the questions
// asked of it, the usual one first.
var kinds = []struct {
	things  func(r onboarding.Record) []thing
	intents []string
}{
	{func(r onboarding.Record) (out []thing) {
		for i, e := range r.Envelopes {
			out = append(out, thing{e.Title, append([]string{"contract", "agreement", "Vertrag", "contrat", "contrato"}, e.Aliases...), i})
		}
		return out
	}, []string{"signature.status"}},
	{func(r onboarding.Record) (out []thing) {
		for i, d := range r.Documents {
			out = append(out, thing{d.Title, d.Aliases, i})
		}
		return out
	}, []string{"document.review_status", "document.received", "document.rejection_reason", "document.latest_version"}},
	{func(r onboarding.Record) (out []thing) {
		for i, m := range r.Integrations {
			out = append(out, thing{m.Connector, m.Aliases, i})
		}
		return out
	}, []string{"integration.connection_status", "integration.last_sync", "integration.error_followup"}},
	{func(r onboarding.Record) (out []thing) {
		for i, m := range r.Milestones {
			out = append(out, thing{m.Name, m.Aliases, i})
		}
		return out
	}, []string{"milestone.status"}},
	{func(r onboarding.Record) (out []thing) {
		for i, e := range r.Environments {
			out = append(out, thing{e.Kind, cues[e.Kind]["en"], i})
		}
		return out
	}, []string{"access.environment_ready"}},
	{func(r onboarding.Record) (out []thing) {
		for i, v := range r.Verifications {
			out = append(out, thing{v.Kind, []string{"verification", "KYC", "KYB", "Verifizierung", "vérification", "verificación", "verificação"}, i})
		}
		return out
	}, []string{"verification.status", "verification.eta", "verification.requirements_due"}},
	{func(onboarding.Record) []thing {
		return []thing{{"training", []string{"courses", "Schulung", "formation", "formación", "treinamento"}, 0}}
	}, []string{"training.status"}},
	{func(onboarding.Record) []thing {
		return []thing{{"go-live", []string{"launch", "Produktivstart", "mise en service", "lanzamiento", "lançamento"}, 0}}
	}, []string{"onboarding.go_live_date"}},
}
