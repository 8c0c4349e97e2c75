package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// Real messages through the shipped classifier, the real record and the real
// assistant: several questions at once, and short ones that continue the last.
func TestStatusConversationsInFiveLanguages(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	tenant := db.Tenant(t, "acme")
	people := []onboarding.DemoPerson{{ID: db.User(t, tenant, "ana@acme.test", "admin"), Name: "Ana"}, {ID: db.User(t, tenant, "bo@acme.test"), Name: "Bo"}, {ID: db.User(t, tenant, "cy@acme.test"), Name: "Cy"}}
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, time.Now())
	}))
	set, err := taxonomy.Shipped()
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return taxonomy.Seed(t.Context(), tx, set) }))
	require.NoError(t, a.engine.Refresh(t.Context()))

	type said struct{ text, contains string }
	for name, conversation := range map[string]struct {
		locale string
		turns  []said
	}{
		"English, two questions": {"en", []said{{"When do we go live? And which documents are still missing?", "\n\n"}}},
		"English, a follow-up":   {"en", []said{{"Is the Salesforce integration connected?", "Salesforce"}, {"and Okta?", "Single sign-on"}}},
		"English, on and on":     {"en", []said{{"How is our KYC check going?", "verification"}, {"How much longer?", "verification"}, {"why?", "verification"}, {"since when?", "10 November"}, {"who does that?", "verification"}, {"and the contract?", "agreement"}, {"since when?", "agreement"}}},
		"German, on and on":      {"de", []said{{"Wie steht es um unsere KYC-Prüfung?", "bestätigt"}, {"Wie lange noch?", "bestätigt"}, {"Warum?", "Verifizierung"}, {"Seit wann?", "10. November"}, {"Wer macht das?", "bestätigt"}}},
		"French, on and on":      {"fr", []said{{"Où en est notre vérification KYC ?", "vérifi"}, {"Combien de temps encore ?", "vérifi"}, {"Pourquoi ?", "vérifi"}, {"Depuis quand ?", "10 novembre"}, {"Qui fait ça ?", "vérifi"}}},
		"Spanish, on and on":     {"es", []said{{"¿Cómo va nuestra verificación KYC?", "verificada"}, {"¿Cuánto falta?", "verificada"}, {"¿Por qué?", "verificación"}, {"¿Desde cuándo?", "10 de noviembre"}, {"¿Quién hace eso?", "verificada"}}},
		"Portuguese, on and on":  {"pt", []said{{"Como está a nossa verificação KYC?", "verificada"}, {"Quanto tempo falta?", "verificada"}, {"Porquê?", "verificação"}, {"Desde quando?", "10 de novembro"}, {"Quem faz isso?", "verificada"}}},
		"German":                 {"de", []said{{"Wann gehen wir live? Und welche Dokumente fehlen noch?", "\n\n"}, {"Ist die Salesforce-Integration verbunden?", "Salesforce"}, {"Und Okta?", "Single sign-on"}}},
		"French":                 {"fr", []said{{"Quand passons-nous en production ? Et quels documents manquent encore ?", "\n\n"}, {"L'intégration Salesforce est-elle connectée ?", "Salesforce"}, {"et Okta ?", "Single sign-on"}}},
		"Spanish":                {"es", []said{{"¿Cuándo salimos en vivo? ¿Y qué documentos faltan todavía?", "\n\n"}, {"¿Está conectada la integración de Salesforce?", "Salesforce"}, {"¿y Okta?", "Single sign-on"}}},
		"Portuguese":             {"pt", []said{{"Quando entramos em produção? E que documentos ainda faltam?", "\n\n"}, {"A integração com o Salesforce está ligada?", "Salesforce"}, {"e o Okta?", "Single sign-on"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: people[0].ID, Name: "Ana", Roles: []string{"admin"}, Locale: conversation.locale}
			c, _, err := a.intake.Start(t.Context(), who, intake.Start{Channel: triage.ChannelChat, Locale: conversation.locale})
			require.NoError(t, err)
			for _, turn := range conversation.turns {
				m, err := a.intake.Post(t.Context(), who, c.ID, intake.Post{Text: turn.text})
				require.NoError(t, err)
				require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: tenant, MessageID: m.ID}))
				messages, err := a.intake.Messages(t.Context(), who, c.ID, 0, 100)
				require.NoError(t, err)
				reply := messages[len(messages)-1]
				require.Equal(t, triage.AuthorAssistant, reply.AuthorKind, turn.text)
				require.Equal(t, "status", reply.Answer.Kind, "%s → %s", turn.text, reply.Body)
				require.Contains(t, reply.Body, turn.contains, turn.text)
				require.Equal(t, conversation.locale, reply.Language, turn.text)
				t.Log(turn.text, "→", reply.Body)
			}
		})
	}
}
