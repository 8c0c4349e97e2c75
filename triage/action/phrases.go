package action

// phrases are what a customer hears when it does not end well. %w stands for what
// was proposed. None says why: causes are for agents.
type phrases struct {
	declined string
	expired  string
	failed   string
	unknown  string
}

var byLanguage = map[string]phrases{
	"en": {
		declined: "A person has looked at this: %w It can't be done just like that, and nothing has been changed. They will go on with you here.",
		expired:  "I'm sorry, this has not been checked in time: %w Nothing has been changed. A person will go on with you here, you need not ask again.",
		failed:   "I'm sorry, this did not work: %w Nothing has been changed. A person is looking at it and will write to you here.",
		unknown:  "I can't say yet whether this went through: %w A person is checking it and will write to you here. Please don't repeat it.",
	},
	"de": {
		declined: "Ein Mensch hat sich das angesehen: %w So einfach geht das leider nicht, und es wurde nichts geändert. Es geht hier persönlich mit Ihnen weiter.",
		expired:  "Es tut mir leid, das wurde nicht rechtzeitig geprüft: %w Es wurde nichts geändert. Ein Mensch macht hier mit Ihnen weiter, Sie müssen nicht noch einmal fragen.",
		failed:   "Es tut mir leid, das hat nicht geklappt: %w Es wurde nichts geändert. Ein Mensch sieht es sich an und schreibt Ihnen hier.",
		unknown:  "Ich kann noch nicht sagen, ob das angekommen ist: %w Ein Mensch prüft es und schreibt Ihnen hier. Bitte wiederholen Sie es nicht.",
	},
	"fr": {
		declined: "Une personne a examiné ceci : %w Ce n'est pas possible tel quel, et rien n'a été modifié. Elle poursuit avec vous ici.",
		expired:  "Je suis désolé, ceci n'a pas été vérifié à temps : %w Rien n'a été modifié. Une personne poursuit avec vous ici, inutile de redemander.",
		failed:   "Je suis désolé, cela n'a pas fonctionné : %w Rien n'a été modifié. Une personne s'en occupe et vous écrira ici.",
		unknown:  "Je ne peux pas encore dire si cela a abouti : %w Une personne vérifie et vous écrira ici. Merci de ne pas le refaire.",
	},
	"es": {
		declined: "Una persona lo ha revisado: %w No se puede hacer tal cual, y no se ha cambiado nada. Seguirá con usted aquí.",
		expired:  "Lo siento, esto no se ha revisado a tiempo: %w No se ha cambiado nada. Una persona seguirá con usted aquí; no hace falta que lo pida otra vez.",
		failed:   "Lo siento, esto no ha funcionado: %w No se ha cambiado nada. Una persona lo está mirando y le escribirá aquí.",
		unknown:  "Todavía no puedo decir si esto ha llegado a hacerse: %w Una persona lo está comprobando y le escribirá aquí. Por favor, no lo repita.",
	},
	"pt": {
		declined: "Uma pessoa viu isto: %w Não é possível assim, e nada foi alterado. Ela continua consigo aqui.",
		expired:  "Lamento, isto não foi verificado a tempo: %w Nada foi alterado. Uma pessoa continua consigo aqui; não precisa de pedir de novo.",
		failed:   "Lamento, isto não funcionou: %w Nada foi alterado. Uma pessoa está a ver e vai escrever-lhe aqui.",
		unknown:  "Ainda não sei dizer se isto foi feito: %w Uma pessoa está a verificar e vai escrever-lhe aqui. Por favor, não repita.",
	},
}

func speak(language string) phrases {
	if p, ok := byLanguage[language]; ok {
		return p
	}
	return byLanguage["en"]
}
