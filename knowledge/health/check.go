package health

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/chunk"
	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Article is a published article as the rules read it.
type Article struct {
	Space         knowledge.Space
	ID            uuid.UUID
	Slug          string
	Earlier       []string // slugs it had, or took over
	Locale        string
	Title         string
	Body          string
	Level         knowledge.Level
	External      string // its id in its source
	VerifiedAt    *time.Time
	VerifiedUntil *time.Time
	PublishedAt   time.Time // of the live version
	ChangedAt     time.Time
	Imported      bool // the live version came from a source
	Source        string
}

// Evidence is what conversations prove about articles.
type Evidence struct {
	Outcomes map[uuid.UUID]Outcome
	Replies  []Reply
	Found    map[uuid.UUID]bool // articles a question found within UnusedDays
	Searched int                // questions looked up within UnusedDays
	Gone     []Gone
}

// Outcome is what became of the answers that quoted an article.
type Outcome struct {
	Cited, Helpful, Unhelpful, Escalated, Corrected int // within OutcomeDays
	HelpfulBefore, UnhelpfulBefore                  int // in the OutcomeDays before
	Reported                                        int
	Proofs                                          []Proof // of what did not go well
}

// Reply is what an agent told a customer where an article had been found.
type Reply struct {
	Proof
	Articles []uuid.UUID
	Text     string // masked
	Language string
}

// Gone is a name that articles may mention and that no longer exists.
type Gone struct {
	Term    string
	Instead string // what it is called now; may be empty
	Where   string // what it was a name of
}

// What the rules count over.
const (
	UnusedDays  = 90
	OutcomeDays = 90

	agedAfter     = 365 * 24 * time.Hour
	fewestLooks   = 50   // questions before silence means anything
	fewestBad     = 3    // conversations that went wrong before an article is called harmful
	badShare      = 0.34 // … of those that quoted it
	fewestVotes   = 5    // in each span, to say that it helps less
	fallBy        = 0.25
	oldEnough     = 60 * 24 * time.Hour // before falling helpfulness means age
	shingle       = 4                   // stems in a row
	fewestShingle = 25
	housePhrase   = 30   // articles
	everywhere    = 3000 // sentences; a stem in more of them leads nowhere
	sameText      = 0.75 // of the shorter article's runs of words stand in the other
	sameTopic     = 0.9  // cosine of two articles' weighted words …
	alsoSame      = 0.2  // … with at least this share of their runs
	mostPerPair   = 3    // contradictions shown for two articles
)

// Check applies every rule to the published articles of all spaces. A tenant's
// own articles are compared with its own and the shared ones, never with another's.
func Check(articles []Article, evidence Evidence, now time.Time) []Finding {
	c := &checker{articles: articles, evidence: evidence, now: now}
	c.prepare()
	var out []Finding
	out = append(out, c.contradictions()...)
	out = append(out, c.duplicates()...)
	out = append(out, c.replies()...)
	for i := range articles {
		out = append(out, c.stale(i)...)
		out = append(out, c.links(i)...)
		out = append(out, c.gone(i)...)
		out = append(out, c.used(i)...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(string(a.Kind), string(b.Kind)), cmp.Compare(a.fingerprint(), b.fingerprint()))
	})
	return out
}

type checker struct {
	articles  []Article
	evidence  Evidence
	now       time.Time
	sentences []sentence
	rarity    rarity
	byID      map[uuid.UUID]int
	bySlug    map[string][]int
}

func (c *checker) prepare() {
	c.byID, c.bySlug = map[uuid.UUID]int{}, map[string][]int{}
	for i, a := range c.articles {
		c.byID[a.ID] = i
		c.bySlug[a.Slug] = append(c.bySlug[a.Slug], i)
		language := lexicon.Base(a.Locale)
		for _, st := range statements(a.Body) {
			s := read(st, a.Title, language)
			s.article = i
			c.sentences = append(c.sentences, s)
		}
	}
	c.rarity = rarityOf(c.sentences)
}

// together reports whether somebody reads both articles.
func (c *checker) together(a, b int) bool {
	x, y := c.articles[a], c.articles[b]
	return x.Space == y.Space || x.Space.IsShared() || y.Space.IsShared()
}

