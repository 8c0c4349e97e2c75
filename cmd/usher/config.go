package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/portal/onboarding/status"
)

// config is the operator's interface: the environment, read once. Packages take
// their own small Config made from it.
type config struct {
	DatabaseURL    string // owner role; empty: a private server under ./.usher
	AppURL         string // runtime roles; default: DatabaseURL with the role and a derived password
	WorkerURL      string
	Secret         string
	Dir            string // where the private server and generated secrets live
	Addr           string
	PublicURL      string
	Roles          []string
	Demo           bool // one-click sign-in links are printed and stay valid
	LogLevel       slog.Level
	TrustedProxies []string
	EmbedOrigins   []string

	Engine     string // builtin, openai
	OpenAI     openAIConfig
	Slack      slackConfig
	HubSpot    hubSpotConfig
	Salesforce salesforceConfig
	Mail       mailConfig
	Documents  documentsConfig
	OnCall     []string // addresses told when a destination takes nothing
	AutoAssign bool
	// ConfirmIntents are the status intents whose asker proves first who they are.
	ConfirmIntents []string
	Ratings        ratingsConfig
}

type openAIConfig struct {
	BaseURL, APIKey, ChatModel, EmbeddingModel string
	EmbeddingDimensions, DailyTokens           int
	Timeout                                    time.Duration
	PricePrompt, PriceOutput, PriceEmbedding   float64 // US dollars per million tokens
}

type slackConfig struct {
	BotToken, AppToken, SigningSecret, Channel, APIURL string
	FileMB                                             int // largest file copied into Slack; 0: none
	ClaimEmoji, ResolveEmoji                           string
}

type ratingsConfig struct {
	Off       bool
	EveryDays int
}

type hubSpotConfig struct {
	Token, ClientID, ClientSecret, RefreshToken string
	AppID, APIURL, Pipeline, Stages, PortalID   string
	WonStages, LostStages                       []string
}

type salesforceConfig struct {
	Domain, ClientID, ClientSecret, PrivateKeyFile, User, ExternalIDField, APIVersion string
	Statuses, Priorities                                                              string
}

// What a new Salesforce org calls states and priorities.
const (
	defaultStatuses   = "new=New,open=Working,solved=Closed"
	defaultPriorities = "urgent=High,high=High,normal=Medium,low=Low"
)

