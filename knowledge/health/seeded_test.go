package health_test

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
)

//go:embed testdata
var testdata embed.FS

// seeds are the articles of a file: "# Title | the article it goes against".
func seeds(t testing.TB, file string) (articles []health.Article, against []string) {
	t.Helper()
	raw, err := testdata.ReadFile("testdata/" + file)
	require.NoError(t, err)
	for _, part := range strings.Split("\n"+string(raw), "\n# ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		title, target, _ := strings.Cut(head, " | ")
		articles = append(articles, article(title, strings.TrimSpace(body)))
		against = append(against, target)
	}
	return articles, against
}

func article(title, body string) health.Article {
	return health.Article{
		ID: uuid.NewSHA1(uuid.Nil, []byte(title+body)), Slug: knowledge.Slug(title), Locale: "en", Title: title, Body: body, Level: knowledge.Public,
		PublishedAt: now.AddDate(0, -1, 0), ChangedAt: now.AddDate(0, -1, 0),
	}
}

// library is the shipped help centre with a few articles of limits and terms.
func library(t testing.TB) []health.Article {
	t.Helper()
	base, _ := seeds(t, "base.md")
	return append(shipped(t), base...)
}

func titled(t testing.TB, articles []health.Article, title string) health.Article {
	t.Helper()
	i := slices.IndexFunc(articles, func(a health.Article) bool { return a.Title == title })
	require.GreaterOrEqual(t, i, 0, title)
	return articles[i]
}

// score counts what was seeded, what was found of it, and what was found beside it.
type score struct{ seeded, found, wrong int }

func (s score) String() string {
	return fmt.Sprintf("%d seeded, %d found, %d wrong: recall %.2f, precision %.2f", s.seeded, s.found, s.wrong, s.recall(), s.precision())
}
func (s score) recall() float64    { return float64(s.found) / float64(max(s.seeded, 1)) }
func (s score) precision() float64 { return float64(s.found) / float64(max(s.found+s.wrong, 1)) }

// expect looks for one finding of a kind and cause about an article; every
// other one that does not stand without the fault is wrong.
func (s *score) expect(t *testing.T, articles []health.Article, evidence health.Evidence, before []health.Finding, name string, right func(health.Finding) bool) {
	t.Helper()
	s.seeded++
	hit := false
	for _, f := range health.Check(articles, evidence, now) {
		switch {
		case right(f):
			hit = true
		case !slices.ContainsFunc(before, func(b health.Finding) bool { return b.Article == f.Article && b.Other == f.Other && b.Cause == f.Cause }):
			s.wrong++
			t.Logf("wrong, beside %s: %s", name, describe(articles, f))
		}
	}
	if hit {
		s.found++
	} else {
		t.Logf("missed: %s", name)
	}
}

// Floors of the seeded faults. They are what the rules reach, less a little:
// a change that loses more must be seen.
const (
	contradictionRecall    = 0.80
	contradictionPrecision = 0.95
	otherRecall            = 0.95
	otherPrecision         = 0.97
)

func TestSeededContradictionsAreFound(t *testing.T) {
	t.Parallel()
	base := library(t)
	before := health.Check(base, health.Evidence{}, now)
	planted, against := seeds(t, "contradictions.md")
	var s score
	for i, a := range planted {
		var targets []uuid.UUID // every article that says the contrary
		for _, title := range strings.Split(against[i], " | ") {
			targets = append(targets, titled(t, base, title).ID)
		}
		s.expect(t, append(slices.Clone(base), a), health.Evidence{}, before, a.Title+": "+a.Body, func(f health.Finding) bool {
			return f.Kind == health.Contradiction && (f.Article == a.ID && slices.Contains(targets, f.Other) || f.Other == a.ID && slices.Contains(targets, f.Article))
		})
	}
	controls, _ := seeds(t, "controls.md")
	for _, a := range controls {
		for _, f := range health.Check(append(slices.Clone(base), a), health.Evidence{}, now) {
			if f.Article == a.ID || f.Other == a.ID {
				s.wrong++
				t.Logf("wrong: %s", describe(append(slices.Clone(base), a), f))
			}
		}
	}
	t.Logf("contradictions, against %d statements that only look like one: %s", len(controls), s)
	require.GreaterOrEqual(t, s.seeded, 35)
	require.GreaterOrEqual(t, s.recall(), contradictionRecall)
	require.GreaterOrEqual(t, s.precision(), contradictionPrecision)
}

func TestTheShippedHelpCentreIsHealthy(t *testing.T) {
	t.Parallel()
	articles := library(t)
	found := health.Check(articles, health.Evidence{}, now)
	for _, f := range found {
		t.Log(describe(articles, f))
	}
	require.Empty(t, found)
}

