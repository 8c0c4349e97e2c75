package topic

import (
	"cmp"
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/triage/guard"
)

const (
	nameWords  = 3
	nameFrom   = 50  // latest questions of a topic
	background = 500 // latest questions of all topics
)

type asked struct{ body, language string }

// name names topics that are new, or have doubled since they were named: a name
// stays long enough to be recognised.
func (s *Service) name(ctx context.Context) error {
	type unnamed struct {
		ID       uuid.UUID
		Intent   string
		ByIntent bool
		Members  int
	}
	return s.DB.WithSystem(ctx, "name topics", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select id, intent, by_intent, members from topics where members >= 2 * named_at and members > 0 and (members > 1 or named_at = 0)
			order by last_seen_at desc limit 500`)
		if err != nil {
			return err
		}
		topics, err := pgx.CollectRows(rows, pgx.RowToStructByName[unnamed])
		if err != nil || len(topics) == 0 {
			return err
		}
		all, err := latest(ctx, tx, nil, background)
		if err != nil {
			return err
		}
		common, _ := frequency(all)
		b := &pgx.Batch{}
		for _, t := range topics {
			name := readable(t.Intent)
			if !t.ByIntent {
				mine, err := latest(ctx, tx, &t.ID, nameFrom)
				if err != nil {
					return err
				}
				if salient := salient(mine, common, len(all)); salient != "" {
					name = salient
				}
			}
			b.Queue(`update topics set name = $2, named_at = members where id = $1`, t.ID, name)
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

// readable makes words of an intent: "onboarding.go_live_date" is "go live date".
func readable(intent string) string {
	return strings.ReplaceAll(intent[strings.LastIndex(intent, ".")+1:], "_", " ")
}

func latest(ctx context.Context, tx pgx.Tx, topic *uuid.UUID, limit int) ([]asked, error) {
	rows, err := tx.Query(ctx, `select m.body, m.language from topic_messages t join messages m on m.tenant_id = t.tenant_id and m.id = t.message_id
		where $1::uuid is null or t.topic_id = $1 order by t.at desc limit $2`, topic, limit)
	if err != nil {
		return nil, err
	}
	var out []asked
	var a asked
	_, err = pgx.ForEachRow(rows, []any{&a.body, &a.language}, func() error {
		a.body, _ = guard.Mask(a.body)
		a.body = placeholder.ReplaceAllString(a.body, " ")
		out = append(out, a)
		return nil
	})
	return out, err
}

// frequency counts in how many texts each word stands, by its stem, and how it
// is mostly written.
func frequency(texts []asked) (counts map[string]int, written map[string]string) {
	counts, written = map[string]int{}, map[string]string{}
	forms := map[string]map[string]int{}
	for _, t := range texts {
		language := lexicon.Language(t.body, cmp.Or(t.language, "en"))
		seen := map[string]bool{}
		for _, token := range lexicon.Tokens(t.body) {
			word := token.Text
			if token.Joined || utf8.RuneCountInString(word) < 3 || lexicon.Stopword(word, language) || lexicon.Stopword(word, "en") || strings.ContainsFunc(word, unicode.IsDigit) {
				continue
			}
			stem := lexicon.Stem(word, language)
			if forms[stem] == nil {
				forms[stem] = map[string]int{}
			}
			forms[stem][word]++
			if !seen[stem] {
				seen[stem] = true
				counts[stem]++
			}
		}
	}
	for stem, list := range forms {
		for word, n := range list {
			if best := written[stem]; best == "" || n > list[best] || n == list[best] && word < best {
				written[stem] = word
			}
		}
	}
	return counts, written
}

// placeholder is what the mask puts in the place of personal data.
var placeholder = regexp.MustCompile(`⟦[^⟧]*⟧`)

// salient are the words a topic's questions share and others do not, in the order
// of their weight. Words of one question alone name nobody's topic but its own.
func salient(mine []asked, common map[string]int, all int) string {
	counts, written := frequency(mine)
	least := min(2, len(mine))
	type scored struct {
		stem  string
		score float64
	}
	var list []scored
	for stem, n := range counts {
		if n >= least {
			share := float64(n) / float64(len(mine))
			list = append(list, scored{stem, share * math.Log(float64(all+2)/float64(common[stem]+1))})
		}
	}
	slices.SortFunc(list, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.stem, b.stem)) })
	var words []string
	for _, x := range list[:min(len(list), nameWords)] {
		words = append(words, written[x.stem])
	}
	return strings.Join(words, ", ")
}
