package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/integrations/hubspot"
	"github.com/usherdesk/usher/integrations/salesforce"
	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/desk"
)

// outside is what the configuration connects: agents' channel and CRMs, and the
// reasons for what is off.
type outside struct {
	config     config
	channel    desk.Channel
	crms       []desk.CRM
	off        []desk.Destination
	slack      *slack.Client
	hubspot    *hubspot.Client
	salesforce *salesforce.Client
}

func outsideOf(c config) (outside, error) {
	o := outside{config: c}
	switch {
	case c.Slack.BotToken == "":
		o.off = append(o.off, desk.Destination{Name: "slack", Why: "USHER_SLACK_BOT_TOKEN is not set: agents work in the console instead."})
	case c.Slack.Channel == "" || c.Slack.SigningSecret == "" && c.Slack.AppToken == "":
		return o, fmt.Errorf("USHER_SLACK_BOT_TOKEN is set but USHER_SLACK_CHANNEL is not, or neither USHER_SLACK_SIGNING_SECRET nor USHER_SLACK_APP_TOKEN is: set them, or none to work without Slack")
	default:
		o.slack = slack.New(o.slackConfig())
		o.channel = o.slack
	}
	if err := o.connectHubSpot(c.HubSpot); err != nil {
		return o, err
	}
	return o, o.connectSalesforce(c.Salesforce)
}

func (o *outside) connectHubSpot(c hubSpotConfig) error {
	config := hubspot.Config{Token: c.Token, APIURL: c.APIURL, Pipeline: c.Pipeline, PortalID: c.PortalID}
	switch {
	case c.Token == "" && c.RefreshToken == "":
		o.off = append(o.off, desk.Destination{Name: hubspot.System, Why: "USHER_HUBSPOT_TOKEN is not set, nor is USHER_HUBSPOT_REFRESH_TOKEN: tickets are not mirrored to HubSpot."})
		return nil
	case c.Token != "" && c.RefreshToken != "":
		return errors.New("USHER_HUBSPOT_TOKEN and USHER_HUBSPOT_REFRESH_TOKEN are both set: a private app has the first, an OAuth app the second")
	case c.RefreshToken != "" && (c.ClientID == "" || c.ClientSecret == ""):
		return errors.New("USHER_HUBSPOT_REFRESH_TOKEN needs USHER_HUBSPOT_CLIENT_ID and USHER_HUBSPOT_CLIENT_SECRET of the same app")
	case c.RefreshToken != "":
		config.OAuth = &hubspot.OAuth{ClientID: c.ClientID, ClientSecret: c.ClientSecret, RefreshToken: c.RefreshToken}
	}
	var err error
	if config.Stages, err = hubspot.ParseStages(cmp.Or(c.Stages, "new=1,pending=2,open=3,solved=4")); err != nil {
		return fmt.Errorf("USHER_HUBSPOT_STAGES: %w", err)
	}
	o.hubspot = hubspot.New(config)
	o.crms = append(o.crms, o.hubspot)
	return nil
}

func (o outside) slackConfig() slack.Config {
	c := o.config.Slack
	return slack.Config{Token: c.BotToken, Channel: c.Channel, APIURL: c.APIURL, CopyBytes: int64(c.FileMB) * 1_000_000}
}

func (o *outside) connectSalesforce(c salesforceConfig) error {
	if c.Domain == "" {
		o.off = append(o.off, desk.Destination{Name: "salesforce", Why: "USHER_SALESFORCE_DOMAIN is not set: tickets are not mirrored to Salesforce."})
		return nil
	}
	var key []byte
	if c.PrivateKeyFile != "" {
		var err error
		if key, err = os.ReadFile(c.PrivateKeyFile); err != nil {
			return fmt.Errorf("USHER_SALESFORCE_PRIVATE_KEY_FILE: %w", err)
		}
	}
	statuses, err := desk.ParseStates(c.Statuses)
	if err != nil {
		return fmt.Errorf("USHER_SALESFORCE_STATUSES: %w", err)
	}
	priorities, err := desk.ParsePriorities(c.Priorities)
	if err != nil {
		return fmt.Errorf("USHER_SALESFORCE_PRIORITIES: %w", err)
	}
	client, err := salesforce.New(salesforce.Config{
		Domain: c.Domain, ClientID: c.ClientID, ClientSecret: c.ClientSecret, PrivateKey: key, User: c.User,
		ExternalIDField: c.ExternalIDField, APIVersion: c.APIVersion, Statuses: statuses, Priorities: priorities,
	})
	if err != nil {
		return fmt.Errorf("connect Salesforce: %w", err)
	}
	o.salesforce, o.crms = client, append(o.crms, client)
	return nil
}

