package health

import (
	"regexp"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// quiet are words that carry no matter of their own: auxiliaries, bounds,
// pleasantries.
var quiet = words(`can could may might must should shall will would need needs have has had does do did is are was were be been being
	please note also just only even still already then there here very most more less least about within up than over under exactly maximum minimum max min limit least
	always again simply click choose select press open go see get gets let lets make makes use using used whether well however therefore
	kann konnen muss mussen soll sollen wird werden ist sind war hat haben bitte auch nur noch immer schon bis zu hochstens mindestens maximal
	puede pueden debe hasta peut peuvent doit`)

// negators deny the verb or noun that follows. "Without", "nothing" and the like
// deny something beside it and do not count.
var negators = words(`not cannot never no nobody none nt nicht nie niemals kein keine keinen keinem keiner niemand nunca jamais pas aucun`)

// pole is one end of a pair of opposites.
type pole struct {
	name string
	sign int
}

// opposites are pairs of words of which one denies the other.
var opposites = func() map[string]pole {
	out := map[string]pole{}
	for _, line := range strings.Split(strings.TrimSpace(`
enabled enable enables activated active aktiviert | disabled disable disables deactivated inactive deaktiviert
allowed permitted allows allow erlaubt | forbidden prohibited disallowed banned verboten
required mandatory obligatory requires erforderlich pflicht | optional voluntary freiwillig
possible moglich | impossible unmoglich
automatically automatic automatisch | manually manual manuell
included includes inbegriffen enthalten | excluded excludes ausgeschlossen
supported supports unterstutzt | unsupported
visible shown sichtbar | invisible hidden versteckt unsichtbar
available verfugbar | unavailable
encrypted verschlusselt | unencrypted
reversible | irreversible
permanently permanent | temporarily temporary
free kostenlos | paid chargeable kostenpflichtig
before vor | after nach
kept retained keeps keep | deleted removed erased
public offentlich | private privat
first zuerst | last zuletzt
succeeds | fails
increases raises | decreases lowers`), "\n") {
		plus, minus, _ := strings.Cut(line, "|")
		name := strings.Fields(plus)[0]
		for _, w := range strings.Fields(plus) {
			out[w] = pole{name, 1}
		}
		for _, w := range strings.Fields(minus) {
			out[w] = pole{name, -1}
		}
	}
	return out
}()

var (
	contracted = regexp.MustCompile(`(?i)(\pL)n['’]t\b`)
	notOnly    = regexp.MustCompile(`(?i)\b(?:not only|no matter|not yet|whether or not|if not|no longer than|not more than|no more than|no less than|no fewer than|not exceed\w*|nicht nur|no later than|not only|no doubt|no one else)\b`)
	// condition is a subordinate clause: what it denies is not what is claimed.
	condition = regexp.MustCompile(`(?i)\b(?:if|when|whenever|unless|until|while|where|because|since|so that|who|which|wenn|falls|solange|bis|weil|damit|si|cuando|quand)\b[^,;:.]*[,;:.]?`)
	lateCase  = regexp.MustCompile(`(?i)^(?:if|when|whenever|unless|until|while|where|because|since|wenn|falls|solange|weil|si|cuando|quand)\b[^,;]*[,;]`)

	quoted = regexp.MustCompile(`"[^"]*"|“[^”]*”|„[^“]*“|‘[^’]*’`)
	aside  = regexp.MustCompile(`(?i),\s*(?:and |but )?(?:not|nicht) \pL+[^,;:.]*|(?i)(?:, (?:so|damit|sodass)|\bso (?:you|we|it|they|that|there|nobody|people|nothing)\b) .*$`)
	mixed  = regexp.MustCompile(`(?i)\b(?:but|except|although|though|however|instead|rather than|apart from|other than|aber|außer|sondern|obwohl|sauf|pero|excepto)\b`)
)

// polarity decides whether a sentence denies what it speaks of, and which word.
func (s *sentence) polarity(text, language string) {
	s.only = onlyMark.MatchString(text)
	text = notOnly.ReplaceAllString(quoted.ReplaceAllString(contracted.ReplaceAllString(text, "$1 not "), " "), " ")
	s.mixed = mixed.MatchString(text)
	main := lateCase.ReplaceAllString(aside.ReplaceAllString(text, " "), " ")
	if len(strings.Fields(main)) < 2 {
		main = text
	}
	// A condition at the end is left out as well, as long as a statement remains.
	if short := condition.ReplaceAllString(main, " "); len(strings.Fields(short)) >= fewestWords {
		main = short
	}
	n, waiting := 0, false
	for _, w := range token.FindAllString(main, -1) {
		folded := lexicon.Fold(strings.ToLower(w))
		switch {
		case negators[folded]:
			n, waiting = n+1, true
		case waiting && !quiet[folded] && !lexicon.Stopword(folded, language):
			stem := lexicon.Stem(folded, language)
			if p, known := opposites[folded]; known {
				stem = p.name
			}
			s.denied = append(s.denied, stem)
			waiting = false
		}
	}
	s.negative = n%2 == 1
}
