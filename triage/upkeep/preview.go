package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/guard"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// Report is what a draft would change.
type Report struct {
	Messages  int              `json:"messages"`  // looked at
	Stay      int              `json:"stay"`      // of these, classified and handled as before
	Moves     []Move           `json:"moves"`     // most frequent first
	Training  Training         `json:"training"`  // on examples held back
	Corrected taxonomy.Taught  `json:"corrected"` // on messages people corrected
	Asked     int              `json:"asked"`     // past questions asked of both
	Questions []QuestionChange `json:"questions"`
	Kept      []KeptChange     `json:"kept"` // kept questions that would turn
}

// Training is the part of a training's verdict a curator reads.
type Training struct {
	Held     int     `json:"held"`
	Accuracy float64 `json:"accuracy"`
	Gained   int     `json:"gained"`
	Lost     int     `json:"lost"`
	Accepted bool    `json:"accepted"`
}

// Move is messages that would be classified, or handled, otherwise.
type Move struct {
	What     string   `json:"what"` // intent, route, team
	From     string   `json:"from"` // empty: none fits
	To       string   `json:"to"`
	Count    int      `json:"count"`
	Asked    bool     `json:"asked"`    // the draft says so itself: a rename or a merge
	Examples []string `json:"examples"` // masked
}

// QuestionChange is one past question that would be answered otherwise.
type QuestionChange struct {
	Question string       `json:"question"` // masked
	Kind     string       `json:"kind"`     // gains, loses, changes
	Before   eval.Outcome `json:"before"`
	After    eval.Outcome `json:"after"`
}

// KeptChange is one kept question that would turn.
type KeptChange struct {
	Question string `json:"question"`
	Passes   bool   `json:"passes"` // then; now it is the other way round
	Why      string `json:"why"`
}

const (
	examplesShown = 3
	questionsPast = 50
)

type pastMessage struct {
	Body     string
	Language string
	Tier     string
	Stage    string
}

