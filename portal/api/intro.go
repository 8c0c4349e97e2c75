package api

import "strings"

// introductions are the first frame's texts by language: that the assistant is
// an AI, how to reach a person, and what to expect.
var introductions = map[string]AssistantIntro{
	"en": {
		Disclosure:  "You are chatting with the Usher assistant, an AI.",
		Person:      "You can talk to a person at any time: press “Talk to a person” or just say so.",
		Expectation: "The assistant answers at once. People answer within business hours, urgent matters first.",
		Suggestions: []string{"Where are we with our onboarding?", "What do you need from us next?", "How do I upload a document?"},
	},
	"de": {
		Disclosure:  "Sie chatten mit dem Usher-Assistenten, einer KI.",
		Person:      "Sie erreichen jederzeit einen Menschen: „Mit einem Menschen sprechen“ drücken oder einfach schreiben.",
		Expectation: "Der Assistent antwortet sofort. Menschen antworten während der Geschäftszeiten, Dringendes zuerst.",
		Suggestions: []string{"Wo stehen wir mit dem Onboarding?", "Was brauchen Sie als Nächstes von uns?", "Wann gehen wir live?"},
	},
	"fr": {
		Disclosure:  "Vous discutez avec l'assistant d'Usher, une IA.",
		Person:      "Vous pouvez parler à une personne à tout moment : appuyez sur « Parler à une personne » ou dites-le simplement.",
		Expectation: "L'assistant répond tout de suite. Les personnes répondent aux heures ouvrées, les urgences d'abord.",
		Suggestions: []string{"Où en est notre intégration ?", "De quoi avez-vous besoin de notre part ?", "Quand serons-nous en production ?"},
	},
	"es": {
		Disclosure:  "Está chateando con el asistente de Usher, una IA.",
		Person:      "Puede hablar con una persona en cualquier momento: pulse «Hablar con una persona» o dígalo.",
		Expectation: "El asistente responde al instante. Las personas responden en horario laboral, primero lo urgente.",
		Suggestions: []string{"¿En qué punto está nuestra incorporación?", "¿Qué necesitan de nosotros ahora?", "¿Cuándo salimos en vivo?"},
	},
	"pt": {
		Disclosure:  "Está a conversar com o assistente da Usher, uma IA.",
		Person:      "Pode falar com uma pessoa a qualquer momento: prima “Falar com uma pessoa” ou diga-o.",
		Expectation: "O assistente responde de imediato. As pessoas respondem no horário de expediente, o urgente primeiro.",
		Suggestions: []string{"Em que ponto está a nossa integração?", "O que precisam de nós a seguir?", "Quando entramos em produção?"},
	},
}

// introduce is the first frame of a language, with what is known about when
// people answer in place of the general words.
func introduce(locale, people string) AssistantIntro {
	intro, ok := introductions[languageOf(locale)]
	if !ok {
		intro = introductions["en"]
	}
	if people != "" {
		at, _, _ := strings.Cut(intro.Expectation, ". ")
		intro.Expectation = at + ". " + people
	}
	return intro
}

func languageOf(locale string) string {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	return language
}
