package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
)

func wireLimits(s *attachment.Service) (AttachmentLimits, error) {
	if s == nil {
		return AttachmentLimits{}, problem.NotFound()
	}
	l := s.Limits()
	return AttachmentLimits{MaxBytes: l.MaxBytes, PerMessage: l.PerMessage, Types: l.Types, Scanned: l.Scanned, ToCustomers: l.ToCustomer}, nil
}

// GetAttachmentLimits says what files a message can carry.
func (s *Server) GetAttachmentLimits(context.Context, GetAttachmentLimitsRequestObject) (GetAttachmentLimitsResponseObject, error) {
	limits, err := wireLimits(s.Attachments)
	return GetAttachmentLimits200JSONResponse(limits), err
}

// UploadAttachment takes a file in for a message to come.
func (s *Server) UploadAttachment(ctx context.Context, r UploadAttachmentRequestObject) (UploadAttachmentResponseObject, error) {
	if s.Attachments == nil {
		return nil, problem.NotFound()
	}
	release, err := s.transfers.take(actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	defer release()
	file, err := s.Attachments.Upload(ctx, attachment.Incoming{
		Tenant: actor(ctx).TenantID, By: actor(ctx), Source: attachment.FromPortal, Name: r.Params.FileName, Body: r.Body,
	})
	return UploadAttachment201JSONResponse(file.Attachment), err
}

// GetAttachment says what became of a file.
func (s *Server) GetAttachment(ctx context.Context, r GetAttachmentRequestObject) (GetAttachmentResponseObject, error) {
	file, err := s.Intake.Attachment(ctx, actor(ctx), r.ID)
	return GetAttachment200JSONResponse(file.Attachment), err
}

// DiscardAttachment removes a file that was not sent.
func (s *Server) DiscardAttachment(ctx context.Context, r DiscardAttachmentRequestObject) (DiscardAttachmentResponseObject, error) {
	if s.Attachments == nil {
		return nil, problem.NotFound()
	}
	return DiscardAttachment204Response{}, s.Attachments.Discard(ctx, actor(ctx).TenantID, actor(ctx), r.ID)
}

// DownloadAttachment hands out a file of a message the caller may read.
func (s *Server) DownloadAttachment(ctx context.Context, r DownloadAttachmentRequestObject) (DownloadAttachmentResponseObject, error) {
	if s.Attachments == nil {
		return nil, problem.NotFound()
	}
	file, err := s.Intake.Attachment(ctx, actor(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	content, err := s.Attachments.Open(ctx, file, actor(ctx), false)
	return fileResponse{content}, err
}

// GetAgentAttachmentLimits says what files a reply can carry.
func (s *Server) GetAgentAttachmentLimits(context.Context, GetAgentAttachmentLimitsRequestObject) (GetAgentAttachmentLimitsResponseObject, error) {
	limits, err := wireLimits(s.AllAttachments)
	return GetAgentAttachmentLimits200JSONResponse(limits), err
}

// UploadAgentAttachment takes a file in for a reply to come.
func (s *Server) UploadAgentAttachment(ctx context.Context, r UploadAgentAttachmentRequestObject) (UploadAgentAttachmentResponseObject, error) {
	if s.AllAttachments == nil {
		return nil, problem.NotFound()
	}
	release, err := s.transfers.take(actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	defer release()
	conversation, err := s.Desk.ConversationOf(ctx, desk.TicketRef{TenantID: r.Tenant, ID: r.ID})
	if err != nil {
		return nil, err
	}
	file, err := s.AllAttachments.Upload(ctx, attachment.Incoming{
		Tenant: r.Tenant, By: actor(ctx), Conversation: conversation, Source: attachment.FromConsole, Name: r.Params.FileName, Body: r.Body,
	})
	return UploadAgentAttachment201JSONResponse(file.Attachment), err
}

// agentAttachment reads a file as staff may: of every message, and of their own
// before it is sent.
func (s *Server) agentAttachment(ctx context.Context, tenant, id uuid.UUID) (file attachment.File, err error) {
	if s.AllAttachments == nil {
		return file, problem.NotFound()
	}
	err = s.Worker.WithTenant(ctx, tenant, func(tx pgx.Tx) (err error) {
		if file, err = attachment.ByID(ctx, tx, tenant, id); err == nil && file.MessageID == nil {
			file, err = attachment.Own(ctx, tx, tenant, actor(ctx), id)
		}
		return err
	})
	return file, err
}

// GetAgentAttachment says what became of a file, and how a plain text begins.
func (s *Server) GetAgentAttachment(ctx context.Context, r GetAgentAttachmentRequestObject) (GetAgentAttachmentResponseObject, error) {
	file, err := s.agentAttachment(ctx, r.Tenant, r.ID)
	if err != nil {
		return nil, err
	}
	preview, err := s.AllAttachments.Preview(ctx, file)
	return GetAgentAttachment200JSONResponse{Attachment: file.Attachment, Preview: some(preview)}, err
}

// DiscardAgentAttachment removes a file that was not sent.
func (s *Server) DiscardAgentAttachment(ctx context.Context, r DiscardAgentAttachmentRequestObject) (DiscardAgentAttachmentResponseObject, error) {
	if s.AllAttachments == nil {
		return nil, problem.NotFound()
	}
	return DiscardAgentAttachment204Response{}, s.AllAttachments.Discard(ctx, r.Tenant, actor(ctx), r.ID)
}

// DownloadAgentAttachment hands out a file; one that was not checked only to who
// says so.
func (s *Server) DownloadAgentAttachment(ctx context.Context, r DownloadAgentAttachmentRequestObject) (DownloadAgentAttachmentResponseObject, error) {
	file, err := s.agentAttachment(ctx, r.Tenant, r.ID)
	if err != nil {
		return nil, err
	}
	content, err := s.AllAttachments.Open(ctx, file, actor(ctx), value(r.Params.Unchecked))
	return fileResponse{content}, err
}
