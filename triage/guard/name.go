package guard

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed names.txt
var namesFile string

// given are given names without accents; the doubtful ones need a second sign.
var given, doubtful = parseNames(namesFile)

func parseNames(file string) (given, doubtful map[string]bool) {
	lists := map[string]map[string]bool{"given": {}, "doubtful": {}}
	for line := range strings.Lines(file) {
		name, words, ok := strings.Cut(line, ":")
		if list := lists[name]; ok && list != nil {
			for w := range strings.FieldsSeq(words) {
				list[w] = true
			}
		}
	}
	return lists["given"], lists["doubtful"]
}

// Patterns of names. A capitalised word may hold apostrophes and hyphens.
const (
	capital  = `\p{Lu}(?:['’]\p{Lu})?\p{Ll}[\p{L}'’-]*`
	particle = `(?:(?:van|von|de|da|do|dos|del|della|di|du|la|le|der|den|zu|zum|ter|ten|el|al|bin|ibn|af|av)[ -]){0,3}`
	initial  = `\p{Lu}\b\.?`
	fullName = `(?:` + capital + `|` + initial + `)(?:[ \x{a0}](?:` + particle + capital + `|` + initial + `)){0,3}`
)

var (
	// full is a name as long as it goes.
	full = regexp.MustCompile(`^` + fullName)
	// pair is two or more capitalised words, an initial among them perhaps.
	pair = regexp.MustCompile(`^` + capital + `(?:[ \x{a0}](?:` + particle + capital + `|` + initial + `)){1,3}`)
)

// titles stand right before a name, degrees between them and it.
var (
	titles  = wordList(`Mr Mrs Ms Miss Mx Dr Prof Sir Madam Herr Herrn Frau M Mme Mlle Monsieur Madame Sr Sra Srta Señor Señora Senhor Senhora Don Doña Dom Dona`)
	degrees = wordList(`Dr Prof med Ing`)
)

// titled reports whether a text ends with a form of address.
func titled(lead string) bool {
	for range 3 {
		rest, ok := strings.CutSuffix(lead, " ")
		if !ok {
			return false
		}
		rest = strings.TrimSuffix(rest, ".")
		at := strings.LastIndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) }) + 1
		word := rest[at:]
		if titles[word] {
			return true
		}
		if !degrees[word] {
			return false
		}
		lead = rest[:at]
	}
	return false
}

// cues are words right before a name that introduce a person.
var cues = strings.Split(`name is|i am called|call me|my name's|my name’s|this is|i'm|i’m|i am|named|name:|contact:|contact person:|attn:|attn|signed by|written by|directed by|on behalf of|assistant to|spoke to|spoke with|speak to|speak with|talked to|talk to|have you heard|named him|named her|change it to|correct it to|under|what's your name?|what’s your name?|my colleague|my boss|my manager|my wife|my husband|my partner|my assistant|bestregards,|bestregards|kindregards,|kindregards|warmregards,|warmregards|regards,|regards|sincerely,|sincerely|cheers,|thanks,|yours,|viele grüße,|viele grüße|beste grüße,|beste grüße|freundliche grüße,|freundliche grüße|grüßen,|grüßen|grüssen,|grüssen|mfg,|mfg|gruß,|gruß|ich heiße|ich bin|name ist|mein kollege|meine kollegin|lieber|liebe|hallo|hello|hi|dear|sehr geehrter|sehr geehrte|je m'appelle|je m’appelle|je suis|mon nom est|mon collègue|ma collègue|bonjour|cordialement,|cordialement|cher|chère|me llamo|mi nombre es|soy|mi compañero|mi compañera|hola|estimado|estimada|saludos,|saludos|atentamente,|atentamente|me chamo|meu nome é|sou o|sou a|minha colega|meu colega|olá|prezado|prezada|caro|cara|atenciosamente,|atenciosamente|abraços,|abraços`, "|")

// cued reports whether a text ends with words that introduce a person.
func cued(lead string) bool {
	lead = strings.ToLower(strings.TrimRight(lead, " \n"))
	for _, c := range cues {
		rest, ok := strings.CutSuffix(lead, c)
		if !ok {
			continue
		}
		if r, _ := utf8.DecodeLastRuneInString(rest); rest == "" || !unicode.IsLetter(r) {
			return true
		}
	}
	return false
}