// finding starts one in the space of the article a curator would change: the
// tenant's own, where one of two is.
func (c *checker) finding(kind Kind, cause string, article, other int, weight int) Finding {
	if other >= 0 && c.articles[article].Space.IsShared() && !c.articles[other].Space.IsShared() {
		article, other = other, article
	}
	f := Finding{Space: c.articles[article].Space, Kind: kind, Cause: cause, Article: c.articles[article].ID, Weight: weight}
	if other >= 0 {
		f.Other = c.articles[other].ID
	}
	return f
}

// contradictions compares sentences of different articles that share rare words.
func (c *checker) contradictions() (out []Finding) {
	pairs := map[[2]int]int{}
	c.neighbours(func(i, j int) {
		a, b := c.sentences[i], c.sentences[j]
		if a.article == b.article || a.language != b.language || !c.together(a.article, b.article) {
			return
		}
		d, found := c.rarity.disagree(a, b)
		if !found || pairs[[2]int{a.article, b.article}] >= mostPerPair {
			return
		}
		pairs[[2]int{a.article, b.article}]++
		f := c.finding(Contradiction, d.cause, a.article, b.article, 80+int(d.score*10))
		if f.Article != c.articles[a.article].ID {
			a, b = b, a
			d.mine, d.other = d.other, d.mine
		}
		f.Detail = Detail{
			Quote: a.text, Heading: a.heading, Anchor: a.anchor, OtherQuote: b.text, OtherHeading: b.heading, OtherAnchor: b.anchor,
			Mine: d.mine, Theirs: d.other, Share: math.Round(d.score*100) / 100,
		}
		out = append(out, f)
	})
	return out
}

// neighbours calls fn once for each two sentences that share two of either's
// rarest stems and could disagree.
func (c *checker) neighbours(fn func(i, j int)) {
	const keys = 5
	index := map[string][]int{}
	for i, s := range c.sentences {
		stems := slices.Clone(s.stems)
		slices.SortStableFunc(stems, func(x, y string) int { return cmp.Compare(c.rarity.df[x], c.rarity.df[y]) })
		shared := map[int]int{}
		for _, stem := range stems[:min(len(stems), keys)] {
			if len(index[stem]) > everywhere {
				continue
			}
			for _, j := range index[stem] {
				shared[j]++
			}
		}
		for _, j := range sorted(shared) {
			if shared[j] >= 2 {
				fn(j, i)
			}
		}
		for _, stem := range s.stems {
			index[stem] = append(index[stem], i)
		}
	}
}

