package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/lifecycle"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/rating"
)

func wireRating(r rating.Rating, now time.Time) Rating {
	out := Rating{State: RatingStateAsked, Score: r.Score, Comment: some(r.Comment), OpenUntil: r.OpenUntil}
	switch {
	case now.After(*r.OpenUntil):
		out.State = RatingStateClosed
	case r.Score != nil:
		out.State = RatingStateAnswered
	}
	return out
}

// rated runs fn on the last question of a conversation to the caller.
func (s *Server) rated(ctx context.Context, conversation uuid.UUID, fn onRating) (r rating.Rating, err error) {
	who := actor(ctx)
	if _, err := s.Intake.Conversation(ctx, who, conversation); err != nil {
		return r, err
	}
	err = s.App.WithTenant(ctx, who.TenantID, func(tx pgx.Tx) error {
		if r, err = rating.Latest(ctx, tx, who.TenantID, conversation, who.ID); err != nil {
			return err
		}
		r, err = fn(tx, who, r)
		return err
	})
	return r, err
}

// onRating reads or changes a question to somebody.
type onRating func(tx pgx.Tx, who triage.Actor, r rating.Rating) (rating.Rating, error)

func asIs(_ pgx.Tx, _ triage.Actor, r rating.Rating) (rating.Rating, error) { return r, nil }

// GetRating says whether the caller is asked how a conversation was settled.
func (s *Server) GetRating(ctx context.Context, r GetRatingRequestObject) (GetRatingResponseObject, error) {
	found, err := s.rated(ctx, r.ID, asIs)
	if errors.Is(err, rating.ErrNotAsked) {
		return GetRating200JSONResponse{State: RatingStateNone}, nil
	}
	if err != nil {
		return nil, err
	}
	return GetRating200JSONResponse(wireRating(found, time.Now())), nil
}

// give stores what somebody says of how their matter was settled.
func (s *Server) give(ctx context.Context, tx pgx.Tx, who triage.Actor, of rating.Rating, score int, comment string) (rating.Rating, error) {
	comment, err := s.Intake.Blot(ctx, tx, who, comment)
	if err != nil {
		return of, err
	}
	return s.Ratings.Give(ctx, tx, of.TenantID, of.ID, score, comment)
}

// GiveRating takes what the caller says.
func (s *Server) GiveRating(ctx context.Context, r GiveRatingRequestObject) (GiveRatingResponseObject, error) {
	given, err := s.rated(ctx, r.ID, func(tx pgx.Tx, who triage.Actor, of rating.Rating) (rating.Rating, error) {
		return s.give(ctx, tx, who, of, r.Body.Score, value(r.Body.Comment))
	})
	if err != nil {
		return nil, err
	}
	if err := s.afterRating(ctx, actor(ctx), given, value(r.Body.Help)); err != nil {
		return nil, err
	}
	return GiveRating200JSONResponse(wireRating(given, time.Now())), nil
}

// WithdrawRating takes it back.
func (s *Server) WithdrawRating(ctx context.Context, r WithdrawRatingRequestObject) (WithdrawRatingResponseObject, error) {
	given, err := s.rated(ctx, r.ID, func(tx pgx.Tx, _ triage.Actor, of rating.Rating) (rating.Rating, error) {
		return s.Ratings.Withdraw(ctx, tx, of.TenantID, of.ID)
	})
	if err != nil {
		return nil, err
	}
	if err := s.afterRating(ctx, actor(ctx), given, false); err != nil {
		return nil, err
	}
	return WithdrawRating200JSONResponse(wireRating(given, time.Now())), nil
}

// afterRating wakes the conversation's pages, and hands over to people where the
// customer still needs help: the comment is their message, once for each time they
// say something else.
func (s *Server) afterRating(ctx context.Context, who triage.Actor, r rating.Rating, help bool) error {
	s.Streams.Notify(conversationTopic(r.TenantID, r.ConversationID))
	if !help {
		return nil
	}
	_, err := s.Intake.AskForPerson(ctx, who, r.ConversationID, intake.Post{Text: r.Comment, ClientKey: fmt.Sprintf("rating:help:%s:%d", r.ID, r.Changes)})
	return err
}

// mailed runs fn on the question a link names, and returns who was asked.
func (s *Server) mailed(ctx context.Context, token string, fn onRating) (r rating.Rating, who triage.Actor, err error) {
	tenant, id, err := s.RatingLinks.Read(token)
	if err != nil {
		return r, who, err
	}
	err = s.App.WithTenant(ctx, tenant, func(tx pgx.Tx) error {
		if r, err = rating.ByID(ctx, tx, tenant, id); errors.Is(err, rating.ErrNotAsked) {
			return rating.ErrBadLink // erased meanwhile
		}
		if err != nil {
			return err
		}
		who = triage.Actor{Kind: triage.ActorCustomer, ID: r.UserID, TenantID: tenant}
		err := tx.QueryRow(ctx, `select display_name, roles, departments, locale, coalesce(time_zone, '') from users where tenant_id = $1 and id = $2 and state <> 'deactivated'`,
			tenant, r.UserID).Scan(&who.Name, &who.Roles, &who.Departments, &who.Locale, &who.TimeZone)
		if errors.Is(err, pgx.ErrNoRows) {
			return rating.ErrBadLink
		}
		if err != nil {
			return err
		}
		r, err = fn(tx, who, r)
		return err
	})
	return r, who, err
}

