package assistant

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/confirm"
)

const (
	// kindConfirm is of the reply that asks for a code.
	kindConfirm = "confirm"
	// askedToConfirm is why a question has no answer yet. The answer's decision
	// takes the place of this one.
	askedToConfirm = "asked to confirm"
)

// proven reports whether whoever asks has shown of late that it is them. Where
// nobody can be asked to, everybody has. What leaves by other ways than the chat
// reaches more than the one who has proven themselves.
func (a *Assistant) proven(r *run) bool {
	return a.Codes == nil || r.conversation.Channel == triage.ChannelChat && (r.args.Fresh || r.args.Confirmed)
}

// confirmFirst asks for a code instead of answering. A code is never asked for by
// mail, nor of another system: people answer there, who can make sure.
func (a *Assistant) confirmFirst(r *run) {
	r.decision.basis = nil
	if r.conversation.Channel != triage.ChannelChat || r.asker.ID == uuid.Nil || r.email == "" {
		r.handOver(triage.ReasonSensitive, "The answer is for the person asking only, and this way of asking does not prove who it is. Make sure before you answer; in the portal's chat they get the answer after a code.")
		return
	}
	r.say("", triage.AnswerMeta{Kind: kindConfirm, Evidence: "none"})
	r.decision.reason = askedToConfirm
}

// sendCode has the code mailed that a question waits for, and says so.
func (a *Assistant) sendCode(ctx context.Context, tx pgx.Tx, r *run) error {
	if r.meta == nil || r.meta.Kind != kindConfirm {
		return nil
	}
	words := speak(r.language())
	err := a.Codes.Begin(ctx, tx, confirm.Person{Tenant: r.args.TenantID, ID: r.asker.ID}, confirm.Question{Conversation: r.conversation.ID, Message: r.message.ID})
	var pause *confirm.PauseError
	switch {
	case errors.As(err, &pause):
		r.body = strings.ReplaceAll(words.confirmLater, "%m", strconv.Itoa(max(1, int(math.Ceil(pause.Wait.Minutes())))))
		r.meta.OfferHuman = true
	case err != nil:
		return fmt.Errorf("ask for a code: %w", err)
	default:
		r.meta.CodeTo = confirm.Masked(r.email)
		r.body = strings.ReplaceAll(words.confirm, "%a", r.meta.CodeTo)
	}
	return nil
}