// checks ask each connected system whether it can be worked with as it is set up,
// with what is said where it can.
func (o outside) checks() map[string]check {
	checks := map[string]check{}
	if o.slack != nil {
		checks[slack.System] = check{o.slack.Check, "the token works and the channel is private"}
	}
	if o.hubspot != nil {
		checks[hubspot.System] = check{o.hubspot.Check, "the token works and the pipeline has the stages"}
	}
	if o.salesforce != nil {
		checks[salesforce.System] = check{o.salesforce.Check, "the login works, and Case has the External Id field, the statuses and the priorities"}
	}
	return checks
}

type check struct {
	ask func(ctx context.Context) error
	ok  string
}

// periodic are the jobs that look outside by themselves.
func (o outside) periodic() []*river.PeriodicJob {
	var jobs []*river.PeriodicJob
	if o.salesforce != nil {
		jobs = append(jobs, salesforce.PeriodicJobs()...)
	}
	if o.config.Mail.From != "" && o.config.Mail.SMTPAddr != "" {
		jobs = append(jobs, email.PeriodicJobs()...)
	}
	return jobs
}

// list is every destination with its state.
func (o outside) list() []desk.Destination {
	return desk.New(desk.Config{Channel: o.channel, CRMs: o.crms, Off: o.off}).Destinations()
}

// inbound mounts the routes of what is connected and registers its workers.
func (o outside) inbound(a *application, workers *river.Workers) (mounts []func(gin.IRouter)) {
	if o.slack != nil {
		var secrets []string // none: nothing that comes over HTTP is believed
		if secret := o.config.Slack.SigningSecret; secret != "" {
			secrets = append(secrets, secret)
		}
		in := slack.NewInbound(slack.InboundConfig{
			Client: o.slack, SigningSecrets: secrets, DB: a.worker, Jobs: a.jobs, Desk: a.desk,
			Articles: forAgents{a.searcher, a.config.PublicURL}, Curation: fromAgents{a.curation, a.config.PublicURL}, Files: filesOf(a.documents.attachments), Approvals: a.actions, Log: a.log,
			ClaimEmoji: o.config.Slack.ClaimEmoji, ResolveEmoji: o.config.Slack.ResolveEmoji,
		})
		slack.AddWorkers(workers, in)
		a.notices = &slack.Notices{Client: o.slack, DB: a.worker, Jobs: a.jobs}
		slack.AddNoticeWorkers(workers, a.notices)
		slack.AddForgetWorkers(workers, o.slack)
		if token := o.config.Slack.AppToken; token != "" {
			a.receivers = append(a.receivers, slack.NewSocket(o.slackConfig(), token, in))
		}
		mounts = append(mounts, in.Mount)
	}
	if o.hubspot != nil && o.config.HubSpot.ClientSecret != "" {
		in := hubspot.NewInbound(hubspot.InboundConfig{
			Secrets: []string{o.config.HubSpot.ClientSecret}, PublicURL: a.config.PublicURL, AppID: o.config.HubSpot.AppID, Deals: len(o.config.HubSpot.WonStages) > 0, DB: a.worker, Jobs: a.jobs, Log: a.log,
		})
		hubspot.AddDealWorkers(workers, &hubspot.Deals{Client: o.hubspot, DB: a.worker, Won: o.config.HubSpot.WonStages, Lost: o.config.HubSpot.LostStages})
		mounts = append(mounts, in.Mount)
	}
	if o.salesforce != nil {
		salesforce.AddWorkers(workers, &salesforce.Poller{Client: o.salesforce, DB: a.worker, Jobs: a.jobs})
	}
	return mounts
}

// fromAgents takes what agents write as a draft that nobody reads before a curator
// has published it.
type fromAgents struct {
	articles  *knowledge.Service
	publicURL string
}

// ProposeArticle implements slack.Curation.
func (f fromAgents) ProposeArticle(ctx context.Context, staff uuid.UUID, title, text string) (string, error) {
	article, err := f.articles.CreateDraft(ctx, knowledge.Shared, knowledge.Draft{
		Content: knowledge.Content{Title: title, Body: text, Audience: knowledge.Audience{Level: knowledge.Agent}}, OwnerID: staff,
	}, staff)
	if err != nil {
		return "", err
	}
	return f.publicURL + "/admin/articles/" + article.ID.String(), nil
}

// forAgents searches the knowledge base with an agent's eyes.
type forAgents struct {
	searcher  *search.Searcher
	publicURL string
}

// SearchArticles implements slack.Articles.
func (f forAgents) SearchArticles(ctx context.Context, query string) ([]desk.Link, error) {
	found, err := f.searcher.Search(ctx, search.Query{Text: query, Viewer: knowledge.Viewer{Staff: true, Roles: []string{"agent"}}, Limit: 5})
	if err != nil {
		return nil, err
	}
	var links []desk.Link
	seen := map[string]bool{}
	for _, p := range found.Passages {
		if !seen[p.Slug] {
			seen[p.Slug] = true
			links = append(links, desk.Link{Title: p.Title, URL: f.publicURL + assistant.ArticleURL(p.Slug, p.Anchor)})
		}
	}
	return links, nil
}
