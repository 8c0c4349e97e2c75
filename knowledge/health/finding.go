package health

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
)

// Kind is what is wrong.
type Kind string

// The kinds of finding.
const (
	Contradiction Kind = "contradiction" // two passages exclude each other
	Duplicate     Kind = "duplicate"     // two articles say the same
	Stale         Kind = "stale"         // it may no longer hold
	Unused        Kind = "unused"        // nobody's question finds it
	Harmful       Kind = "harmful"       // answers that quoted it did not help
)

// The causes, by kind.
const (
	CauseValue    = "value"    // contradiction: other numbers, dates or limits
	CauseDenial   = "denial"   // contradiction: yes and no
	CauseOpposite = "opposite" // contradiction: words that exclude each other

	CauseSameText = "same_text" // duplicate

	CauseOverdue  = "overdue"        // stale: the date it was verified until has passed
	CauseAged     = "aged"           // stale: never verified and unchanged for a year
	CauseSource   = "source_changed" // stale: an import changed it after a person had verified it
	CauseReplies  = "agents_differ"  // stale: agents tell customers otherwise
	CauseFalling  = "helps_less"     // stale: its answers help less than they used to
	CauseLink     = "dead_link"      // stale: a link leads nowhere
	CauseHidden   = "hidden_link"    // stale: a link leads where its readers may not go
	CauseGone     = "gone"           // stale: it names what no longer exists
	CauseUnfound  = "never_found"    // unused
	CauseBad      = "bad_outcomes"   // harmful: votes, corrections, hand-overs
	CauseReported = "reported"       // harmful: an agent reported it
)

// Finding is one thing that is wrong with a published article.
type Finding struct {
	Space   knowledge.Space
	Kind    Kind
	Cause   string
	Article uuid.UUID
	Other   uuid.UUID // the second article; uuid.Nil: none
	Detail  Detail
	Proofs  []Proof
	Weight  int // 1 to 100: what to look at first
	print   string
}

// Detail is the finding's evidence, for the curator's eyes. What customers or
// agents wrote is not in it: that is in proofs.
type Detail struct {
	Quote        string     `json:"quote,omitempty"`
	Heading      string     `json:"heading,omitempty"`
	Anchor       string     `json:"anchor,omitempty"`
	OtherQuote   string     `json:"other_quote,omitempty"`
	OtherHeading string     `json:"other_heading,omitempty"`
	OtherAnchor  string     `json:"other_anchor,omitempty"`
	Mine         string     `json:"mine,omitempty"` // the value that differs
	Theirs       string     `json:"theirs,omitempty"`
	Term         string     `json:"term,omitempty"` // link, name or source
	Instead      string     `json:"instead,omitempty"`
	Since        *time.Time `json:"since,omitempty"`
	Share        float64    `json:"share,omitempty"`  // of the text, of answers
	Before       float64    `json:"before,omitempty"` // the share it was
	Cited        int        `json:"cited,omitempty"`
	Unhelpful    int        `json:"unhelpful,omitempty"`
	Escalated    int        `json:"escalated,omitempty"`
	Corrected    int        `json:"corrected,omitempty"`
	Days         int        `json:"days,omitempty"`
}

// Proof is a conversation that shows the finding.
type Proof struct {
	Tenant       uuid.UUID
	Conversation uuid.UUID
	Message      uuid.UUID
	Kind         string // voted_down, escalated, corrected, agent_reply, reported
	Quote        string // of an agent, masked; empty for customers' words
	At           time.Time
}

// fingerprint names a finding by what it rests on. A changed text makes another
// finding: what was dismissed comes back when the reason for it is gone.
func (f Finding) fingerprint() string {
	if f.print == "" {
		articles := []string{f.Article.String(), f.Other.String()}
		quotes := []string{folded(f.Detail.Quote), folded(f.Detail.OtherQuote)}
		slices.Sort(articles)
		slices.Sort(quotes)
		f.print = strings.Join([]string{string(f.Kind), f.Cause, strings.Join(articles, "+"), strings.Join(quotes, "+"), f.Detail.Term}, "|")
	}
	sum := sha256.Sum256([]byte(f.print))
	return hex.EncodeToString(sum[:16])
}

func folded(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }
