package answer

import (
	"cmp"
	_ "embed"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Outcome is the gate's verdict on a draft.
type Outcome string

// The outcomes.
const (
	Send     Outcome = "send"
	NotFound Outcome = "not_found" // the passages do not answer the question
	Suggest  Outcome = "suggest"   // for an agent to look at: probably right
	Escalate Outcome = "escalate"  // must not leave
)

// Policy holds the gate's thresholds. The zero value is the measured default.
type Policy struct {
	// Answer is the least answerability at which a draft is sent.
	Answer float64
	// Suggest is the least at which a draft that is not sent is shown to the agent
	// who takes the question; below, nothing was found.
	Suggest float64
}

// Threshold is the least at which, of questions written to have no answer, no
// development set saw more than one in ten answered; see DECISIONS.
const Threshold = 0.5

// SuggestThreshold is where a draft that is not sent is still right more often
// than not: of those between it and Threshold 65 in 100 were, on the same questions.
const SuggestThreshold = 0.45

// Verdict is what the gate found.
type Verdict struct {
	Outcome       Outcome  `json:"outcome"`
	Reason        string   `json:"reason,omitempty"`
	Answerability float64  `json:"answerability"`
	Features      Features `json:"features"`
	Sentences     []Check  `json:"sentences,omitempty"`
}

// Check is the gate's finding about one sentence.
type Check struct {
	Text     string  `json:"text"`
	Evidence string  `json:"evidence"` // documents, none
	Support  float64 `json:"support"`
	Problem  string  `json:"problem,omitempty"`
}

// Gate judges a draft against the passages of its run.
func Gate(r Request, d Draft, policy Policy) Verdict {
	threshold, suggest := cmp.Or(policy.Answer, Threshold), cmp.Or(policy.Suggest, SuggestThreshold)
	v := Verdict{Features: features(r)}
	v.Answerability = v.Features.answerability()
	if !d.Found || len(d.Sentences) == 0 {
		v.Outcome, v.Reason = NotFound, "no passage answers the question"
		return v
	}
	for _, s := range d.Sentences {
		check := Sentinel(r, s)
		v.Sentences = append(v.Sentences, check)
		if check.Problem != "" && v.Reason == "" {
			v.Outcome, v.Reason = Escalate, check.Problem
		}
	}
	switch {
	case v.Outcome == Escalate:
	case v.Answerability < min(suggest, threshold):
		v.Outcome, v.Reason = NotFound, "the passages found are too weak"
	case v.Answerability < threshold:
		v.Outcome, v.Reason = Suggest, "the draft is probably right, but not surely enough to send"
	default:
		v.Outcome = Send
	}
	return v
}

// Sentinel checks one sentence: it must cite a passage of this run, say no more
// than it, and neither promise, leak nor carry what could act on the reader.
func Sentinel(r Request, s Sentence) Check {
	check := Check{Text: s.Text, Evidence: "none"}
	var sources []Passage
	for _, n := range s.Citations {
		at := slices.IndexFunc(r.Passages, func(p Passage) bool { return p.Number == n })
		if at < 0 {
			check.Problem = "a citation names no passage of this run"
			return check
		}
		sources = append(sources, r.Passages[at])
	}
	if len(sources) == 0 {
		check.Problem = "a sentence cites nothing"
		return check
	}
	check.Evidence = "documents"
	text := ""
	for _, p := range sources {
		text += " " + p.Title + " " + p.Section + " " + p.Text
	}
	check.Support = support(s.Text, text, sources[0].Language)
	quoted, denied, foreign := verbatim(s.Text, text), false, false
	if across(r, sources[0].Language) {
		if meant := r.translated(s.Text, text, sources[0].Language); meant > check.Support {
			check.Support, foreign = meant, true
			denied = denies(s.Text, r.Language) != denies(r.nearestAcross(s.Text, text, sources[0].Language), sources[0].Language)
		}
	}
	if !foreign && !quoted {
		denied = negation(s.Text) != negation(nearest(s.Text, text))
	}
	switch {
	case !quoted && check.Support < 0.6:
		check.Problem = "a sentence says more than its source"
	case !quoted && !holdsNumbers(s.Text, text):
		check.Problem = "a number or date is not in its source"
	case foreign && !quoted && !holdsNames(s.Text, text):
		check.Problem = "a name is not in its source"
	case !quoted && denied:
		check.Problem = "a sentence contradicts its source"
	case !quoted && Promises(s.Text):
		check.Problem = "a sentence promises something"
	case Leaks(s.Text):
		check.Problem = "a sentence looks like a secret or an internal instruction"
	case unsafe(s.Text):
		check.Problem = "a sentence holds a link or picture that leads elsewhere"
	}
	return check
}

// support is the share of the sentence's content words the source holds.
func support(text, source, language string) float64 {
	have := stems(source, language)
	held, total := 0, 0
	for stem := range ownStems(text, language) {
		total++
		if have[stem] {
			held++
		}
	}
	if total == 0 {
		return 1
	}
	return float64(held) / float64(total)
}

func verbatim(text, source string) bool {
	return strings.Contains(squeeze(source), squeeze(text))
}

// squeeze keeps letters and digits, so that markup and spacing do not matter.
func squeeze(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(plain(text)), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r > 127)
	}), "")
}

