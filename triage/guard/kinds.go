package guard

import (
	"net/netip"
	"regexp"
	"strings"
)

// kind is one sort of personal data or secret with what recognises it. Earlier
// kinds win where two match.
type kind struct {
	name    string
	pattern *regexp.Regexp
	group   int // of the pattern that holds the value; 0: all of it
	valid   func(value string) bool
	digits  int                             // how many digits a value has at least, few other bytes between them
	row     int                             // how many of them stand in a row
	word    int                             // how long a run of letters and digits they stand in
	long    int                             // how long a run of letters and digits the text has
	marks   marks                           // how many of which marks stand between and beside them
	hints   []string                        // one of them is near every value, in lower case
	words   []string                        // or one of these, as a word of its own
	whole   bool                            // a value may be longer than what is looked at around a hint
	unless  func(before, value string) bool // says that the value is something else
}

// otherNumber ends a text whose next number is none of a person: versions, orders,
// articles. Words that also stand before a person's number, as in "just in case",
// "our customer" and "direct line", need one for a number with them.
var otherNumber = regexp.MustCompile(`(?i)(?:\b(?:version|versión|versão|release|build|firmware|section|chapter|abschnitt|sku|artikel\w*|article|item|model|modell|serial|order|bestell(?:ung|nummer|nr)?|commande|auftrags?(?:nummer|nr)?|pedido|encomenda|ticket|ref|reference|referenz|invoice|rechnung(?:s?(?:nummer|nr))?|facture|factura|fatura|tracking|kunden(?:nummer|nr)|isbn|ean|http|error|code|fehler|port|uuid|commit|rfc|iso|batch|sample)(?:[ -](?:id|no|nr|number|num|nummer|de|n))?` +
	`|\b(?:` + thingWord + `)[ -]?(?:id|no|nr|number|num|nummer)|\bid|§|#|\bv)[ .:#°º=-]{0,3}$`)

const thingWord = `part|case|fall|vorgangs?|row|line|zeile|account|acct|customer|kunden?|meeting|charge|lot`

// thing ends in a word that needs one for a number.
var thing = regexp.MustCompile(`(?i)\b(?:` + thingWord + `) $`)

// ofAThing reports whether a value is no number of a person, by what stands before it:
// ten digits that begin with 00 are too few for one from abroad.
func ofAThing(before, value string) bool {
	return otherNumber.MatchString(before) || len(value) <= 10 && strings.HasPrefix(value, "00") && thing.MatchString(before)
}

// Words that say an official number comes, and how one is written.
const (
	idCue = `(?i:passport|reisepass|passeport|pasaporte|passaporte|paspoort|driver['’]?s? licen[cs]e|driving licen[cs]e|führerschein|permis de conduire|carnet de conducir|permiso de conducir|licencia de conducir|carteira de (?:habilitação|motorista)|carta de condução|cnh|patente di guida|rijbewijs|id card|identity card|personalausweis|ausweis|carte d['’]identité|documento de identidad|c[ée]dula|bilhete de identidade|cartão de cidadão|carta d['’]identità|` +
		`tax id|tax number|steuer-?id|steueridentifikationsnummer|steuernummer|\bnif\b|\bnie\b|\bdni\b|\bcif\b|\bcpf\b|\bcnpj\b|codice fiscale|partita iva|\bbsn\b|burgerservicenummer|rijksregisternummer|numéro national|\bssn\b|social security(?: number)?|sozialversicherungsnummer|versicherungsnummer|sécurité sociale|seguridad social|\bcurp\b|\bpesel\b|personnummer|aadhaar|\bnhs\b|ni number|national insurance|national id|\bvat\b|ust-?id|\btva\b|\biva\b|\babn\b)|\bEIN\b`
	idFill  = `(?i:[ .:-]*(?:number|no|nr|n[º°]|num|nummer|numéro|número|id|#))?[.: #=]*(?i:(?:is|ist|lautet|est|es|è|é)[: ]+(?:o |a |el |la |le )?)?`
	idValue = `((?:[A-Z]{1,3}[ -]?)?\d[A-Z0-9]*(?:[ ./-]?\d[A-Z0-9]*)*(?:[ -][A-Z](?:[ -]?\d+)?)?\b|[A-Z]{1,6}\d[A-Z0-9]{3,14}\b)`
	birthOn = `(?i)(?:\bborn(?: on)?|date of birth|birth ?date|birthday|\bd\.?o\.?b\b\.?|\bgeboren(?: am)?|\bgeb\.|geburtsdatum|geburtstag|née? le|date de naissance|nacid[oa] el|fecha de nacimiento|nascid[oa] (?:em|a)|data de nascimento|nat[oa] il|data di nascita)[ :=]*(?:is |ist |est |es |é )?`
	aDate   = `(\d{1,4}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}\.? (?:de )?\p{L}{3,10}\.?,? (?:de )?\d{4}|\p{L}{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})`
)

