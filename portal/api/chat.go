package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
)

func wireConversation(c triage.Conversation) Conversation {
	return Conversation{
		ID: c.ID, Channel: ConversationChannel(c.Channel), Subject: c.Subject, State: ConversationState(c.State),
		Assistant: ConversationAssistant(c.Assistant), Language: some(c.Language), LastSeq: c.LastSeq, CustomerReadSeq: &c.CustomerReadSeq,
		Unread: c.LastSeq > c.CustomerReadSeq && c.LastAuthor != "" && c.LastAuthor != string(triage.AuthorCustomer), LastLine: c.LastLine, LastAuthor: some(c.LastAuthor),
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// ListConversations lists the caller's own conversations.
func (s *Server) ListConversations(ctx context.Context, r ListConversationsRequestObject) (ListConversationsResponseObject, error) {
	conversations, err := s.Intake.Conversations(ctx, actor(ctx), page(r.Params.Before, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := make([]Conversation, len(conversations))
	for i, c := range conversations {
		out[i] = wireConversation(c)
	}
	return ListConversations200JSONResponse{Conversations: out}, nil
}

// StartConversation opens a conversation.
func (s *Server) StartConversation(ctx context.Context, r StartConversationRequestObject) (StartConversationResponseObject, error) {
	key := value(r.Params.IdempotencyKey)
	if key == "" {
		key = value(r.Body.ClientKey)
	}
	c, m, err := s.Intake.Start(ctx, actor(ctx), intake.Start{
		Channel: triage.ChannelChat, Subject: value(r.Body.Subject), Text: value(r.Body.Text), ClientKey: key, Locale: actor(ctx).Locale, Attachments: value(r.Body.Attachments), Session: s.session(ctx),
	})
	if err != nil {
		return nil, chatProblem(ctx, err)
	}
	out := StartedConversation{Conversation: wireConversation(c)}
	if m.ID != uuid.Nil {
		wire := triage.Wire(m)
		out.Message = &wire
	}
	return StartConversation201JSONResponse(out), nil
}

// GetConversation reads one conversation.
func (s *Server) GetConversation(ctx context.Context, r GetConversationRequestObject) (GetConversationResponseObject, error) {
	c, err := s.Intake.Conversation(ctx, actor(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetConversation200JSONResponse(wireConversation(c)), nil
}

// ListMessages reads a page of a conversation.
func (s *Server) ListMessages(ctx context.Context, r ListMessagesRequestObject) (ListMessagesResponseObject, error) {
	limit := triage.Page{Limit: value(r.Params.Limit)}.Size()
	messages, votes, err := s.Intake.Transcript(ctx, actor(ctx), r.ID, value(r.Params.Before), limit)
	if err != nil {
		return nil, err
	}
	out := make([]Message, len(messages))
	for i, m := range messages {
		out[i] = triage.Wire(m)
		out[i].Vote = votes[m.ID]
	}
	return ListMessages200JSONResponse{Messages: out, More: len(out) == limit}, nil
}

// PostMessage takes a message in.
func (s *Server) PostMessage(ctx context.Context, r PostMessageRequestObject) (PostMessageResponseObject, error) {
	key := value(r.Body.ClientKey)
	if key == "" {
		key = value(r.Params.IdempotencyKey)
	}
	m, err := s.Intake.Post(ctx, actor(ctx), r.ID, intake.Post{Text: r.Body.Text, ClientKey: key, Attachments: value(r.Body.Attachments), Session: s.session(ctx)})
	if errors.Is(err, intake.ErrCode) {
		m, err = s.typedCode(ctx, r.ID, r.Body.Text, key)
	}
	if err != nil {
		return nil, chatProblem(ctx, err)
	}
	return PostMessage201JSONResponse(triage.Wire(m)), nil
}

// ChangeMessage gives a message of the caller another text.
func (s *Server) ChangeMessage(ctx context.Context, r ChangeMessageRequestObject) (ChangeMessageResponseObject, error) {
	m, err := s.Intake.Change(ctx, actor(ctx), r.ID, r.Body.Text)
	if err != nil {
		return nil, err
	}
	return ChangeMessage200JSONResponse(triage.Wire(m)), nil
}

// TakeBackMessage takes a message of the caller back.
func (s *Server) TakeBackMessage(ctx context.Context, r TakeBackMessageRequestObject) (TakeBackMessageResponseObject, error) {
	m, err := s.Intake.TakeBack(ctx, actor(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return TakeBackMessage200JSONResponse(triage.Wire(m)), nil
}

// AskForPerson hands the conversation to people.
func (s *Server) AskForPerson(ctx context.Context, r AskForPersonRequestObject) (AskForPersonResponseObject, error) {
	m, err := s.Intake.AskForPerson(ctx, actor(ctx), r.ID, intake.Post{Text: value(r.Body.Note), ClientKey: value(r.Body.ClientKey)})
	if err != nil {
		return nil, err
	}
	return AskForPerson202JSONResponse(triage.Wire(m)), nil
}

// MarkRead notes how far the customer has read.
func (s *Server) MarkRead(ctx context.Context, r MarkReadRequestObject) (MarkReadResponseObject, error) {
	if err := s.Intake.MarkRead(ctx, actor(ctx), r.ID, r.Body.Seq); err != nil {
		return nil, err
	}
	return MarkRead204Response{}, nil
}

// StopAnswer ends the answer being written.
func (s *Server) StopAnswer(ctx context.Context, r StopAnswerRequestObject) (StopAnswerResponseObject, error) {
	if err := s.Intake.Stop(ctx, actor(ctx), r.ID); err != nil {
		return nil, err
	}
	return StopAnswer204Response{}, nil
}

// ConfirmSolved is the customer saying it is settled.
func (s *Server) ConfirmSolved(ctx context.Context, r ConfirmSolvedRequestObject) (ConfirmSolvedResponseObject, error) {
	if err := s.Intake.ConfirmSolved(ctx, actor(ctx), r.ID); err != nil {
		return nil, err
	}
	return ConfirmSolved204Response{}, nil
}

// PutFeedback rates an automatic answer.
func (s *Server) PutFeedback(ctx context.Context, r PutFeedbackRequestObject) (PutFeedbackResponseObject, error) {
	if err := s.Intake.Vote(ctx, actor(ctx), r.ID, intake.Vote{Vote: string(r.Body.Vote), Cause: string(value(r.Body.Cause)), Reason: value(r.Body.Reason)}); err != nil {
		return nil, err
	}
	return PutFeedback204Response{}, nil
}

// StreamConversation streams the conversation's public events.
func (s *Server) StreamConversation(ctx context.Context, r StreamConversationRequestObject) (StreamConversationResponseObject, error) {
	from, err := after(r.Params.LastEventID, r.Params.After)
	if err != nil {
		return nil, err
	}
	c, err := s.Intake.Conversation(ctx, actor(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return sse{s, ctx, conversationTopic(c.TenantID, c.ID), from, conversationEvents(s.App, c.TenantID, c.ID, false)}, nil
}

func wireTicket(t triage.Ticket) Ticket {
	return Ticket{
		Number: t.Number, ConversationID: t.ConversationID, Subject: t.Subject, State: TicketState(t.CustomerState),
		Priority: TicketPriority(t.Priority), Assignee: some(t.AssigneeName), CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
}

// ListTickets lists the tickets the caller may see.
func (s *Server) ListTickets(ctx context.Context, r ListTicketsRequestObject) (ListTicketsResponseObject, error) {
	p := page(r.Params.Before, r.Params.Limit)
	tickets, err := s.Intake.Tickets(ctx, actor(ctx), p)
	if err != nil {
		return nil, err
	}
	out := TicketList{Tickets: make([]Ticket, len(tickets))}
	for i, t := range tickets {
		out.Tickets[i] = wireTicket(t)
	}
	if len(tickets) == p.Size() {
		out.Next = &tickets[len(tickets)-1].ID
	}
	return ListTickets200JSONResponse(out), nil
}

// GetTicket reads one ticket by its number.
func (s *Server) GetTicket(ctx context.Context, r GetTicketRequestObject) (GetTicketResponseObject, error) {
	t, err := s.Intake.Ticket(ctx, actor(ctx), r.Number)
	if err != nil {
		return nil, err
	}
	return GetTicket200JSONResponse(wireTicket(t)), nil
}

// FileTicket takes a ticket in.
func (s *Server) FileTicket(ctx context.Context, r FileTicketRequestObject) (FileTicketResponseObject, error) {
	requester := value(r.Body.RequesterEmail)
	if requester != "" && !actor(ctx).HasRole(intake.RoleAPI) {
		return nil, problem.New(http.StatusBadRequest, "requester_not_allowed", "requester_email is for API keys; a signed-in person files their own tickets.")
	}
	filed, err := s.Intake.FileTicket(ctx, actor(ctx), intake.Ticket{
		Subject: r.Body.Subject, Text: value(r.Body.Text), RequesterEmail: requester, ClientKey: value(r.Params.IdempotencyKey),
	})
	if err != nil {
		return nil, err
	}
	return FileTicket202JSONResponse{ConversationID: filed.Conversation.ID, MessageID: filed.Message.ID}, nil
}