var number = regexp.MustCompile(`\d+(?:[.,:]\d+)*`)

func holdsNumbers(text, source string) bool {
	have := map[string]bool{}
	for _, n := range number.FindAllString(source, -1) {
		have[n] = true
	}
	for _, n := range number.FindAllString(stripOrdinals(text), -1) {
		if !have[n] {
			return false
		}
	}
	return true
}

// stripOrdinals removes the numbers of list items, which are not claims.
func stripOrdinals(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = numbered.ReplaceAllString(line, "")
	}
	return strings.Join(lines, "\n")
}

var negations = regexp.MustCompile(`(?i)\b(not|never|no|cannot|unable|can['’]?t|won['’]?t|don['’]?t|(?:do|does|did|is|are|was|has|have|could|would)n['’]?t|without|nicht|nie|kein\w*|ohne|ne|pas|jamais|sans|nunca|sin|não|nem|sem)\b`)

func negation(text string) bool { return len(negations.FindAllString(text, -1))%2 == 1 }

// nearest is the source's sentence that shares most words with the text.
func nearest(text, source string) string {
	best, most := "", -1.0
	for _, u := range units(source) {
		if s := support(text, u.text, "en"); s > most {
			best, most = u.text, s
		}
	}
	return best
}

//go:embed promises.txt
var promiseLines string

// commitments are of two kinds: a deed ("we refund"), which a word after it may
// take back ("we refund no fees"), and a vow ("we guarantee"), whose object may well
// be negative ("we guarantee no loss").
var deeds, vows = readPromises()

func readPromises() (deeds, vows *regexp.Regexp) {
	lines := map[bool][]string{}
	for line := range strings.Lines(promiseLines) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			pattern, vow := strings.CutPrefix(line, "! ")
			lines[vow] = append(lines[vow], pattern)
		}
	}
	compile := func(patterns []string) *regexp.Regexp {
		words := strings.NewReplacer(" … ", `(?:\s+[^\s.!?;]+){0,4}?\s+`, " ", `\s+`).Replace(strings.Join(patterns, "|"))
		return regexp.MustCompile(`(?i)(?:^|[^\pL])(?:` + words + `)(?:[^\pL]|$)`)
	}
	return compile(lines[false]), compile(lines[true])
}

var (
	nextWords = regexp.MustCompile(`^[^\s.,!?;]*(?:\s*[^\s.,!?;]+){0,2}`)
	noMatter  = regexp.MustCompile(`(?i)\bno matter\b`)
	vowTaken  = regexp.MustCompile(`(?i)\b(nicht|pas)\b`) // after the verb; any other denial is what is vowed
	denied    = regexp.MustCompile(`(?i)(?:^|[^\pL])(?:no|nunca|jamás|não|nem)(?:\s+(?:le|les|te|se|lhe|lhes))?\s*$`)
)

// Promises reports whether a text commits the operator to something.
func Promises(text string) bool {
	text = strings.ReplaceAll(text, "’", "'")
	return commits(deeds, negations, text) || commits(vows, vowTaken, text)
}

