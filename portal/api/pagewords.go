package api

import (
	"net/http"

	"golang.org/x/text/language"
)

// pageWords are those of the small pages people see while they sign in, before
// anybody knows who they are.
type pageWords struct {
	oneMoment, signingIn, proceed string
	expired, expiredText          string
	failed, failedText            string
	noAccess, noAccessText        string
	cancelled, cancelledText      string
	awayText                      string
	over, overText                string
	somethingText                 string // of ours did not work
	toSignIn, reference           string
}

var pageLanguages = []string{"en", "de", "fr", "es", "pt"}

var pageMatcher = language.NewMatcher([]language.Tag{language.English, language.German, language.French, language.Spanish, language.EuropeanPortuguese})

// wordsFor are in the language the browser asks for, or in English.
func wordsFor(r *http.Request) (string, pageWords) {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	at := 0
	if err == nil && len(tags) > 0 {
		if _, index, sure := pageMatcher.Match(tags...); sure > language.No {
			at = index
		}
	}
	return pageLanguages[at], byPage[pageLanguages[at]]
}

var byPage = map[string]pageWords{
	"en": {
		"One moment, you are being signed in.", "Signing in", "Continue",
		"This sign-in link has expired", "The link was used already or its time is over. Ask for a new one on the sign-in page; if none comes, ask the administrator of your organisation or our support team.",
		"Signing in did not work", "Start again from the sign-in page. If it happens again, tell our support team the reference below.",
		"You have no access here yet", "Your organisation knows you, but you were not given access to this portal. Ask the administrator of your organisation, or our support team, to invite you.",
		"You are not signed in", "Signing in was cancelled. You can start again whenever you like.",
		"Your organisation's sign-in service cannot be reached right now. Try again in a minute; if it stays, tell your administrator.",
		"This sign-in is over", "It took too long, was used already, or was begun in another browser. Start again from the sign-in page.",
		"Something on our side did not work. Try again in a minute; if it stays, tell our support team the reference below.",
		"To the sign-in page", "Reference",
	},
	"de": {
		"Einen Moment, Sie werden angemeldet.", "Anmeldung", "Weiter",
		"Dieser Anmeldelink gilt nicht mehr", "Der Link wurde schon benutzt, oder seine Zeit ist vorbei. Fordern Sie auf der Anmeldeseite einen neuen an; kommt keiner, fragen Sie Ihre Administration oder unser Support-Team.",
		"Die Anmeldung hat nicht funktioniert", "Beginnen Sie auf der Anmeldeseite noch einmal. Passiert es wieder, nennen Sie unserem Support-Team die Referenz unten.",
		"Sie haben hier noch keinen Zugang", "Ihre Organisation kennt Sie, aber für dieses Portal haben Sie noch keinen Zugang. Bitten Sie Ihre Administration oder unser Support-Team um eine Einladung.",
		"Sie sind nicht angemeldet", "Die Anmeldung wurde abgebrochen. Sie können jederzeit neu beginnen.",
		"Der Anmeldedienst Ihrer Organisation ist gerade nicht erreichbar. Versuchen Sie es in einer Minute erneut; bleibt es dabei, sagen Sie Ihrer Administration Bescheid.",
		"Diese Anmeldung ist vorbei", "Sie hat zu lange gedauert, wurde schon benutzt oder in einem anderen Browser begonnen. Beginnen Sie auf der Anmeldeseite noch einmal.",
		"Auf unserer Seite hat etwas nicht funktioniert. Versuchen Sie es in einer Minute erneut; bleibt es dabei, nennen Sie unserem Support-Team die Referenz unten.",
		"Zur Anmeldeseite", "Referenz",
	},
	"fr": {
		"Un instant, vous êtes en cours de connexion.", "Connexion", "Continuer",
		"Ce lien de connexion n'est plus valable", "Le lien a déjà servi, ou son délai est passé. Demandez-en un nouveau sur la page de connexion ; si rien n'arrive, adressez-vous à votre administrateur ou à notre équipe d'assistance.",
		"La connexion n'a pas fonctionné", "Recommencez depuis la page de connexion. Si cela se reproduit, donnez à notre équipe d'assistance la référence ci-dessous.",
		"Vous n'avez pas encore accès ici", "Votre organisation vous connaît, mais vous n'avez pas reçu d'accès à ce portail. Demandez une invitation à votre administrateur ou à notre équipe d'assistance.",
		"Vous n'êtes pas connecté", "La connexion a été annulée. Vous pouvez recommencer quand vous voulez.",
		"Le service de connexion de votre organisation est injoignable pour le moment. Réessayez dans une minute ; si cela dure, prévenez votre administrateur.",
		"Cette connexion est terminée", "Elle a pris trop de temps, a déjà servi ou a été commencée dans un autre navigateur. Recommencez depuis la page de connexion.",
		"Quelque chose n'a pas fonctionné de notre côté. Réessayez dans une minute ; si cela dure, donnez à notre équipe d'assistance la référence ci-dessous.",
		"Vers la page de connexion", "Référence",
	},
	"es": {
		"Un momento, se está iniciando su sesión.", "Inicio de sesión", "Continuar",
		"Este enlace de acceso ha caducado", "El enlace ya se usó o su tiempo ha pasado. Pida uno nuevo en la página de inicio de sesión; si no llega, pregunte a su administrador o a nuestro equipo de soporte.",
		"El inicio de sesión no funcionó", "Empiece de nuevo en la página de inicio de sesión. Si vuelve a ocurrir, dé a nuestro equipo de soporte la referencia de abajo.",
		"Todavía no tiene acceso aquí", "Su organización le conoce, pero no le ha dado acceso a este portal. Pida una invitación a su administrador o a nuestro equipo de soporte.",
		"No ha iniciado sesión", "El inicio de sesión se canceló. Puede empezar de nuevo cuando quiera.",
		"El servicio de inicio de sesión de su organización no está disponible ahora. Inténtelo de nuevo en un minuto; si sigue igual, avise a su administrador.",
		"Este inicio de sesión ha terminado", "Tardó demasiado, ya se usó o se empezó en otro navegador. Empiece de nuevo en la página de inicio de sesión.",
		"Algo no funcionó por nuestra parte. Inténtelo de nuevo en un minuto; si sigue igual, dé a nuestro equipo de soporte la referencia de abajo.",
		"A la página de inicio de sesión", "Referencia",
	},
	"pt": {
		"Um momento, a sua sessão está a ser iniciada.", "Início de sessão", "Continuar",
		"Este link de acesso expirou", "O link já foi usado ou o seu tempo passou. Peça um novo na página de início de sessão; se não chegar, fale com o seu administrador ou com a nossa equipa de suporte.",
		"O início de sessão não funcionou", "Comece de novo na página de início de sessão. Se voltar a acontecer, indique à nossa equipa de suporte a referência abaixo.",
		"Ainda não tem acesso aqui", "A sua organização conhece-o, mas não lhe foi dado acesso a este portal. Peça um convite ao seu administrador ou à nossa equipa de suporte.",
		"Não tem sessão iniciada", "O início de sessão foi cancelado. Pode começar de novo quando quiser.",
		"O serviço de início de sessão da sua organização não está disponível agora. Tente de novo dentro de um minuto; se continuar, avise o seu administrador.",
		"Este início de sessão terminou", "Demorou demasiado, já foi usado ou foi começado noutro navegador. Comece de novo na página de início de sessão.",
		"Algo não funcionou do nosso lado. Tente de novo dentro de um minuto; se continuar, indique à nossa equipa de suporte a referência abaixo.",
		"Para a página de início de sessão", "Referência",
	},
}