var kinds = []kind{
	{name: "SECRET", pattern: regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----`), whole: true, hints: []string{"private key"}},
	{name: "SECRET", pattern: regexp.MustCompile(`\b(?:sk|pk|rk|pat|gh[oprsu]|github_pat|glpat|xox[abeprs]|xapp|whsec|npm|hf|shpat|dop_v1|AIza|usr|stf|key|lnk)[-_][A-Za-z0-9_\-]{16,}`), hints: []string{"sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "pat-", "pat_", "gho", "ghp", "ghr", "ghs", "ghu", "glpat", "xox", "xapp", "whsec", "npm_", "hf_", "shpat", "dop_", "aiza", "usr-", "usr_", "stf-", "stf_", "key-", "key_", "lnk-", "lnk_"}},
	{name: "SECRET", pattern: regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{30,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\bya29\.[A-Za-z0-9_-]{16,}`), hints: []string{"aiza", "sg.", "ya29."}},
	{name: "SECRET", pattern: regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}`), hints: []string{"akia", "asia", "eyj"}},
	{name: "SECRET", pattern: regexp.MustCompile(`(?i)\bbearer +([A-Za-z0-9._~+/=-]{16,})`), group: 1, hints: []string{"bearer"}},
	{name: "SECRET", pattern: regexp.MustCompile(`(?i)\b(?:secret|key|token)\b[^\n]{0,20}?[ =:"']([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|$)`), group: 1, valid: mixed, hints: []string{"secret", "key", "token"}},
	{name: "URL", pattern: regexp.MustCompile(`\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s/@:]+:[^\s/@]+@\S+`), hints: []string{"://"}},
	{name: "URL", pattern: regexp.MustCompile(`\bhttps?://hooks\.slack\.com/\S+|\bhttps?://\S*[?&](?:\w*token|key|api_?key|sig|signature|password|secret|code)=[^\s&]+\S*`), hints: []string{"://"}},
	{name: "SECRET", pattern: regexp.MustCompile(`(?i)(?:\b|_)(?:password|passwort|passphrase|kennwort|mot de passe|contraseña|senha|api[ _-]?key|secret|token)\s*(?::|=)\s*["']?([^\s"',;]{4,})`), group: 1, valid: chosen, hints: []string{"passw", "passp", "kennwort", "mot de passe", "contraseña", "senha", "api", "secret", "token"}},
	{name: "SECRET", pattern: regexp.MustCompile(`(?i)(?:\b|_)(?:password|passwort|passphrase|kennwort|mot de passe|contraseña|senha|api[ _-]?key|secret|token)\s+(?:is|ist|lautet|est|es|é)\s*:?\s*["']?([^\s"',;]{6,})`), group: 1, valid: notAWord, hints: []string{"passw", "passp", "kennwort", "mot de passe", "contraseña", "senha", "api", "secret", "token"}},
	{name: "SECRET", pattern: regexp.MustCompile(`(?i)\b(?:pin|cvv|cvc|otp|tan)(?:[ -]?(?:code|number|nummer))? *(?:is|ist|lautet|est|es|é|:|=) *(\d{3,8})\b`), group: 1, digits: 3, words: []string{"pin", "cvv", "cvc", "otp", "tan"}},
	{name: "EMAIL", pattern: regexp.MustCompile(`[\p{L}0-9._%+'-]+@[\p{L}0-9-]+(?:\.[\p{L}0-9-]+)*\.\p{L}{2,}`), hints: []string{"@"}},
	{name: "EMAIL", pattern: regexp.MustCompile(`(?i)[\p{L}0-9._%+-]+ ?[(\[{<](?:at|ät|arroba|a)[)\]}>] ?[\p{L}0-9-]+(?: ?(?:\.|[(\[{<](?:dot|punkt|punto|ponto|point)[)\]}>]| dot ) ?[\p{L}0-9-]+)+`), hints: []string{"(a", "[a", "{a", "<a", "(ä", "[ä"}},
	{name: "EMAIL", pattern: regexp.MustCompile(`(?i)\b[\p{L}0-9._%+-]+ (?:at|arroba) [\p{L}0-9-]+(?: (?:dot|punto|ponto|punkt) [\p{L}0-9-]+)+`), hints: []string{" dot ", " punto ", " ponto ", " punkt "}},
	{name: "DEVICE", pattern: regexp.MustCompile(`\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b`), valid: hexLike, digits: 1, marks: marksOf("::")}, // MAC
	{name: "DEVICE", pattern: regexp.MustCompile(`\b[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}\b`), valid: hexLike, digits: 1, marks: marksOf("--")},
	{name: "DEVICE", pattern: regexp.MustCompile(`(?i)\bIMEI(?: ?(?:number|no|nr))?[.: #=]*(?:is )?(\d[\d -]{13,18}\d)\b`), group: 1, digits: 15, hints: []string{"imei"}},
	{name: "DEVICE", pattern: regexp.MustCompile(`(?i:\b(?:vin|fin|chassis|fahrgestell\w*)\b)(?i:[ .:]*(?:number|no|nr|nummer))?[.: #=]*(?i:is )?([A-HJ-NPR-Z0-9]{17})\b`), group: 1, digits: 1, word: 17, words: []string{"vin", "fin", "chassis", "fahrgestell*"}},
	{name: "DEVICE", pattern: regexp.MustCompile(`\b[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{2}[A-HJ-NPR-Z0-9]{2}\d{4}\b`), valid: vehicle, digits: 4, row: 4, word: 17},
	{name: "DEVICE", pattern: regexp.MustCompile(`(?i:\b(?:licen[cs]e plate|number plate|plates?|kennzeichen|plaque(?: d['’]immatriculation)?|immatriculation|matr[íi]cula|placa)\b)(?i:[ .:]*(?:number|no|nr|is|ist|est|es|é))?[.: #=]*([A-ZÄÖÜ0-9]{1,4}(?:[ -][A-Z0-9]{1,4}){1,2})\b`), group: 1, valid: hasDigit, digits: 1, words: []string{"plate", "plates", "kennzeichen", "plaque", "immatriculation", "matrícula", "matricula", "placa"}},
	{name: "CARD", pattern: regexp.MustCompile(`(?:^|[^+\d.])(\d(?:[ -]?\d){11,18})\b`), group: 1, valid: card, digits: 12},
	{name: "CARD", pattern: regexp.MustCompile(`\b\d{4}(?:\.\d{4}){3}\b`), valid: card, digits: 16, marks: marksOf("...")},
	{name: "BIRTHDATE", pattern: regexp.MustCompile(birthOn + aDate), group: 1, digits: 4, hints: []string{"birth", "d.o.b", "geboren", "geb.", "geburtst", "geburtsd", "né le", "née le", "naissance", "nacido el", "nacida el", "nacimiento", "nascid", "nascimento", "nascita", "nato il", "nata il"}, words: []string{"born", "dob"}},
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`(?:` + idCue + `)` + idFill + idValue), group: 1, valid: official, digits: 4, hints: []string{"passport", "reisepass", "passeport", "pasaporte", "passaporte", "paspoort", "licen", "führerschein", "permis de conduire", "conducir", "carteira de", "carta de condução", "cnh", "patente di guida", "rijbewijs", "id card", "identity card", "ausweis", "identité", "documento de identidad", "cedula", "cédula", "bilhete de identidade", "cartão de cidadão", "carta d",
		"tax id", "tax number", "steuerid", "steuer-id", "steueridentifikationsnummer", "steuernummer", "codice fiscale", "partita iva", "burgerservicenummer", "rijksregisternummer", "numéro national", "social security", "versicherungsnummer", "sécurité sociale", "seguridad social", "personnummer", "aadhaar", "ni number", "national i", "ustid", "ust-id"},
		words: []string{"nif", "nie", "dni", "cif", "cpf", "cnpj", "bsn", "ssn", "curp", "pesel", "nhs", "vat", "tva", "iva", "abn", "ein"}},
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`), digits: 9, marks: marksOf("--")},                                      // US SSN
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b`), digits: 6},                             // UK NINO
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b[A-Z9]{5}\d{6}[A-Z9]{2}\d[A-Z]{2}\b`), digits: 7, row: 6, word: 16},                          // UK driver
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z]\b`), valid: validDNI, digits: 7, row: 7},                // ES DNI, NIE
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b\d{3}\.\d{3}\.\d{3}-\d{2}\b`), valid: validCPF, digits: 11, marks: marksOf("..-")},           // BR CPF
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b`), digits: 14, marks: marksOf("../-")},                     // BR CNPJ
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b`), digits: 7, word: 16},                      // IT codice fiscale
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}\b`), valid: validNIR, digits: 15}, // FR
	{name: "NATIONAL_ID", pattern: regexp.MustCompile(`\b\d{2}\.(?:0[1-9]|1[0-2])\.\d{2}-\d{3}\.\d{2}\b`), digits: 11, marks: marksOf("...-")},        // BE
	{name: "IP", pattern: regexp.MustCompile(`(?:^|[^\d.])((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))(?:$|[^\d.]|\.(?:$|\D))`), group: 1, digits: 4, marks: marksOf("..."), unless: ofAThing},
	{name: "IP", pattern: regexp.MustCompile(`(?:^|[^\w:])([0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?:$|[^\w:]|:(?:$|\s))`), group: 1, valid: ip6, digits: 1, marks: marksOf("::")},
	{name: "PHONE", pattern: regexp.MustCompile(`\b0\d(?:[. -]\d{2}){4}\b`), digits: 10, unless: ofAThing}, // FR
	{name: "PHONE", pattern: regexp.MustCompile(`\+\d{1,3}[ .\-/()]*(?:\d[ .\-/()]*){6,12}\d\b(?: ?(?:x|ext\.?) ?\d{1,6})?`), digits: 8, hints: []string{"+"}},
	{name: "PHONE", pattern: regexp.MustCompile(`\b00\d{1,3}[ .\-/()]*(?:\d[ .\-/()]*){6,12}\d\b(?: ?(?:x|ext\.?) ?\d{1,6})?`), digits: 8, hints: []string{"00"}, unless: ofAThing},
	{name: "PHONE", pattern: regexp.MustCompile(`\b1[ .-]\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b`), digits: 11, unless: ofAThing}, // US
	{name: "PHONE", pattern: regexp.MustCompile(`(?i)\b(?:phone|call|text|ring|dial|reach|contact|answering at|tel|mobile|cell|fax|whats ?app|sms|telefon\w*|handy\w*|mobil|my number|anrufen|erreichbar|téléphone|portable|appele[rz]|numéro|numero|festnetz|teléfono|móvil|m[óo]vil|celular|llam\w+|telefone|telem[óo]vel|ligue|zap|bel)\b[^\d\n+(]{0,24}(\(?\d[\d .\-()/]{5,18}\d)(?: ?(?:x|ext\.?) ?\d{1,6})?`), group: 1, valid: dialled, digits: 7, unless: ofAThing, words: []string{"phone", "call", "text", "ring", "dial", "reach", "contact", "answering at", "tel", "mobile", "cell", "fax", "whatsapp", "whats app", "sms", "telefon*", "handy*", "mobil", "my number", "anrufen", "erreichbar", "téléphone", "portable", "appele*", "numéro", "numero", "festnetz", "teléfono", "móvil", "movil", "celular", "llam*", "telefone", "telemóvel", "telemovel", "ligue", "zap", "bel"}},
	{name: "PHONE", pattern: regexp.MustCompile(`\(?\b\d{2,5}\)?[ .\-/]\(?\d{2,4}\)?[ .\-/]\d{2,4}(?:[ .\-/]?\d{2,4})?\b(?: ?(?:x|ext\.?) ?\d{1,6})?`), valid: phoneLike, digits: 8, unless: ofAThing},
	{name: "PHONE", pattern: regexp.MustCompile(`(?:^|[^\w./-])(\(?0\d{1,4}\)?(?:[/-]\d{4,9}| \d{5,9})(?:[ -]\d{1,5})?|\(?0\d{1,4}\)?/\d{2,4}(?: \d{2}){1,3}(?:-\d{1,4})?)\b`), group: 1, valid: phoneLike, digits: 8, unless: ofAThing}, // DE, AT, NL
	{name: "PHONE", pattern: regexp.MustCompile(`(?i)(\d[\d .()-]{6,16}\d) ?[-(]? ?(?:office|fax|mobile|phone|cell|tel|home|work)\b`), group: 1, valid: phoneLike, digits: 8, unless: ofAThing, words: []string{"office", "fax", "mobile", "phone", "cell", "tel", "home", "work"}},
	{name: "CRYPTO", pattern: regexp.MustCompile(`\b(?:bc1[a-z0-9]{25,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34}|0x[0-9a-fA-F]{40})\b`), digits: 1, long: 26},
}

