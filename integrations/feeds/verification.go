package feeds

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/verification"
)

// stripe reads events of Stripe Identity. Verified outputs are not read.
func stripe(body []byte) ([]event, error) {
	var e struct {
		Type    string `json:"type"`
		Created int64  `json:"created"`
		Data    struct {
			Object struct {
				ID       string            `json:"id"`
				Status   string            `json:"status"`
				Created  int64             `json:"created"`
				Metadata map[string]string `json:"metadata"`
				Error    *struct {
					Code *string `json:"code"`
				} `json:"last_error"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	o := e.Data.Object
	if !strings.HasPrefix(e.Type, "identity.verification_session.") || e.Type == "identity.verification_session.redacted" {
		return nil, nil
	}
	code := ""
	if o.Error != nil && o.Error.Code != nil {
		code = *o.Error.Code
	}
	at := time.Unix(e.Created, 0).UTC()
	return []event{{tenant: o.Metadata[tenantField], verification: &feed.Verification{
		Provider: "stripe", Ref: o.ID, Kind: "kyc", At: at, Outcome: verification.StripeIdentity(o.Status, code), SubmittedAt: optional(time.Unix(o.Created, 0).UTC()),
	}}}, nil
}

// onfido reads what happens to workflow runs and checks. A check's result is not
// in the event, and "complete" alone is no pass: it is in review until a run says so.
func onfido(body []byte) ([]event, error) {
	var e struct {
		Payload struct {
			Resource string `json:"resource_type"`
			Action   string `json:"action"`
			Object   struct {
				ID        string `json:"id"`
				Status    string `json:"status"`
				Completed string `json:"completed_at_iso8601"`
			} `json:"object"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	p := e.Payload
	at := instant(p.Object.Completed)
	if p.Resource != "workflow_run" && p.Resource != "check" || p.Object.ID == "" || at.IsZero() {
		return nil, nil
	}
	return []event{{verification: &feed.Verification{
		Provider: "onfido", Ref: p.Object.ID, Kind: "kyc", At: at, Outcome: verification.Onfido(p.Object.Status, ""),
	}}}, nil
}

// sumsub reads review events. moderationComment may be shown to a customer and
// clientComment must not: it goes to staff.
func sumsub(body []byte) ([]event, error) {
	var e struct {
		Type      string `json:"type"`
		Applicant string `json:"applicantId"`
		External  string `json:"externalUserId"`
		Status    string `json:"reviewStatus"`
		AtMs      any    `json:"createdAtMs"`
		Level     string `json:"applicantType"` // individual or company
		Result    struct {
			Answer  string `json:"reviewAnswer"`
			Reject  string `json:"reviewRejectType"`
			Shown   string `json:"moderationComment"`
			Private string `json:"clientComment"`
		} `json:"reviewResult"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	at := sumsubTime(e.AtMs)
	if !strings.HasPrefix(e.Type, "applicant") || e.Applicant == "" || at.IsZero() {
		return nil, nil
	}
	out := &feed.Verification{
		Provider: "sumsub", Ref: e.Applicant, Kind: "kyc", At: at, Reason: e.Result.Private, Outcome: verification.Sumsub(e.Status, e.Result.Answer, e.Result.Reject),
	}
	if e.Level == "company" {
		out.Kind = "kyb"
	}
	if out.Outcome.Customer == verification.NeedsInformation && strings.TrimSpace(e.Result.Shown) != "" {
		out.Requirements = []feed.Requirement{{Label: e.Result.Shown, Bucket: "currently_due"}}
	}
	return []event{{tenant: e.External, verification: out}}, nil
}

// sumsubTime reads "2026-11-23 10:00:00.123" or milliseconds.
func sumsubTime(value any) time.Time {
	switch v := value.(type) {
	case float64:
		return time.UnixMilli(int64(v)).UTC()
	case string:
		for _, layout := range []string{"2006-01-02 15:04:05.000", "2006-01-02 15:04:05", time.RFC3339} {
			if at, err := time.Parse(layout, v); err == nil {
				return at.UTC()
			}
		}
	}
	return time.Time{}
}
