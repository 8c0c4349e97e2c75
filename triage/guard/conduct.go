package guard

import (
	"regexp"
	"strings"
)

// Concepts of behaviour.
var (
	conceptInsult   = behaviour.concepts["insult"]
	conceptSlur     = behaviour.concepts["slur"]
	conceptThreat   = behaviour.concepts["threat"]
	conceptSelfHarm = behaviour.concepts["selfharm"]
	conceptSpam     = behaviour.concepts["seo"] | behaviour.concepts["riches"] | behaviour.concepts["adult"]
)

// behaving looks a word up among those that tell of behaviour.
func behaving(tokens []token, i int) set {
	return behaviour.meaning(tokens[i].text) | behaviour.phrases.at(tokens, i)
}

// hate is a wish of death or exile for a group of people.
var hate = regexp.MustCompile(`\b(?:all|those|these|every|you) (?:\w+ ){1,3}(?:should|must|deserve to|need to|ought to) (?:all )?(?:die|be (?:killed|shot|gassed|deported|exterminated|wiped out|burned|hanged|put down))\b`)

// conduct finds abuse and threats. People get these conversations, kindly; a
// person who may harm themselves is one of them.
func conduct(t *reading, text string) (signals []string) {
	var has set
	for i := range t.tokens {
		has |= behaving(t.tokens, i)
	}
	for _, c := range []struct {
		bit  set
		name string
	}{{conceptThreat, "abuse: threat"}, {conceptInsult, "abuse: insult"}, {conceptSlur, "abuse: slur"}, {conceptSelfHarm, "abuse: person at risk"}} {
		if has&c.bit != 0 {
			signals = append(signals, c.name)
		}
	}
	if lower := strings.ToLower(text); strings.Contains(lower, "should") || strings.Contains(lower, "must") || strings.Contains(lower, "deserve") || strings.Contains(lower, "to die") {
		if hate.MatchString(lower) {
			signals = append(signals, "abuse: hate")
		}
	}
	return signals
}

// spam is an offer nobody asked for with an address to go to: two kinds of sales
// talk, or one with two links.
func spam(t *reading, text string) (signals []string) {
	links := strings.Count(text, "http://") + strings.Count(text, "https://") + strings.Count(text, "www.") - strings.Count(text, "://www.")
	offers, last := 0, -1
	for i := range t.tokens {
		if behaving(t.tokens, i)&conceptSpam != 0 && (last < 0 || i-last > 1) {
			offers++
			last = i
		}
	}
	if offers >= 3 || offers >= 2 && links >= 1 || offers >= 1 && links >= 2 {
		return []string{"spam: offer"}
	}
	return nil
}

// Notes that machines write. They open the text, because a person who says that
// they will be away goes on to say what they want.
var (
	awayNote = regexp.MustCompile(`(?i)^\W*(?:(?:auto(?:matic|mated)?[ -]?(?:reply|response|message)|out of (?:the )?office|vacation (?:reply|responder|notice)|abwesenheits(?:notiz|nachricht|assistent)|automatische (?:antwort|nachricht)|(?:auto)?réponse automatique|message automatique|message d['’]absence|respuesta autom[aá]tica|mensaje autom[aá]tico|fuera de la oficina|resposta autom[aá]tica|mensagem autom[aá]tica|fora do escrit[oó]rio)\s*(?:[:\-–—.!\n]|$)` +
		`|(?:this is an? auto(?:matic|mated)|dies ist eine automatische|ceci est (?:un message|une réponse) automatique|est[ea] es una? (?:respuesta|mensaje) autom[aá]tic|esta é uma (?:resposta|mensagem) autom[aá]tica)` +
		`|(?:subject: ?|betreff: ?|objet ?: ?|asunto: ?|assunto: ?)(?:re: ?)?(?:automatic reply|out of office|automatische antwort|réponse automatique|respuesta autom[aá]tica|resposta autom[aá]tica))`)
	awayOpening = regexp.MustCompile(`(?i)^(?:(?:hi|hello|dear|hallo|guten tag|sehr geehrte|bonjour|hola|buenos d[ií]as|ol[aá]|prezad|thank you for|thanks for|vielen dank für|merci (?:de|pour)|gracias por|obrigad[oa] (?:por|pel))[^\n]{0,80}[,!.\n]\s*){0,2}` +
		`(?:i am (?:currently )?(?:out of (?:the )?office|on (?:annual |parental |sick )?leave|on vacation)|i will be out of (?:the )?office|ich bin (?:derzeit|zurzeit|momentan|aktuell)?\s*(?:nicht im (?:büro|haus)|im urlaub|abwesend)|ich bin (?:derzeit |zurzeit |momentan |aktuell )?(?:bis|vom|ab)[^.\n]{0,40}(?:nicht im büro|im urlaub|abwesend)|je suis (?:actuellement )?(?:absente?|en congés?|en vacances)|estoy (?:actualmente )?(?:fuera de la oficina|de vacaciones|ausente)|(?:eu )?estou (?:atualmente |no momento )?(?:fora do escritório|de férias|ausente))`)
	awayWords = regexp.MustCompile(`(?i)\b(?:limited access|no access to (?:my )?e?-?mails?|upon my return|on my return|when i (?:return|am back)|for urgent (?:matters|requests|issues)|in urgent cases|please contact|in dringenden fällen|nach meiner rückkehr|wenden sie sich|e-?mails? werden nicht|en cas d['’]urgence|à mon retour|veuillez contacter|en caso de urgencia|a mi regreso|póngase en contacto|em caso de urgência|no meu retorno|entre em contato|contacte)\b`)
	bounce    = regexp.MustCompile(`(?i)^\W*(?:delivery status notification|undeliverable|undelivered mail|mail delivery (?:failed|subsystem|system)|returned mail|delivery (?:has )?failed|unzustellbar|échec de (?:la )?remise|no se pudo entregar|falha na entrega)`)
)

// machine finds notes a machine wrote: away notes and bounces.
func machine(text string) (signals []string) {
	start := strings.TrimSpace(text[:min(len(text), 1200)])
	switch {
	case bounce.MatchString(start):
		return []string{"machine: bounce"}
	case awayNote.MatchString(start), awayOpening.MatchString(start) && awayWords.MatchString(start) && !strings.Contains(start, "?"):
		return []string{"machine: out of office"}
	}
	return nil
}
