package assistant

import (
	"strconv"
	"strings"

	"github.com/usherdesk/usher/triage"
)

// phrases are the sentences the assistant says in its own name. None states a
// fact about the customer; facts come from templates over records, and from
// cited passages. %n is a ticket's number.
type phrases struct {
	greeting       string
	thanks         string
	passedOn       string // after a hand-over
	passedOnUrgent string
	alreadyWith    string            // a person is on it already
	notFound       string            // weak retrieval
	nearest        string            // before the closest articles
	ask            string            // generic clarifying question
	empty          string            // a message without a word
	noAnswerTo     string            // one of several questions; %q is it
	quoted         map[string]string // before an answer in another language, by its language
	contradiction  string
	failed         string // something of ours did not work
	because        map[triage.Reason]string
	confirm        string // before what is for nobody else; %a is where the code went
	confirmLater   string // no code can be sent for %m minutes
	talkToPerson   string
	openLink       string
}

var byLanguage = map[string]phrases{
	"en": {
		greeting:       "Hello! I'm the Usher assistant, an AI. What is it about? Ask me about your onboarding or how something works, and I'll answer from your live records and our help centre. A person is one step away.",
		thanks:         "You're welcome! If anything else comes up, just write here.",
		passedOn:       "I've passed this on to our team as ticket #%n. They can see our whole conversation, so you don't need to repeat anything. They'll answer here in this chat.",
		passedOnUrgent: "I've passed this on to our team as urgent, ticket #%n. They can see our whole conversation and will answer here in this chat.",
		alreadyWith:    "I've added this to ticket #%n. Our team will answer here.",
		notFound:       "I couldn't find a reliable answer to this in our help centre, so I won't guess.",
		nearest:        "These articles come closest:",
		empty:          "What would you like to know? A few words are enough.",
		noAnswerTo:     "I have no reliable answer to “%q”.",
		quoted:         map[string]string{"de": "Our article on this is in German:", "fr": "Our article on this is in French:", "es": "Our article on this is in Spanish:", "pt": "Our article on this is in Portuguese:"},
		ask:            "I'm not sure which of these you mean. Could you pick one?",
		contradiction:  "Our articles don't agree on this; please see both sources.",
		failed:         "Something on our side didn't work, so I couldn't answer this myself.",
		confirm:        "I'll answer that as soon as I know that it is you. We sent a code of six digits to %a. Enter it here; it works once, for 10 minutes. Then I won't ask again for 15 minutes.",
		confirmLater:   "I answer that only when I know that it is you, and for your safety the next code can be sent in %m min. Ask me again then, or talk to a person.",
		talkToPerson:   "Talk to a person",
		openLink:       "Open in the portal",
		because: map[triage.Reason]string{
			triage.ReasonRequested: "Of course.",
			triage.ReasonUrgent:    "This sounds urgent.",
			triage.ReasonSensitive: "This is something a person should look at.",
			triage.ReasonAction:    "This is one for our team.",
			triage.ReasonUnhappy:   "I'm sorry this isn't going well.",
			triage.ReasonAbuse:     "I'd like a person to take this from here.",
		},
	},
	"de": {
		greeting:       "Hallo! Ich bin der Usher-Assistent, eine KI. Worum geht es? Fragen Sie mich nach Ihrem Onboarding oder wie etwas funktioniert; ich antworte aus Ihren aktuellen Daten und unserem Hilfe-Center. Ein Mensch ist einen Schritt entfernt.",
		thanks:         "Gern geschehen! Wenn noch etwas ist, schreiben Sie einfach hier.",
		passedOn:       "Ich habe das als Ticket #%n an unser Team weitergegeben. Es sieht unser ganzes Gespräch, Sie müssen nichts wiederholen. Die Antwort kommt hier im Chat.",
		passedOnUrgent: "Ich habe das als dringend an unser Team weitergegeben, Ticket #%n. Es sieht unser ganzes Gespräch und antwortet hier im Chat.",
		alreadyWith:    "Ich habe das Ticket #%n ergänzt. Unser Team antwortet hier.",
		notFound:       "Dazu habe ich in unserem Hilfe-Center keine verlässliche Antwort gefunden und möchte nicht raten.",
		nearest:        "Diese Artikel kommen dem am nächsten:",
		empty:          "Was möchten Sie wissen? Ein paar Worte genügen.",
		noAnswerTo:     "Auf „%q“ habe ich keine verlässliche Antwort.",
		quoted:         map[string]string{"en": "Unser Artikel dazu ist auf Englisch:", "fr": "Unser Artikel dazu ist auf Französisch:", "es": "Unser Artikel dazu ist auf Spanisch:", "pt": "Unser Artikel dazu ist auf Portugiesisch:"},
		ask:            "Ich bin nicht sicher, was davon Sie meinen. Wählen Sie bitte eines aus?",
		contradiction:  "Unsere Artikel sind sich hier nicht einig; bitte sehen Sie beide Quellen an.",
		failed:         "Auf unserer Seite hat etwas nicht funktioniert, daher konnte ich das nicht selbst beantworten.",
		confirm:        "Das beantworte ich, sobald ich weiß, dass Sie es sind. Wir haben einen sechsstelligen Code an %a gesendet. Geben Sie ihn hier ein; er gilt einmal und 10 Minuten lang. Danach frage ich 15 Minuten lang nicht noch einmal.",
		confirmLater:   "Das beantworte ich nur, wenn ich weiß, dass Sie es sind, und zu Ihrer Sicherheit kann der nächste Code erst in %m Min. gesendet werden. Fragen Sie mich dann noch einmal, oder sprechen Sie mit einem Menschen.",
		talkToPerson:   "Mit einem Menschen sprechen",
		openLink:       "Im Portal öffnen",
		because: map[triage.Reason]string{
			triage.ReasonRequested: "Gern.",
			triage.ReasonUrgent:    "Das klingt dringend.",
			triage.ReasonSensitive: "Das sollte sich ein Mensch ansehen.",
			triage.ReasonAction:    "Darum kümmert sich unser Team.",
			triage.ReasonUnhappy:   "Es tut mir leid, dass es gerade nicht gut läuft.",
			triage.ReasonAbuse:     "Ab hier soll ein Mensch übernehmen.",
		},
	},
	"fr": {
		greeting:       "Bonjour ! Je suis l'assistant d'Usher, une IA. De quoi s'agit-il ? Posez-moi vos questions sur votre intégration ou sur le fonctionnement du produit ; je réponds à partir de vos données à jour et de notre centre d'aide. Une personne est à un pas.",
		thanks:         "Avec plaisir ! Si autre chose se présente, écrivez ici.",
		passedOn:       "J'ai transmis votre demande à notre équipe, ticket n° %n. Elle voit toute notre conversation, vous n'avez rien à répéter. La réponse arrivera ici.",
		passedOnUrgent: "J'ai transmis votre demande à notre équipe comme urgente, ticket n° %n. Elle voit toute notre conversation et répondra ici.",
		alreadyWith:    "J'ai ajouté ceci au ticket n° %n. Notre équipe répondra ici.",
		notFound:       "Je n'ai pas trouvé de réponse fiable dans notre centre d'aide et je préfère ne pas deviner.",
		nearest:        "Ces articles s'en approchent le plus :",
		empty:          "Que souhaitez-vous savoir ? Quelques mots suffisent.",
		noAnswerTo:     "Je n'ai pas de réponse fiable à « %q ».",
		quoted:         map[string]string{"en": "Notre article à ce sujet est en anglais :", "de": "Notre article à ce sujet est en allemand :", "es": "Notre article à ce sujet est en espagnol :", "pt": "Notre article à ce sujet est en portugais :"},
		ask:            "Je ne suis pas sûr de ce que vous voulez dire. Pouvez-vous choisir ?",
		contradiction:  "Nos articles ne concordent pas sur ce point ; consultez les deux sources.",
		failed:         "Quelque chose n'a pas fonctionné de notre côté, je n'ai donc pas pu répondre moi-même.",
		confirm:        "Je vous répondrai dès que je saurai que c'est bien vous. Nous avons envoyé un code à six chiffres à %a. Saisissez-le ici ; il fonctionne une seule fois, pendant 10 minutes. Ensuite, je ne le redemanderai pas pendant 15 minutes.",
		confirmLater:   "Je ne réponds à cela que si je sais que c'est bien vous et, pour votre sécurité, le prochain code pourra être envoyé dans %m min. Posez-moi alors la question de nouveau, ou parlez à une personne.",
		talkToPerson:   "Parler à une personne",
		openLink:       "Ouvrir dans le portail",
		because: map[triage.Reason]string{
			triage.ReasonRequested: "Bien sûr.",
			triage.ReasonUrgent:    "Cela semble urgent.",
			triage.ReasonSensitive: "Une personne doit regarder cela.",
			triage.ReasonAction:    "C'est notre équipe qui s'en occupe.",
			triage.ReasonUnhappy:   "Je suis désolé que cela ne se passe pas bien.",
			triage.ReasonAbuse:     "Je préfère qu'une personne prenne la suite.",
		},
	},
	"es": {
		greeting:       "¡Hola! Soy el asistente de Usher, una IA. ¿De qué se trata? Pregúnteme por su incorporación o cómo funciona algo; respondo con sus datos actuales y nuestro centro de ayuda. Una persona está a un paso.",
		thanks:         "¡De nada! Si surge algo más, escriba aquí.",
		passedOn:       "He pasado esto a nuestro equipo como ticket n.º %n. Ven toda nuestra conversación, no tiene que repetir nada. Responderán aquí en el chat.",
		passedOnUrgent: "He pasado esto a nuestro equipo como urgente, ticket n.º %n. Ven toda nuestra conversación y responderán aquí en el chat.",
		alreadyWith:    "He añadido esto al ticket n.º %n. Nuestro equipo responderá aquí.",
		notFound:       "No he encontrado una respuesta fiable en nuestro centro de ayuda y prefiero no adivinar.",
		nearest:        "Estos artículos son los más cercanos:",
		empty:          "¿Qué desea saber? Bastan unas palabras.",
		noAnswerTo:     "No tengo una respuesta fiable a «%q».",
		quoted:         map[string]string{"en": "Nuestro artículo sobre esto está en inglés:", "de": "Nuestro artículo sobre esto está en alemán:", "fr": "Nuestro artículo sobre esto está en francés:", "pt": "Nuestro artículo sobre esto está en portugués:"},
		ask:            "No estoy seguro de a cuál se refiere. ¿Puede elegir uno?",
		contradiction:  "Nuestros artículos no coinciden en esto; consulte ambas fuentes.",
		failed:         "Algo no funcionó por nuestra parte y no pude responder por mí mismo.",
		confirm:        "Le responderé en cuanto sepa que es usted. Hemos enviado un código de seis cifras a %a. Escríbalo aquí; funciona una sola vez, durante 10 minutos. Después no volveré a pedirlo durante 15 minutos.",
		confirmLater:   "Solo respondo a eso cuando sé que es usted y, por su seguridad, el siguiente código se podrá enviar dentro de %m min. Pregúnteme de nuevo entonces, o hable con una persona.",
		talkToPerson:   "Hablar con una persona",
		openLink:       "Abrir en el portal",
		because: map[triage.Reason]string{
			triage.ReasonRequested: "Por supuesto.",
			triage.ReasonUrgent:    "Esto parece urgente.",
			triage.ReasonSensitive: "Esto debe verlo una persona.",
			triage.ReasonAction:    "De esto se ocupa nuestro equipo.",
			triage.ReasonUnhappy:   "Siento que esto no vaya bien.",
			triage.ReasonAbuse:     "Prefiero que una persona continúe desde aquí.",
		},
	},
	"pt": {
		greeting:       "Olá! Sou o assistente da Usher, uma IA. De que se trata? Pergunte-me sobre a sua integração ou como algo funciona; respondo com os seus dados atuais e o nosso centro de ajuda. Uma pessoa está a um passo.",
		thanks:         "De nada! Se surgir mais alguma coisa, escreva aqui.",
		passedOn:       "Passei isto à nossa equipa como ticket n.º %n. A equipa vê toda a nossa conversa, não precisa de repetir nada. A resposta chegará aqui no chat.",
		passedOnUrgent: "Passei isto à nossa equipa como urgente, ticket n.º %n. A equipa vê toda a nossa conversa e responderá aqui no chat.",
		alreadyWith:    "Acrescentei isto ao ticket n.º %n. A nossa equipa responderá aqui.",
		notFound:       "Não encontrei uma resposta fiável no nosso centro de ajuda e prefiro não adivinhar.",
		nearest:        "Estes artigos são os mais próximos:",
		empty:          "O que gostaria de saber? Bastam algumas palavras.",
		noAnswerTo:     "Não tenho uma resposta fiável para “%q”.",
		quoted:         map[string]string{"en": "O nosso artigo sobre isto está em inglês:", "de": "O nosso artigo sobre isto está em alemão:", "fr": "O nosso artigo sobre isto está em francês:", "es": "O nosso artigo sobre isto está em espanhol:"},
		ask:            "Não tenho a certeza a qual se refere. Pode escolher um?",
		contradiction:  "Os nossos artigos não coincidem neste ponto; consulte ambas as fontes.",
		failed:         "Algo não funcionou do nosso lado e não consegui responder.",
		confirm:        "Respondo assim que souber que é mesmo você. Enviámos um código de seis algarismos para %a. Escreva-o aqui; funciona uma única vez, durante 10 minutos. Depois não volto a pedi-lo durante 15 minutos.",
		confirmLater:   "Só respondo a isso quando sei que é mesmo você e, para sua segurança, o próximo código só pode ser enviado dentro de %m min. Pergunte-me de novo nessa altura, ou fale com uma pessoa.",
		talkToPerson:   "Falar com uma pessoa",
		openLink:       "Abrir no portal",
		because: map[triage.Reason]string{
			triage.ReasonRequested: "Claro.",
			triage.ReasonUrgent:    "Isto parece urgente.",
			triage.ReasonSensitive: "Isto deve ser visto por uma pessoa.",
			triage.ReasonAction:    "Disto trata a nossa equipa.",
			triage.ReasonUnhappy:   "Lamento que isto não esteja a correr bem.",
			triage.ReasonAbuse:     "Prefiro que uma pessoa continue a partir daqui.",
		},
	},
}

// speak returns the phrases of a language, English where we have none.
func speak(language string) phrases {
	if p, ok := byLanguage[strings.ToLower(language)]; ok {
		return p
	}
	return byLanguage["en"]
}

// handedOver is the one honest sentence after a hand-over.
func handedOver(language string, reason triage.Reason, urgent bool, number int64) string {
	p := speak(language)
	text := p.passedOn
	if urgent {
		text = p.passedOnUrgent
	}
	text = strings.ReplaceAll(text, "%n", strconv.FormatInt(number, 10))
	switch reason {
	case triage.ReasonFailure:
		return p.failed + " " + text
	case triage.ReasonNoAnswer, triage.ReasonGate:
		return p.notFound + " " + text
	}
	if because := p.because[reason]; because != "" {
		return because + " " + text
	}
	return text
}
