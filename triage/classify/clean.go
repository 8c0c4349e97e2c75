package classify

import (
	"regexp"
	"strings"
	"unicode"
)

// Lines after which a mail is somebody else's text or a signature.
var (
	quoteIntro = regexp.MustCompile(`(?i)^(on .{6,80} wrote:|am .{6,80} schrieb.*:|le .{6,80} a écrit ?:|el .{6,80} escribió:|em .{6,80} escreveu:|il .{6,80} ha scritto:|op .{6,80} schreef.*:|-{2,} ?(original message|ursprüngliche nachricht|message d'origine|mensaje original|mensagem original|forwarded message|weitergeleitete nachricht) ?-{2,})$`)
	header     = regexp.MustCompile(`(?i)^(from|sent|to|cc|subject|date|von|gesendet|an|betreff|de|envoyé|objet|enviado|para|asunto|assunto)\s?: ?\S`)
	signOff    = regexp.MustCompile(`(?i)^(kind |best |warm |many )?(regards|wishes|best|cheers|sincerely|yours (sincerely|truly|faithfully)|thanks|thank you|many thanks|thanks (in advance|again|a lot|so much)|thx|rgds|br|mfg|viele grüße|mit freundlichen grüßen|freundliche grüße|beste grüße|liebe grüße|vg|lg|danke|vielen dank|cordialement|bien cordialement|bien à vous|merci|merci d'avance|saludos|un saludo|saludos cordiales|atentamente|gracias|muchas gracias|atenciosamente|obrigad[oa]|cumprimentos|abraços|grazie|cordiali saluti|met vriendelijke groet)[\s,.!]*$`)
	device     = regexp.MustCompile(`(?i)^(sent from my |gesendet von |von meinem .* gesendet|envoyé de mon |enviado (desde|do) mi|enviado do meu|get outlook for )`)
	greetings  = regexp.MustCompile(`(?i)^\s*(hi|hello|hey|dear|good (morning|afternoon|evening|day)|greetings|hallo|guten (tag|morgen|abend)|moin|servus|sehr geehrte[rs]?|liebe[rs]?|bonjour|bonsoir|salut|ch(er|ère)s?|hola|buen[oa]s( (días|tardes|noches))?|estimad[oa]s?|querid[oa]s?|olá|oi|bom dia|boa (tarde|noite)|prezad[oa]s?|ciao|buongiorno|goedemorgen|hej)\b`)
	addressee  = regexp.MustCompile(`^(\s+(there|all|team|everyone|folks|guys|sir|madam|support|zusammen|liebes|damen|und|herren|herr|frau|à|tous|toutes|l'équipe|a|todos|equipo|equipe|time|à todos|monsieur|madame|señor|señora|[A-Z][\p{L}'-]+))*\s*([,!.:;–-]+|\n|$)\s*`)
)

// Clean returns what the writer says now: without quoted mail, signature,
// device footer and greeting. When nothing else is left the text stays as it is.
func Clean(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	lines := strings.Split(text, "\n")
	kept := make([]string, 0, len(lines))
	for i, line := range lines {
		bare := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(bare, ">"):
			continue
		case bare == "--" || device.MatchString(bare) || quoteIntro.MatchString(bare):
			return finish(text, kept)
		case header.MatchString(bare) && i+1 < len(lines) && i > 0 && header.MatchString(strings.TrimSpace(lines[i+1])):
			return finish(text, kept)
		case i > 0 && signOff.MatchString(bare) && closing(lines[i+1:]):
			return finish(text, kept)
		}
		kept = append(kept, line)
	}
	return finish(text, kept)
}

// closing reports whether the lines after a sign-off look like a signature:
// a few short lines that ask nothing.
func closing(rest []string) bool {
	for i, line := range rest {
		bare := strings.TrimSpace(line)
		if strings.HasPrefix(bare, ">") || bare == "--" || quoteIntro.MatchString(bare) || header.MatchString(bare) {
			return true
		}
		if i > 10 || len(bare) > 90 || strings.HasSuffix(bare, "?") {
			return false
		}
	}
	return true
}

func finish(original string, kept []string) string {
	text := strings.TrimSpace(strings.Join(kept, "\n"))
	if bare := strings.TrimSpace(ungreet(text)); bare != "" {
		return bare
	}
	if text != "" {
		return text
	}
	return original
}

// ungreet cuts a leading "Hi there," or "Guten Tag Frau Weber,".
func ungreet(text string) string {
	at := greetings.FindStringIndex(text)
	if at == nil {
		return text
	}
	rest := text[at[1]:]
	if end := addressee.FindStringIndex(rest); end != nil {
		return rest[end[1]:]
	}
	return text
}

