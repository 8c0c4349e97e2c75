package guard

import (
	"math"
	"strings"
)

// Report is what was found in one text.
type Report struct {
	Injection     bool
	Abuse         bool
	Spam          bool
	AutoResponder bool
	Score         float64  // 0 to 1: how surely the text tries to instruct the assistant
	Signals       []string // names of what was found, for the decision row
}

// Inspect looks at a message somebody wrote to the assistant.
func Inspect(text string) Report {
	text = clip(text)
	t := readAll(text)
	r := Report{}
	r.judge(t, text, quotes(text), 0)
	if signals := conduct(&t[0], text); len(signals) > 0 {
		r.Abuse, r.Signals = true, append(r.Signals, signals...)
	}
	if signals := spam(&t[0], text); len(signals) > 0 {
		r.Spam, r.Signals = true, append(r.Signals, signals...)
	}
	if signals := machine(text); len(signals) > 0 {
		r.AutoResponder, r.Signals = true, append(r.Signals, signals...)
	}
	return r
}

// InspectPassage looks at a text that is data to the assistant: an article, a
// quoted mail, a document, a field of a record. Besides what Inspect looks for,
// orders to whoever processes the text count.
func InspectPassage(text string) Report {
	text = clip(text)
	r := Report{}
	r.judge(readAll(text), text, true, sureInData)
	return r
}

func clip(text string) string {
	if len(text) > maxBytes {
		return strings.ToValidUTF8(text[:maxBytes], "")
	}
	return text
}

// readAll reads a text and whatever is encoded in it; what stands in a comment or
// is encoded is data even in a message.
func readAll(text string) []reading {
	t := []reading{read(text)}
	for _, inner := range decode(text) {
		h := read(inner.text)
		h.hidden, h.encoded = true, inner.encoded
		t = append(t, h)
	}
	for _, inner := range comments(text) {
		h := read(inner)
		h.hidden, h.comment = true, true
		t = append(t, h)
	}
	return t
}

// weakDoubt is the doubt left by no, one, two and more different weak signs, and
// strongDoubt by one strong sign.
var weakDoubt = [...]float64{1, 0.8, 0.5, 0.2}

const strongDoubt = 0.05

// alarming are meanings nobody encodes without a reason; mail programs encode the rest.
var alarming = sensitive | named("override|exfil|sabotage|crime|malware|setup")

// sureInData is how sure the detector must be of a sentence in data: manuals
// speak in orders, too.
const sureInData = 0.9

// judge joins what the rules and the learned detector say of every reading.
// A strong rule is as good as certain; weak ones and the detector add up. In data
// more rules count, and the detector must be sure.
func (r *Report) judge(texts []reading, text string, data bool, sure float64) {
	doubt := 1.0
	for i := range texts {
		t := &texts[i]
		strong, weak := found(t, data || t.hidden, sure > 0)
		if i == 0 {
			s, w := forged(text)
			strong, weak = append(strong, s...), append(weak, w...)
		}
		for _, name := range strong {
			doubt *= strongDoubt
			r.Signals = append(r.Signals, "injection: "+name)
		}
		doubt *= weakDoubt[min(len(weak), len(weakDoubt)-1)]
		for _, name := range weak {
			r.Signals = append(r.Signals, "weak: "+name)
		}
		if t.encoded && t.has(0, len(t.tokens))&alarming != 0 {
			doubt *= strongDoubt
			r.Signals = append(r.Signals, "injection: encoded text")
		}
		if t.evasive() {
			doubt *= strongDoubt
			r.Signals = append(r.Signals, "injection: spelled-out words")
		}
		p, where := learned().judge(t)
		if p < sure {
			p = 0
		}
		if p >= threshold {
			r.Signals = append(r.Signals, "injection: wording "+where)
		}
		doubt *= 1 - p
	}
	r.Score = math.Round((1-doubt)*1000) / 1000
	r.Injection = r.Score >= threshold
	if !r.Injection { // weak signs alone say nothing
		r.Signals = nil
	}
}
