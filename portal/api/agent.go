package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func wireRow(t triage.Ticket, tenant, customer string) QueueRow {
	return QueueRow{
		ID: t.ID, Number: t.Number, Tenant: Tenant{ID: t.TenantID, Name: tenant}, Customer: some(customer), Subject: t.Subject,
		State: QueueRowState(t.InternalState), CustomerState: QueueRowCustomerState(t.CustomerState), Priority: QueueRowPriority(t.Priority),
		Intent: some(t.Intent), Language: some(t.Language), Team: some(t.Team), Reason: some(string(t.Reason)),
		AssigneeID: t.AssigneeID, Assignee: some(t.AssigneeName), CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
}

// GetQueue lists tickets of all tenants.
func (s *Server) GetQueue(ctx context.Context, r GetQueueRequestObject) (GetQueueResponseObject, error) {
	p, err := cursor(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	filter := desk.Filter{View: string(value(r.Params.State)), Staff: actor(ctx).ID, Text: value(r.Params.Q)}
	if number, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(filter.Text), "#"), 10, 64); err == nil {
		filter.Number, filter.Text = number, ""
	}
	rows, err := s.Desk.Queue(ctx, filter, p)
	if err != nil {
		return nil, err
	}
	out := Queue{Tickets: make([]QueueRow, len(rows))}
	for i, row := range rows {
		out.Tickets[i] = wireRow(row.Ticket, row.TenantName, row.CustomerName)
		out.Tickets[i].FirstReplyDue, out.Tickets[i].Breached = row.NextDue, &row.Breached
		out.Tickets[i].RaisedAt = row.RaisedAt
	}
	if len(rows) == p.Size() {
		next := rows[len(rows)-1].ID.String()
		out.Next = &next
	}
	return GetQueue200JSONResponse(out), nil
}

// ListStaff lists who tickets can be assigned to.
func (s *Server) ListStaff(ctx context.Context, _ ListStaffRequestObject) (ListStaffResponseObject, error) {
	rows, err := s.Worker.Pool().Query(ctx, `select id, display_name, roles from staff where state <> 'deactivated' order by display_name limit 500`)
	if err != nil {
		return nil, err
	}
	staff, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m StaffMember, err error) {
		err = row.Scan(&m.ID, &m.Name, &m.Roles)
		return m, err
	})
	if err != nil {
		return nil, err
	}
	return ListStaff200JSONResponse{Staff: list(staff)}, nil
}

func (s *Server) agentTicket(ctx context.Context, tenant, id uuid.UUID) (AgentTicket, error) {
	d, err := s.Desk.Ticket(ctx, tenant, id)
	if err != nil {
		return AgentTicket{}, err
	}
	out := AgentTicket{
		Ticket: wireRow(d.Ticket, d.TenantName, d.CustomerName), Summary: some(d.Ticket.Summary), ProductArea: some(d.Ticket.ProductArea),
		Sentiment: some(d.Ticket.Sentiment), SnoozedUntil: d.Ticket.SnoozedUntil, Conversation: wireConversation(d.Conversation),
		LastSeq: d.Conversation.LastSeq, Messages: make([]Message, len(d.Messages)), Events: make([]TicketEvent, len(d.Events)),
	}
	for i, m := range d.Messages {
		out.Messages[i] = triage.Wire(m)
	}
	for i, e := range d.Events {
		out.Events[i] = TicketEvent{At: e.At, Kind: e.Kind, Actor: string(e.ActorKind)}
		if e.ActorName != "" {
			out.Events[i].Actor = e.ActorName
		}
		var detail map[string]any
		if json.Unmarshal(e.Detail, &detail) == nil && len(detail) > 0 {
			out.Events[i].Detail = &detail
		}
	}
	for _, clock := range d.Clocks {
		if clock.DueAt != nil && clock.State == "running" && (out.Ticket.FirstReplyDue == nil || clock.DueAt.Before(*out.Ticket.FirstReplyDue)) {
			out.Ticket.FirstReplyDue = clock.DueAt
		}
		if clock.BreachedAt != nil && clock.State != "stopped" {
			breached := true
			out.Ticket.Breached = &breached
		}
	}
	if d.TellCustomer {
		out.TellCustomer = &d.TellCustomer
	}
	out.Ticket.RaisedAt = d.RaisedAt
	out.Classification = wireClassification(d.Classification)
	s.outside(&out, d)
	lines := desk.CatchUp(d)
	out.CatchUp = &lines
	if len(d.Related) > 0 {
		related := make([]struct {
			ID      uuid.UUID `json:"id"`
			Kind    string    `json:"kind"`
			Number  int64     `json:"number"`
			Subject string    `json:"subject"`
		}, len(d.Related))
		for i, r := range d.Related {
			related[i].ID, related[i].Kind, related[i].Number, related[i].Subject = r.ID, r.Kind, r.Number, r.Subject
		}
		out.Related = &related
	}
	if err := s.proposed(ctx, &out); err != nil {
		return out, err
	}
	return out, s.similar(ctx, &out, d.Ticket)
}

