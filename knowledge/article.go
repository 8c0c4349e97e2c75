package knowledge

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge/lexicon"
)

// Errors callers branch on.
var (
	ErrNotFound     = errors.New("knowledge: article not found")
	ErrNoVersion    = errors.New("knowledge: version not found")
	ErrSlugTaken    = errors.New("knowledge: slug is taken")
	ErrNoDraft      = errors.New("knowledge: nothing to publish, the article has no working version")
	ErrNotPublished = errors.New("knowledge: article is not published")
	ErrConflict     = errors.New("knowledge: the draft was changed by someone else")
)

// InvalidError says which field of a draft cannot be accepted.
type InvalidError struct {
	Field  string
	Reason string
}

func (e *InvalidError) Error() string { return "knowledge: " + e.Field + ": " + e.Reason }

// State of an Article.
type State string

const (
	StateDraft     State = "draft"     // never published
	StatePublished State = "published" // has a live Version
	StateRetired   State = "retired"   // out of every list and search; published before, or taken in and never wanted
)

// VersionState is the state of a Version.
type VersionState string

const (
	VersionDraft      VersionState = "draft"
	VersionInReview   VersionState = "in_review"
	VersionPublished  VersionState = "published"
	VersionSuperseded VersionState = "superseded"
	VersionDiscarded  VersionState = "discarded"
)

// Content is what a Version says. Body is Markdown without the title.
type Content struct {
	Title       string
	Description string
	Body        string
	// Product is the product, place or thing the article is about, if one:
	// naming it in a question prefers its articles.
	Product string
	Tags    []string
	// Contexts are keys of places in the product (such as "onboarding/documents")
	// where the article is suggested.
	Contexts []string
	Audience Audience
}

// Article is one topic, as curators list it.
type Article struct {
	ID            uuid.UUID
	Space         Space `db:"-"`
	Slug          string
	Locale        string
	State         State
	Title         string
	Description   string
	Product       string
	Tags          []string
	Contexts      []string
	OwnerID       *uuid.UUID
	VerifiedAt    *time.Time
	VerifiedUntil *time.Time
	SourceID      *uuid.UUID
	ExternalID    *string
	CreatedAt     time.Time
	UpdatedAt     time.Time
	PublishedAt   *time.Time
	// ChangedAt is the date readers see: of the publication, or of the source.
	ChangedAt time.Time
	IndexedAt *time.Time
	// PublishedVersionID is the live Version, WorkingVersionID the one being edited.
	PublishedVersionID *uuid.UUID
	WorkingVersionID   *uuid.UUID
	// Working is the state of the working Version, "" without one.
	Working VersionState
	// Audience of the live Version, or of the draft before the first publication.
	Audience Audience `db:"-"`
}

// Unverified reports whether the verification date has passed, or was never set.
func (a Article) Unverified(now time.Time) bool {
	return a.VerifiedUntil == nil || now.After(*a.VerifiedUntil)
}

// Version is one state of an Article's Content.
type Version struct {
	ID          uuid.UUID
	ArticleID   uuid.UUID
	Number      int
	State       VersionState
	Title       string
	Description string
	Body        string
	Product     string
	Tags        []string
	Contexts    []string
	AuthorID    *uuid.UUID
	ReviewerID  *uuid.UUID
	Note        string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	PublishedAt *time.Time
	Audience    Audience `db:"-"`
}

// Content is what the version says, for an editor.
func (v Version) Content() Content {
	return Content{
		Title: v.Title, Description: v.Description, Body: v.Body, Product: v.Product,
		Tags: v.Tags, Contexts: v.Contexts, Audience: v.Audience,
	}
}

// MaxBody is the longest body of an article, in bytes.
const MaxBody = 1 << 20

// normalize trims and checks a Content.
func (c Content) normalize() (Content, error) {
	c.Title = strings.Join(strings.Fields(c.Title), " ")
	c.Description = strings.Join(strings.Fields(c.Description), " ")
	c.Product = strings.Join(strings.Fields(c.Product), " ")
	c.Body = strings.TrimSpace(strings.ReplaceAll(c.Body, "\r\n", "\n"))
	c.Tags, c.Contexts = words(c.Tags), words(c.Contexts)
	switch {
	case c.Title == "":
		return c, &InvalidError{"title", "must not be empty"}
	case utf8.RuneCountInString(c.Title) > 300:
		return c, &InvalidError{"title", "is longer than 300 characters"}
	case len(c.Body) > MaxBody:
		return c, &InvalidError{"body", fmt.Sprintf("is longer than %d bytes", MaxBody)}
	case !utf8.ValidString(c.Title + c.Description + c.Body + c.Product):
		return c, &InvalidError{"body", "is not valid UTF-8"}
	case strings.ContainsRune(c.Title+c.Description+c.Body+c.Product+strings.Join(slices.Concat(c.Tags, c.Contexts), ""), 0):
		return c, &InvalidError{"body", "contains a NUL character"}
	}
	var err error
	if c.Audience, err = c.Audience.Normalize(); err != nil {
		return c, err
	}
	return c, nil
}

var slugPattern = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{Nd}]+(?:[-/_.][\p{Ll}\p{Lo}\p{Nd}]+)*$`)

// Slug makes the address of a title: lower case, accents folded, words joined
// by hyphens, at most 80 characters.
func Slug(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range lexicon.Fold(strings.ToLower(title)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
			if b.Len() >= 80 {
				break
			}
			continue
		}
		gap = r != '\'' && r != '’'
	}
	if b.Len() == 0 {
		return "article"
	}
	return b.String()
}