// settings lists every environment variable with what it does and its default:
// the README's table and `usher doctor` are made from it.
var settings = []struct{ Name, Default, Help string }{
	{"DATABASE_URL", "private server under ./.usher", "PostgreSQL ≥ 15 with pgvector ≥ 0.8, as the owner role"},
	{"USHER_APP_DATABASE_URL", "from DATABASE_URL", "the same database as role usher_app"},
	{"USHER_WORKER_DATABASE_URL", "from DATABASE_URL", "the same database as role usher_worker"},
	{"USHER_SECRET", "generated under ./.usher", "long random text; runtime role passwords are derived from it when DATABASE_URL has none"},
	{"USHER_DIR", "./.usher", "folder of the private server and generated secrets"},
	{"USHER_ADDR", "127.0.0.1:8080", "address to serve on; when taken and not set, the next free port"},
	{"USHER_PUBLIC_URL", "http://USHER_ADDR", "address people and webhooks use"},
	{"USHER_ROLE", "api,worker", "which roles this process plays"},
	{"USHER_TRUSTED_PROXIES", "none", "comma-separated networks whose X-Forwarded-For is believed"},
	{"USHER_EMBED_ORIGINS", "none", "comma-separated origins that may show the chat in a frame"},
	{"USHER_LOG_LEVEL", "info", "debug, info, warn or error"},
	{"USHER_ENGINE", "builtin", "builtin, or openai for any OpenAI-compatible server"},
	{"USHER_OPENAI_BASE_URL", "https://api.openai.com/v1", "base URL of the model server"},
	{"USHER_OPENAI_API_KEY", "", "its key; local servers accept any"},
	{"USHER_OPENAI_CHAT_MODEL", "", "model for classification and composition"},
	{"USHER_OPENAI_EMBEDDING_MODEL", "", "model for embeddings; empty: the built-in embedder"},
	{"USHER_OPENAI_EMBEDDING_DIMENSIONS", "by model", "length of its vectors, where the model is not a well-known one"},
	{"USHER_OPENAI_DAILY_TOKENS", "2000000", "budget per tenant and day; past it the built-in engine answers"},
	{"USHER_OPENAI_PRICE_PROMPT", "0", "US dollars per million tokens sent; with it and the next the metrics show what answers cost"},
	{"USHER_OPENAI_PRICE_OUTPUT", "0", "US dollars per million tokens received"},
	{"USHER_OPENAI_PRICE_EMBEDDING", "0", "US dollars per million tokens turned into vectors"},
	{"USHER_OPENAI_TIMEOUT", "20s", "deadline of one model call"},
	{"USHER_SLACK_BOT_TOKEN", "", "xoxb-… of the Slack app; empty: Slack is off"},
	{"USHER_SLACK_APP_TOKEN", "", "xapp-… for Socket Mode; empty: the Events API over HTTP"},
	{"USHER_SLACK_SIGNING_SECRET", "", "checks what Slack sends"},
	{"USHER_SLACK_CHANNEL", "", "id of the private triage channel"},
	{"USHER_SLACK_FILE_MB", "0", "copies files of conversations that passed the virus check into the channel, up to this size; 0: links to the console only"},
	{"USHER_SLACK_CLAIM_EMOJI", "eyes", "name of the reaction by which an agent takes a ticket in Slack; off: none"},
	{"USHER_SLACK_RESOLVE_EMOJI", "white_check_mark", "name of the reaction that solves one; off: none"},
	{"USHER_SLACK_API_URL", "https://slack.com/api/", "for tests and proxies"},
	{"USHER_HUBSPOT_TOKEN", "", "private app token; without it and USHER_HUBSPOT_REFRESH_TOKEN HubSpot is off"},
	{"USHER_HUBSPOT_REFRESH_TOKEN", "", "instead of it, the refresh token of an installed OAuth app, with USHER_HUBSPOT_CLIENT_ID and USHER_HUBSPOT_CLIENT_SECRET"},
	{"USHER_HUBSPOT_CLIENT_ID", "", "of that OAuth app"},
	{"USHER_HUBSPOT_CLIENT_SECRET", "", "checks HubSpot's webhooks; of that OAuth app, where there is one"},
	{"USHER_HUBSPOT_APP_ID", "the app of the webhooks", "the app whose token writes, where another one's webhooks come in: its own changes are not read back"},
	{"USHER_HUBSPOT_PORTAL_ID", "", "account id, for links to HubSpot records; empty: no links"},
	{"USHER_HUBSPOT_API_URL", "https://api.hubapi.com", "for tests and proxies"},
	{"USHER_HUBSPOT_PIPELINE", "0", "ticket pipeline id"},
	{"USHER_HUBSPOT_STAGES", "new=1,pending=2,open=3,solved=4", "pipeline stage of each ticket state"},
	{"USHER_HUBSPOT_WON_STAGES", "", "deal stages that open a workspace, such as closedwon; empty: deals open none"},
	{"USHER_HUBSPOT_LOST_STAGES", "closedlost", "deal stages that end a deal"},
	{"USHER_SALESFORCE_DOMAIN", "", "https://….my.salesforce.com; empty: Salesforce is off"},
	{"USHER_SALESFORCE_CLIENT_ID", "", "connected app's consumer key"},
	{"USHER_SALESFORCE_CLIENT_SECRET", "", "for the client-credentials flow"},
	{"USHER_SALESFORCE_PRIVATE_KEY_FILE", "", "PEM key for the JWT bearer flow"},
	{"USHER_SALESFORCE_USER", "", "user the JWT acts for"},
	{"USHER_SALESFORCE_EXTERNAL_ID", "Usher_Ticket_Id__c", "External Id field of Case"},
	{"USHER_SALESFORCE_API_VERSION", "v68.0", "REST API version"},
	{"USHER_SALESFORCE_STATUSES", defaultStatuses, "Case Status of each ticket state; states left out go where their nearest goes"},
	{"USHER_SALESFORCE_PRIORITIES", defaultPriorities, "Case Priority of each ticket priority"},
	{"USHER_MAIL_FROM", "", "address mail comes from; with USHER_SMTP_ADDR it turns e-mail on"},
	{"USHER_MAIL_FROM_NAME", "", "name beside it"},
	{"USHER_MAIL_REPLY_TO", "USHER_MAIL_FROM", "address answers go to; its server must deliver plus addresses"},
	{"USHER_MAIL_AUTH_SERVER", "", "name of the receiving server in Authentication-Results; empty: no new mail counts as verified"},
	{"USHER_MAIL_WEBHOOK_SECRET", "", "checks mail a provider posts to /email/inbound"},
	{"USHER_SMTP_ADDR", "", "host:port mail leaves by, with USHER_SMTP_USER and USHER_SMTP_PASSWORD"},
	{"USHER_IMAP_ADDR", "", "host:port of the mailbox mail comes into, with USHER_IMAP_USER and USHER_IMAP_PASSWORD"},
	{"USHER_ONCALL", "", "comma-separated addresses that get mail when Slack or a CRM has taken nothing for ten minutes; needs e-mail"},
	{"USHER_AUTO_ASSIGN", "off", "on: each new ticket goes to whoever of its team has least to do; off: agents claim"},
	{"USHER_RATINGS", "on", "off: nobody is asked how a matter was settled; curators switch it off for single customers under Metrics"},
	{"USHER_RATING_EVERY_DAYS", "14", "a person is asked at most once in so many days; 0: whenever something is settled"},
	{"USHER_HOOK_<SOURCE>_SECRETS", "", "secrets of webhooks into onboarding, comma-separated while rotating; sources: contract, docusign, integration, learning, onboarding, onfido, pandadoc, source, stripe, sumsub"},
	{"USHER_S3_BUCKET", "folder USHER_DIR/documents", "bucket for customers' files, with USHER_S3_ENDPOINT, _REGION, _ACCESS_KEY, _SECRET_KEY"},
	{"USHER_CLAMD_ADDR", "", "host:port of a ClamAV daemon; empty: files are held back as not scanned"},
	{"USHER_UNSCANNED_FILES", "hold", "deliver: without a virus check, files of messages reach customers all the same, labelled as not checked; hold: they do not"},
	{"USHER_CONFIRM_INTENTS", strings.Join(status.Confidential, ","), "comma-separated status questions whose asker enters a mailed code first; none: only those that packs, sources and procedures mark"},
	{"USHER_SOURCES", "", "JSON file of outside systems that status packs are answered from"},
	{"USHER_SOURCE_NETWORKS", "none", "comma-separated networks that sources, websites and actions of curators may reach although they are not public, such as 10.0.0.0/8"},
	{"USHER_TESTDATA", "../shared", "folder of public development data, for tests and measurements only"},
}

