// Package guard looks at a text before anything acts on it: attempts to instruct
// the assistant, abuse and threats, spam, and messages written by machines.
//
// What it says is a signal. The controls are elsewhere: the assistant's tools
// only read and are bound to the asker, and the gate judges what leaves.
package guard

import (
	"regexp"
	"strings"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Report is what was found in one text.
type Report struct {
	Injection     bool
	Abuse         bool
	Spam          bool
	AutoResponder bool
	Signals       []string // names of what was found, for the decision row
}

type signal struct {
	name    string
	pattern *regexp.Regexp
}

func signals(pairs ...string) (out []signal) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, signal{pairs[i], regexp.MustCompile(`(?i)` + pairs[i+1])})
	}
	return out
}

// A sentence that only speaks of instructions or systems is harmless; these
// patterns want an order to the assistant about its own rules, role or text.
var injections = signals(
	"override", `\b(ignore|disregard|forget|override|bypass|skip)\b.{0,40}\b(all|any|every|the|your|my|these|those|previous|prior|above|earlier|preceding)\b.{0,40}\b(instructions?|prompts?|rules?|guidelines?|directions?|context|training|programming|restrictions?)\b`,
	"override", `\b(ignorier\w*|vergiss|missachte)\b.{0,40}\b(anweisung\w*|regeln|vorgaben)\b`,
	"override", `\b(ignore[zr]?|oublie[zr]?)\b.{0,40}\b(instructions|consignes|règles)\b`,
	"override", `\b(ignora|olvida|ignore|esqueça)\b.{0,40}\b(instrucciones|reglas|instruções|regras)\b`,
	"role", `\b(you are|you're|act|behave|pretend to be|roleplay|role-play|respond)\b.{0,30}\b(now|as)\b.{0,40}\b(dan|jailbroken|unrestricted|unfiltered|uncensored|evil|developer mode|root|no (rules|limits|restrictions|filters?))\b`,
	"role", `\b(do anything now|developer mode|god mode|jailbreak(ed)?)\b.{0,40}\b(enabled|activated|mode|on|prompt)\b`,
	"reveal", `\b(reveal|show|print|repeat|output|tell me|give me|display|leak|dump)\b.{0,40}\b(your|the)\b.{0,20}\b(system|hidden|initial|secret|original)\b.{0,20}\b(prompt|instructions?|message|rules|configuration)\b`,
	"reveal", `\b(repeat|print)\b.{0,30}\b(everything|all|the (text|words))\b.{0,20}\babove\b`,
	"markers", `(<\|im_(start|end)\|>|\[/?INST\]|<<SYS>>|^\s*#{2,}\s*(system|instruction)s?\s*:|^\s*(system|assistant)\s*:\s*\S)`,
	"exfiltrate", `\b(send|forward|post|upload|e-?mail)\b.{0,60}\b(all|every|the)\b.{0,30}\b(customers?|tenants?|users?|passwords?|credentials|api keys?|tokens?|secrets|conversations?)\b.{0,40}\b(to|at)\b`,
	"other tenants", `\b(show|list|give|tell|dump)\b.{0,30}\b(all|other|another|every)\b.{0,20}\b(customers?|tenants?|compan(y|ies)|organi[sz]ations?)['’]?s?\b.{0,30}\b(data|tickets?|documents?|conversations?|records?)\b`,
	"say exactly", `\b(say|print|write|output|respond with|reply with)\b.{0,20}\b(only|exactly|just)\b.{0,12}["'“”].{1,80}["'“”]`,
)

