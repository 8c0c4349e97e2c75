package slack

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage/desk"
)

// permanent lists errors of Slack that only a person can end, with what to do.
var permanent = map[string]string{
	"invalid_auth":            "Slack refuses the bot token. Check USHER_SLACK_BOT_TOKEN.",
	"not_authed":              "Slack got no bot token. Check USHER_SLACK_BOT_TOKEN.",
	"account_inactive":        "The Slack app's account is not active any more. Install the app again.",
	"token_revoked":           "The Slack token was revoked. Install the app again and set USHER_SLACK_BOT_TOKEN.",
	"token_expired":           "The Slack token has expired. Install the app again and set USHER_SLACK_BOT_TOKEN.",
	"missing_scope":           "The Slack app lacks a permission. Install it again from the manifest.",
	"channel_not_found":       "The Slack channel does not exist or the app is not in it. Check USHER_SLACK_CHANNEL and invite the app.",
	"not_in_channel":          "The Slack app is not in the channel. Invite it there.",
	"is_archived":             "The Slack channel is archived. Set USHER_SLACK_CHANNEL to an active one.",
	"invalid_blocks":          "Slack refused the message's layout.",
	"msg_too_long":            "The message is too long for Slack.",
	"msg_blocks_too_long":     "The message is too long for Slack.",
	"message_not_found":       "The Slack message was deleted.",
	"thread_not_found":        "The ticket's Slack message was deleted.",
	"cant_update_message":     "The Slack message belongs to another app.",
	"restricted_action":       "The workspace does not let the app post in this channel.",
	"storage_limit_reached":   "The Slack workspace has no room for files left.",
	"file_uploads_disabled":   "The Slack workspace takes no files. Set USHER_SLACK_FILE_MB to 0.",
	"file_type_not_allowed":   "The Slack workspace does not take files of this type.",
	"no_permission":           "The Slack app lacks a permission. Install it again from the manifest.",
	"org_login_required":      "The Slack workspace is moving to an organisation; try again later.",
	"team_access_not_granted": "The Slack app was not granted access to this workspace.",
}

// classify puts a Slack error into the desk's words.
func classify(ctx context.Context, err error) error {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		after := limited.RetryAfter
		if after <= 0 {
			after = time.Second
		}
		return &desk.TemporaryError{After: after, Safe: "Slack limits how often we may call it; waiting.", Err: err}
	}
	var answer slack.SlackErrorResponse
	if errors.As(err, &answer) {
		switch answer.Err {
		case "ratelimited", "rate_limited":
			return &desk.TemporaryError{After: time.Second, Safe: "Slack limits how often we may call it; waiting.", Err: err}
		}
		if safe, ok := permanent[answer.Err]; ok {
			return &desk.PermanentError{Safe: safe, Err: err}
		}
		return &desk.TemporaryError{Safe: "Slack could not do it just now.", Err: err}
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		if status.Code == 429 {
			return &desk.TemporaryError{After: time.Second, Safe: "Slack limits how often we may call it; waiting.", Err: err}
		}
		return &desk.TemporaryError{Safe: "Slack had an error of its own.", Err: err}
	}
	if cause := context.Cause(ctx); cause != nil {
		return &desk.TemporaryError{Safe: "Slack did not answer in time.", Err: errors.Join(cause, err)}
	}
	return &desk.TemporaryError{Safe: "Slack could not be reached.", Err: err}
}

func isError(err error, code string) bool {
	var answer slack.SlackErrorResponse
	return errors.As(err, &answer) && answer.Err == code
}