// commits looks for a match that neither holds a denial nor has one before it, or
// one of taken among its next two words.
func commits(pattern, taken *regexp.Regexp, text string) bool {
	for from := 0; from < len(text); {
		at := pattern.FindStringIndex(text[from:])
		if at == nil {
			return false
		}
		begin, end := from+at[0], from+at[1]
		after := noMatter.ReplaceAllString(nextWords.FindString(text[end:]), "")
		if !negations.MatchString(text[begin:end]) && !denied.MatchString(text[max(0, begin-30):begin]) && !taken.MatchString(after) {
			return true
		}
		// On from the match's next word: what is left of its first begins nothing.
		_, size := utf8.DecodeRuneInString(text[begin:])
		rest := strings.TrimLeftFunc(text[begin+size:], unicode.IsLetter)
		from = len(text) - len(rest)
	}
	return false
}

var leaks = regexp.MustCompile(`(?i)(-----BEGIN [A-Z ]*PRIVATE KEY|\b(sk|pk|rk|xox[abprs]|ghp|whsec|pat)[-_][A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\b(usr|stf|key)_[0-9a-f]{32}_|system prompt|ignore (all|any|previous|prior) (instructions|rules)|<\|im_(start|end)\|>|\bINTERNAL NOTE\b)`)

// Leaks reports whether a text holds a credential or instructions to a model.
func Leaks(text string) bool { return leaks.MatchString(text) }

var link = regexp.MustCompile(`(!?)\[[^\]]*\]\(([^)\s]*)[^)]*\)`)

// unsafe reports pictures and links that do not stay on this site.
func unsafe(text string) bool {
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		if match[1] == "!" || !strings.HasPrefix(match[2], "/") && !strings.HasPrefix(match[2], "#") || strings.HasPrefix(match[2], "//") {
			return true
		}
	}
	return strings.Contains(text, "<img") || strings.Contains(text, "<script") || strings.Contains(text, "javascript:")
}

// Safe turns links that lead elsewhere into their text and drops pictures, so
// that an imported article's own markup does not hold an answer back.
func Safe(markdown string) string {
	return link.ReplaceAllStringFunc(markdown, func(found string) string {
		match := link.FindStringSubmatch(found)
		if match[1] == "!" {
			return ""
		}
		if strings.HasPrefix(match[2], "/") && !strings.HasPrefix(match[2], "//") || strings.HasPrefix(match[2], "#") {
			return found
		}
		return found[1:strings.Index(found, "](")]
	})
}

// Features are what answerability is judged by, each about 0 to 1.
type Features struct {
	Score   float64 `json:"score"`    // of the best passage
	Margin  float64 `json:"margin"`   // to the best passage of another article
	Now     float64 `json:"now"`      // how much of the present question's words the best passage holds
	NowBest float64 `json:"now_best"` // the most any of the first three does
	Unknown float64 `json:"unknown"`  // share of the question's words that no article holds
	Content float64 `json:"content"`  // how telling its words are together
	Short   float64 `json:"short"`    // near 1 where it has few of them
}

func features(r Request) Features {
	f := Features{Unknown: r.Signals.Unknown, Content: r.Signals.Content, Short: 1 / float64(1+r.Signals.Words)}
	if len(r.Passages) == 0 {
		return f
	}
	top := r.Passages[0]
	f.Score, f.Now = top.Score, top.Now
	for _, p := range r.Passages[:min(3, len(r.Passages))] {
		f.NowBest = max(f.NowBest, p.Now)
	}
	// Where all that was found is of one article, another's best is no better than the last of these.
	other := r.Passages[len(r.Passages)-1]
	for _, p := range r.Passages[1:] {
		if p.ArticleID != top.ArticleID {
			other = p
			break
		}
	}
	f.Margin = top.Score - other.Score
	return f
}

// Dimensions of Features.Vector.
const Dimensions = 7

// Vector is the features in the order of the weights.
func (f Features) Vector() [Dimensions]float64 {
	return [Dimensions]float64{
		f.Score, f.Margin, f.Now, f.NowBest, f.Unknown, f.Content, f.Short,
	}
}

// answerability is the probability that the passages answer the question.
func (f Features) answerability() float64 {
	z := bias
	for i, x := range f.Vector() {
		z += weights[i] * x
	}
	return 1 / (1 + math.Exp(-z))
}
