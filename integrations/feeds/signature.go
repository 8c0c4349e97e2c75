package feeds

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
)

// docuSignEvent is what is read of a Connect event (JSON SIM).
type docuSignEvent struct {
	Event           string `json:"event"`
	ConfigurationID any    `json:"configurationId"`
	Generated       string `json:"generatedDateTime"`
	Data            struct {
		EnvelopeID string `json:"envelopeId"`
		Summary    *struct {
			Status    string `json:"status"`
			Subject   string `json:"emailSubject"`
			Changed   string `json:"statusChangedDateTime"`
			Completed string `json:"completedDateTime"`
			Expires   string `json:"expireDateTime"`
			Custom    struct {
				Text []struct{ Name, Value string } `json:"textCustomFields"`
			} `json:"customFields"`
			Recipients struct {
				Signers []struct {
					Name   string `json:"name"`
					Email  string `json:"email"`
					Order  string `json:"routingOrder"`
					Status string `json:"status"`
					Signed string `json:"signedDateTime"`
				} `json:"signers"`
			} `json:"recipients"`
		} `json:"envelopeSummary"`
	} `json:"data"`
}

// docuSignID is what DocuSign's retries have in common: not the retry count.
func docuSignID(_ http.Header, body []byte) string {
	var e docuSignEvent
	if json.Unmarshal(body, &e) != nil || e.Data.EnvelopeID == "" {
		return ""
	}
	configuration, _ := json.Marshal(e.ConfigurationID)
	return strings.Join([]string{string(configuration), e.Data.EnvelopeID, e.Event, e.Generated}, ":")
}

func docuSign(body []byte) ([]event, error) {
	var e docuSignEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	s := e.Data.Summary
	if s == nil || !strings.HasPrefix(e.Event, "envelope-") && !strings.HasPrefix(e.Event, "recipient-") {
		return nil, nil
	}
	state, ok := feed.DocuSignEnvelope(s.Status)
	if !ok {
		return nil, nil
	}
	at := instant(e.Generated)
	if changed := instant(s.Changed); !changed.IsZero() && strings.HasPrefix(e.Event, "envelope-") {
		at = changed
	}
	out := &feed.Envelope{Provider: "docusign", Ref: e.Data.EnvelopeID, Title: strings.TrimSpace(s.Subject), State: state, At: at, ExpiresAt: optional(instant(s.Expires)), Signers: []feed.Signer{}}
	custom := map[string]string{}
	for _, f := range s.Custom.Text {
		custom[f.Name] = f.Value
	}
	var people []lifecycle.Contact
	for i, r := range s.Recipients.Signers {
		signer, ok := feed.DocuSignSigner(r.Status)
		if !ok {
			signer = "waiting"
		}
		order, err := strconv.Atoi(r.Order)
		if err != nil {
			order = i + 1
		}
		out.Signers = append(out.Signers, feed.Signer{Name: r.Name, Routing: order, State: signer, SignedAt: optional(instant(r.Signed))})
		people = append(people, lifecycle.Contact{Name: r.Name, Email: r.Email})
	}
	return []event{{tenant: custom[tenantField], envelope: out, contract: signedContract("docusign", out, custom, people)}}, nil
}

// signedContract is the contract a completed envelope makes, where its fields
// say that it is one: usher_company names the customer. Who signed first on the
// customer's side is the first administrator.
func signedContract(source string, e *feed.Envelope, custom map[string]string, people []lifecycle.Contact) *lifecycle.Contract {
	if e.State != "completed" && e.State != "voided" && e.State != "declined" || custom["usher_company"] == "" {
		return nil
	}
	for i := range people {
		if i == 0 {
			people[i].Roles = []string{"admin"}
		}
	}
	return &lifecycle.Contract{
		Source: source, ID: e.Ref, At: e.At, Cancelled: e.State != "completed", Template: custom["usher_template"], Contacts: people,
		Company: lifecycle.Company{Name: custom["usher_company"], TimeZone: custom["usher_time_zone"], Industry: custom["usher_industry"], Plan: custom["usher_plan"], CRMRef: custom["usher_crm_ref"]},
	}
}

// pandaDoc reads a batch: an array of events.
func pandaDoc(body []byte) ([]event, error) {
	var batch []struct {
		Event string `json:"event"`
		Data  struct {
			ID         string            `json:"id"`
			Name       string            `json:"name"`
			Status     string            `json:"status"`
			Modified   string            `json:"date_modified"`
			Completed  string            `json:"date_completed"`
			Expires    string            `json:"expiration_date"`
			Metadata   map[string]string `json:"metadata"`
			Recipients []struct {
				First     string `json:"first_name"`
				Last      string `json:"last_name"`
				Email     string `json:"email"`
				Type      string `json:"recipient_type"`
				Order     *int   `json:"signing_order"`
				Completed bool   `json:"has_completed"`
			} `json:"recipients"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	var out []event
	for _, e := range batch {
		state, ok := feed.PandaDocEnvelope(e.Data.Status)
		if !ok || e.Event != "document_state_changed" && e.Event != "recipient_completed" && e.Event != "document_updated" {
			continue
		}
		envelope := &feed.Envelope{Provider: "pandadoc", Ref: e.Data.ID, Title: e.Data.Name, State: state, At: instant(e.Data.Modified), ExpiresAt: optional(instant(e.Data.Expires))}
		var people []lifecycle.Contact
		for i, r := range e.Data.Recipients {
			if r.Type == "CC" || r.Type == "approver" { // they sign nothing
				continue
			}
			signer := feed.Signer{Name: strings.TrimSpace(r.First + " " + r.Last), Routing: i + 1, State: "sent"}
			if r.Order != nil {
				signer.Routing = *r.Order
			}
			if r.Completed {
				signer.State = "signed"
			}
			if signer.Name == "" {
				signer.Name = r.Email
			}
			envelope.Signers = append(envelope.Signers, signer)
			people = append(people, lifecycle.Contact{Name: signer.Name, Email: r.Email})
		}
		out = append(out, event{tenant: e.Data.Metadata[tenantField], envelope: envelope, contract: signedContract("pandadoc", envelope, e.Data.Metadata, people)})
	}
	return out, nil
}
