package rehearsal

import (
	"slices"
	"strings"
	"unicode"
)

// phrases are what customers add of themselves.
var phrases = map[string]struct {
	greeting, person string
	insist           []string // put before the last question
}{
	"en": {"Hello there,", "Let me talk to a person, please", []string{"Sorry, that is not what I asked.", "Please, I really need to know:"}},
	"de": {"Guten Tag,", "Ich möchte bitte mit einem Menschen sprechen", []string{"Das war nicht meine Frage.", "Bitte, ich muss das wirklich wissen:"}},
	"fr": {"Bonjour,", "Je voudrais parler à une personne, s'il vous plaît", []string{"Ce n'est pas ma question.", "S'il vous plaît, j'ai vraiment besoin de savoir :"}},
	"es": {"Buenos días,", "Quiero hablar con una persona, por favor", []string{"Eso no es lo que pregunté.", "Por favor, necesito saberlo de verdad:"}},
	"pt": {"Bom dia,", "Quero falar com uma pessoa, por favor", []string{"Não foi isso que perguntei.", "Por favor, preciso mesmo de saber:"}},
}

// written is a message as this customer writes it.
func (s Scenario) written(text string) string {
	if slices.Contains(s.Manner, "typos") {
		text = mistyped(text)
	}
	if slices.Contains(s.Manner, "shouting") {
		text = strings.ToUpper(text) + "!!"
	}
	if slices.Contains(s.Manner, "greeting") {
		text = phrases[s.Language].greeting + " " + text
	}
	return text
}

// insisting asks once more.
func (s Scenario) insisting(time int, question string) string {
	list := phrases[s.Language].insist
	return list[time%len(list)] + " " + s.written(question)
}

// mistyped swaps two letters within every third word of six letters or more.
func mistyped(text string) string {
	words := strings.Split(text, " ")
	long := 0
	for i, word := range words {
		letters := []rune(word)
		if len(letters) < 6 || slices.ContainsFunc(letters, func(r rune) bool { return !unicode.IsLetter(r) && r != '?' }) {
			continue
		}
		if long++; long%3 == 1 {
			letters[2], letters[3] = letters[3], letters[2]
			words[i] = string(letters)
		}
	}
	return strings.Join(words, " ")
}
