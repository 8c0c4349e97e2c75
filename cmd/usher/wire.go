package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/integrations/feeds"
	"github.com/usherdesk/usher/integrations/openai"
	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/webhook"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/gap"
	"github.com/usherdesk/usher/knowledge/health"
	"github.com/usherdesk/usher/knowledge/index"
	"github.com/usherdesk/usher/knowledge/lapse"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/knowledge/switchover"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/portal/identity"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/portal/onboarding/source"
	"github.com/usherdesk/usher/portal/stream"
	"github.com/usherdesk/usher/portal/usage"
	"github.com/usherdesk/usher/portal/web"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/confirm"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/procedure"
	"github.com/usherdesk/usher/triage/proof"
	"github.com/usherdesk/usher/triage/proposal"
	"github.com/usherdesk/usher/triage/rating"
	"github.com/usherdesk/usher/triage/sla"
	"github.com/usherdesk/usher/triage/taxonomy"
	"github.com/usherdesk/usher/triage/topic"
	"github.com/usherdesk/usher/triage/upkeep"
)

// application is everything, joined. What a process does with it depends on its
// roles.
type application struct {
	config     config
	log        *slog.Logger
	app        *tenantdb.DB
	worker     *tenantdb.DB
	jobs       *river.Client[pgx.Tx]
	streams    *stream.Hub
	engine     *taxonomy.Engine
	models     *switchover.Registry
	external   []knowledge.Embedder
	receivers  []receiver
	indexer    *index.Indexer
	searcher   *search.Searcher
	curation   *knowledge.Service
	identity   *identity.Service
	confirm    *confirm.Service // nil without e-mail
	desk       *desk.Service
	intake     *intake.Service
	assistant  *assistant.Assistant
	knowledge  assistant.FromKnowledge
	status     assistant.Status
	procedures *procedure.Service
	actions    *action.Service
	sources    *source.Reader
	rules      *rule.Engine
	standing   *feed.Feed // says how onboardings stand
	feeds      *feeds.Inbound
	documents  documents
	notices    *slack.Notices // nil without Slack
	usage      *usage.Counter
	webhooks   *webhook.Service
	ratings    *rating.Service
	proposals  *proposal.Service
	upkeep     *upkeep.Service
	health     *health.Service
	topics     *topic.Service
	websites   *site.Service
	mail       *email.Service // nil without e-mail
	handler    http.Handler

	offered         []knowledge.Embedder // configured, in use or not
	modelClassifies assistant.Classifier // of the configured model, in use or not; nil: none
	modelAnswers    assistant.Answerer
}