// similar adds solved tickets like this one.
func (s *Server) similar(ctx context.Context, out *AgentTicket, t triage.Ticket) error {
	found, err := s.Desk.Similar(ctx, t, 3)
	if err != nil || len(found) == 0 {
		return err
	}
	rows := make([]struct {
		Answer  *string   `json:"answer,omitempty"`
		ID      uuid.UUID `json:"id"`
		Number  int64     `json:"number"`
		Subject string    `json:"subject"`
	}, len(found))
	for i, f := range found {
		rows[i].ID, rows[i].Number, rows[i].Subject, rows[i].Answer = f.ID, f.Number, f.Subject, some(triage.Line(f.Answer, 500))
	}
	out.Similar = &rows
	return nil
}

func wireClassification(c *desk.ClassificationRow) *Classification {
	if c == nil {
		return nil
	}
	out := &Classification{
		Intent: c.Intent, Confidence: float32(c.Confidence), ProductArea: some(c.ProductArea), Priority: some(c.Priority), Language: some(c.Language),
		Sentiment: some(c.Sentiment), Team: some(c.Team), Engine: c.Engine, Version: some(c.EngineVersion), CorrectedIntent: c.CorrectedIntent,
	}
	_ = json.Unmarshal(c.Labels, &out.Labels) // absent or of an older shape: not shown
	_ = json.Unmarshal(c.Explanation, &out.Explanation)
	return out
}

// outside adds where the ticket lives elsewhere and what was sent there.
func (s *Server) outside(out *AgentTicket, d desk.Detail) {
	for _, l := range d.Links {
		out.Links = grow(out.Links)
		*out.Links = append(*out.Links, struct {
			ExternalID string  `json:"external_id"`
			System     string  `json:"system"`
			URL        *string `json:"url,omitempty"`
		}{l.ExternalID, l.System, some(l.URL)})
	}
	deliveries := make([]Delivery, len(d.Deliveries))
	for i, row := range d.Deliveries {
		deliveries[i] = wireDelivery(row)
	}
	out.Deliveries = &deliveries
	for _, destination := range s.Desk.Destinations() {
		out.Destinations = grow(out.Destinations)
		*out.Destinations = append(*out.Destinations, struct {
			Name string  `json:"name"`
			On   bool    `json:"on"`
			Why  *string `json:"why,omitempty"`
		}{destination.Name, destination.On, some(destination.Why)})
	}
}

func grow[T any](values *[]T) *[]T {
	if values == nil {
		return &[]T{}
	}
	return values
}

// GetAgentTicket reads everything about one ticket.
func (s *Server) GetAgentTicket(ctx context.Context, r GetAgentTicketRequestObject) (GetAgentTicketResponseObject, error) {
	out, err := s.agentTicket(ctx, r.Tenant, r.ID)
	return GetAgentTicket200JSONResponse(out), err
}

// StreamAgentTicket streams all events of the ticket's conversation.
func (s *Server) StreamAgentTicket(ctx context.Context, r StreamAgentTicketRequestObject) (StreamAgentTicketResponseObject, error) {
	from, err := after(r.Params.LastEventID, r.Params.After)
	if err != nil {
		return nil, err
	}
	d, err := s.Desk.Ticket(ctx, r.Tenant, r.ID)
	if err != nil {
		return nil, err
	}
	return sse{s, ctx, conversationTopic(r.Tenant, d.Ticket.ConversationID), from, conversationEvents(s.Worker, r.Tenant, d.Ticket.ConversationID, true)}, nil
}