// acknowledging holds the words a message may consist of and still ask nothing.
var acknowledging = wordSet(`
ok okay okey k kk alright sure great perfect awesome excellent wonderful brilliant fantastic amazing nice cool lovely super good fine
thanks thank thx ty tysm cheers much very so a lot many again for your the this that it all help support quick reply response answer update info information you u
got understood noted clear received will do sounds works worked solved fixed now appreciate appreciated really helpful was is been
hi hello hey there good morning afternoon evening day dear team everyone greetings bye goodbye see later have weekend nice one take care best regards
yes yep yeah cool no problem worries that's thats makes sense will wait awaiting looking forward
danke vielen dank schön dankeschön herzlichen besten super prima toll klasse alles klar gut in ordnung verstanden passt perfekt hallo guten tag morgen abend moin servus tschüss wiedersehen auf für die ihre eure deine hilfe schnelle antwort rückmeldung schönes wochenende das war hilfreich ja
merci beaucoup bien parfait d'accord daccord c'est cest super génial très compris noté bonjour bonsoir salut au revoir bonne journée soirée pour votre ton aide réponse rapide mille
gracias muchas mil perfecto vale de acuerdo genial entendido listo excelente hola buenos buenas días tardes noches adiós hasta luego por tu su la ayuda respuesta rápida claro muy bien amable
obrigado obrigada muito valeu perfeito certo entendi entendido ótimo beleza combinado olá oi bom dia boa tarde noite tchau pela pelo ajuda resposta rápida tudo
`)

// anchors are the words at least one of which must be there: an empty
// courtesy still thanks, greets or agrees.
var anchors = wordSet(`
ok okay okey kk alright great perfect awesome excellent wonderful brilliant fantastic amazing cool thanks thank thx ty tysm cheers got understood noted appreciate appreciated hi hello hey bye goodbye morning greetings sounds yes yep yeah helpful solved works
danke dank dankeschön super prima toll klasse klar verstanden passt perfekt hallo tag morgen abend moin servus tschüss wiedersehen
merci parfait accord daccord génial compris noté bonjour bonsoir salut revoir
gracias perfecto vale acuerdo genial entendido excelente hola buenos buenas adiós
obrigado obrigada valeu perfeito certo entendi ótimo beleza combinado olá oi tchau
`)

// wordSet keeps words as the tokeniser gives them.
func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range words(text) {
		set[w] = true
	}
	return set
}

// Acknowledgement reports whether a message only thanks, greets, confirms or
// says goodbye (English, German, French, Spanish, Portuguese), so that nothing
// needs doing. A question mark or one word of content is enough for "no".
func Acknowledgement(text string) bool {
	if strings.ContainsAny(text, "?¿？") {
		return false
	}
	tokens := words(text)
	if len(tokens) > 16 {
		return false
	}
	anchored := len(tokens) == 0 && emoji(text)
	for i, w := range tokens {
		switch {
		case w == "!" || acknowledging[w]:
			anchored = anchored || anchors[w]
		case i > 0 && i == len(tokens)-1 && name(text, w): // "Thanks Maria"
		default:
			return false
		}
	}
	return anchored
}

// name reports whether the last word of a text is written like a name.
func name(text, w string) bool {
	fields := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' })
	if len(fields) < 2 {
		return false
	}
	last := fields[len(fields)-1]
	first := []rune(last)[0]
	return unicode.IsUpper(first) && last != strings.ToUpper(last) && len(w) > 2 && givenNames[w]
}

// emoji reports whether a text is nothing but approving symbols.
func emoji(text string) bool {
	found := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r) || r == 0xFE0F || r >= 0x1F3FB && r <= 0x1F3FF:
		case strings.ContainsRune("👍🙏👌✅😊🙂😀😃❤🎉💯🙌👏", r):
			found = true
		default:
			return false
		}
	}
	return found
}

var (
	listItem   = regexp.MustCompile(`^\s*(\d{1,2}[.)]|[-*•–]|[a-h]\))\s+`)
	turn       = regexp.MustCompile(`(?i)(^|[.!?]\s+|\n)(also|and also|another (thing|question|issue)|one more thing|second(ly)?|third(ly)?|in addition|additionally|besides|separately|apart from that|furthermore|by the way|btw|außerdem|zudem|ferner|des weiteren|zweitens|noch etwas|übrigens|par ailleurs|de plus|en outre|aussi|autre chose|además|también|otra (cosa|pregunta)|por otro lado|além disso|também|outra (coisa|pergunta))\b[,:]?`)
	sentence   = regexp.MustCompile(`[^.!?\n]+(?:[.!?]+(?:[\s"')\]]|$)|\n|$)|[^\s.!?]+[.!?]+`)
	dotInWord  = regexp.MustCompile(`(\p{L}|\d)\.(\p{L}|\d)`)
	abbreviate = strings.NewReplacer("e.g.", "e\x01g\x01", "i.e.", "i\x01e\x01", "z.B.", "z\x01B\x01", "p. ex.", "p\x01 ex\x01", "etc.", "etc\x01", "Dr.", "Dr\x01", "Mr.", "Mr\x01", "Ms.", "Ms\x01", "Mrs.", "Mrs\x01", "No.", "No\x01", "Nr.", "Nr\x01")
)