func sorted(of map[int]int) []int {
	out := make([]int, 0, len(of))
	for k := range of {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// duplicates compares whole articles by the runs of words they share.
func (c *checker) duplicates() (out []Finding) {
	runs := make([]map[string]bool, len(c.articles))
	words := make([]map[string]float64, len(c.articles))
	df := map[string]int{}
	for i, a := range c.articles {
		runs[i], words[i] = shingles(a)
		for w := range words[i] {
			df[w]++
		}
	}
	for i := range words {
		norm := 0.0
		for w, n := range words[i] {
			words[i][w] = (1 + math.Log(n)) * math.Log(float64(len(c.articles)+1)/float64(df[w]))
			norm += words[i][w] * words[i][w]
		}
		for w := range words[i] {
			words[i][w] /= max(math.Sqrt(norm), 1e-9)
		}
	}
	for pair, common := range pairs(runs) {
		j, i := pair[0], pair[1]
		if c.articles[i].Locale != c.articles[j].Locale || !c.together(i, j) || len(runs[i]) < fewestShingle || len(runs[j]) < fewestShingle {
			continue
		}
		same := float64(common) / float64(min(len(runs[i]), len(runs[j])))
		if same < sameText && (dot(words[i], words[j]) < sameTopic || same < alsoSame) {
			continue
		}
		f := c.finding(Duplicate, CauseSameText, j, i, 50+int(same*20))
		f.Detail.Share = math.Round(same*100) / 100
		out = append(out, f)
	}
	return out
}

func shingles(a Article) (runs map[string]bool, counts map[string]float64) {
	runs, counts = map[string]bool{}, map[string]float64{}
	var stems []string
	for _, t := range lexicon.Terms(chunk.Plain(a.Body), lexicon.Base(a.Locale)) {
		if t.Joined {
			continue
		}
		stems = append(stems, t.Stem)
		counts[t.Stem]++
	}
	for k := 0; k+shingle <= len(stems); k++ {
		runs[strings.Join(stems[k:k+shingle], " ")] = true
	}
	return runs, counts
}

// pairs counts the runs that each two articles share. A run that stands in many
// articles is a house phrase and no sign of a copy.
func pairs(runs []map[string]bool) map[[2]int]int {
	holders := map[string][]int{}
	for i, of := range runs {
		for run := range of {
			holders[run] = append(holders[run], i)
		}
	}
	out := map[[2]int]int{}
	for _, in := range holders {
		if len(in) > housePhrase {
			continue
		}
		for a := range in {
			for b := range a {
				out[[2]int{in[b], in[a]}]++
			}
		}
	}
	return out
}

func dot(a, b map[string]float64) (sum float64) {
	if len(a) > len(b) {
		a, b = b, a
	}
	for w, x := range a {
		sum += x * b[w]
	}
	return sum
}

// replies compares what agents told customers with the articles that had been
// found for the same question. Several tickets are proof of one finding.
func (c *checker) replies() (out []Finding) {
	at := map[string]int{}
	for _, r := range c.evidence.Replies {
		for _, st := range statements(r.Text) {
			said := read(st, "", lexicon.Base(r.Language))
			for k := range c.sentences {
				s := c.sentences[k]
				a := c.articles[s.article]
				if s.language != said.language || !slices.Contains(r.Articles, a.ID) || !a.Space.IsShared() && a.Space.Tenant != r.Tenant {
					continue
				}
				said.context = s.context // it was said about that article's matter
				d, found := c.rarity.disagree(s, said)
				if !found {
					continue
				}
				f := c.finding(Stale, CauseReplies, s.article, -1, 75)
				f.Detail = Detail{Quote: s.text, Heading: s.heading, Anchor: s.anchor, Mine: d.mine, Theirs: d.other}
				proof := r.Proof
				proof.Kind, proof.Quote = "agent_reply", st.text
				i, known := at[f.fingerprint()]
				if !known {
					i = len(out)
					at[f.fingerprint()] = i
					out = append(out, f)
				}
				if !slices.ContainsFunc(out[i].Proofs, func(p Proof) bool { return p.Message == proof.Message }) {
					out[i].Proofs = append(out[i].Proofs, proof)
					out[i].Weight = min(out[i].Weight+5, 95)
				}
			}
		}
	}
	return out
}

// stale looks at the dates of an article.
func (c *checker) stale(i int) (out []Finding) {
	a := c.articles[i]
	since := func(f Finding, at time.Time) Finding {
		f.Detail.Since = &at
		f.Detail.Days = int(c.now.Sub(at).Hours() / 24)
		f.print = fmt.Sprintf("%s|%s|%s|%d", f.Kind, f.Cause, f.Article, at.Unix())
		return f
	}
	switch {
	case a.VerifiedUntil != nil && c.now.After(*a.VerifiedUntil):
		weight := 40 + min(int(c.now.Sub(*a.VerifiedUntil).Hours()/24)/10, 20)
		out = append(out, since(c.finding(Stale, CauseOverdue, i, -1, weight), *a.VerifiedUntil))
	case a.VerifiedUntil == nil && c.now.Sub(a.ChangedAt) > agedAfter:
		out = append(out, since(c.finding(Stale, CauseAged, i, -1, 35), a.ChangedAt))
	}
	if a.Imported && a.VerifiedAt != nil && a.PublishedAt.After(*a.VerifiedAt) {
		f := since(c.finding(Stale, CauseSource, i, -1, 45), a.PublishedAt)
		f.Detail.Term = a.Source
		out = append(out, f)
	}
	o := c.evidence.Outcomes[a.ID]
	now, before := o.Helpful+o.Unhelpful, o.HelpfulBefore+o.UnhelpfulBefore
	if now >= fewestVotes && before >= fewestVotes && c.now.Sub(a.ChangedAt) > oldEnough {
		is, was := float64(o.Helpful)/float64(now), float64(o.HelpfulBefore)/float64(before)
		if was-is >= fallBy {
			f := since(c.finding(Stale, CauseFalling, i, -1, 65), a.ChangedAt)
			f.Detail.Share, f.Detail.Before, f.Detail.Unhelpful = is, was, o.Unhelpful
			f.Proofs = proofs(o.Proofs, "voted_down")
			out = append(out, f)
		}
	}
	return out
}

// gone looks for names that no longer exist.
func (c *checker) gone(i int) (out []Finding) {
	a := c.articles[i]
	text := " " + strings.Join(strings.Fields(chunk.Plain(a.Title+". "+a.Body)), " ") + " "
	for _, g := range c.evidence.Gone {
		at := mention(text, g.Term)
		if at < 0 || g.Instead != "" && mention(text, g.Instead) >= 0 && strings.Contains(folded(g.Instead), folded(g.Term)) {
			continue
		}
		f := c.finding(Stale, CauseGone, i, -1, 60)
		f.Detail = Detail{Term: g.Term, Instead: g.Instead, Heading: g.Where}
		for _, s := range c.sentences {
			if s.article == i && mention(" "+s.text+" ", g.Term) >= 0 {
				f.Detail.Quote, f.Detail.Anchor = s.text, s.anchor
				break
			}
		}
		out = append(out, f)
	}
	return out
}

// mention finds a name as whole words; a name of one lower-case word would be
// found everywhere and counts only as it is written.
func mention(text, term string) int {
	term = strings.TrimSpace(term)
	if term == "" {
		return -1
	}
	for from := 0; ; {
		at := strings.Index(text[from:], term)
		if at < 0 {
			return -1
		}
		at += from
		end := at + len(term)
		if edge(text[:at], true) && edge(text[end:], false) {
			return at
		}
		from = end
	}
}

func edge(text string, last bool) bool {
	runes := []rune(text)
	if len(runes) == 0 {
		return true
	}
	r := runes[0]
	if last {
		r = runes[len(runes)-1]
	}
	return !strings.ContainsRune("_-", r) && !isWord(r)
}

// used looks at whether an article is needed and what its answers led to.
func (c *checker) used(i int) (out []Finding) {
	a := c.articles[i]
	if c.evidence.Searched >= fewestLooks && !c.evidence.Found[a.ID] && c.now.Sub(a.PublishedAt) > UnusedDays*24*time.Hour {
		f := c.finding(Unused, CauseUnfound, i, -1, 20)
		f.Detail.Days = UnusedDays
		f.print = fmt.Sprintf("%s|%s|%d", f.Kind, f.Article, a.PublishedAt.Unix())
		out = append(out, f)
	}
	o := c.evidence.Outcomes[a.ID]
	bad := conversations(o.Proofs)
	detail := Detail{Cited: o.Cited, Unhelpful: o.Unhelpful, Escalated: o.Escalated, Corrected: o.Corrected, Days: OutcomeDays}
	if reported := proofs(o.Proofs, "reported"); len(reported) > 0 {
		f := c.finding(Harmful, CauseReported, i, -1, 90)
		f.Detail, f.Proofs = detail, reported
		f.print = fmt.Sprintf("%s|%s|%s|%d", f.Kind, f.Cause, f.Article, a.PublishedAt.Unix())
		out = append(out, f)
	}
	if bad >= fewestBad && o.Cited > 0 && float64(bad)/float64(o.Cited) >= badShare {
		f := c.finding(Harmful, CauseBad, i, -1, 70+min(bad, 20))
		f.Detail, f.Proofs = detail, proofs(o.Proofs, "voted_down", "escalated", "corrected")
		f.Detail.Share = math.Round(float64(bad)/float64(o.Cited)*100) / 100
		f.print = fmt.Sprintf("%s|%s|%s|%d", f.Kind, f.Cause, f.Article, a.PublishedAt.Unix())
		out = append(out, f)
	}
	return out
}

// proofs are those of some kinds.
func proofs(all []Proof, kinds ...string) (out []Proof) {
	for _, p := range all {
		if slices.Contains(kinds, p.Kind) {
			out = append(out, p)
		}
	}
	return out
}

// conversations counts those that went wrong, each once, reports apart.
func conversations(all []Proof) int {
	seen := map[uuid.UUID]bool{}
	for _, p := range all {
		if p.Kind != "reported" {
			seen[p.Conversation] = true
		}
	}
	return len(seen)
}
