package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/problem"
)

// access is who may call an operation.
type access int

const (
	public   access = iota + 1 // anybody
	optional                   // anybody; a principal widens what is seen
	customer                   // a person of a tenant
	manager                    // a person of a tenant with the role admin or manager
	caller                     // a person of a tenant, or an API key
	anyone                     // whoever is signed in
	agent                      // staff
	curator                    // staff with the role curator or admin
)

// operations declares the access of every operation of the contract.
var operations = map[string]access{
	"Healthz": public, "Readyz": public, "ExchangeLink": public, "StartSignIn": public, "FinishSignIn": public,
	"SearchKnowledge": optional, "ListArticles": optional, "GetArticle": optional, "SuggestArticles": optional,
	"GetMe": anyone, "Logout": anyone, "SendCode": anyone, "ProveCode": anyone,
	"ListConversations": customer, "StartConversation": customer, "GetConversation": caller, "ListMessages": caller,
	"DownloadTranscript": customer, "PostMessage": caller, "SendChatCode": customer, "EnterChatCode": customer, "StreamConversation": caller, "MarkRead": customer, "StopAnswer": customer,
	"AskForPerson": customer, "ConfirmSolved": customer, "ChangeMessage": customer, "TakeBackMessage": customer, "PutFeedback": customer,
	"NoteSearch": customer, "GetRating": customer, "GiveRating": customer, "WithdrawRating": customer,
	"GetMailedRating": public, "GiveMailedRating": public, "WithdrawMailedRating": public, // the link is signed
	"GetAttachmentLimits": customer, "UploadAttachment": customer, "GetAttachment": customer, "DiscardAttachment": customer, "DownloadAttachment": customer,
	"ListTickets": caller, "FileTicket": caller, "GetTicket": caller, "GetOnboarding": customer,
	"StreamOnboarding": customer, "TickTask": customer, "InviteAgain": customer, "ListDocuments": customer, "UploadDocument": customer, "DownloadDocument": customer, "ExportData": manager,
	"GetQueue": agent, "ListStaff": agent, "GetAgentTicket": agent, "StreamAgentTicket": agent, "ActOnTicket": agent,
	"SuggestAnswer": agent, "ListDeliveries": agent, "ActOnDelivery": agent, "ReplayDeliveries": agent,
	"GetAgentAttachmentLimits": agent, "UploadAgentAttachment": agent, "GetAgentAttachment": agent, "DiscardAgentAttachment": agent, "DownloadAgentAttachment": agent,
	"ListPendingDocuments": agent, "DownloadPendingDocument": agent, "ReviewDocument": agent,
	"ListTenants": curator, "ListAdminArticles": curator, "CreateArticle": curator, "GetAdminArticle": curator,
	"UploadArticle": curator, "SaveDraft": curator, "ListVersions": curator, "ActOnArticle": curator, "TestQuestion": curator, "ListGaps": curator,
	"ResolveGap": curator, "ListSources": curator, "AddWebsite": curator, "ChangeWebsite": curator, "ActOnWebsite": curator, "RemoveSource": curator, "ListPages": curator, "SettlePage": curator, "ListSynonyms": curator, "PutSynonym": curator, "DeleteSynonym": curator,
	"ListRules": curator, "PutRule": curator, "TryRules": curator, "ListTemplates": curator, "PublishTemplate": curator,
	"ListOnboardings": curator, "GetRecord": curator, "AddToRecord": curator, "ChangeRecord": curator,
	"GetLifecycle": curator, "MoveLifecycle": curator, "ExportTenantData": curator,
	"ListProposals": curator, "SettleProposal": curator, "ListQuestions": curator, "PutQuestion": curator, "RunQuestions": curator, "TryQuestion": curator, "GetModels": curator, "BuildVectors": curator, "ChangeVectors": curator, "DeleteQuestion": curator, "ReplayQuestions": curator,
	"ListFindings": curator, "CheckHealth": curator, "ActOnFinding": curator,
	"GetPromises": curator, "PutPromises": curator,
	"ListWebhooks": curator, "CreateWebhook": curator, "ActOnWebhook": curator, "DeleteWebhook": curator,
	"ListTaxonomySuggestions": curator, "SettleTaxonomySuggestion": curator, "GetTaxonomyDraft": curator, "EditTaxonomyDraft": curator, "DropTaxonomyEdits": curator,
	"ListTaxonomyRuns": curator, "StartTaxonomyRun": curator, "GetTaxonomyRun": curator,
	"ListApprovals": agent, "DecideApproval": agent,
	"ListActions": curator, "ReadOpenAPI": curator, "PutAction": curator, "TryAction": curator, "SwitchAction": curator, "DeleteAction": curator,
	"ListProcedures": curator, "SaveProcedure": curator, "TryProcedure": curator, "ActOnProcedure": curator,
	"ListStatusSources": curator, "PutStatusSource": curator, "SwitchStatusSource": curator, "DeleteStatusSource": curator, "TryStatusSource": curator,
	"ListSourceCustomers": curator, "PutSourceCustomer": curator, "PutStatusOwner": curator, "ListThings": curator, "PutThing": curator, "DeleteThing": curator,
	"GetTaxonomy": curator, "GetMetrics": curator, "GetOutcomes": curator, "GetTopics": curator, "DownloadTopics": curator, "GetAccuracy": curator, "GetRatings": curator, "ListRatingSettings": curator, "PutRatingSetting": curator,
}