// emojiName is how Slack writes one in an event, colons left out.
var emojiName = regexp.MustCompile(`^[a-z0-9_+'-]{1,100}$`)

func setting(name string) string {
	if value := strings.TrimSpace(os.Getenv(name)); value != "" {
		return value
	}
	return ""
}

func loadConfig() (config, error) {
	c := config{
		DatabaseURL: setting("DATABASE_URL"), AppURL: setting("USHER_APP_DATABASE_URL"), WorkerURL: setting("USHER_WORKER_DATABASE_URL"),
		Secret: setting("USHER_SECRET"), Dir: cmp.Or(setting("USHER_DIR"), ".usher"),
		Addr: setting("USHER_ADDR"), PublicURL: strings.TrimRight(setting("USHER_PUBLIC_URL"), "/"),
		Roles: split(cmp.Or(setting("USHER_ROLE"), "api,worker")), TrustedProxies: split(setting("USHER_TRUSTED_PROXIES")), EmbedOrigins: split(setting("USHER_EMBED_ORIGINS")),
		Engine: cmp.Or(setting("USHER_ENGINE"), "builtin"),
		OpenAI: openAIConfig{
			BaseURL: setting("USHER_OPENAI_BASE_URL"), APIKey: setting("USHER_OPENAI_API_KEY"),
			ChatModel: setting("USHER_OPENAI_CHAT_MODEL"), EmbeddingModel: setting("USHER_OPENAI_EMBEDDING_MODEL"),
			DailyTokens: 2_000_000, Timeout: 20 * time.Second,
		},
		Slack: slackConfig{
			setting("USHER_SLACK_BOT_TOKEN"), setting("USHER_SLACK_APP_TOKEN"), setting("USHER_SLACK_SIGNING_SECRET"),
			setting("USHER_SLACK_CHANNEL"), setting("USHER_SLACK_API_URL"), 0, cmp.Or(setting("USHER_SLACK_CLAIM_EMOJI"), "eyes"), cmp.Or(setting("USHER_SLACK_RESOLVE_EMOJI"), "white_check_mark"),
		},
		HubSpot: hubSpotConfig{
			Token: setting("USHER_HUBSPOT_TOKEN"), ClientID: setting("USHER_HUBSPOT_CLIENT_ID"), ClientSecret: setting("USHER_HUBSPOT_CLIENT_SECRET"),
			RefreshToken: setting("USHER_HUBSPOT_REFRESH_TOKEN"), AppID: setting("USHER_HUBSPOT_APP_ID"), APIURL: setting("USHER_HUBSPOT_API_URL"),
			Pipeline: setting("USHER_HUBSPOT_PIPELINE"), Stages: setting("USHER_HUBSPOT_STAGES"), PortalID: setting("USHER_HUBSPOT_PORTAL_ID"),
			WonStages: split(setting("USHER_HUBSPOT_WON_STAGES")), LostStages: split(setting("USHER_HUBSPOT_LOST_STAGES")),
		},
		Salesforce: salesforceConfig{
			Domain: setting("USHER_SALESFORCE_DOMAIN"), ClientID: setting("USHER_SALESFORCE_CLIENT_ID"), ClientSecret: setting("USHER_SALESFORCE_CLIENT_SECRET"),
			PrivateKeyFile: setting("USHER_SALESFORCE_PRIVATE_KEY_FILE"), User: setting("USHER_SALESFORCE_USER"),
			ExternalIDField: cmp.Or(setting("USHER_SALESFORCE_EXTERNAL_ID"), "Usher_Ticket_Id__c"), APIVersion: cmp.Or(setting("USHER_SALESFORCE_API_VERSION"), "v68.0"),
			Statuses: cmp.Or(setting("USHER_SALESFORCE_STATUSES"), defaultStatuses), Priorities: cmp.Or(setting("USHER_SALESFORCE_PRIORITIES"), defaultPriorities),
		},
	}
	c.Mail = mailConfig{
		From: setting("USHER_MAIL_FROM"), FromName: setting("USHER_MAIL_FROM_NAME"), ReplyTo: setting("USHER_MAIL_REPLY_TO"),
		AuthServer: setting("USHER_MAIL_AUTH_SERVER"), WebhookSecret: setting("USHER_MAIL_WEBHOOK_SECRET"),
		SMTPAddr: setting("USHER_SMTP_ADDR"), SMTPUser: setting("USHER_SMTP_USER"), SMTPPassword: setting("USHER_SMTP_PASSWORD"),
		IMAPAddr: setting("USHER_IMAP_ADDR"), IMAPUser: setting("USHER_IMAP_USER"), IMAPPassword: setting("USHER_IMAP_PASSWORD"),
	}
	c.Documents = documentSettings()
	c.OnCall = split(setting("USHER_ONCALL"))
	switch c.ConfirmIntents = split(setting("USHER_CONFIRM_INTENTS")); {
	case len(c.ConfirmIntents) == 0:
		c.ConfirmIntents = status.Confidential
	case c.ConfirmIntents[0] == "none":
		c.ConfirmIntents = nil
	}
	var errs []error
	for _, intent := range c.ConfirmIntents {
		if !status.Knows(intent) {
			errs = append(errs, fmt.Errorf("USHER_CONFIRM_INTENTS names %q: use built-in status questions such as signature.status", intent))
		}
	}
	switch assign := cmp.Or(setting("USHER_AUTO_ASSIGN"), "off"); assign {
	case "on", "off":
		c.AutoAssign = assign == "on"
	default:
		errs = append(errs, fmt.Errorf("USHER_AUTO_ASSIGN is %q: use on or off", assign))
	}
	switch ratings := cmp.Or(setting("USHER_RATINGS"), "on"); ratings {
	case "on", "off":
		c.Ratings.Off = ratings == "off"
	default:
		errs = append(errs, fmt.Errorf("USHER_RATINGS is %q: use on or off", ratings))
	}
	if days, err := strconv.Atoi(cmp.Or(setting("USHER_RATING_EVERY_DAYS"), "14")); err != nil || days < 0 || days > 365 {
		errs = append(errs, fmt.Errorf("USHER_RATING_EVERY_DAYS is %q: use a number of days from 0 to 365", setting("USHER_RATING_EVERY_DAYS")))
	} else {
		c.Ratings.EveryDays = days
	}
	if len(c.OnCall) > 0 && (c.Mail.From == "" || c.Mail.SMTPAddr == "") {
		errs = append(errs, errors.New("USHER_ONCALL is set but e-mail is off: set USHER_MAIL_FROM and USHER_SMTP_ADDR too"))
	}
	if level := setting("USHER_LOG_LEVEL"); level != "" {
		errs = append(errs, wrap("USHER_LOG_LEVEL", c.LogLevel.UnmarshalText([]byte(level))))
	}
	if mb := setting("USHER_SLACK_FILE_MB"); mb != "" {
		var err error
		if c.Slack.FileMB, err = strconv.Atoi(mb); err == nil && (c.Slack.FileMB < 0 || c.Slack.FileMB > 1000) {
			err = errors.New("give a number of megabytes from 0 (no copies) to 1000")
		}
		errs = append(errs, wrap("USHER_SLACK_FILE_MB", err))
	}
	for name, emoji := range map[string]string{"USHER_SLACK_CLAIM_EMOJI": c.Slack.ClaimEmoji, "USHER_SLACK_RESOLVE_EMOJI": c.Slack.ResolveEmoji} {
		if !emojiName.MatchString(emoji) {
			errs = append(errs, fmt.Errorf("%s is %q: give the emoji's name as Slack writes it, such as eyes, or off", name, emoji))
		}
	}
	if c.Slack.ClaimEmoji == c.Slack.ResolveEmoji && c.Slack.ClaimEmoji != "off" {
		errs = append(errs, errors.New("USHER_SLACK_CLAIM_EMOJI and USHER_SLACK_RESOLVE_EMOJI are the same: give two emoji"))
	}
	if tokens := setting("USHER_OPENAI_DAILY_TOKENS"); tokens != "" {
		var err error
		c.OpenAI.DailyTokens, err = strconv.Atoi(tokens)
		errs = append(errs, wrap("USHER_OPENAI_DAILY_TOKENS", err))
	}
	c.OpenAI.EmbeddingDimensions = dimensionsOf(c.OpenAI.EmbeddingModel)
	if dimensions := setting("USHER_OPENAI_EMBEDDING_DIMENSIONS"); dimensions != "" {
		var err error
		c.OpenAI.EmbeddingDimensions, err = strconv.Atoi(dimensions)
		errs = append(errs, wrap("USHER_OPENAI_EMBEDDING_DIMENSIONS", err))
	}
	for name, price := range map[string]*float64{"USHER_OPENAI_PRICE_PROMPT": &c.OpenAI.PricePrompt, "USHER_OPENAI_PRICE_OUTPUT": &c.OpenAI.PriceOutput, "USHER_OPENAI_PRICE_EMBEDDING": &c.OpenAI.PriceEmbedding} {
		if text := setting(name); text != "" {
			var err error
			if *price, err = strconv.ParseFloat(text, 64); err == nil && !(*price >= 0 && *price < 1e6) {
				err = errors.New("a price is a number from 0 on")
			}
			errs = append(errs, wrap(name, err))
		}
	}
	if timeout := setting("USHER_OPENAI_TIMEOUT"); timeout != "" {
		var err error
		c.OpenAI.Timeout, err = time.ParseDuration(timeout)
		errs = append(errs, wrap("USHER_OPENAI_TIMEOUT", err))
	}
	if c.Engine != "builtin" && c.Engine != "openai" {
		errs = append(errs, fmt.Errorf("USHER_ENGINE is %q: use builtin or openai", c.Engine))
	}
	if c.Engine == "openai" && c.OpenAI.ChatModel == "" {
		errs = append(errs, errors.New("USHER_ENGINE is openai but USHER_OPENAI_CHAT_MODEL is empty: name the model to use"))
	}
	for _, role := range c.Roles {
		if role != "api" && role != "worker" {
			errs = append(errs, fmt.Errorf("USHER_ROLE names %q: use api, worker or both", role))
		}
	}
	if c.PublicURL != "" {
		if parsed, err := url.Parse(c.PublicURL); err != nil || parsed.Host == "" {
			errs = append(errs, fmt.Errorf("USHER_PUBLIC_URL is %q: use an address like https://support.example.com", c.PublicURL))
		}
	}
	return c, errors.Join(errs...)
}