// ibanStart is where an IBAN may begin, ibanLength how long one is, by country.
var (
	ibanStart  = regexp.MustCompile(`(?i)\b[a-z]{2}\d{2}[ -]?[a-z0-9]`)
	ibanLength = map[string]int{
		"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
		"ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
		"LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29,
		"RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
	}
)

// ibans finds account numbers, written in one, in groups or with dashes.
func ibans(text string, add func(start, end int)) {
	for _, at := range ibanStart.FindAllStringIndex(text, -1) {
		want := ibanLength[strings.ToUpper(text[at[0]:at[0]+2])]
		var b strings.Builder
		i, gap := at[0], false
		for ; i < len(text) && b.Len() < want; i++ {
			c := text[i]
			switch {
			case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
				b.WriteByte(c)
				gap = false
				continue
			case (c == ' ' || c == '-') && !gap:
				gap = true
				continue
			}
			break
		}
		if want > 0 && b.Len() == want && (i == len(text) || !wordRune(rune(text[i]))) && validIBAN(strings.ToUpper(b.String())) {
			add(at[0], i)
		}
	}
}

// mixed reports whether a run of letters and digits is a key: both cases and digits.
func mixed(value string) bool {
	return hasDigit(value) && strings.ToLower(value) != value && strings.ToUpper(value) != value
}