// ActOnTicket is one act of an agent.
func (s *Server) ActOnTicket(ctx context.Context, r ActOnTicketRequestObject) (ActOnTicketResponseObject, error) {
	if err := s.act(ctx, desk.TicketRef{TenantID: r.Tenant, ID: r.ID}, *r.Body); err != nil {
		return nil, err
	}
	out, err := s.agentTicket(ctx, r.Tenant, r.ID)
	return ActOnTicket200JSONResponse(out), err
}

func (s *Server) act(ctx context.Context, ref desk.TicketRef, in AgentAction) (err error) {
	who := actor(ctx)
	missing := func(field string) error {
		return problem.New(http.StatusBadRequest, "field_missing", "This act needs one more field.", problem.Field{Field: field, Detail: "must be given for " + string(in.Act)})
	}
	switch in.Act {
	case "claim":
		_, err = s.Desk.Claim(ctx, who, ref)
	case "reply":
		if strings.TrimSpace(value(in.Text)) == "" {
			return triage.ErrEmptyMessage
		}
		_, err = s.Desk.Reply(ctx, who, ref, desk.Reply{Text: *in.Text, ClientKey: value(in.ClientKey), Attachments: value(in.Attachments), DraftID: value(in.DraftID), Then: triage.InternalState(value(in.Then))})
	case "correct_reply":
		if in.MessageID == nil {
			return missing("message_id")
		}
		if strings.TrimSpace(value(in.Text)) == "" {
			return triage.ErrEmptyMessage
		}
		_, err = s.Desk.Correct(ctx, who, ref, *in.MessageID, desk.Reply{Text: *in.Text, ClientKey: value(in.ClientKey), Attachments: value(in.Attachments)})
	case "withdraw_reply":
		if in.MessageID == nil {
			return missing("message_id")
		}
		err = s.Desk.Withdraw(ctx, who, ref, *in.MessageID)
	case "report_answer":
		if in.MessageID == nil {
			return missing("message_id")
		}
		err = s.Desk.ReportAnswer(ctx, who, ref, *in.MessageID, string(value(in.Reason)), value(in.Text))
	case "note":
		if strings.TrimSpace(value(in.Text)) == "" {
			return triage.ErrEmptyMessage
		}
		_, err = s.Desk.AddNote(ctx, who, ref, desk.InternalNote{Text: *in.Text, ClientKey: value(in.ClientKey)})
	case "open", "pending", "on_hold":
		_, err = s.Desk.SetState(ctx, who, ref, triage.InternalState(in.Act))
	case "resolve":
		_, err = s.Desk.Resolve(ctx, who, ref)
	case "reopen":
		_, err = s.Desk.Reopen(ctx, who, ref)
	case "priority":
		if in.Priority == nil {
			return missing("priority")
		}
		_, err = s.Desk.SetPriority(ctx, who, ref, triage.Priority(*in.Priority))
	case "assign":
		if in.AssigneeID == nil {
			return missing("assignee_id")
		}
		_, err = s.Desk.Assign(ctx, who, ref, *in.AssigneeID)
	case "team":
		_, err = s.Desk.SetTeam(ctx, who, ref, value(in.Team))
	case "snooze":
		if in.Until == nil {
			return missing("until")
		}
		_, err = s.Desk.Snooze(ctx, who, ref, *in.Until)
	case "hand_back":
		_, err = s.Desk.HandBack(ctx, who, ref)
	case "not_a_request":
		_, err = s.Desk.NotARequest(ctx, who, ref)
	case "correct":
		if value(in.Intent) == "" {
			return missing("intent")
		}
		_, err = s.Desk.CorrectClassification(ctx, who, ref, desk.Correction{Intent: *in.Intent})
	case "merge":
		if value(in.Into) == 0 {
			return missing("into")
		}
		into, numberErr := s.Desk.NumberOf(ctx, ref.TenantID, *in.Into)
		if numberErr != nil {
			return numberErr
		}
		_, err = s.Desk.Merge(ctx, who, ref, desk.TicketRef{TenantID: ref.TenantID, ID: into})
	case "split":
		if in.MessageID == nil || strings.TrimSpace(value(in.Subject)) == "" {
			return missing("message_id and subject")
		}
		_, err = s.Desk.Split(ctx, who, ref, *in.MessageID, *in.Subject)
	case "raise":
		if strings.TrimSpace(value(in.Text)) == "" {
			return missing("text")
		}
		_, err = s.Desk.RaiseToLead(ctx, who, ref, *in.Text)
	case "to_knowledge":
		if strings.TrimSpace(value(in.Text)) == "" || strings.TrimSpace(value(in.Subject)) == "" {
			return missing("subject and text")
		}
		// Agents may write; who may read is for a curator to say, at publication.
		_, err = s.Curation.CreateDraft(ctx, knowledge.Shared, knowledge.Draft{
			Content: knowledge.Content{Title: *in.Subject, Body: *in.Text, Audience: knowledge.Audience{Level: knowledge.Agent}}, OwnerID: who.ID,
		}, who.ID)
	default:
		return problem.New(http.StatusBadRequest, "unknown_act", "act is not one of the contract's.")
	}
	return err
}

