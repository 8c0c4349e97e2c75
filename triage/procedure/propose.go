package procedure

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
)

// Proposing is an action to be proposed: which, with what, and for whom. Who asks
// comes from the conversation, never from an answer.
type Proposing struct {
	Action   string
	Values   map[string]string
	Asker    triage.Actor
	Language string
	Key      string // the same key proposes once
}

// Fit says what would be proposed.
type Fit struct {
	Words string // for the customer
	Team  string // of those who may approve, may be empty
	Why   string // for agents: why it cannot be proposed
}

// Actions keep proposals for people to decide. *action.Service is one.
type Actions interface {
	Fit(ctx context.Context, tx pgx.Tx, p Proposing) (Fit, error)
	Propose(ctx context.Context, tx pgx.Tx, p Proposing, ticket uuid.UUID) error
}

// fit completes a turn that proposes: the customer reads what a person will check.
// What cannot be proposed goes to people all the same, with the reason.
func (s *Service) fit(ctx context.Context, tx pgx.Tx, turn *Turn, in Request) error {
	if turn.Propose == nil {
		return nil
	}
	turn.Propose.Asker, turn.Propose.Language = in.Asker, in.Language
	fit := Fit{Why: "this process carries out no actions"}
	if s.Actions != nil {
		var err error
		if fit, err = s.Actions.Fit(ctx, tx, *turn.Propose); err != nil {
			return fmt.Errorf("propose %s: %w", turn.Propose.Action, err)
		}
	}
	if fit.Why != "" {
		turn.HandOver.Why = "A procedure wanted to propose the action “" + turn.Propose.Action + "”, but " + fit.Why + ". Nothing was changed; please do it by hand."
		turn.Propose = nil
		return nil
	}
	turn.HandOver.Team, turn.Said = fit.Team, true
	turn.Text = strings.TrimSpace(turn.Text + "\n\n" + About(speak(in.Language).proposed, fit.Words))
	return nil
}

// About puts what is proposed into a text in place of %w, as a sentence of its own.
func About(text, words string) string {
	words = strings.TrimSpace(words)
	if words != "" && !strings.ContainsAny(words[len(words)-1:], ".!?") {
		words += "."
	}
	return strings.ReplaceAll(text, "%w", words)
}
