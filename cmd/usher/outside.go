package main

import (
	"github.com/gin-gonic/gin"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/triage/desk"
)

// outside is what the configuration connects: agents' channel and CRMs, and the
// reasons for what is off.
type outside struct {
	channel desk.Channel
	crms    []desk.CRM
	off     []desk.Destination
}

func outsideOf(config) outside {
	var o outside
	o.off = append(o.off,
		desk.Destination{Name: "slack", Why: "USHER_SLACK_BOT_TOKEN is not set: agents work in the console instead."},
		desk.Destination{Name: "hubspot", Why: "USHER_HUBSPOT_TOKEN is not set: tickets are not mirrored to HubSpot."},
		desk.Destination{Name: "salesforce", Why: "USHER_SALESFORCE_DOMAIN is not set: tickets are not mirrored to Salesforce."})
	return o
}

// list is every destination with its state.
func (o outside) list() []desk.Destination {
	return desk.New(desk.Config{Channel: o.channel, CRMs: o.crms, Off: o.off}).Destinations()
}

// inbound mounts the routes of what is connected and registers its workers.
func (o outside) inbound(_ *application, _ *river.Workers) []func(gin.IRouter) { return nil }