func (c config) has(role string) bool {
	for _, held := range c.Roles {
		if held == role {
			return true
		}
	}
	return false
}

// roleURLs fills the runtime roles' addresses from the owner's.
func (c *config) roleURLs() (err error) {
	if c.AppURL == "" {
		if c.AppURL, err = migrations.RoleURL(c.DatabaseURL, c.Secret, migrations.AppRole); err != nil {
			return err
		}
	}
	if c.WorkerURL == "" {
		if c.WorkerURL, err = migrations.RoleURL(c.DatabaseURL, c.Secret, migrations.WorkerRole); err != nil {
			return err
		}
	}
	return nil
}

// listen opens the address to serve on. The default port moves on when taken;
// one the operator named does not.
func (c *config) listen() (net.Listener, error) {
	if c.Addr != "" {
		listener, err := net.Listen("tcp", c.Addr)
		if err != nil {
			return nil, fmt.Errorf("cannot serve on %s (USHER_ADDR): %w", c.Addr, err)
		}
		return listener, nil
	}
	var last error
	for port := 8080; port < 8100; port++ {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return listener, nil
		}
		last = err
	}
	return nil, fmt.Errorf("ports 8080 to 8099 are taken; set USHER_ADDR to a free address: %w", last)
}

func split(list string) (parts []string) {
	for _, part := range strings.Split(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
