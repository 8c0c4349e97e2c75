// Package problem turns errors into RFC 9457 responses. It is the only place
// that knows both the domain's errors and HTTP: no domain error carries a
// status, and no cause reaches a caller.
package problem

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/change"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/onboarding/export"
	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	reaction "github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/onboarding/status"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/attachment"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/procedure"
	"github.com/usherdesk/usher/triage/proposal"
	"github.com/usherdesk/usher/triage/rating"
	"github.com/usherdesk/usher/triage/rehearsal"
	"github.com/usherdesk/usher/triage/sla"
	"github.com/usherdesk/usher/triage/taxonomy"
	"github.com/usherdesk/usher/triage/upkeep"
)

// Problem is the body of an error response.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Instance  string  `json:"instance,omitempty"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id"`
	Errors    []Field `json:"errors,omitempty"`

	retryAfter time.Duration
}

// Field names one field that is not acceptable.
type Field struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error makes a problem usable as an error: handlers return it like any other.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// New is a problem with its texts. The detail is for the caller: what is wrong
// and what to do.
func New(status int, code, detail string, fields ...Field) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Errors: fields}
}

// After asks the caller to wait that long before trying again.
func (p *Problem) After(wait time.Duration) *Problem {
	p.retryAfter = wait
	return p
}

// NotFound is the one answer for what is missing and what is hidden.
func NotFound() *Problem {
	return New(http.StatusNotFound, "not_found", "There is nothing here that you can see. Check the address.")
}

// TooMany asks the caller to wait.
func TooMany(after time.Duration) *Problem {
	return New(http.StatusTooManyRequests, "too_many_requests", "That was a lot at once. Wait a moment and try again; nothing is lost.").After(after)
}

// retrySoon is how long callers wait for what is away for a moment.
const retrySoon = 5 * time.Second

// Unavailable asks the caller to come back in a moment.
func Unavailable(code, detail string) *Problem {
	return New(http.StatusServiceUnavailable, code, detail).After(retrySoon)
}

// rule maps one domain error.
type rule struct {
	err    error
	status int
	code   string
	detail string
}

