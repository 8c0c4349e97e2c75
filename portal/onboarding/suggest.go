package onboarding

import "strings"

// suggested are the questions offered to people, by language, in the order
// Suggestions uses them: failing, rejected, waiting, in review, go-live date,
// status, after go-live, how-to.
var suggested = map[string][8]string{
	"en": {
		"{name} is failing, is somebody looking at it?", "Why was our document rejected?", "What do you need from us next?", "Has our verification gone through?",
		"When will we go live?", "Where are we with our onboarding?", "What's the status of my ticket?", "How do I upload a document?",
	},
	"de": {
		"{name} schlägt fehl, kümmert sich jemand darum?", "Warum wurde unser Dokument abgelehnt?", "Was brauchen Sie als Nächstes von uns?", "Ist unsere Verifizierung durch?",
		"Wann gehen wir live?", "Wie steht es um unser Onboarding?", "Wie ist der Stand meines Tickets?", "Wie lade ich ein Dokument hoch?",
	},
	"fr": {
		"{name} est en échec, quelqu'un s'en occupe ?", "Pourquoi notre document a-t-il été refusé ?", "De quoi avez-vous besoin de notre part ?", "Notre vérification est-elle passée ?",
		"Quand serons-nous en service ?", "Où en est notre onboarding ?", "Où en est mon ticket ?", "Comment déposer un document ?",
	},
	"es": {
		"{name} está fallando, ¿alguien lo está mirando?", "¿Por qué se rechazó nuestro documento?", "¿Qué necesitan de nosotros ahora?", "¿Ha pasado nuestra verificación?",
		"¿Cuándo será la puesta en marcha?", "¿Cómo va nuestro onboarding?", "¿Cómo va mi ticket?", "¿Cómo subo un documento?",
	},
	"pt": {
		"{name} está falhando, alguém está cuidando disso?", "Por que o nosso documento foi recusado?", "O que vocês precisam de nós agora?", "A nossa verificação foi concluída?",
		"Quando entramos em produção?", "Como está o nosso onboarding?", "Como está o meu ticket?", "Como envio um documento?",
	},
}

func suggestions(locale string) [8]string {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	if words, ok := suggested[language]; ok {
		return words
	}
	return suggested["en"]
}
