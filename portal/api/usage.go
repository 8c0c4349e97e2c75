package api

import (
	"github.com/gin-gonic/gin"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/usage"
)

// counted are the operations that say what people use, with the words for it.
var counted = map[string]string{
	"StartConversation": "conversation.started", "PostMessage": "message.sent", "AskForPerson": "person.asked", "PutFeedback": "answer.rated",
	"GetOnboarding": "onboarding.opened", "ListDocuments": "documents.opened", "UploadDocument": "document.sent", "DownloadDocument": "document.fetched",
	"UploadAttachment": "attachment.sent", "DownloadAttachment": "attachment.fetched", "ListTickets": "tickets.opened", "GetArticle": "article.opened", "SearchKnowledge": "help.searched", "ExportData": "data.exported", "DownloadTranscript": "transcript.taken",
}

// count notes what people of a tenant did that succeeded.
func count(c *usage.Counter) StrictMiddlewareFunc {
	return func(next StrictHandlerFunc, operation string) StrictHandlerFunc {
		action, ok := counted[operation]
		if !ok || c == nil {
			return next
		}
		return func(ctx *gin.Context, request any) (any, error) {
			response, err := next(ctx, request)
			if p, signedIn := identity.From(ctx.Request.Context()); err == nil && signedIn && p.Kind == identity.Customer {
				c.Count(p.Tenant.ID, action, p.Actor.Roles)
			}
			return response, err
		}
	}
}