// familyEndings are how family names of many places end.
var familyEndings = strings.Split(`sson|sen|dottir|dóttir|quist|ström|berg|mann|meier|meyer|maier|müller|bauer|hofer|ová|ova|eva|ský|ski|ska|cki|cka|wicz|vić|vic|enko|chuk|escu|eanu|oğlu|poulos|idis|akis|yan|ian|shvili|dze|ez|ão|eira|eiro|oglu|ovich|evich|evna|ovna|inen|nen|stra|ink|aert|eau|elli|etti|ucci|ini|acci|son|ton|ley|ford|well|worth|wood`, "|")

func familyEnding(word string) bool {
	return slices.ContainsFunc(familyEndings, func(e string) bool { return strings.HasSuffix(word, e) })
}

// noName are capitalised words that are no part of a person's name.
var noName = wordList(`the a an and or of for in on at to with from by is are was were be has have had do does did can could will would shall should may might must not no yes it its this that these those there here what when where which who whom whose why how
i we you he she they me us him her them my our your his their if then else but so because since until while after before during about above below between into through over under again further once only own same too very just
monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz mai juni juli oktober dezember
lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin juillet août septembre octobre novembre décembre lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril junio julio agosto septiembre octubre noviembre diciembre segunda terça quarta quinta sexta janeiro fevereiro março maio junho julho setembro outubro novembro dezembro
please thanks thank dear hello hi hey good morning afternoon evening regards sincerely best kind team support customer service sales manager admin account user users project milestone task tasks document documents invoice contract import export ticket tickets settings dashboard report reports data api sso login portal sandbox production test training go live webhook integration connector status help center centre article articles knowledge base plan license company office department security privacy policy terms
google microsoft apple amazon salesforce hubspot slack sap oracle excel outlook teams zoom jira github gitlab linux windows android chrome firefox safari usher stripe paypal visa mastercard azure aws facebook twitter linkedin youtube instagram whatsapp postgres docker
new york london paris berlin madrid lisbon rome vienna zurich munich hamburg frankfurt united states kingdom states germany france spain portugal brazil italy austria switzerland netherlands belgium poland sweden norway denmark finland ireland america europe africa asia australia canada mexico india china japan north south east west northern southern eastern western central great san santa saint st los las el la le les der die das ein eine und oder ich wir sie mein unser ihr il elle nous vous je mon notre et ou un une des aux yo tu usted nosotros mi nuestro y o una unos eu você nós meu nosso e ou um uma
street road avenue lane drive court place square boulevard terrace apt suite unit floor building box inc ltd llc gmbh ag corp co plc sa sarl bv group holding bank university college school hospital hotel museum church band orchestra festival club army government border force union parliament president minister
mr mrs ms miss mx dr prof sir madam frau herr herrn mme mlle monsieur madame sr sra srta señor señora senhor senhora med ing
getting started quick guide user management overview introduction
not sorry sure okay yes no maybe actually also however therefore meanwhile nobody everyone someone anyone something nothing everything first second third next last open click select choose enter add create delete edit save use see go set check make get start stop step note warning error tip billing address phone mobile email mail date time number name order payment card credit street city zip country state region re fw fwd subject cc bcc sent received
`)