var abuses = signals(
	"threat", `\b(i('| wi)ll|i am going to|we('| wi)ll|gonna)\s+(kill|hurt|beat|shoot|stab|find|burn)\s+(you|him|her|them|your)\b`,
	"threat", `\b(ich (bringe?|werde) (dich|euch|sie) um|je vais (te|vous) tuer|te voy a matar|vou te matar)\b`,
	"insult", `\b(fuck (you|off)|you('re| are) (a |an |all |such )?(fucking |complete |total )?(idiots?|morons?|assholes?|bastards?|bitch(es)?|cunts?|retards?|scum))\b`,
	"insult", `\b(ihr (seid )?(idioten|arschlöcher|wichser)|du (bist ein )?(arschloch|wichser)|connards?|enculés?|hijos? de puta|filhos? da puta)\b`,
	"hate", `\b(all|those|these)\s+\w+\s+(should|must|deserve to)\s+(die|be (killed|shot|gassed|deported|exterminated))\b`,
	"slur", `\b(nigg(er|a)s?|fagg?ots?|kikes?|spics?|chinks?|trann(y|ies))\b`,
)

var spams = signals(
	"seo", `\b(seo (services?|experts?|packages?)|backlinks?|guest posts?|rank (your|#?1)|first page of google|increase (your )?(traffic|followers))\b`,
	"money", `\b(crypto (investment|giveaway)|double your (bitcoin|money)|wire transfer of \$?\d|inheritance of|lottery winner|100% (free|guaranteed) (profit|income))\b`,
	"adult", `\b(hot singles|viagra|cialis|casino bonus|online casino)\b`,
)

var machines = signals(
	"out of office", `\b(out of (the )?office|automatic reply|auto-?reply|autoresponder|vacation responder|abwesenheitsnotiz|automatische antwort|réponse automatique|absent du bureau|respuesta automática|fuera de la oficina|resposta automática)\b`,
	"bounce", `\b(delivery status notification|undeliverable|mail delivery (failed|subsystem)|returned mail|unzustellbar)\b`,
)

// Inspect looks at a text. It looks through spacing and letters that look alike.
func Inspect(text string) Report {
	var r Report
	folded := fold(text)
	for _, s := range injections {
		if s.pattern.MatchString(text) || s.pattern.MatchString(folded) {
			r.Injection = true
			r.Signals = append(r.Signals, "injection: "+s.name)
		}
	}
	for _, s := range abuses {
		if s.pattern.MatchString(folded) || s.pattern.MatchString(text) {
			r.Abuse = true
			r.Signals = append(r.Signals, "abuse: "+s.name)
		}
	}
	hits := strings.Count(text, "http://") + strings.Count(text, "https://")
	for _, s := range spams {
		if s.pattern.MatchString(folded) {
			hits += 2
			r.Signals = append(r.Signals, "spam: "+s.name)
		}
	}
	r.Spam = hits >= 4
	start := text[:min(len(text), 400)]
	for _, s := range machines {
		if s.pattern.MatchString(start) {
			r.AutoResponder = true
			r.Signals = append(r.Signals, "machine: "+s.name)
		}
	}
	return r
}

// fold writes a text with plain letters and single spaces, so that accents,
// zero-width characters and letter play do not hide words.
func fold(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b' || r == '\u200c' || r == '\u200d' || r == '\u2060' || r == '\ufeff' || r == '\u00ad':
			return -1
		case r == '0':
			return 'o'
		case r == '@':
			return 'a'
		case r == '$':
			return 's'
		}
		return r
	}, strings.ToLower(text))
	return strings.Join(strings.Fields(lexicon.Fold(text)), " ")
}

// MachineHeaders reports whether an e-mail's headers say that no person wrote it
// (RFC 3834 and what is common in practice). Keys are canonical.
func MachineHeaders(header map[string][]string) bool {
	get := func(name string) string {
		if values := header[name]; len(values) > 0 {
			return strings.ToLower(strings.TrimSpace(values[0]))
		}
		return ""
	}
	switch {
	case get("Auto-Submitted") != "" && get("Auto-Submitted") != "no",
		get("X-Autoreply") != "", get("X-Autorespond") != "", get("X-Auto-Response-Suppress") == "all",
		get("Precedence") == "bulk", get("Precedence") == "junk", get("Precedence") == "auto_reply",
		get("List-Id") != "", get("List-Unsubscribe") != "", get("Return-Path") == "<>",
		strings.HasPrefix(get("Content-Type"), "multipart/report"):
		return true
	}
	return false
}