func mailedRating(r rating.Rating, who triage.Actor) Rating {
	out := wireRating(r, time.Now())
	out.Language = some(who.Locale)
	return out
}

// GetMailedRating is the question a mail links to.
func (s *Server) GetMailedRating(ctx context.Context, r GetMailedRatingRequestObject) (GetMailedRatingResponseObject, error) {
	found, who, err := s.mailed(ctx, r.Token, asIs)
	if err != nil {
		return nil, err
	}
	return GetMailedRating200JSONResponse(mailedRating(found, who)), nil
}

// GiveMailedRating answers it.
func (s *Server) GiveMailedRating(ctx context.Context, r GiveMailedRatingRequestObject) (GiveMailedRatingResponseObject, error) {
	given, who, err := s.mailed(ctx, r.Token, func(tx pgx.Tx, who triage.Actor, of rating.Rating) (rating.Rating, error) {
		return s.give(ctx, tx, who, of, r.Body.Score, value(r.Body.Comment))
	})
	if err != nil {
		return nil, err
	}
	if err := s.afterRating(ctx, who, given, value(r.Body.Help)); err != nil {
		return nil, err
	}
	return GiveMailedRating200JSONResponse(mailedRating(given, who)), nil
}

// WithdrawMailedRating takes it back.
func (s *Server) WithdrawMailedRating(ctx context.Context, r WithdrawMailedRatingRequestObject) (WithdrawMailedRatingResponseObject, error) {
	given, who, err := s.mailed(ctx, r.Token, func(tx pgx.Tx, _ triage.Actor, of rating.Rating) (rating.Rating, error) {
		return s.Ratings.Withdraw(ctx, tx, of.TenantID, of.ID)
	})
	if err != nil {
		return nil, err
	}
	if err := s.afterRating(ctx, who, given, false); err != nil {
		return nil, err
	}
	return WithdrawMailedRating200JSONResponse(mailedRating(given, who)), nil
}

// GetRatings adds up what customers said.
func (s *Server) GetRatings(ctx context.Context, r GetRatingsRequestObject) (GetRatingsResponseObject, error) {
	days, now := value(r.Params.Days), time.Now()
	if days < 1 || days > 365 {
		days = 90
	}
	var sum rating.Summary
	names := map[string]string{}
	err := s.Worker.WithSystem(ctx, "a curator looks at ratings", func(tx pgx.Tx) (err error) {
		if sum, err = rating.Summarize(ctx, tx, now.AddDate(0, 0, -days), now, value(r.Params.Tenant)); err != nil {
			return err
		}
		names, err = tenantNames(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := GetRatings200JSONResponse{
		Days: days, Total: wireRatingCount(sum.Total), By: wireRatingCounts(sum.By), Agents: wireRatingCounts(sum.Agents), Teams: wireRatingCounts(sum.Teams),
		Topics: wireRatingCounts(sum.Topics), Tenants: wireRatingCounts(sum.Tenants), Weeks: wireRatingCounts(sum.Weeks), Skipped: sum.Skipped,
	}
	for i, t := range out.Tenants {
		out.Tenants[i].Name = names[t.Name]
	}
	return out, nil
}

func wireRatingCounts(counts []rating.Count) []RatingCount {
	out := make([]RatingCount, len(counts))
	for i, c := range counts {
		out[i] = wireRatingCount(c)
	}
	return out
}

func wireRatingCount(c rating.Count) RatingCount {
	low, high := c.Interval()
	return RatingCount{Name: c.Name, Asked: c.Asked, Answered: c.Answered, Content: c.Content, Low: low, High: high, Mean: c.Mean(), Scores: c.Scores[1:]}
}

// ListRatingSettings says whose people are asked.
func (s *Server) ListRatingSettings(ctx context.Context, _ ListRatingSettingsRequestObject) (ListRatingSettingsResponseObject, error) {
	out := ListRatingSettings200JSONResponse{EveryDays: max(s.Ratings.EveryDays, 0), Settings: []RatingSetting{}}
	err := s.Worker.WithSystem(ctx, "a curator looks at rating settings", func(tx pgx.Tx) error {
		settings, err := rating.Settings(ctx, tx)
		for _, x := range settings {
			out.Settings = append(out.Settings, RatingSetting{TenantID: x.TenantID, Name: x.Name, Asks: x.Asks && !s.Ratings.Off, EveryDays: x.EveryDays})
		}
		return err
	})
	return out, err
}

// PutRatingSetting asks a tenant's people, or does not.
func (s *Server) PutRatingSetting(ctx context.Context, r PutRatingSettingRequestObject) (PutRatingSettingResponseObject, error) {
	err := s.Worker.WithTenant(ctx, r.Tenant, func(tx pgx.Tx) error {
		if _, err := lifecycle.StateOf(ctx, tx, r.Tenant); err != nil {
			return err
		}
		if err := rating.Set(ctx, tx, r.Tenant, r.Body.Asks, r.Body.EveryDays); err != nil {
			return err
		}
		return triage.Audit(ctx, tx, r.Tenant, actor(ctx), "ratings.set", "", map[string]any{"asks": r.Body.Asks, "every_days": r.Body.EveryDays})
	})
	if err != nil {
		return nil, err
	}
	return PutRatingSetting204Response{}, nil
}
