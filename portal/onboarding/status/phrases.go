package status

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed phrases/*.txt
var phraseFiles embed.FS

// phrases are the answers' sentences by language. {name} is filled from a field.
var phrases = readPhrases()

func readPhrases() map[string]map[string]string {
	out := map[string]map[string]string{}
	files, err := phraseFiles.ReadDir("phrases")
	if err != nil {
		panic(err) // embedded
	}
	for _, file := range files {
		body, err := phraseFiles.ReadFile("phrases/" + file.Name())
		if err != nil {
			panic(err) // embedded
		}
		sentences := map[string]string{}
		for n, line := range strings.Split(string(body), "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, text, ok := strings.Cut(line, " = ")
			if !ok {
				panic(fmt.Sprintf("phrases/%s:%d: not key = text", file.Name(), n+1)) // shipped with the program
			}
			sentences[key] = text
		}
		out[strings.TrimSuffix(file.Name(), ".txt")] = sentences
	}
	return out
}

// spoken is the language answered in.
func spoken(language string) string {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	if _, ok := phrases[language]; ok {
		return language
	}
	return "en"
}

// regionOf is the country a locale names, where it is one of the language.
func regionOf(locale, language string) string {
	base, region, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	if !strings.EqualFold(base, language) || len(region) != 2 {
		return ""
	}
	return strings.ToUpper(region)
}

func speak(language string) map[string]string { return phrases[spoken(language)] }

// cues are words that narrow a question down, by language.
var cues = map[string]map[string][]string{
	"sandbox": {
		"en": {"sandbox", "test", "staging"}, "de": {"sandbox", "testumgebung", "test"}, "fr": {"sandbox", "bac à sable", "test"},
		"es": {"sandbox", "pruebas", "prueba"}, "pt": {"sandbox", "teste", "testes"},
	},
	"production": {
		"en": {"production", "live", "prod"}, "de": {"produktion", "produktiv", "produktionsumgebung", "live"},
		"fr": {"production", "prod"}, "es": {"producción", "productivo"}, "pt": {"produção"},
	},
	"everybody": {
		"en": {"who", "everyone", "everybody", "list", "people"}, "de": {"wer", "alle", "liste", "personen"},
		"fr": {"qui", "liste", "personnes"}, "es": {"quién", "quiénes", "lista", "todos"}, "pt": {"quem", "lista", "todos"},
	},
	"commitment": {
		"en": {"guarantee", "guaranteed", "promise", "commit", "commitment", "binding"}, "de": {"garantieren", "garantiert", "garantie", "versprechen", "zusagen", "zusage", "verbindlich"},
		"fr": {"garantir", "garanti", "garantie", "promettre", "promettez", "engagement", "engager"}, "es": {"garantizar", "garantiza", "garantía", "prometer", "promete", "compromiso"},
		"pt": {"garantir", "garantia", "garante", "prometer", "promete", "compromisso"},
	},
	"own": {
		"en": {"i", "my", "me", "mine"}, "de": {"ich", "mein", "meine", "meinen", "mir", "mich"}, "fr": {"je", "j", "mon", "ma", "mes", "moi"},
		"es": {"yo", "mí", "mi", "mis", "he"}, "pt": {"eu", "mim", "meu", "minha", "meus", "minhas"},
	},
}

// mentions reports whether the question holds one of the cue's words, in its own
// language or in English.
func (d *draft) mentions(cue string) bool {
	text := " " + strings.Join(strings.FieldsFunc(strings.ToLower(d.q.Text), notLetter), " ") + " "
	for _, language := range []string{d.language, "en"} {
		if language == "en" && d.language != "en" && cue == "own" {
			continue // "me" and "i" mean other things elsewhere
		}
		for _, word := range cues[cue][language] {
			if strings.Contains(text, " "+word+" ") {
				return true
			}
		}
	}
	return false
}