// notAWord leaves "the password is required" alone.
func notAWord(value string) bool {
	value = strings.TrimRight(value, ".!?:)")
	return strings.ContainsFunc(value, func(r rune) bool { return r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 0x80 })
}

var noSecret = wordList(`required optional missing invalid expired wrong incorrect string null true false none empty unknown yes no not the forgotten changed reset please your must should boolean text hidden`)

func chosen(value string) bool {
	return !noSecret[strings.ToLower(strings.TrimRight(value, ".!?:)"))] && !strings.HasPrefix(value, "⟦")
}

func hexLike(value string) bool { return hasDigit(value) }

// official asks a number after a word for one for length and digits.
func official(value string) bool {
	n := 0
	for i := range len(value) {
		if isAlnum(value[i]) {
			n++
		}
	}
	return n >= 7 && n <= 20 && len(digitsOf(value)) >= 4
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func ip6(value string) bool {
	addr, err := netip.ParseAddr(value)
	return err == nil && addr.Is6() && len(value) >= 6 && hasDigit(value)
}

// dialled is a number after a word for phones: seven digits are enough.
func dialled(value string) bool {
	n := len(digitsOf(value))
	return n >= 7 && n <= 15 && !dateLike.MatchString(strings.TrimSpace(value))
}

func validCPF(value string) bool {
	d := digitsOf(value)
	for _, n := range []int{9, 10} {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (n + 1 - i)
		}
		if sum*10%11%10 != int(d[n]-'0') {
			return false
		}
	}
	return true
}

// validNIR is the modulo 97 check of the French number.
func validNIR(value string) bool {
	d := digitsOf(value)
	n := 0
	for i := range 13 {
		n = (n*10 + int(d[i]-'0')) % 97
	}
	return (97-n)%97 == (int(d[13]-'0')*10+int(d[14]-'0'))%97
}

// vehicle is the check digit of a VIN.
func vehicle(value string) bool {
	const letters, values = "ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789"
	weights := [...]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	sum := 0
	for i := range len(value) {
		n := int(value[i] - '0')
		if at := strings.IndexByte(letters, value[i]); at >= 0 {
			n = int(values[at] - '0')
		}
		sum += n * weights[i]
	}
	return strings.ContainsAny(value, letters) && "0123456789X"[sum%11] == value[8]
}
