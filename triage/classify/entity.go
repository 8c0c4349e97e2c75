package classify

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// EntityKind is what a found value is.
type EntityKind string

// The kinds of entity.
const (
	EntityDate    EntityKind = "date"
	EntityTicket  EntityKind = "ticket"
	EntityEmail   EntityKind = "email"
	EntityURL     EntityKind = "url"
	EntityProduct EntityKind = "product"
	EntityPerson  EntityKind = "person"
	EntityMoney   EntityKind = "money"
	EntityVersion EntityKind = "version"
)

// Entity is one value found in a text.
type Entity struct {
	Kind       EntityKind
	Value      string // normal form: "4821" of "#4821", lower case of an address
	Text       string // as written
	Start, End int    // bytes in the text
}

// Gazetteer holds the names only the operator knows.
type Gazetteer struct {
	Products []string
	People   []string
}

const monthNames = `(?:jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar)?|f[ée]v(?:rier|ereiro)?|mar(?:ch|s|zo|ço)?|märz|apr(?:il)?|avr(?:il)?|abr(?:il)?|may|mai|mayo|maio|june?|juni|juin|junio|junho|july?|juli|juillet|julio|julho|aug(?:ust)?|août|ago(?:sto)?|sept?(?:ember|embre|iembre)?|set(?:embro)?|oct(?:ober|obre|ubre)?|okt(?:ober)?|out(?:ubro)?|nov(?:ember|embre|iembre|embro)?|dec(?:ember)?|dez(?:ember|embro)?|d[ée]c(?:embre)?|dic(?:iembre)?)`

var entityPatterns = []struct {
	kind    EntityKind
	pattern *regexp.Regexp
}{
	{EntityEmail, regexp.MustCompile(`[\p{L}\d._%+-]+@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+`)},
	{EntityURL, regexp.MustCompile(`(?:https?://|www\.)[^\s<>"')\]]+`)},
	{EntityDate, regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b`)},
	{EntityDate, regexp.MustCompile(`(?i)\b\d{1,2}(?:st|nd|rd|th|\.|er|º)?(?: (?:of|de))? ` + monthNames + `\b\.?(?:,?(?: de)? \d{4}\b)?|\b` + monthNames + `\.? \d{1,2}(?:st|nd|rd|th)?\b(?:,? \d{4}\b)?`)},
	{EntityDate, regexp.MustCompile(`(?i)\b(?:(?:next|last|this|nächsten|letzten|diesen|am|on|by|until|bis|prochain|le|el|próximo|na|no) )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo|segunda-feira|terça-feira|quarta-feira|quinta-feira|sexta-feira)\b`)},
	{EntityDate, regexp.MustCompile(`(?i)\b(?:today|tomorrow|yesterday|tonight|(?:next|last|this) (?:week|month|quarter|year)|heute|morgen|gestern|(?:nächste|letzte|diese)[nrs]? (?:woche|monat|quartal|jahr)|aujourd'hui|demain|hier|la semaine (?:prochaine|dernière)|hoy|mañana|ayer|la semana (?:que viene|pasada)|hoje|amanhã|ontem|(?:na )?semana (?:que vem|passada))`)},
	{EntityMoney, regexp.MustCompile(`(?i)[€$£]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:€|eur|usd|gbp|chf|brl|dollars?|euros?)(?:\b|\s|$)`)},
	{EntityVersion, regexp.MustCompile(`(?i)\bv\d+(?:\.\d+){0,3}\b|\bversion \d+(?:\.\d+){0,3}\b`)},
	{EntityTicket, regexp.MustCompile(`#\d{2,9}\b|\b[A-Z][A-Z0-9]{1,9}-\d{1,7}\b`)},
	{EntityTicket, regexp.MustCompile(`(?i)\b(?:ticket|case|request|reference|ref|fall|vorgang|anfrage|dossier|demande|caso|solicitud|chamado|pedido)\.?(?: (?:number|no\.?|nr\.?|nummer|id|numéro|número|n°))? ?[:#]? ?\d{3,9}\b`)},
}

var trailingDigits = regexp.MustCompile(`\d+$`)

// Entities finds dates, ticket ids, addresses, links, amounts and versions in a text,
// products and people of the gazetteer, and people by common given names. The
// result ascends by position and never overlaps; the more certain kind wins.
func Entities(text string, known ...Gazetteer) []Entity {
	var found []Entity
	add := func(kind EntityKind, start, end int) {
		for _, e := range found {
			if start < e.End && e.Start < end {
				return
			}
		}
		as := text[start:end]
		found = append(found, Entity{Kind: kind, Value: normalForm(kind, as), Text: as, Start: start, End: end})
	}
	for _, p := range entityPatterns {
		for _, at := range p.pattern.FindAllStringIndex(text, -1) {
			end := at[1]
			for end > at[0] && strings.ContainsRune(".,;:!? \n", rune(text[end-1])) {
				end--
			}
			add(p.kind, at[0], end)
		}
	}
	for _, g := range known {
		each(text, g.Products, func(s, e int) { add(EntityProduct, s, e) })
		each(text, g.People, func(s, e int) { add(EntityPerson, s, e) })
	}
	for from := 0; ; {
		at := capitalised.FindStringSubmatchIndex(text[from:])
		if at == nil {
			break
		}
		start, mid, end := from+at[2], from+at[3], from+at[1]
		from = mid
		if givenNames[foldText(text[start:mid])] && !atOpening(text, start, mid) {
			add(EntityPerson, start, end)
			from = end
		}
	}
	slices.SortFunc(found, func(a, b Entity) int { return a.Start - b.Start })
	return found
}

// capitalised is a word that could be a given name, with a family name after it.
var capitalised = regexp.MustCompile(`\b(\p{Lu}\p{Ll}{1,14})(?: \p{Lu}[\p{L}'-]{1,20})?`)

// atOpening leaves alone words that are also ordinary ones at a sentence's start.
func atOpening(text string, start, end int) bool {
	if !ambiguousNames[foldText(text[start:end])] {
		return false
	}
	before := strings.TrimRight(text[:start], " ")
	return before == "" || strings.ContainsAny(before[len(before)-1:], ".!?\n")
}

func foldText(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(fold(unicode.ToLower(r)))
	}
	return b.String()
}

