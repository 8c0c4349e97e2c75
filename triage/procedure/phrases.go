package procedure

// phrases are the sentences of our own around a curator's texts.
type phrases struct {
	again     map[Kind]string // an answer did not fit
	cancel    string          // the option that ends it
	cancelled string
	proposed  string // %w is what
	yesNo     map[string]string
}

var byLanguage = map[string]phrases{
	"en": {
		again: map[Kind]string{
			KindChoice: "Please pick one of these.", KindYesNo: "Please answer yes or no.", KindText: "Please write a short answer.",
			KindEmail: "I couldn't read that as an e-mail address.", KindDate: "I couldn't read that as a day from today on. For example: 2026-12-31.",
		},
		cancel: "Cancel", cancelled: "All right, I've stopped here. Nothing was changed.",
		proposed: "I've prepared this for you: %w A person checks it first; nothing has been changed yet.",
		yesNo:    map[string]string{"yes": "Yes", "no": "No"},
	},
	"de": {
		again: map[Kind]string{
			KindChoice: "Bitte wählen Sie eines davon aus.", KindYesNo: "Bitte antworten Sie mit Ja oder Nein.", KindText: "Bitte schreiben Sie eine kurze Antwort.",
			KindEmail: "Das konnte ich nicht als E-Mail-Adresse lesen.", KindDate: "Das konnte ich nicht als Tag ab heute lesen. Zum Beispiel: 31.12.2026.",
		},
		cancel: "Abbrechen", cancelled: "In Ordnung, ich habe hier aufgehört. Es wurde nichts geändert.",
		proposed: "Ich habe das für Sie vorbereitet: %w Zuerst prüft es ein Mensch; geändert ist noch nichts.",
		yesNo:    map[string]string{"yes": "Ja", "no": "Nein"},
	},
	"fr": {
		again: map[Kind]string{
			KindChoice: "Veuillez choisir l'une de ces réponses.", KindYesNo: "Veuillez répondre par oui ou par non.", KindText: "Veuillez écrire une courte réponse.",
			KindEmail: "Je n'ai pas reconnu d'adresse e-mail.", KindDate: "Je n'ai pas reconnu de jour à partir d'aujourd'hui. Par exemple : 31/12/2026.",
		},
		cancel: "Annuler", cancelled: "D'accord, je m'arrête ici. Rien n'a été modifié.",
		proposed: "J'ai préparé ceci pour vous : %w Une personne le vérifie d'abord ; rien n'a encore été modifié.",
		yesNo:    map[string]string{"yes": "Oui", "no": "Non"},
	},
	"es": {
		again: map[Kind]string{
			KindChoice: "Elija una de estas opciones, por favor.", KindYesNo: "Responda sí o no, por favor.", KindText: "Escriba una respuesta breve, por favor.",
			KindEmail: "No he podido leerlo como una dirección de correo.", KindDate: "No he podido leerlo como un día a partir de hoy. Por ejemplo: 31/12/2026.",
		},
		cancel: "Cancelar", cancelled: "De acuerdo, lo dejo aquí. No se ha cambiado nada.",
		proposed: "Le he preparado esto: %w Primero lo revisa una persona; todavía no se ha cambiado nada.",
		yesNo:    map[string]string{"yes": "Sí", "no": "No"},
	},
	"pt": {
		again: map[Kind]string{
			KindChoice: "Escolha uma destas opções, por favor.", KindYesNo: "Responda sim ou não, por favor.", KindText: "Escreva uma resposta curta, por favor.",
			KindEmail: "Não consegui ler isso como um endereço de e-mail.", KindDate: "Não consegui ler isso como um dia a partir de hoje. Por exemplo: 31/12/2026.",
		},
		cancel: "Cancelar", cancelled: "Está bem, fico por aqui. Nada foi alterado.",
		proposed: "Preparei isto para si: %w Primeiro uma pessoa verifica; ainda nada foi alterado.",
		yesNo:    map[string]string{"yes": "Sim", "no": "Não"},
	},
}

var (
	cancels = []string{"Cancel", "Stop", "Never mind", "Abbrechen", "Annuler", "Cancelar"}
	yesNo   = map[string][]string{
		"yes": {"yes", "y", "yes please", "ok", "ja", "oui", "sí", "si", "sim"},
		"no":  {"no", "n", "no thanks", "nein", "non", "não", "nao"},
	}
)

func speak(language string) phrases {
	if p, ok := byLanguage[language]; ok {
		return p
	}
	return byLanguage["en"]
}