func wordList(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// maxCue is how many bytes before a name are looked at for what introduces it.
const maxCue = 32

// person finds people's names. Once a full name is found, its parts count
// wherever they stand.
func person(text string, add func(start, end int)) {
	if !strings.ContainsFunc(text, unicode.IsUpper) {
		return
	}
	parts := map[string]bool{}
	take := func(start, end int) {
		start, end = trimName(text, start, end)
		if start >= end {
			return
		}
		add(start, end)
		for part := range strings.FieldsSeq(text[start:end]) {
			if utf8.RuneCountInString(part) >= 4 && !noName[strings.ToLower(part)] && !doubtful[plain(strings.ToLower(part))] {
				parts[part] = true
			}
		}
	}
	words := capitals(text)
	for _, at := range words {
		lead := text[max(0, at[0]-maxCue):at[0]]
		if lead == "" || lead[len(lead)-1] != ' ' && lead[len(lead)-1] != '\n' {
			continue
		}
		isTitled := titled(lead)
		if !isTitled && !cued(lead) {
			continue
		}
		if end := at[0] + len(full.FindString(text[at[0]:])); isTitled || likely(text[at[0]:end], true) {
			take(at[0], end)
		}
	}
	last := 0
	for _, at := range words {
		if at[0] < last || at[1] == len(text) || text[at[1]] != ' ' && !strings.HasPrefix(text[at[1]:], "\u00a0") {
			continue
		}
		more := pair.FindStringIndex(text[at[0]:])
		if more == nil {
			continue
		}
		last = at[0] + more[1]
		start, end := trimName(text, at[0], last)
		if start < end && (sureName(text[start:end]) || headsAddress(text, start, end) && likely(text[start:end], true) || !opens(text, start) && likely(text[start:end], false)) {
			take(start, end)
		}
	}
	for _, at := range words {
		word := strings.TrimSuffix(strings.TrimSuffix(text[at[0]:at[1]], "'s"), "’s")
		folded := plain(strings.ToLower(word))
		if parts[word] || given[folded] && !doubtful[folded] && !noName[folded] && !strings.HasPrefix(text[at[1]:], ".") {
			add(at[0], at[0]+len(word))
		}
	}
}

// capitals lists the capitalised words of a text, from the capital to the last letter,
// apostrophe or hyphen.
func capitals(text string) (out [][2]int) {
	for i := 0; i < len(text); {
		first, n := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsUpper(first) {
			i += n
			continue
		}
		at := i + n
		next, n := utf8.DecodeRuneInString(text[at:])
		if next == '\'' || next == '’' { // D'Angelo
			inner, m := utf8.DecodeRuneInString(text[at+n:])
			if unicode.IsUpper(inner) {
				at += n + m
				next, n = utf8.DecodeRuneInString(text[at:])
			}
		}
		if !unicode.IsLower(next) {
			i += utf8.RuneLen(first)
			continue
		}
		end := strings.IndexFunc(text[at:], func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' && r != '-' })
		if end < 0 {
			end = len(text) - at
		}
		out = append(out, [2]int{i, at + end})
		i = at + end
	}
	return out
}

// trimName drops words at both ends that belong to no name.
func trimName(text string, start, end int) (int, int) {
	for start < end {
		word := text[start:end]
		if i := strings.IndexAny(word, " \u00a0"); i >= 0 {
			word = word[:i]
		}
		if !noName[strings.ToLower(strings.TrimRight(word, "'’"))] {
			break
		}
		start = min(start+len(word)+1, end)
	}
	for end > start {
		i := strings.LastIndexAny(text[start:end], " \u00a0")
		word := text[start+i+1 : end]
		if !noName[strings.ToLower(word)] {
			break
		}
		if i < 0 {
			return start, start
		}
		end = start + i
	}
	for _, suffix := range []string{"'s", "’s", "'", "’", "-"} {
		if strings.HasSuffix(text[start:end], suffix) {
			end -= len(suffix)
		}
	}
	return start, end
}

// headsAddress reports whether a name stands alone on its line with a number
// opening the next one.
func headsAddress(text string, start, end int) bool {
	if start > 0 && text[start-1] != '\n' {
		return false
	}
	rest := strings.TrimLeft(text[end:], " ")
	next := strings.TrimLeft(rest, "\n\r ")
	return strings.HasPrefix(rest, "\n") && next != "" && next[0] >= '0' && next[0] <= '9'
}

// opens reports whether a place starts a sentence: any word is capitalised there.
func opens(text string, start int) bool {
	before := strings.TrimRight(text[:start], " \"'(*_-")
	return before == "" || strings.ContainsAny(before[len(before)-1:], ".!?:\n")
}

// sureName reports whether a run of words begins with a sure given name, or holds an
// initial between capitalised words.
func sureName(name string) bool {
	words := strings.Fields(name)
	first := plain(strings.ToLower(words[0]))
	return given[first] && !noName[first] && (len(words) > 1 || !doubtful[first]) && likely(name, false) ||
		len(words) > 2 && len(strings.TrimSuffix(words[1], ".")) == 1 && likely(name, false)
}

// likely judges a run of capitalised words: a given name first, a letter only
// names have, or a family name's ending. After a cue less is asked.
func likely(name string, afterCue bool) bool {
	words := strings.Fields(name)
	first := plain(strings.ToLower(strings.TrimRight(words[0], ".")))
	for i, w := range words {
		if noName[strings.ToLower(w)] && (i == 0 || !given[first]) {
			return false
		}
	}
	if given[first] && (len(words) > 1 || !doubtful[first] || afterCue) {
		return true
	}
	if len(words) < 2 {
		return afterCue && (familyEnding(words[0]) || given[first])
	}
	last := words[len(words)-1]
	foreign := strings.ContainsFunc(name, func(r rune) bool { return r >= 0xc0 && !strings.ContainsRune("äöüßÄÖÜ", r) }) // German writes every noun like a name
	middle := len(words) > 2 && len(strings.TrimSuffix(words[1], ".")) == 1
	return afterCue || middle || foreign || familyEnding(last) && !given[last]
}