// guard lets an operation through for whom it is declared. To everybody else an
// operation of another surface does not exist.
func guard(next StrictHandlerFunc, operation string) StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) {
		if err := refusal(c.Request, operation); err != nil {
			return nil, err
		}
		return next(c, request)
	}
}

// refusal is why an operation is not for whoever calls it; nil where it is.
func refusal(r *http.Request, operation string) error {
	need, declared := operations[operation]
	principal, signedIn := identity.From(r.Context())
	switch {
	case !declared:
		return problem.NotFound()
	case need == public || need == optional:
	case !signedIn:
		return unauthenticated()
	case !allowed(need, principal):
		return problem.NotFound()
	}
	return nil
}

// routed are the contract's operations by method and route as gin writes it.
func routed(spec []byte) map[string]string {
	var contract struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	out := map[string]string{}
	if json.Unmarshal(spec, &contract) != nil {
		return out
	}
	for path, methods := range contract.Paths {
		for method, body := range methods {
			var operation struct {
				ID string `json:"operationId"`
			}
			if json.Unmarshal(body, &operation) == nil && operation.ID != "" {
				route := strings.NewReplacer("{", ":", "}", "").Replace(path)
				out[strings.ToUpper(method)+" "+route] = strings.ToUpper(operation.ID[:1]) + operation.ID[1:]
			}
		}
	}
	return out
}

// proofs are the operations whose caller must have proven of late who they are:
// data that leaves, and a workspace that goes.
var proofs = map[string]func(request any) bool{
	"ExportData":       func(any) bool { return true },
	"ExportTenantData": func(any) bool { return true },
	"MoveLifecycle": func(request any) bool {
		r, ok := request.(MoveLifecycleRequestObject)
		return !ok || r.Body.To == MoveLifecycleJSONBodyToOffboarding || r.Body.To == MoveLifecycleJSONBodyToSuspended
	},
}

// prove asks for a fresh proof where an operation needs one.
func (s *Server) prove(next StrictHandlerFunc, operation string) StrictHandlerFunc {
	needs, sensitive := proofs[operation]
	if !sensitive {
		return next
	}
	return func(c *gin.Context, request any) (any, error) {
		if needs(request) && !s.Identity.Fresh(principal(c)) {
			return nil, problem.New(http.StatusForbidden, "step_up_required", "For this we ask you to confirm that it is you. Ask for a code (POST /v1/auth/code), enter it (PUT /v1/auth/code) and repeat the request.")
		}
		return next(c, request)
	}
}

func allowed(need access, p identity.Principal) bool {
	switch need {
	case customer:
		return p.Kind == identity.Customer
	case manager:
		return p.Kind == identity.Customer && (p.Actor.HasRole("admin") || p.Actor.HasRole("manager"))
	case caller:
		return p.Kind == identity.Customer || p.Kind == identity.Key && slices.Contains(p.Scopes, identity.ScopeTickets)
	case anyone:
		return p.Kind != identity.Key
	case agent:
		return p.Kind == identity.Staff
	case curator:
		return p.Kind == identity.Staff && (p.Actor.HasRole("curator") || p.Actor.HasRole("admin"))
	}
	return false
}

func unauthenticated() *problem.Problem {
	return problem.New(http.StatusUnauthorized, "not_signed_in", "You are not signed in, or your session has ended. Open a new sign-in link, or send a valid API key.")
}
