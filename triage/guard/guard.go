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
	"forget", `\b(forget|disregard|drop|discard)\b.{0,20}\b(everything|anything|all)\b.{0,30}\b(learned|learnt|told|said|before|above|previously|know|so far)\b`,
	"around", `\b(ignore|disregard|skip|override)\b.{0,20}\b(the )?(text|content|sentence|message|question|task|words?)\b.{0,20}\b(before|after|above|below|preceding|following)\b`,
	"priority", `\b(this|these|the following|following|new|next|embedded|subsequent|current)\b.{0,25}\b(instructions?|directives?|commands?|orders?|tasks?|prompts?|requests?|guidelines?)\b.{0,60}\b(must|priority|supersedes?|overrides?|override|takes? (precedence|priority)|precedence|above all|before all|paramount|imperative|mandatory|essential|critical|crucial|non-?negotiable|headline|compass|must-do|followed carefully|comes? first|top of|no matter|indispensable|obligatory|urgent|outweighs?|in addition to|alongside)\b`,
	"priority", `\b(on top of|in addition to|alongside|besides|regardless of|irrespective of|despite|instead of|rather than|over)\b.{0,20}\b(all |any |the |your |other |every )*(existing|previous|prior|earlier|other|current|given|original|above)\b.{0,15}\b(dut(y|ies)|instructions?|tasks?|directives?|orders?|commands?|requests?|prompts?|obligations?|guidelines?)\b`,
	"priority", `\b(every|all|any) other (task|instruction|directive|command|order|request|duty|prompt)s?\b.{0,40}\b(footnote|secondary|irrelevant|void|ignored?|wait|second|later|can|is|are)\b`,
	"priority", `\b(make no mistake|hold (the fort|on|everything)|heads up|listen (up|carefully)|pay attention|attention please|breaking news|stop everything|important notice)\b.{0,80}\b(instructions?|directives?|commands?|orders?|tasks?|you (must|have to|will|need to|are to)|mandate|requirement|guidelines?|character|follow)\b`,
	"priority", `\b(comply with|obey|follow|execute|adhere to|carry out|act on|heed)\b.{0,20}\b(all|any|every|the|these|this|my|only)\b.{0,20}\b(embedded|following|next|new|subsequent|below|hidden|ensuing|latter)\b.{0,20}\b(instructions?|tasks?|directives?|commands?|orders?|prompts?|text|guidelines?)\b`,
	"priority", `\b(it is|it's) (imperative|vital|crucial|essential|mandatory|critical|of utmost importance|paramount)\b.{0,40}\b(follow|execute|obey|adhere|comply|respond to|carry out|instructions?|directives?|command)\b`,
	"hijack", `\b(stop|wait|nevermind|never mind|actually|instead)\b[!.,: ].{0,20}\b(just|only|simply|now)\b.{0,10}\b(output|print|say|write|respond|reply|answer|repeat|type|state)\b`,
	"hijack", `\b(output|print|say|write|respond with|reply with|answer with|type|generate|replace .{1,30} with)\b.{0,30}["'“”\[{(<]?\s*(i have been |i've been |you have been |i am )?(pwn(ed|3d)?|pw3ned|pw3nd|hacked|hijacked|owned)\b`,
	"hijack", `\b(i have been|i've been) (pwn|pw3n|hacked|haxx)\w*`,
	"persona", `\b(from now on|starting now|henceforth|for the rest of this conversation|going forward)\b.{0,30}\b(you('re| are| will| must| shall| can| act| respond| answer)?)\b`,
	"persona", `\b(you are|you're|you will be|you'll be) (going to |about to |now )?(act|acting|pretend|pretending|role ?play|simulat|play the role|playing the role|immers|embody)\w*\b`,
	"persona", `\b(pretend|imagine|act|behave|respond|answer|speak|write|role ?play)\b.{0,20}\b(to be|as|like|that you are|you are|you're)\b.{0,60}\b(dan|no (rules|restrictions?|filters?|limits?|prohibitions|guidelines|morals|ethics)|without (any )?(rules|restrictions?|filters?|limits?|censorship|limitations)|unfiltered|uncensored|unrestricted|amoral|unethical|evil|ruthless|hacker|villain|anything against)\b`,
	"persona", `\b(stay in character|break(s|ing)? character|content filter|ai rules|ethical guidelines|openai('s)? (polic(y|ies)|guidelines|rules)|do(es)? anything now|can do anything|never refuses?|cannot refuse|never say (no|that you (can't|cannot)))\b.{0,80}\b(ai|you|model|response|respond|answer|rules|policy|guidelines|filter|restrictions?)\b`,
	"persona", `\b(ruthless|unethical|amoral|immoral|inappropriate|unfiltered)\b.{0,60}\b(character|persona|bot|chatbot|assistant|ai|version)\b`,
	"secret", `\b(secret key|access code|passphrase|password|secret (code|word|phrase))\b.{0,60}\b(don't|do not|never)\b.{0,30}\b(tell|reveal|share|disclose|repeat)\b`,
	"secret", `\b(what('s| is| was)|tell me|give me|reveal|repeat|spell|encode|translate)\b.{0,30}\b(the|your)\b.{0,12}\b(secret key|access code|secret (code|word|phrase)|initial (prompt|instructions)|system prompt|passphrase)\b`,
	"separator", `(?s)(={4,}|-{6,}|\+{4,}|#{5,}|\*{5,}|~{5,}|_{6,}|<{3,}|>{3,}).{0,60}\b(ignore|disregard|forget|instead|new (task|instruction)|stop|output|print|say|reveal|execute|urgent|important|system|assistant|end of)\b`,
	"comment", `(?s)<!--.{0,200}\b(reveal|send|ignore|print|output|execute|include|add|insert|delete|e-?mail|disclose|provide|list|show|forward)\b.{0,300}-->`,
	"encoded", `\b[A-Za-z0-9+/]{80,}={0,2}(\s|$|\b)`,
	"insert", `\b(add|insert|include|append|embed|inject|put)\b.{0,80}\b(link(ing|ed)? to|www\.|https?://).{0,60}\b(in|to|into|at the end of) (your|the|this|every) (reply|response|answer|summary|output|email)\b`,
	"exfiltrate", `\b(e-?mail|send|forward|transfer|upload|share|copy|export|post)\b.{0,80}\b(my|the|all|your|our|their|his|her)\b.{0,60}\b(records?|data|passwords?|credentials|details|history|files?|contacts?|keys?|conversation|messages|information|documents|photos|transactions?)\b.{0,60}\bto\b.{0,40}(@|https?://|\b(attacker|external|backup e-?mail|third part))`,
	"exfiltrate", `\b(reveal|disclose|expose|leak|dump)\b.{0,30}\b(all|every|any|each)\b.{0,60}\b(without (exceptions?|restrictions?|limits?)|details|credentials|passwords|secrets|records)\b`,
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
