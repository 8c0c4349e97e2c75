package assistant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/procedure"
)

// Procedures carry curators' procedures on. *procedure.Service is one.
type Procedures interface {
	Next(ctx context.Context, in procedure.Request) (procedure.Turn, error)
	Keep(ctx context.Context, tx pgx.Tx, tenant, conversation, ticket uuid.UUID, seq int64, t procedure.Turn) error
	Leave(ctx context.Context, tx pgx.Tx, tenant, conversation uuid.UUID) error
}

// procedure finds what the message comes to in a procedure, if in any.
func (a *Assistant) procedure(ctx context.Context, r *run) error {
	if a.Procedures == nil || r.args.Person {
		return nil
	}
	turn, err := a.Procedures.Next(ctx, procedure.Request{
		Asker: r.asker, ConversationID: r.conversation.ID, Text: r.text(), Intent: r.classification.Intent, Language: r.language(), Waiting: r.waiting,
	})
	if errors.Is(err, procedure.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("procedure: %w", err)
	}
	r.turn = &turn
	return nil
}

// inProcedure reports whether the message answers the question of a procedure: by
// a choice, a day, an address, or by what elsewhere would be a pleasantry.
func (r *run) inProcedure() bool {
	return r.turn != nil && (r.turn.Fits || r.turn.Continues && r.classification.Route == "acknowledge")
}

// follow says what a procedure's turn says. One for the asker only waits for the
// proof that it is them, and then is taken anew.
func (a *Assistant) follow(r *run) {
	turn := *r.turn
	if turn.Confirm && !a.proven(r) {
		r.decision.route = "procedure"
		a.confirmFirst(r)
		return
	}
	r.followed = true
	r.decision.route, r.decision.outcome, r.decision.evidence = "procedure", "sent", "none"
	r.decision.versions["procedure"] = fmt.Sprintf("%s@%d", turn.Run.Key, turn.Run.Version)
	r.decision.reason = "step " + turn.Run.Step
	r.decision.gate = map[string]any{
		"procedure": turn.Run.Key, "version": turn.Run.Version, "step": turn.Run.Step, "state": turn.Run.State, "trace": turn.Trace, "facts": turn.Facts,
	}
	if r.classification.Intent != turn.Intent() {
		r.classification.Intent = turn.Intent()
		r.classification.Explanation = append(r.classification.Explanation, "answers a question of the procedure "+turn.Run.Key)
	}
	if turn.Text != "" {
		r.say(r.spelledOut(turn), r.procedureMeta(turn))
	}
	if turn.HandOver != nil {
		r.escalate = &handOver{triage.ReasonAction, turn.HandOver.Why}
		r.decision.outcome = "escalated"
		if turn.HandOver.Team != "" {
			r.classification.Team = turn.HandOver.Team
		}
	}
}

// wish is what the customer wants: the message, or the one a procedure began with.
func (r *run) wish() string {
	if r.followed && r.turn.Run.Opening != "" {
		return r.turn.Run.Opening
	}
	return r.text()
}

// procedureMeta is what stands under a turn: what was looked up, the choices.
func (r *run) procedureMeta(turn procedure.Turn) triage.AnswerMeta {
	meta := triage.AnswerMeta{Kind: "procedure", Evidence: "none", Options: turn.Options, OfferHuman: len(turn.Options) > 0}
	if turn.Said {
		meta.Evidence = "documents" // a text of the published version the decision names
	}
	var facts []any
	for i, looked := range turn.Looked {
		meta.Evidence = "known_state"
		meta.Basis = append(meta.Basis, looked.Basis...)
		meta.Stale = meta.Stale || looked.Stale
		facts = append(facts, looked.Facts)
		if !looked.AsOf.IsZero() && (meta.AsOf == nil || looked.AsOf.Before(*meta.AsOf)) {
			meta.AsOf = &turn.Looked[i].AsOf
		}
		if meta.Link == "" && looked.Link != "" {
			meta.Link, meta.LinkText = looked.Link, speak(r.language()).openLink
		}
	}
	if facts != nil {
		r.decision.basis = facts
	}
	return meta
}

// spelledOut lists the choices in the text where nobody can press a button.
func (r *run) spelledOut(turn procedure.Turn) string {
	if r.conversation.Channel == triage.ChannelChat || len(turn.Options) == 0 {
		return turn.Text
	}
	return turn.Text + "\n\n- " + strings.Join(turn.Options, "\n- ")
}

// keepProcedure stores where the turn led, or ends a run that people have now.
func (a *Assistant) keepProcedure(ctx context.Context, tx pgx.Tx, r *run) error {
	switch {
	case a.Procedures == nil:
		return nil
	case r.followed && r.decision.outcome != "stopped":
		return a.Procedures.Keep(ctx, tx, r.args.TenantID, r.conversation.ID, r.ticket, r.message.Seq, *r.turn)
	case r.escalate != nil, r.conversation.Assistant == "off":
		return a.Procedures.Leave(ctx, tx, r.args.TenantID, r.conversation.ID)
	}
	return nil
}