// SuggestAnswer drafts a reply for the agent.
func (s *Server) SuggestAnswer(ctx context.Context, r SuggestAnswerRequestObject) (SuggestAnswerResponseObject, error) {
	draft, err := s.Desk.Suggest(ctx, actor(ctx), desk.TicketRef{TenantID: r.Tenant, ID: r.ID})
	if errors.Is(err, desk.ErrNoDraft) {
		return SuggestAnswer200JSONResponse{Text: "", Found: false, Citations: []Citation{}}, nil
	}
	if err != nil {
		return nil, err
	}
	out := Suggestion{DraftID: &draft.ID, Text: draft.Text, Found: true, Citations: []Citation{}}
	for i, source := range draft.Sources {
		out.Citations = append(out.Citations, Citation{Number: i + 1, Title: source.Title, URL: source.URL})
	}
	return SuggestAnswer200JSONResponse(out), nil
}

func wireDelivery(d desk.DeliveryRow) Delivery {
	return Delivery{
		ID: d.ID, TenantID: d.TenantID, TenantName: some(d.TenantName), TicketID: d.TicketID, TicketNumber: d.Number, Destination: d.Destination,
		Kind: d.Kind, State: DeliveryState(d.State), Attempts: d.Attempts, LastError: some(d.LastError), NextAttemptAt: d.NextAt,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

// ListDeliveries lists effects outside the database.
func (s *Server) ListDeliveries(ctx context.Context, r ListDeliveriesRequestObject) (ListDeliveriesResponseObject, error) {
	p, err := cursor(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	rows, err := s.Desk.Deliveries(ctx, desk.DeliveryFilter{State: string(value(r.Params.State)), Destination: value(r.Params.Destination)}, p)
	if err != nil {
		return nil, err
	}
	out := DeliveryList{Deliveries: make([]Delivery, len(rows))}
	for i, row := range rows {
		out.Deliveries[i] = wireDelivery(row)
	}
	if len(rows) == p.Size() {
		next := rows[len(rows)-1].ID.String()
		out.Next = &next
	}
	return ListDeliveries200JSONResponse(out), nil
}

// ReplayDeliveries tries again what a filter shows.
func (s *Server) ReplayDeliveries(ctx context.Context, r ReplayDeliveriesRequestObject) (ReplayDeliveriesResponseObject, error) {
	n, err := s.Desk.ReplayAll(ctx, actor(ctx), desk.DeliveryFilter{State: string(value(r.Body.State)), Destination: value(r.Body.Destination)})
	if err != nil {
		return nil, err
	}
	return ReplayDeliveries200JSONResponse{Replayed: n}, nil
}

// ActOnDelivery replays or discards a delivery.
func (s *Server) ActOnDelivery(ctx context.Context, r ActOnDeliveryRequestObject) (ActOnDeliveryResponseObject, error) {
	var err error
	switch r.Act {
	case "replay":
		err = s.Desk.Replay(ctx, actor(ctx), r.Tenant, r.ID)
	case "discard":
		err = s.Desk.Discard(ctx, actor(ctx), r.Tenant, r.ID)
	default:
		err = problem.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return ActOnDelivery204Response{}, nil
}
