package api

import (
	"github.com/usherdesk/usher/triage/rehearsal"
)

// wireCustomer and customerOf carry a kept customer to a curator and back.
func wireCustomer(s rehearsal.Scenario) KeptCustomer {
	then, says, never := list(s.Then), list(s.Expect.Says), list(s.Expect.Never)
	replies := make([]CustomerReply, len(s.Replies))
	for i, r := range s.Replies {
		replies[i] = CustomerReply{When: CustomerReplyWhen(r.When), Has: some(r.Has), Say: r.Say}
	}
	manner := converted[KeptCustomerManner](s.Manner)
	outcomes := converted[CustomerExpectsOutcomes](s.Expect.Outcomes)
	return KeptCustomer{
		Name: s.Name, Then: &then, Replies: &replies, Manner: &manner, Patience: &s.Patience,
		Expect: CustomerExpects{Outcomes: &outcomes, Article: some(s.Expect.Article), Intent: some(s.Expect.Intent), Says: &says, Never: &never, Within: some(s.Expect.Within)},
	}
}

func customerOf(c KeptCustomer) *rehearsal.Scenario {
	s := rehearsal.Scenario{
		Name: c.Name, Then: value(c.Then), Manner: converted[string](value(c.Manner)), Patience: value(c.Patience),
		Expect: rehearsal.Expect{
			Outcomes: converted[string](value(c.Expect.Outcomes)), Article: value(c.Expect.Article), Intent: value(c.Expect.Intent),
			Says: value(c.Expect.Says), Never: value(c.Expect.Never), Within: value(c.Expect.Within),
		},
	}
	for _, r := range value(c.Replies) {
		s.Replies = append(s.Replies, rehearsal.Reply{When: string(r.When), Has: value(r.Has), Say: r.Say})
	}
	return &s
}

func converted[To, From ~string](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}

func wireTranscript(lines []rehearsal.Line) *[]TalkLine {
	if lines == nil {
		return nil
	}
	out := make([]TalkLine, len(lines))
	for i, l := range lines {
		out[i] = TalkLine{Who: TalkLineWho(l.Who), Text: l.Text, Kind: some(l.Kind), Reason: some(l.Reason)}
	}
	return &out
}