func normalForm(kind EntityKind, s string) string {
	switch kind {
	case EntityTicket:
		if strings.Contains(s, "-") {
			return s
		}
		return trailingDigits.FindString(s)
	case EntityEmail, EntityVersion:
		return strings.ToLower(s)
	case EntityDate:
		return strings.ToLower(s)
	default:
		return s
	}
}

// each calls fn for every whole-word occurrence of a name, whatever its case.
func each(text string, names []string, fn func(start, end int)) {
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		lower = text // a rare letter changes length in lower case: match exactly
	}
	for _, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		if n == "" {
			continue
		}
		for at := 0; ; {
			i := strings.Index(lower[at:], n)
			if i < 0 {
				break
			}
			start, end := at+i, at+i+len(n)
			if edge(lower, start-1) && edge(lower, end) {
				fn(start, end)
			}
			at = end
		}
	}
}

func edge(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return true
	}
	c := s[i]
	return c < 0x80 && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

// givenNames are common given names of the places our languages are spoken.
var givenNames = wordSet(`
adam adrian ahmed alan albert alejandro alex alexander alexandra alexis alfonso ali alice alicia alina amanda amelie amy ana andre andrea andreas andrew angela anita anja anna anne annette antoine anton antonio anthony arthur astrid barbara beatriz ben benjamin bernd bernhard birgit bianca bruno camila camille carla carlos carmen carolina caroline catherine cecilia celine charles charlotte chiara christian christina christine christoph christopher claire claudia clara cristina daniel daniela david deborah dennis diana diego dieter dirk dominik dominique donna edward eduardo elena eliza elizabeth ella emily emma eric erik ernesto eva fabian fatima felipe felix fernanda fernando florian frances francesca francesco francisco francois frank franziska frederic gabriel gabriela george gerhard gonzalo giovanni giulia grace gregor guillaume gustavo hannah hans harry heike heinz helen helena henrik henry holger hugo ian ines ingrid irene isabel isabella isabelle ivan jack jacob jacques james jan jana jane jason javier jean jennifer jens jeremy jessica joan joanna joao joaquin johan johannes john jonas jonathan jorge jose josef joseph joshua juan julia julian juliana julie julien jurgen kai karen karin karl kate katharina katherine kathrin katja kevin klaus kristin lars laura lauren lea leah leon leonardo lena lisa lorenzo louis louise lucas lucia lucie luis luisa lukas maja manuel manuela marc marcel marco marcos margaret maria mariana marie mario marion mark markus marta martin martina mary mateo mathieu matteo matthew matthias max maximilian melanie mehmet michael michel michelle miguel mike mohamed mohammed monica monika nadine nancy natalia natalie nathalie nicholas nico nicolas nicole nina noah nora norbert olaf oliver olivia olga oscar pablo pascal patricia patrick paul paula paulo pedro peter petra philip philipp philippe pierre priya rachel rafael rainer ralf raphael raquel rebecca renate ricardo richard robert roberto rodrigo roger roland rosa ruben ruth ryan sabine sabrina salvador samuel sandra sara sarah scott sebastian sergio silvia simon simone sofia sonia sophia sophie stefan stefanie stephan stephanie stephen steven sue susan susanne sven sylvia tanja teresa theresa thiago thomas thorsten tim tina tobias tom tomas ulrich ulrike ursula uwe valentina valerie vanessa vera veronica victor victoria vincent virginie walter werner william wolfgang xavier yannick yves yvonne zoe
`)

// ambiguousNames are given names that also open sentences as ordinary words.
var ambiguousNames = wordSet(`grace mark max rosa sue will may june frank kai jan ali donna clara diana`)
