package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/slack-go/slack"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// The app's home is a person's own queue. What they narrow it to is kept.

// Filters of the home. All is the value that narrows nothing.
const (
	homeTenant   = "home_tenant"
	homePriority = "home_priority"
	homeTeam     = "home_team"
	homeAll      = "all"
)

// publishHome shows a person's own queue in the app's home.
func (in *Inbound) publishHome(ctx context.Context, user string) error {
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab}
	asked, err := in.askedOf(ctx, user)
	if err != nil {
		return err
	}
	actor, err := in.staff(ctx, user)
	if err == nil {
		err = in.desk.MayWork(ctx, actor)
	}
	switch {
	case err != nil && !forPerson(err):
		return err
	case err != nil && len(asked) > 0: // they see what they are asked, and nothing else
	case err != nil:
		view.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(plain(explain(err), 500), nil, nil)}
	default:
		if view.Blocks.BlockSet, err = in.home(ctx, actor); err != nil {
			return err
		}
	}
	view.Blocks.BlockSet = append(asked, view.Blocks.BlockSet...)
	_, err = in.client.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
	return in.client.err(ctx, "publish home", err)
}

func (in *Inbound) home(ctx context.Context, actor triage.Actor) ([]slack.Block, error) {
	filter, err := in.homeFilter(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	narrow, err := in.narrow(ctx, filter)
	if err != nil {
		return nil, err
	}
	blocks := []slack.Block{narrow}
	for _, section := range []struct{ view, title string }{
		{"breaching", "Due soon or overdue"}, {"mine", "Mine"}, {"unassigned", "Nobody's"}, {"waiting", "Waiting"}, {"snoozed", "Snoozed"},
	} {
		filter.View, filter.Staff = section.view, actor.ID
		rows, err := in.desk.Queue(ctx, filter, triage.Page{Limit: 8})
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, slack.NewHeaderBlock(plain(section.title, 150)))
		if len(rows) == 0 {
			blocks = append(blocks, slack.NewContextBlock("", mrkdwn("None.")))
		}
		blocks = append(blocks, in.rows(rows)...)
	}
	return blocks, nil
}

// narrow are the three menus above the queue.
func (in *Inbound) narrow(ctx context.Context, f desk.Filter) (slack.Block, error) {
	tenants, err := in.desk.TenantsLike(ctx, "", 99)
	if err != nil {
		return nil, err
	}
	people := []option{{homeAll, "All customers"}}
	for _, t := range tenants {
		people = append(people, option{t.ID.String(), t.Name})
	}
	names, err := in.teams(ctx)
	if err != nil {
		return nil, err
	}
	teams := []option{{homeAll, "All teams"}}
	for _, name := range names {
		teams = append(teams, option{name, words(name)})
	}
	priorities := []option{{homeAll, "All priorities"}, {"urgent", "Urgent"}, {"high", "High"}, {"normal", "Normal"}, {"low", "Low"}}
	chosenTenant := ""
	if f.TenantID != uuid.Nil {
		chosenTenant = f.TenantID.String()
	}
	chosenPriority := ""
	if len(f.Priorities) > 0 {
		chosenPriority = string(f.Priorities[0])
	}
	return slack.NewActionBlock("home", menu(homeTenant, chosenTenant, people), menu(homePriority, chosenPriority, priorities), menu(homeTeam, f.Team, teams)), nil
}

func menu(id, initial string, list []option) *slack.SelectBlockElement {
	element := selection(id, initial, list)
	if element.InitialOption == nil {
		element.InitialOption = element.Options[0]
	}
	return element
}

func (in *Inbound) teams(ctx context.Context) ([]string, error) {
	rows, err := in.db.Pool().Query(ctx, `select distinct unnest(teams) as team from staff where state <> 'deactivated' order by team limit 99`)
	if err != nil {
		return nil, fmt.Errorf("slack: read teams: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("slack: read teams: %w", err)
	}
	// An option's value has at most 75 characters.
	return slices.DeleteFunc(names, func(n string) bool { return n == "" || len(n) > 75 }), nil
}

func (in *Inbound) homeFilter(ctx context.Context, staff uuid.UUID) (desk.Filter, error) {
	var f desk.Filter
	var tenant *uuid.UUID
	var priority triage.Priority
	err := in.db.Pool().QueryRow(ctx, `select customer, priority, team from home_filters where staff_id = $1`, staff).Scan(&tenant, &priority, &f.Team)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return f, fmt.Errorf("slack: read home filter: %w", err)
	}
	if tenant != nil {
		f.TenantID = *tenant
	}
	if priority != "" {
		f.Priorities = []triage.Priority{priority}
	}
	return f, nil
}

// filtered keeps what somebody chose above their queue, and shows the queue again.
func (in *Inbound) filtered(ctx context.Context, call interactionCall) error {
	actor, err := in.staff(ctx, call.User.ID)
	if err != nil {
		if forPerson(err) {
			return in.publishHome(ctx, call.User.ID)
		}
		return err
	}
	a := call.Actions[0]
	value := a.SelectedOption.Value
	if value == homeAll {
		value = ""
	}
	column, kept := map[string]string{homeTenant: "customer", homePriority: "priority", homeTeam: "team"}[a.ActionID], "$2::text"
	switch column {
	case "":
		return nil
	case "customer": // one that was erased meanwhile narrows nothing
		kept = "(select id from tenants where id::text = $2)"
	}
	_, err = in.db.Pool().Exec(ctx, `insert into home_filters (staff_id, `+column+`) select $1, `+kept+`
		on conflict (staff_id) do update set `+column+` = excluded.`+column, actor.ID, value)
	if err != nil {
		return fmt.Errorf("slack: keep home filter: %w", err)
	}
	return in.publishHome(ctx, call.User.ID)
}