// Rules lists every domain error callers may meet.
var rules = []rule{
	{triage.ErrConversationNotFound, 404, "not_found", ""},
	{triage.ErrMessageNotFound, 404, "not_found", ""},
	{triage.ErrTicketNotFound, 404, "not_found", ""},
	{triage.ErrEmptyMessage, 400, "empty_message", "The message is empty. Write something and send it again."},
	{triage.ErrMessageTooLong, 413, "message_too_long", "The message is longer than 64 KiB. Shorten it or send the rest as a document."},
	{triage.ErrConversationClosed, 409, "conversation_closed", "This conversation is closed. Start a new one; the old one stays readable."},
	{intake.ErrKeyReused, 422, "idempotency_key_reused", "This Idempotency-Key was used for a different request. Use a new key for a new request."},
	{intake.ErrBadKey, 400, "bad_idempotency_key", "An Idempotency-Key or client_key has at most 200 characters."},
	{intake.ErrRequesterUnknown, 422, "requester_unknown", "requester_email is not a person of your organisation. Invite them first, or leave it out."},
	{rating.ErrNotAsked, 409, "not_asked", "Nobody asked for a rating here. Write a message instead: it reaches us too."},
	{rating.ErrClosed, 409, "rating_closed", "This rating can no longer be given or changed. Write a message instead: it reaches us too."},
	{rating.ErrBadScore, 400, "bad_score", "A score is a number from 1 to 5."},
	{rating.ErrBadLink, 404, "not_found", ""},
	{rating.ErrBadPause, 400, "bad_pause", "The pause between two questions is 0 to 365 days."},
	{intake.ErrBadVote, 400, "bad_vote", "vote must be helpful or not_helpful."},
	{taxonomy.ErrValueNotFound, 404, "not_found", ""},
	{taxonomy.ErrBadValue, 400, "bad_taxonomy_value", "A value needs a name of at most 100 characters and a known priority, an example a text of at most 2000."},
	{taxonomy.ErrWorse, 409, "classifier_worse", "The classifier would do worse on examples held back from it. Nothing was changed."},
	{taxonomy.ErrMoving, 409, "taxonomy_changed", "Agents taught the classifier meanwhile. Nothing was changed; try again."},
	{upkeep.ErrBusy, 409, "run_under_way", "The draft is being looked at or published right now. Wait until that has ended."},
	{upkeep.ErrEmpty, 409, "draft_empty", "The draft holds no step that fits. Add one first."},
	{upkeep.ErrSettled, 404, "not_found", ""},
	{upkeep.ErrNotFound, 404, "not_found", ""},
	{upkeep.ErrNoWay, 409, "not_restorable", "Only a publication whose former state is still kept can be taken back."},
	{taxonomy.ErrNotReady, 503, "starting", "The assistant is still getting ready. Try again in a few seconds."},
	{tenantdb.ErrNoTenant, 404, "not_found", ""}, // a path that names the nil id
	{desk.ErrNotTakenBack, 409, "not_taken_back", "A mail that was sent cannot be taken back. Send a correction."},
	{intake.ErrCode, 409, "is_a_code", "This is the code you were sent. Enter it in the card that asks for it; nothing was stored."},
	{intake.ErrCodeElsewhere, 409, "code_elsewhere", "This code was sent for another conversation. Enter it there; nothing was stored."},
	{intake.ErrNotChangeable, 409, "not_changeable", "This message cannot be changed any more. Write a new one instead."},
	{sla.ErrBadCalendar, 400, "bad_calendar", "These business hours cannot be used: the time zone must be a known one such as Europe/Berlin, times like 09:30 must not overlap, at least one day must be open, and holidays are dates like 2026-12-25."},
	{sla.ErrBadTarget, 400, "bad_target", "A promised time must be between a minute and a year."},
	{desk.ErrTicketClosed, 409, "ticket_closed", "This ticket is closed. Reopen it first, or start a new one."},
	{desk.ErrBadValue, 400, "bad_value", "A value cannot be used here: priority, state, team and intent must be known ones, and an open ticket is snoozed until a time in the future."},
	{desk.ErrDeliveryNotFound, 404, "not_found", ""},
	{desk.ErrNotAsked, 403, "not_collaborating", "You are not asked about this ticket, or not any more."},
	{desk.ErrNoColleagues, 409, "no_colleagues", "Colleagues are asked in Slack, which is not connected here. Ask an administrator to connect it."},
	{desk.ErrNoDraft, 409, "nothing_to_suggest", "Nothing in the knowledge base answers this. Write the reply yourself."},
	{desk.ErrRefused, 403, "not_allowed", "You may not do this. Ask somebody of your team with the right role."},
	{knowledge.ErrNotFound, 404, "not_found", ""},
	{knowledge.ErrNoVersion, 404, "not_found", ""},
	{knowledge.ErrSlugTaken, 409, "slug_taken", "Another article has this address. Choose a different slug."},
	{knowledge.ErrNoDraft, 409, "nothing_to_publish", "There is no draft. Edit the article first."},
	{knowledge.ErrNotPublished, 409, "not_published", "The article is not published."},
	{knowledge.ErrConflict, 409, "edited_by_someone_else", "Somebody else has changed this draft since you opened it. Reload, then put your change in again."},
	{site.ErrNotFound, 404, "not_found", ""},
	{site.ErrExists, 409, "source_exists", "This address is a source already. Change that one instead."},
	{site.ErrNotAWebsite, 409, "not_a_website", "This source is no website: its articles change when they are imported again."},
	{site.ErrPaused, 409, "paused", "This source is paused. Go on with it first."},
	{site.ErrNothingToDo, 409, "nothing_to_decide", "This page waits for no such decision any more. Reload the list."},
	{site.ErrUnknownChoice, 400, "unknown_choice", "Choose one of the ways the contract names."},
	{site.ErrPrivate, 400, "private_address", "This address is not a public one."},
	{site.ErrTooLarge, 400, "page_too_large", "This page is too large."},
	{health.ErrNotFound, 404, "not_found", ""},
	{health.ErrNoReason, 400, "reason_missing", "Say in a few words why this is no fault: others will read it."},
	{health.ErrNoOther, 409, "not_two_articles", "Only two articles that say the same can be merged, both shared or both of one customer."},
	{health.ErrBadAct, 400, "bad_act", "A finding can be verified, retired, merged, taken, dismissed or reopened."},
	{knowledge.ErrGapNotFound, 404, "not_found", ""},
	{knowledge.ErrBadAudience, 400, "bad_audience", "The audience must be public, customer or agent."},
	{knowledge.ErrNoEmbedder, 503, "search_unavailable", "Search is not available right now. Browse the articles, or talk to a person."},
	{onboarding.ErrNoProject, 404, "not_found", ""},
	{change.ErrNotFound, 404, "not_found", ""},
	{change.ErrVersion, 409, "edited_by_someone_else", "Somebody else has changed this since you opened it. Look at it as it is now, then put your change in again."},
	{change.ErrTick, 409, "not_tickable", "This task cannot be ticked now: it waits for something, is somebody else's, or others have gone on from it. Ask your onboarding manager."},
	{reaction.ErrBadRule, 400, "bad_rule", "The rule cannot be used: it names an event, an action, a field or a value that does not fit."},
	{lifecycle.ErrBadTemplate, 400, "bad_template", "The template cannot be used. Compare it with a published one."},
	{lifecycle.ErrNoTemplate, 404, "not_found", ""},
	{lifecycle.ErrNoWorkspace, 404, "not_found", ""},
	{lifecycle.ErrTransition, 409, "transition_not_allowed", "A workspace cannot go from its state to that one. Look at the states it offers."},
	{lifecycle.ErrNotReady, 409, "not_ready", "The workspace is not ready to go live: look at the checks that do not hold yet."},
	{source.ErrBadSource, 400, "bad_source", "The source cannot be stored: its name, address, path, fields or limits do not fit."},
	{source.ErrSourceTaken, 409, "source_taken", "The operator's configuration file has a source of that name. Choose another name."},
	{source.ErrSecretMissing, 409, "secret_missing", "Requests would go to another address, so the secret must be typed in again."},
	{source.ErrUnknownSource, 404, "not_found", ""},
	{status.ErrNoField, 404, "not_found", ""},
	{status.ErrNoThing, 404, "not_found", ""},
	{status.ErrBadThing, 400, "bad_record", "A record needs the entity of a status pack, its id in the other system and a name, of at most 200 characters each."},
	{procedure.ErrNotFound, 404, "not_found", ""},
	{procedure.ErrBadProcedure, 400, "bad_procedure", "The procedure cannot be used. Compare it with a published one."},
	{procedure.ErrIntentTaken, 409, "intent_taken", "Another procedure in use has this intent. Take it out of use first."},
	{proposal.ErrNotFound, 404, "not_found", ""},
	{action.ErrNotFound, 404, "not_found", ""},
	{action.ErrUnknown, 404, "not_found", ""},
	{action.ErrBadAction, 400, "bad_action", "The action cannot be stored. Compare it with the example."},
	{action.ErrSecretMissing, 409, "secret_missing", "Requests would go to another address, so the secret must be typed in again."},
	{action.ErrRefused, 403, "not_allowed", "You may not decide on this: it needs the role and team its action names, and somebody else than who asked."},
	{action.ErrOver, 409, "proposal_expired", "The proposal has expired. Nothing was sent."},
	{action.ErrChanged, 409, "action_changed", "The action was changed or switched off since this was proposed. Nothing was sent."},
	{action.ErrClosed, 409, "ticket_closed", "The ticket is closed. Reopen it first."},
	{action.ErrNotSent, 502, "not_sent", "The other system could not be reached. Nothing was sent."},
	{eval.ErrQuestionNotFound, 404, "not_found", ""},
	{rehearsal.ErrBadScenario, 400, "bad_customer", "The customer cannot be kept: it needs a name, an organisation, one of the five languages, an opening, and something to expect that is no contradiction. A reply to certain words names them. It says at most 20 messages."},
	{eval.ErrBadQuestion, 400, "bad_question", "The question cannot be kept: it needs a text, a known role and tenant, what to expect, and at most 20 conditions."},
	{document.ErrNotFound, 404, "not_found", ""},
	{blob.ErrNone, 404, "not_found", ""},
	{document.ErrClosed, 409, "document_closed", "This document is not asked for any more: it was accepted or is not needed."},
	{blob.ErrTooLarge, 413, "file_too_large", "The file is too large. Compress it or split it; the limit is beside the upload."},
	{blob.ErrEmpty, 400, "file_empty", "The file is empty. Choose another one."},
	{blob.ErrType, 415, "file_type", "Files of this type are not accepted. Send a PDF, an image, a text, or an office document."},
	{blob.ErrHeld, 409, "file_held", "The file is held back until it has been checked. Try again later."},
	{attachment.ErrNotFound, 404, "not_found", ""},
	{attachment.ErrTaken, 409, "attachment_sent", "This file was sent with a message already. Upload it once more to send it again."},
	{attachment.ErrTooMany, 400, "too_many_attachments", "A message carries at most 10 files. Send the rest with another one."},
	{attachment.ErrManyWaiting, 409, "attachments_waiting", "Many files wait to be sent already. Send or remove some of them first."},
	{attachment.ErrNoScanner, 409, "no_virus_check", "Files cannot be sent to customers: no virus check is set up. Ask whoever runs this service."},
	{attachment.ErrInfected, 409, "file_infected", "The virus check found something in this file. It was removed; send another one."},
	{attachment.ErrUnconfirmed, 409, "file_not_checked", "This file was not checked for viruses. Open it only if you trust where it comes from: ask for it with unchecked=true; that is kept."},
	{document.ErrBadReview, 400, "bad_review", "A rejection needs a reason code and a message for the customer; an acceptance has neither."},
	{document.ErrSuperseded, 409, "superseded", "A newer version was uploaded meanwhile. Look at that one."},
	{export.ErrUnknownSection, 404, "not_found", ""},
	{export.ErrUnknownFormat, 400, "unknown_format", "format must be csv or json."},
	{export.ErrBadRange, 400, "bad_range", "The range ends before it begins."},
}