// build opens the database and joins the parts.
func build(ctx context.Context, c config, log *slog.Logger) (*application, error) {
	a := &application{config: c, log: log, streams: stream.New(stream.Config{Log: log})}
	var err error
	if a.app, err = tenantdb.Open(ctx, c.AppURL, tenantdb.Config{}); err != nil {
		return nil, err
	}
	if a.worker, err = tenantdb.Open(ctx, c.WorkerURL, tenantdb.Config{}); err != nil {
		a.app.Close()
		return nil, err
	}
	if err := a.join(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *application) close() {
	if a.sources != nil {
		a.sources.Stop()
	}
	if a.documents.close != nil {
		if err := a.documents.close(); err != nil {
			a.log.Warn("closing the documents' folder failed", "error", err)
		}
	}
	a.app.Close()
	a.worker.Close()
}

func (a *application) wake(tenant, conversation uuid.UUID) {
	a.streams.Notify(tenant.String() + "/" + conversation.String())
}

func (a *application) join() error {
	workers := river.NewWorkers()
	outside, err := outsideOf(a.config)
	if err != nil {
		return err
	}
	if a.jobs, err = newJobs(a.worker.Pool(), workers, a.config.has("worker"), outside.periodic(), a.log); err != nil {
		return fmt.Errorf("set up jobs: %w", err)
	}
	a.engine = taxonomy.NewEngine(a.worker.Pool(), a.log)
	a.usage = usage.New(a.worker, nil)
	live := a.config.Engine == "openai"
	model := newModel(a.config, a.worker, a.usage)
	if a.offered, err = embedders(a.config, model); err != nil {
		return err
	}
	if live {
		a.external = a.offered
	}
	a.models = switchover.New(a.worker, a.offered...)
	a.indexer = index.New(a.worker, a.models)
	a.searcher = search.New(a.worker, a.models, search.Config{})
	a.curation = knowledge.New(a.worker, a.jobs, knowledge.Config{})
	a.knowledge = assistant.FromKnowledge{Search: a.searcher, Inspect: inspectPassage}
	classifies, answers := assistant.Classifier(classifier{a.engine}), assistant.Answerer(a.knowledge)
	if model != nil && a.config.OpenAI.ChatModel != "" {
		written := a.knowledge
		written.Model = openai.Composer(model)
		a.modelAnswers = forTenant{written}
		a.modelClassifies = modelFirst{openai.Classifier(model, taxonomyValues(a.worker)), classifies, a.log}
		if live {
			classifies, answers = a.modelClassifies, a.modelAnswers
		}
	}
	if a.sources, err = a.connectSources(); err != nil {
		return err
	}
	records := newLive(a.worker, a.sources)
	records.confidential = a.config.ConfirmIntents
	a.status = records

	a.webhooks = webhook.New(webhook.Config{DB: a.worker, Jobs: a.jobs, Log: a.log})
	webhook.AddWorkers(workers, a.webhooks)
	a.desk = desk.New(desk.Config{
		DB: a.worker, Jobs: a.jobs, Channel: outside.channel, CRMs: outside.crms, Off: outside.off,
		Drafts: drafter{db: a.worker, status: a.status, knowledge: a.knowledge, publicURL: a.config.PublicURL},
		TicketURL: func(tenant, ticket uuid.UUID, _ int64) string {
			return fmt.Sprintf("%s/agent/tickets/%s/%s", a.config.PublicURL, tenant, ticket)
		},
		Files: fileBytes{a}, Clocks: sla.New(nil), Stage: stageOf, Events: a.webhooks, Approval: a.approvalCard, Other: replayOther, Outage: a.tellOnCall(), Tell: a.tellStaff, AutoAssign: a.config.AutoAssign,
		Wake: a.wake, Log: a.log,
	})
	if err := a.connectActions(workers); err != nil {
		return err
	}
	a.procedures = &procedure.Service{DB: a.worker, Look: lookUp(a.status), Actions: a.actions}
	a.ratings = rating.New(rating.Config{
		DB: a.worker, Desk: a.desk, Events: a.webhooks, EveryDays: a.config.Ratings.EveryDays, Off: a.config.Ratings.Off, Wake: a.wake,
		Mail: func() rating.Mail {
			if a.mail == nil {
				return nil
			}
			return a.mail
		},
	})
	rating.AddWorkers(workers, a.ratings)
	if a.config.Mail.on() { // codes go by mail
		a.confirm = confirm.New(a.config.Secret, a.jobs, nil)
	}
	a.intake = intake.New(a.app, a.jobs, a.desk, a.wake)
	a.intake.Codes = a.confirm
	books := bookkeeping{db: a.worker, articles: a.curation}
	config := assistant.Config{
		DB: a.worker, Classifier: classifies, Status: a.status, Answerer: answers, Guard: inspector{},
		Desk: a.desk, Gaps: books, Usage: books, Procedures: a.procedures, Wake: a.wake, Log: a.log,
	}
	if a.confirm != nil {
		config.Codes = a.confirm
	}
	a.assistant = assistant.New(config)

	assistant.AddWorkers(workers, a.assistant)
	desk.AddWorkers(workers, a.desk)
	index.AddWorkers(workers, a.indexer, a.jobs)
	switchover.AddWorkers(workers, a.models)
	a.proposals = &proposal.Service{DB: a.worker, Search: a.searcher, Articles: a.curation}
	proposal.AddWorkers(workers, a.proposals)
	a.upkeep = upkeep.New(upkeep.Config{DB: a.worker, Jobs: a.jobs, Engine: a.engine, Pipeline: a.pipelineOf, Log: a.log})
	upkeep.AddWorkers(workers, a.upkeep)
	witness := &proof.Reader{DB: a.worker}
	proof.AddWorkers(workers, witness, a.curation)
	a.health = &health.Service{DB: a.worker, Articles: a.curation, Witnesses: []health.Witness{witness, templateNames{a.worker}}}
	health.AddWorkers(workers, a.health)
	if err := a.connectWebsites(workers); err != nil {
		return err
	}
	a.topics = &topic.Service{DB: a.worker, Models: a.models, Gaps: a.curation, Jobs: a.jobs}
	topic.AddWorkers(workers, a.topics)
	gap.AddWorkers(workers, gap.New(a.worker, a.models))
	if a.documents, err = a.connectDocuments(workers); err != nil {
		return err
	}
	if a.mail, err = a.connectMail(workers); err != nil {
		return err
	}
	if a.mail != nil {
		confirm.AddWorkers(workers, a.confirm, a.worker, a.mail)
	}
	if a.mail != nil {
		lapse.AddWorkers(workers, &lapse.Service{DB: a.worker, Jobs: a.jobs, Mail: a.mail, PublicURL: a.config.PublicURL})
		if a.config.has("worker") {
			a.jobs.PeriodicJobs().AddMany(lapse.PeriodicJobs())
		}
	}
	a.identity = a.newIdentity()
	identity.AddWorkers(workers, a.identity)
	if a.mail != nil && a.config.has("worker") {
		a.jobs.PeriodicJobs().AddMany(identity.PeriodicJobs())
	}
	river.AddWorker(workers, &sweepKeysWorker{db: a.worker, identity: a.identity, usage: a.usage})
	mounts := append(outside.inbound(a, workers), mailMount(a.mail)...)
	hooked, err := a.connectFeeds(workers)
	if err != nil {
		return err
	}
	mounts = append(mounts, hooked...)
	mounts = append(mounts, newProviders(a.config).saml.Mount)
	if a.config.has("api") {
		return a.serveAPI(mounts)
	}
	return nil
}

// newIdentity lets people in: at their organisation's provider, by links, and by
// links they ask for where mail can be sent.
func (a *application) newIdentity() *identity.Service {
	c := identity.Config{Provider: newProviders(a.config).byProtocol(), PublicURL: a.config.PublicURL, Confirm: a.confirm}
	if a.mail != nil {
		c.Jobs, c.Mailer = a.jobs, a.mail
	}
	return identity.New(a.app, a.worker, c)
}

func (a *application) tester() tester {
	return tester{db: a.worker, engine: a.engine, status: a.status, knowledge: a.knowledge, curation: a.curation, procedures: a.procedures}
}

// pipelineOf answers with a classifier in the place of the one in use.
func (a *application) pipelineOf(engine *taxonomy.Engine) eval.Pipeline {
	t := a.tester()
	t.engine = engine
	return api.Pipeline(t, nil, nil)
}

func (a *application) serveAPI(mounts []func(gin.IRouter)) error {
	spec, err := portal.SpecJSON()
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newGauges(a))
	a.handler, err = api.New(api.Config{
		App: a.app, Worker: a.worker, Identity: a.identity, Intake: a.intake, Desk: a.desk,
		Knowledge: knowledge.New(a.app, nil, knowledge.Config{}), Curation: a.curation, Search: search.New(a.app, a.models, search.Config{}),
		Onboarding: newLive(a.app, a.sources), Sources: a.sources, Rules: a.rules, Feed: a.standing, Reviews: reviewer{a.worker, a.rules},
		Procedures: a.procedures, Actions: a.actions, Proposals: a.proposals, Ratings: a.ratings, RatingLinks: rating.NewLinks(a.config.Secret),
		Documents: a.documents.customers, AllDocuments: a.documents.staff, Attachments: a.documents.sent, AllAttachments: a.documents.attachments,
		Tester: a.tester(), Switches: switches{a}, Upkeep: a.upkeep, Topics: a.topics, Websites: a.websites, Usage: a.usage,
		Webhooks: endpoints{a.webhooks}, Streams: a.streams, Spec: spec, Web: web.Handler(web.Config{EmbedOrigins: a.config.EmbedOrigins}), Mounts: mounts,
		Health:  a.health,
		Metrics: registry, Registerer: registry, PublicURL: a.config.PublicURL, TrustedProxies: a.config.TrustedProxies,
		Version: version, Log: a.log,
	})
	return err
}