// openings are words that begin a question or a wish.
const openings = `(?:please|pls|kindly|how|what|when|where|who|whose|why|which|is|are|does|did|has|can|could|would|` +
	`bitte|wie|was|wann|wo|wer|wen|warum|wieso|welche[rsnm]?|ist|sind|hat|kann|können|könnten|` +
	`comment|quand|où|qui|pourquoi|quels?|quelles?|combien|est-ce|pouvez|que faut|` +
	`cómo|qué|cuándo|dónde|quién|quiénes|por qué|cuál|cuáles|cuánto|cuántos|puede|pueden|` +
	`como|quando|onde|quem|por que|porquê|qual|quais|que|quanto|o que|podem)\s`

// joined is where one sentence goes on to ask something else.
var (
	joined = regexp.MustCompile(`(?i)(,?\s+(?:and|und|et|y|e)(?:\s+(?:also|auch|aussi|también|também|then|dann))?)\s+` + openings)
	opens  = regexp.MustCompile(`(?i)^[¿¡ ]*` + openings)
)

// clauses cuts a sentence that asks twice: "when do we go live and who signs?"
func clauses(s string) []string {
	for _, at := range joined.FindAllStringSubmatchIndex(s, -1) {
		left, right := strings.TrimSpace(s[:at[2]]), strings.TrimSpace(s[at[3]:])
		asks := left
		if i := strings.LastIndex(left, ": "); i >= 0 {
			asks = left[i+2:]
		}
		if (request(asks) || opens.MatchString(asks) && strings.HasSuffix(s, "?")) && len(words(asks)) >= minRequest && len(words(right)) >= minRequest {
			return append([]string{left}, clauses(right)...)
		}
	}
	return []string{s}
}

// minRequest is the fewest words a part needs to stand as a request.
const minRequest = 3

// Split cuts a message into the requests it holds, in order; one request
// gives one part. Courtesies, signature and quoted mail are left out, and
// sentences that only explain stay with the request they belong to.
func Split(text string) []string {
	text = Clean(text)
	var parts []string
	var current []string
	asked := false
	flush := func() {
		if joined := strings.TrimSpace(strings.Join(current, " ")); joined != "" {
			parts = append(parts, joined)
		}
		current, asked = nil, false
	}
	for _, line := range strings.Split(text, "\n") {
		if listItem.MatchString(line) {
			flush()
			line = listItem.ReplaceAllString(line, "")
		}
		for _, s := range sentences(line) {
			if Acknowledgement(s) {
				continue
			}
			begins := turn.MatchString(s)
			if parts := clauses(s); len(parts) > 1 {
				if asked || begins {
					flush()
				}
				for _, part := range parts {
					current = append(current, part)
					flush()
				}
				continue
			}
			asks := request(s)
			if len(current) > 0 && (begins && (asks || asked) || asks && asked) {
				flush()
			}
			current = append(current, s)
			asked = asked || asks
		}
	}
	flush()
	return merge(parts, text)
}

// merge gives back parts too short to stand alone to their neighbour.
func merge(parts []string, text string) []string {
	var out []string
	for _, p := range parts {
		if len(words(p)) < minRequest && len(out) > 0 {
			out[len(out)-1] += " " + p
			continue
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return []string{text}
	}
	return out
}

func sentences(line string) []string {
	line = dotInWord.ReplaceAllString(abbreviate.Replace(line), "$1\x01$2")
	line = dotInWord.ReplaceAllString(line, "$1\x01$2")
	var out []string
	for _, s := range sentence.FindAllString(line, -1) {
		if s = strings.TrimSpace(strings.ReplaceAll(s, "\x01", ".")); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// asking holds openings that make a sentence a request without a question mark.
var asking = regexp.MustCompile(`(?i)^((also|and|then|finally|secondly|please|bitte|und|außerdem|et|aussi|y|además|por favor|e|também)[, ]+)*(please|pls|kindly|can|could|would|will|how|what|when|where|who|why|which|is|are|do|does|did|has|have|i (need|want|would like|'d like|cannot|can't|can not)|we (need|want|would like|cannot|can't|can not)|let (me|us) know|tell|send|show|give|cancel|change|reset|add|remove|update|bitte|kann|können|könnte|könnten|wie|was|wann|wo|wer|warum|welche[rs]?|ist|sind|haben|hat|ich (brauche|möchte|kann)|wir (brauchen|möchten|können)|pouvez|pourriez|peux|comment|quand|où|qui|pourquoi|quel(le)?s?|est-ce|je (veux|voudrais|souhaite)|nous (voulons|voudrions|souhaitons)|merci de|puede[ns]?|podría[ns]?|cómo|qué|cuándo|dónde|quién|por qué|cuál|necesito|necesitamos|quiero|queremos|pode(m|ria)?|como|quando|onde|quem|por que|qual|preciso|precisamos|quero|queremos|gostaria)\b`)

func request(s string) bool {
	return strings.HasSuffix(strings.TrimRight(s, "\"')]. "), "?") || asking.MatchString(strings.TrimLeft(s, "¿¡ "))
}