// From is the problem of an error. Unknown errors become a plain 500 without
// their cause; a database that cannot be reached becomes a 503.
func From(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		copied := *p
		return &copied
	}
	for _, r := range rules {
		if errors.Is(err, r.err) {
			if r.status == http.StatusNotFound {
				return NotFound()
			}
			if r.status == http.StatusServiceUnavailable {
				return Unavailable(r.code, r.detail)
			}
			return New(r.status, r.code, r.detail)
		}
	}
	var taken *desk.ClaimedError
	var invalid *knowledge.InvalidError
	var edit *taxonomy.EditError
	var field *change.InvalidError
	var held *change.OwnedError
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &taken):
		return New(http.StatusConflict, "already_claimed", "Already claimed by "+taken.By+".")
	case errors.As(err, &invalid):
		return New(http.StatusBadRequest, "invalid_field", "One field cannot be accepted.", Field{invalid.Field, invalid.Reason})
	case errors.As(err, &field):
		return New(http.StatusBadRequest, "invalid_field", fieldName(field.Field)+" "+field.Reason+".", Field{field.Field, field.Reason})
	case errors.As(err, &held):
		detail := fieldName(held.Field) + " is kept by another system (" + held.Source + "). Change it there."
		if held.Released {
			detail = fieldName(held.Field) + " is kept by another system (" + held.Source + "). Change it there, or take its reference away here first."
		}
		return New(http.StatusConflict, "held_elsewhere", detail, Field{held.Field, "is kept by " + held.Source})
	case errors.As(err, &edit):
		return New(http.StatusBadRequest, "bad_step", edit.Detail)
	case errors.As(err, &tooBig):
		return New(http.StatusRequestEntityTooLarge, "body_too_large", "The request is larger than "+strconv.FormatInt(tooBig.Limit>>10, 10)+" KiB. Send less at once.")
	case errors.Is(err, context.Canceled):
		return New(499, "client_closed_request", "The caller went away.")
	case unavailable(err):
		return Unavailable("temporarily_unavailable", "We cannot reach our database right now. Nothing you sent is lost if you keep it; try again in a few seconds.")
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable("took_too_long", "This took longer than we allow. Keep what you sent and try again in a few seconds.")
	case unusable(err):
		return New(http.StatusBadRequest, "unusable_value", "A text or number in the request cannot be stored: texts may not hold the character U+0000, numbers must be of a sensible size.")
	}
	return New(http.StatusInternalServerError, "internal_error", "Something on our side went wrong. Try again; if it stays, tell support the request id.")
}

