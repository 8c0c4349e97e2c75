package guard

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words that make a line an address, by where they stand.
const (
	streetAfter  = `Street|St|Road|Rd|Avenue|Ave|Av|Lane|Ln|Drive|Dr|Way|Court|Ct|Place|Pl|Square|Sq|Crescent|Cres|Terrace|Tce|Parkway|Pkwy|Boulevard|Blvd|Highway|Hwy|Close|Row|Grove|Gardens|Mews|Hill|Rise|Walk|Quay|Trail|Circle|Cir|Alley|Plaza|Loop|Fort|Creek|Ridge|Mill|Run`
	streetBefore = `[Rr]ue|[Aa]venue|[Bb]oulevard|[Bb]d|[Pp]lace|[Cc]hemin|[Aa]llée|[Ii]mpasse|[Qq]uai|[Cc]ours|[Cc]alle|C/|[Aa]venida|[Aa]vda\.?|[Aa]v\.|[Pp]laza|[Pp]aseo|[Cc]arrera|[Cc]arretera|[Rr]ua|[Tt]ravessa|[Pp]raça|[Ll]argo|[Aa]lameda|[Ee]strada|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Uu]lica|[Uu]l\.|[Aa]m|[Aa]n der|[Ii]m|[Zz]um|[Zz]ur`
	streetEnding = `straße|strasse|str\.|weg|platz|gasse|allee|ring|damm|ufer|stieg|chaussee|markt|hof|gata|gatan|gate|vej|vägen|väg|veien|vei|katu|tie|kuja|polku|terrasse|utca|útja|u\.|str\.?|laan|straat|dreef|plein|kade|gracht|steenweg|götu|stræde|allé|bakken|stigen|gränd`
	roomWords    = `Apt|Apartment|Suite|Ste|Unit|Flat|Room|Floor|Etage|Stock|Piso|Puerta|Andar|Apto|Appt|Bât|P\.? ?O\.? ?Box|PO Box|Box|Postfach|Apartado|Caixa Postal|PSC|DPO|APO|FPO`
	room         = `(?:` + roomWords + `)\.? ?#? ?(?:[A-Z]{1,2} )?\d+[A-Za-z]?`
	upper        = `\p{Lu}[\p{L}'’.-]*`
)

// addresses are forms of addresses; in a part of a text without any of a form's hints
// it is not there.
var addresses = []struct {
	hints   []string // anywhere,
	words   []string // as words of their own,
	endings []string // or right before a number
	pattern *regexp.Regexp
}{
	// 221B Baker Street; 1668 Glyn St
	{words: hintsOf(streetAfter), pattern: regexp.MustCompile(`\b\d{1,6}[A-Za-z]?,? (?:` + upper + ` ){1,4}(?:` + streetAfter + `)\b\.?`)},
	// Hauptstraße 12a; Koskikatu 25; 6750 Koskikatu 25
	{endings: hintsOf(streetEnding), pattern: regexp.MustCompile(`(?:\b\d{1,6} )?\b\p{Lu}[\p{L}'’.-]*(?: \p{Lu}[\p{L}'’.-]*){0,2} ?(?:` + streetEnding + `) ?\d{1,5} ?[a-zA-Z]?\b`)},
	// 12 rue de la Paix; calle Mayor 5; Rua Augusta, 1500
	{words: hintsOf(streetBefore), pattern: regexp.MustCompile(`\b\d{1,5}(?: ?bis| ?ter)?,? (?:` + streetBefore + `) (?:(?:de|du|des|la|le|les|l['’]|d['’]|da|do|dos) ?){0,3}` + upper + `(?: (?:(?:de|du|des|la|da|do) )?` + upper + `){0,3}`)},
	{words: hintsOf(streetBefore), pattern: regexp.MustCompile(`(?:^|[\s,(])((?:` + streetBefore + `) (?:(?:de|del|la|las|los|el|da|do|dos|das|di|della|der|den) ){0,2}` + upper + `(?: (?:(?:de|del|la|da|do|di) )?` + upper + `){0,3},? (?:n[º°.]? ?)?\d{1,5}[a-zA-Z]?)\b`)},
	// 28245 Puruntie 82
	{pattern: regexp.MustCompile(`\b\d{2,6}[ ,]+(?:` + upper + ` ){1,3}\d{1,5}[A-Za-z]?\b`)},
	// Apt. 864, PO Box 12, DPO AP 70942
	{words: hintsOf(roomWords), pattern: regexp.MustCompile(`\b` + room + `\b`)},
	// my address is 12 Whatever; we live at Whatever 12
	{hints: placedHints, pattern: placed},
}

// hintsOf are the words of an alternation in lower case.
func hintsOf(alternation string) (hints []string) {
	for word := range strings.SplitSeq(alternation, "|") {
		word = strings.ToLower(strings.NewReplacer("[", "", "]", "", "\\", "", "?", "", "p. o. box", "box").Replace(word))
		if r, n := utf8.DecodeRuneInString(word); strings.HasPrefix(word[n:], string(r)) {
			word = word[n:] // [Rr]ue
		}
		hints = append(hints, strings.TrimSuffix(word, "."))
	}
	return hints
}

