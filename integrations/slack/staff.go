package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
)

// errUnmapped says a person in Slack may not act. Its text is for that person.
var errUnmapped = errors.New("you cannot act on tickets from Slack: ask an admin to add you to Usher with the e-mail address you use here")

// userFor is how long what Slack says about a person is believed. It is short:
// who was deactivated must not act.
const userFor = time.Minute

type cachedUser struct {
	user slack.User
	at   time.Time
}

// user reads a person from Slack.
func (c *Client) user(ctx context.Context, id string) (slack.User, error) {
	c.mu.Lock()
	known, ok := c.users[id]
	c.mu.Unlock()
	if ok && c.now().Sub(known.at) < userFor {
		return known.user, nil
	}
	user, err := c.api.GetUserInfoContext(ctx, id)
	if isError(err, "user_not_found") || isError(err, "user_not_visible") || isError(err, "users_not_found") {
		return slack.User{}, errUnmapped
	}
	if err != nil {
		return slack.User{}, c.err(ctx, "read user", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.users) > 10_000 {
		clear(c.users)
	}
	c.users[id] = cachedUser{*user, c.now()}
	return *user, nil
}

// home is the workspace and the bot the token belongs to.
func (c *Client) home(ctx context.Context) (team, bot string, err error) {
	c.mu.Lock()
	team, bot = c.team, c.bot
	c.mu.Unlock()
	if team != "" {
		return team, bot, nil
	}
	answer, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return "", "", c.err(ctx, "read own identity", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.team, c.bot = answer.TeamID, answer.BotID
	return c.team, c.bot, nil
}

// member reads a full member of our own workspace. Guests, people of other
// organisations, bots and deactivated accounts are nobody.
func (c *Client) member(ctx context.Context, id string) (slack.User, error) {
	user, err := c.user(ctx, id)
	if err != nil {
		return slack.User{}, err
	}
	team, _, err := c.home(ctx)
	if err != nil {
		return slack.User{}, err
	}
	if user.Deleted || user.IsBot || user.IsRestricted || user.IsUltraRestricted || user.IsStranger || user.IsInvitedUser || user.TeamID != "" && user.TeamID != team {
		return slack.User{}, errUnmapped
	}
	return user, nil
}

// staff maps a person in Slack to a member of staff: by explicit link, or by
// the e-mail address the workspace vouches for.
func (in *Inbound) staff(ctx context.Context, slackID string) (triage.Actor, error) {
	user, err := in.client.member(ctx, slackID)
	if err != nil {
		return triage.Actor{}, err
	}
	actor := triage.Actor{Kind: triage.ActorStaff, TimeZone: user.TZ, Locale: user.Locale}
	email := strings.ToLower(strings.TrimSpace(user.Profile.Email))
	var linked *string
	err = in.db.Pool().QueryRow(ctx, `select id, display_name, roles, slack_user_id from staff
		where state <> 'deactivated' and (slack_user_id = $1 or (slack_user_id is null and email_normalized = $2 and $2 <> ''))
		order by slack_user_id nulls last limit 1`, slackID, email).Scan(&actor.ID, &actor.Name, &actor.Roles, &linked)
	if errors.Is(err, pgx.ErrNoRows) {
		return triage.Actor{}, errUnmapped
	}
	if err != nil {
		return triage.Actor{}, fmt.Errorf("slack: map user: %w", err)
	}
	if linked == nil {
		// Remembered, so that a person stays themselves when an address changes hands.
		if _, err := in.db.Pool().Exec(ctx, `update staff set slack_user_id = $2 where id = $1 and slack_user_id is null`, actor.ID, slackID); err != nil {
			return triage.Actor{}, fmt.Errorf("slack: remember user: %w", err)
		}
	}
	return actor, nil
}