// fieldName is a field as the start of a sentence.
func fieldName(name string) string {
	name = strings.TrimSuffix(strings.ReplaceAll(name, "_", " "), " id")
	return strings.ToUpper(name[:1]) + name[1:]
}

// unavailable reports whether the database could not be reached or is starting.
func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &connect), pgconn.SafeToRetry(err):
		return true
	case errors.As(err, &pg):
		switch pg.Code[:2] {
		case "08", "53", "57": // connection, resources, operator intervention
			return true
		}
	}
	return isClosed(err)
}

// unusable reports whether the database refused a value no column can hold.
func unusable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "22021", "22P05", "22001", "22003", "22008": // encoding, untranslatable, too long, out of range, no such time
		return true
	}
	return false
}

func isClosed(err error) bool {
	text := err.Error()
	for _, part := range []string{"unexpected EOF", "connection reset", "broken pipe", "conn closed", "closed pool"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

type contextKey struct{}

// WithRequestID keeps the id problems and logs name.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// RequestID is the request's id, or empty.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(contextKey{}).(string)
	return id
}

// NewRequestID is a fresh short id.
func NewRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// Write answers with the error's problem, and logs the cause of what is ours.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	p := From(err)
	p.RequestID = RequestID(r.Context())
	p.Instance = r.URL.Path
	p.Type = "https://usher.dev/problems/" + p.Code
	if p.Status >= 500 {
		slog.ErrorContext(r.Context(), "request failed", "error", err, "code", p.Code, "method", r.Method, "path", r.URL.Path)
	}
	body, marshalErr := json.Marshal(p)
	if marshalErr != nil {
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal_error","request_id":""}`)
	}
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}