// placed follows words that say an address comes.
var placed = regexp.MustCompile(`(?i:\b(?:address(?: of [^\n]{1,40}?)?(?: is|:)|address to|address with|lives? (?:at|on|in)|living at|located at|office is at|is at|meet you at|we['’]ll meet at|ship(?:ped)? (?:it )?to|deliver(?:ed)? (?:it )?to|return to|send it to|taxi to|side of|adresse(?: ist|:| est)|anschrift(?: ist|:)|wohn(?:t|e|haft) (?:in|an der)?|j['’]habite|habite(?: au)?|livrer (?:à|au)|dirección(?: es|:)|viv[oe] en|endereço(?: é|:)|mor[oa] (?:em|na|no))) *((?:\d{1,6}[A-Za-z]?[ ,]+)?\p{Lu}[^\n?!;"]{0,28}\d[^\n?!;". ]{0,8})`)

var placedHints = []string{"address", "liv", "located", "is at", "meet", "ship", "deliver", "return", "send it", "taxi", "side of", "adress", "anschrift", "wohn", "habite", "livrer", "direcci", "viv", "endere", "mor"}

// address finds postal addresses: street with number, and what follows of
// door, postcode and town.
func address(s *scan, add func(start, end int)) {
	text, parts := s.text, s.numbers(&kind{digits: 1}, reachOfNumber)
	if len(parts) == 0 {
		return
	}
	covered := make([]bool, len(text))
	mark := func(start, end int) {
		for i := before(text, start); i < end; i++ {
			covered[i] = true
		}
	}
	for _, p := range addresses {
		for _, in := range parts {
			if p.endings != nil && !s.follows(in, p.endings) || (p.hints != nil || p.words != nil) && !s.holds(in, p.hints, p.words) {
				continue
			}
			for _, at := range p.pattern.FindAllStringSubmatchIndex(text[in.from:in.to], -1) {
				start, end := at[0], at[1]
				if len(at) > 2 && at[2] >= 0 {
					start, end = at[2], at[3]
				}
				mark(in.from+start, after(text, in.from+end))
			}
		}
	}
	for i := 0; i < len(text); i++ {
		if !covered[i] {
			continue
		}
		j := i
		for j < len(text) && covered[j] {
			j++
		}
		add(i, j)
		i = j
	}
}

// before takes in a number that stands right before.
func before(text string, start int) int {
	i := start
	for i > 0 && (text[i-1] == ' ' || text[i-1] == ',') {
		i--
	}
	j := i
	for j > 0 && text[j-1] >= '0' && text[j-1] <= '9' {
		j--
	}
	if i == start || j == i || i-j > 6 || j > 0 && !strings.ContainsRune(" \n", rune(text[j-1])) {
		return start
	}
	return j
}

// after takes in what follows a street: numbers, codes, doors, and towns on a line
// or after a comma of their own, until the sentence goes on.
func after(text string, end int) int {
	rest := text[end:]
	town, postcode := false, false
	for words, i := 0, 0; words < 12; words++ {
		j := i
		for j < len(rest) && strings.ContainsRune(" ,\n\t\r", rune(rest[j])) {
			j++
		}
		gap := rest[i:j]
		if gap == "" || len(gap) > 8 || strings.Count(gap, "\n") > 2 {
			break
		}
		k := j
		for k < len(rest) && !strings.ContainsRune(" ,\n\t\r.?!;:\")", rune(rest[k])) {
			k++
		}
		word := rest[j:k]
		lower := strings.ToLower(word)
		number := word != "" && strings.Trim(word, "0123456789-") == ""
		code := word != "" && strings.ToUpper(word) == word && strings.ContainsFunc(word, unicode.IsLetter) && (len(word) > 1 || town) && word != "I"
		first, _ := utf8.DecodeRuneInString(word)
		proper := unicode.IsUpper(first) && (!noName[lower] || placeName[lower])
		switch {
		case number, code, roomWord[word]:
		case proper && (town || postcode || strings.ContainsAny(gap, ",\n")):
			town = true
		case town && townParticle[lower]:
		default:
			return end
		}
		if k < len(rest) && rest[k] == '.' && roomWord[word] {
			k++
		}
		if !townParticle[lower] { // no address ends with one
			end = len(text) - len(rest) + k
		}
		postcode = number && len(word) >= 4
		i = k
	}
	return end
}

// placeName are words of noName that also open the name of a town or country.
var placeName = wordList(`new south north east west southern northern eastern western central great san santa saint st los las el la united kingdom states germany france spain portugal brazil italy austria switzerland netherlands belgium poland sweden norway denmark finland ireland australia canada mexico india china japan london paris berlin madrid lisbon rome vienna zurich munich hamburg frankfurt york`)

var townParticle = wordList(`de del do da dos das la le les sur am an der bei upon on the di van den`)

// roomWord are words an address may go on with.
var roomWord = map[string]bool{
	"Apt": true, "Apartment": true, "Suite": true, "Unit": true, "Flat": true, "Room": true, "Box": true, "nan": true, "bajo": true, "izq": true, "dcha": true,
}