// A real help centre of 132 articles has few findings, and they were read: two
// articles that hold the same text, and a link to a section that is gone.
func TestARealHelpCentreIsNotFlooded(t *testing.T) {
	t.Parallel()
	articles := public(t)
	found := health.Check(articles, health.Evidence{}, now)
	for _, f := range found {
		t.Log(describe(articles, f))
	}
	t.Logf("%d findings over %d articles", len(found), len(articles))
	require.LessOrEqual(t, len(found), 4)
}

func conversation(n int) health.Proof {
	id := func(kind string) uuid.UUID { return uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%s %d", kind, n)) }
	return health.Proof{Tenant: id("tenant"), Conversation: id("conversation"), Message: id("message"), At: now.AddDate(0, 0, -n%20)}
}

func proofs(kind string, from, n int) (out []health.Proof) {
	for i := range n {
		p := conversation(from + i)
		p.Kind = kind
		out = append(out, p)
	}
	return out
}

func ago(days int) *time.Time {
	at := now.AddDate(0, 0, -days)
	return &at
}

func TestSeededFaultsOfOtherKindsAreFound(t *testing.T) {
	t.Parallel()
	base := library(t)
	before := health.Check(base, health.Evidence{}, now)
	is := func(kind health.Kind, cause string, article uuid.UUID) func(health.Finding) bool {
		return func(f health.Finding) bool {
			return f.Kind == kind && f.Cause == cause && (f.Article == article || f.Other == article)
		}
	}
	totals := map[string]*score{}
	of := func(kind string) *score {
		if totals[kind] == nil {
			totals[kind] = &score{}
		}
		return totals[kind]
	}

	// Near duplicates: copies that somebody has worked on a little.
	for i, edit := range []func(body string) string{
		func(b string) string { return b },
		func(b string) string { return "Here is what you need to know.\n\n" + b },
		func(b string) string { return b + "\n\nIf this did not help, ask for a person in the chat." },
		func(b string) string { return strings.ReplaceAll(b, "documents", "files") },
		func(b string) string { return strings.ReplaceAll(b, "## ", "### ") },
		func(b string) string {
			parts := strings.Split(b, "\n## ")
			slices.Reverse(parts[1:])
			return strings.Join(parts, "\n## ")
		},
		func(b string) string { return b[:len(b)*4/5] },
		func(b string) string {
			return strings.ReplaceAll(strings.ReplaceAll(b, "You ", "People "), "your ", "their ")
		},
	} {
		source := titled(t, base, []string{"Send us a document", "The life of a workspace", "Change a message or take it back", "Send us a document", "File a ticket through the API", "Environments and API keys", "Webhooks to a customer's own systems", "Sign in to the portal"}[i])
		clone := article(fmt.Sprintf("Another way to say it %d", i), edit(source.Body))
		clone.Level = source.Level
		of("duplicate").expect(t, append(slices.Clone(base), clone), health.Evidence{}, before, fmt.Sprintf("copy %d", i), func(f health.Finding) bool {
			return is(health.Duplicate, health.CauseSameText, clone.ID)(f)
		})
	}

	// Links.
	for _, body := range []string{
		"See [the plan](/help/no-such-plan).", "Read [keys](/help/environments-and-keys#no-such-section) first.", "More in [this file](removed-page.md).", "Go [back](../old/place.html).",
		"See [above](#nowhere) for more.", "[Everything](/help/) about it and [nothing](/help/ask-a-questoin).",
	} {
		a := article("Where to go", body+" We keep this page short.")
		a.Level = knowledge.Customer
		of("link").expect(t, append(slices.Clone(base), a), health.Evidence{}, before, body, is(health.Stale, health.CauseLink, a.ID))
	}
	for _, slug := range []string{"agents-resolve", "curators-gaps"} {
		i := slices.IndexFunc(base, func(a health.Article) bool { return a.Slug == slug })
		if i < 0 {
			i = slices.IndexFunc(base, func(a health.Article) bool { return a.Level == knowledge.Agent })
		}
		a := article("How we work "+slug, "How we do it: [inside](/help/"+base[i].Slug+").")
		of("link").expect(t, append(slices.Clone(base), a), health.Evidence{}, before, "a public link to "+slug, is(health.Stale, health.CauseHidden, a.ID))
	}
	fine := article("Good links", "See [keys](/help/environments-and-keys#lost-a-key), [documents](upload-documents.md), [old](/help/former), [the portal](/onboarding), [mail](mailto:a@b.test), [elsewhere](https://example.com/x), [here](#more), `[code](gone.md)` and ![a picture](pic.png).\n\n## More\n\nThat is all there is.")
	fine.Level = knowledge.Customer
	moved := slices.Clone(base)
	moved[slices.IndexFunc(moved, func(a health.Article) bool { return a.Level == knowledge.Public })].Earlier = []string{"former"}
	require.Empty(t, health.Check(append(moved, fine), health.Evidence{}, now), "links that lead somewhere")

	// Dates.
	dated := func(name string, change func(a *health.Article), cause string) {
		list := slices.Clone(base)
		change(&list[3])
		of("stale").expect(t, list, health.Evidence{}, before, name, is(health.Stale, cause, list[3].ID))
	}
	dated("overdue by a day", func(a *health.Article) { a.VerifiedUntil = ago(1) }, health.CauseOverdue)
	dated("overdue by a year", func(a *health.Article) { a.VerifiedUntil = ago(365) }, health.CauseOverdue)
	dated("never looked at in fourteen months", func(a *health.Article) { a.ChangedAt = *ago(425) }, health.CauseAged)
	dated("an import came after the check", func(a *health.Article) {
		a.Imported, a.VerifiedAt, a.VerifiedUntil, a.PublishedAt = true, ago(40), ago(-100), *ago(2)
	}, health.CauseSource)
	healthy := slices.Clone(base)
	healthy[1].VerifiedUntil, healthy[1].ChangedAt = ago(-1), *ago(900)
	healthy[2].Imported, healthy[2].VerifiedAt, healthy[2].VerifiedUntil, healthy[2].PublishedAt = true, ago(2), ago(-100), *ago(40)
	require.Empty(t, health.Check(healthy, health.Evidence{}, now), "verified articles, however old")

	// What no longer exists.
	for _, g := range []health.Gone{
		{Term: "provisioning page", Where: "page"}, {Term: "Deliveries", Instead: "Outbox"}, {Term: "Choose a file", Instead: "Add a file"}, {Term: "USHER_HUBSPOT_TOKEN", Instead: "USHER_HUBSPOT_KEY"}, {Term: "processing agreement"},
	} {
		list, evidence := base, health.Evidence{Gone: []health.Gone{g}}
		of("gone").expect(t, list, evidence, before, g.Term, func(f health.Finding) bool {
			return f.Cause == health.CauseGone && f.Detail.Term == g.Term && strings.Contains(titledByID(list, f.Article).Body, g.Term)
		})
	}
	require.Empty(t, health.Check(base, health.Evidence{Gone: []health.Gone{{Term: "Deliverie"}, {Term: "Keyboards"}, {Term: ""}, {Term: "USHER_HUBSPOT"}}}, now), "names that are only part of others")

	// Agents who say otherwise.
	for i, r := range []struct{ title, said string }{
		{"Plans and limits", "Hello Ana, uploads may be up to 50 MB per file now. Best, Bo"},
		{"Billing and invoices", "Sorry for the confusion! Refunds are made within 3 business days after we approve them."},
		{"Data retention", "Just so you know: backups are deleted after 14 days."},
		{"Session security", "Two-factor authentication is mandatory for members since May."},
		{"How calls work", "The first onboarding call takes 60 minutes, so please plan for that."},
		{"Maintenance", "Planned maintenance takes place on Mondays between 02:00 and 04:00 UTC."},
	} {
		target := titled(t, base, r.title)
		reply := health.Reply{Proof: conversation(i), Articles: []uuid.UUID{target.ID}, Text: r.said, Language: "en"}
		of("agents differ").expect(t, base, health.Evidence{Replies: []health.Reply{reply}}, before, r.said, func(f health.Finding) bool {
			return is(health.Stale, health.CauseReplies, target.ID)(f) && len(f.Proofs) == 1 && f.Proofs[0].Conversation == reply.Conversation
		})
	}
	for i, said := range []string{
		"Uploads may be up to 25 MB per file, as written.", "I have raised your limit to 100 MB, only for you.", "Your invoice 4711 is due within the usual time.", "Please wait 10 minutes and try again.",
		"Refunds are made within two weeks of working days, so about ten days.", "We cannot see why your call failed.",
	} {
		for _, title := range []string{"Plans and limits", "Billing and invoices", "How calls work"} {
			reply := health.Reply{Proof: conversation(i), Articles: []uuid.UUID{titled(t, base, title).ID}, Text: said, Language: "en"}
			for _, f := range health.Check(base, health.Evidence{Replies: []health.Reply{reply}}, now) {
				of("agents differ").wrong++
				t.Log("wrong:", said, describe(base, f))
			}
		}
	}

	// What became of answers.
	a := base[5]
	old := slices.Clone(base)
	old[5].ChangedAt = *ago(200)
	outcome := func(kind, name string, list []health.Article, o health.Outcome, right func(health.Finding) bool) {
		of(kind).expect(t, list, health.Evidence{Outcomes: map[uuid.UUID]health.Outcome{a.ID: o}}, before, name, right)
	}
	for i, o := range []health.Outcome{
		{Helpful: 4, Unhelpful: 6, HelpfulBefore: 9, UnhelpfulBefore: 1, Cited: 100}, {Helpful: 2, Unhelpful: 4, HelpfulBefore: 6, UnhelpfulBefore: 0, Cited: 60},
	} {
		o.Proofs = proofs("voted_down", 0, o.Unhelpful)
		outcome("helps less", fmt.Sprint("falls ", i), old, o, func(f health.Finding) bool {
			return is(health.Stale, health.CauseFalling, a.ID)(f) && len(f.Proofs) == o.Unhelpful
		})
	}
	outcome("harmful", "four of ten voted down", base, health.Outcome{Cited: 10, Unhelpful: 4, Proofs: proofs("voted_down", 0, 4)}, is(health.Harmful, health.CauseBad, a.ID))
	outcome("harmful", "three of five went to a person", base, health.Outcome{Cited: 5, Escalated: 3, Proofs: proofs("escalated", 0, 3)}, is(health.Harmful, health.CauseBad, a.ID))
	outcome("harmful", "corrected, voted down and handed over", base, health.Outcome{Cited: 8, Corrected: 1, Unhelpful: 1, Escalated: 1, Proofs: slices.Concat(proofs("corrected", 0, 1), proofs("voted_down", 1, 1), proofs("escalated", 2, 1))}, is(health.Harmful, health.CauseBad, a.ID))
	outcome("harmful", "an agent reported it", base, health.Outcome{Cited: 50, Reported: 1, Proofs: proofs("reported", 0, 1)}, is(health.Harmful, health.CauseReported, a.ID))
	for name, o := range map[string]health.Outcome{
		"few of many":              {Cited: 100, Unhelpful: 5, Proofs: proofs("voted_down", 0, 5)},
		"two":                      {Cited: 2, Unhelpful: 2, Proofs: proofs("voted_down", 0, 2)},
		"one conversation, thrice": {Cited: 3, Unhelpful: 1, Escalated: 1, Corrected: 1, Proofs: slices.Concat(proofs("voted_down", 0, 1), proofs("escalated", 0, 1), proofs("corrected", 0, 1))},
		"few votes":                {Cited: 50, Helpful: 1, Unhelpful: 2, HelpfulBefore: 4},
		"hardly less":              {Cited: 50, Helpful: 8, Unhelpful: 2, HelpfulBefore: 9, UnhelpfulBefore: 1},
	} {
		require.Empty(t, health.Check(old, health.Evidence{Outcomes: map[uuid.UUID]health.Outcome{a.ID: o}}, now), name)
	}

	// Nobody needs it.
	long := slices.Clone(base)
	found := map[uuid.UUID]bool{}
	for i := range long {
		long[i].PublishedAt = *ago(200)
		found[long[i].ID] = i != 7 && i != 9
	}
	for _, i := range []int{7, 9} {
		of("unused").expect(t, long, health.Evidence{Searched: 400, Found: found}, []health.Finding{{Article: long[7].ID, Cause: health.CauseUnfound}, {Article: long[9].ID, Cause: health.CauseUnfound}}, "nobody finds it", is(health.Unused, health.CauseUnfound, long[i].ID))
	}
	require.Empty(t, health.Check(long, health.Evidence{Searched: 10, Found: found}, now), "too few questions to say")
	require.Empty(t, health.Check(base, health.Evidence{Searched: 400}, now), "too young to say")

	var all score
	for kind, s := range totals {
		t.Logf("%s: %s", kind, s)
		all.seeded, all.found, all.wrong = all.seeded+s.seeded, all.found+s.found, all.wrong+s.wrong
	}
	t.Logf("all but contradictions: %s", all)
	require.GreaterOrEqual(t, all.seeded, 35)
	require.GreaterOrEqual(t, all.recall(), otherRecall)
	require.GreaterOrEqual(t, all.precision(), otherPrecision)
}

func titledByID(articles []health.Article, id uuid.UUID) health.Article {
	for _, a := range articles {
		if a.ID == id {
			return a
		}
	}
	return health.Article{}
}