// past are the latest messages of customers, each text once.
func past(ctx context.Context, tx pgx.Tx, tenant *uuid.UUID, limit int) ([]pastMessage, error) {
	rows, err := tx.Query(ctx, `select body, language, tier, stage from (
		  select distinct on (lower(m.body)) m.body, c.language, t.tier, t.lifecycle_state as stage, m.created_at
		  from classifications c join messages m on m.tenant_id = c.tenant_id and m.id = c.message_id
		  join tenants t on t.id = c.tenant_id
		  where m.author_kind = 'customer' and m.state <> 'deleted' and length(m.body) between 3 and 4000
		    and c.created_at > now() - interval '180 days' and ($1::uuid is null or c.tenant_id = $1)
		  order by lower(m.body), m.created_at desc) latest
		order by created_at desc limit $2`, tenant, limit)
	if err != nil {
		return nil, fmt.Errorf("read past messages: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[pastMessage])
	if err != nil {
		return nil, fmt.Errorf("read past messages: %w", err)
	}
	return out, nil
}

// masked is what a curator may read of a customer's words.
func masked(text string) string {
	text, _ = guard.Mask(text)
	return triage.Line(text, 200)
}

// moves classifies messages with both and counts what differs.
func moves(ctx context.Context, live, tried *taxonomy.Engine, names taxonomy.Names, messages []pastMessage) ([]Move, int, error) {
	type key struct{ what, from, to string }
	counted := map[key]*Move{}
	stay := 0
	for _, m := range messages {
		in := taxonomy.Input{Text: m.Body, Language: m.Language, Tier: m.Tier, Stage: m.Stage}
		before, err := live.Classify(ctx, in)
		if err != nil {
			return nil, 0, err
		}
		after, err := tried.Classify(ctx, in)
		if err != nil {
			return nil, 0, err
		}
		same := true
		for _, k := range []key{{"intent", before.Intent, after.Intent}, {"route", before.Route, after.Route}, {"team", before.Team, after.Team}} {
			if k.from == k.to {
				continue
			}
			same = false
			move := counted[k]
			if move == nil {
				move = &Move{What: k.what, From: k.from, To: k.to, Examples: []string{}, Asked: k.from != "" && names[k.what+"/"+k.from] == k.to}
				counted[k] = move
			}
			move.Count++
			if text := masked(m.Body); len(move.Examples) < examplesShown && !slices.Contains(move.Examples, text) {
				move.Examples = append(move.Examples, text)
			}
		}
		if same {
			stay++
		}
	}
	out := make([]Move, 0, len(counted))
	for move := range maps.Values(counted) {
		out = append(out, *move)
	}
	slices.SortFunc(out, func(a, b Move) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out, stay, nil
}

// preview shows what the draft would change, without changing anything.
func (s *Service) preview(ctx context.Context, r Run) (*Report, error) {
	s.at(ctx, r.ID, "reading the taxonomy")
	var live taxonomy.Set
	var messages []pastMessage
	var questions []eval.Question
	err := s.DB.WithSystem(ctx, "preview a draft of the taxonomy", func(tx pgx.Tx) (err error) {
		if live, err = taxonomy.Load(ctx, tx); err != nil {
			return err
		}
		if messages, err = past(ctx, tx, r.AsTenant, r.Past); err != nil {
			return err
		}
		questions, err = eval.Past(ctx, tx, r.AsTenant, questionsPast, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	changed, names, err := taxonomy.Apply(live, r.Edits)
	if err != nil {
		return nil, err
	}
	s.at(ctx, r.ID, "training a classifier on the draft")
	tried, err := s.Engine.Try(ctx, changed)
	if err != nil {
		return nil, err
	}
	report := &Report{Messages: len(messages), Asked: len(questions), Questions: []QuestionChange{}, Kept: []KeptChange{}}
	s.at(ctx, r.ID, fmt.Sprintf("classifying %d past messages", len(messages)))
	if report.Moves, report.Stay, err = moves(ctx, s.Engine, tried, names, messages); err != nil {
		return nil, err
	}
	s.at(ctx, r.ID, fmt.Sprintf("answering %d past questions twice", len(questions)))
	changes, err := eval.Replay(ctx, questions, s.Pipeline(s.Engine), s.Pipeline(tried))
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		c.Before.Intent, c.After.Intent = "", "" // the moves say it
		c.Before.Text, c.After.Text = masked(c.Before.Text), masked(c.After.Text)
		report.Questions = append(report.Questions, QuestionChange{masked(c.Question.Text), c.Kind, c.Before, c.After})
	}
	if report.Kept, err = s.kept(ctx, tried); err != nil {
		return nil, err
	}
	s.at(ctx, r.ID, "asking both about examples neither has learned from")
	verdict, err := s.Engine.Judge(ctx, changed, names)
	if err != nil {
		return nil, err
	}
	report.Training = readable(verdict)
	report.Corrected, err = s.Engine.Retell(ctx, live, changed)
	return report, err
}

func readable(t taxonomy.Training) Training {
	return Training{Held: t.Held, Accuracy: t.Accuracy, Gained: t.Gained, Lost: t.Lost, Accepted: t.Accepted}
}

// kept asks the kept questions of both and lists those that would turn.
func (s *Service) kept(ctx context.Context, tried *taxonomy.Engine) ([]KeptChange, error) {
	out := []KeptChange{}
	var questions []eval.Question
	err := s.DB.WithSystem(ctx, "ask saved questions of a draft of the taxonomy", func(tx pgx.Tx) (err error) {
		questions, err = eval.Questions(ctx, tx)
		return err
	})
	if err != nil || len(questions) == 0 {
		return out, err
	}
	now, err := eval.Ask(ctx, questions, s.Pipeline(s.Engine))
	if err != nil {
		return nil, err
	}
	then, err := eval.Ask(ctx, questions, s.Pipeline(tried))
	if err != nil {
		return nil, err
	}
	for i := range then {
		if then[i].Passed != now[i].Passed {
			out = append(out, KeptChange{triage.Line(questions[i].Title(), 200), then[i].Passed, cmp.Or(then[i].Why, now[i].Why)})
		}
	}
	return out, nil
}
