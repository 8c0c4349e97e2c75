package main

import (
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/website"
	"github.com/usherdesk/usher/knowledge/site"
)

// connectWebsites takes websites in as articles, from where curators' sources may
// be read.
func (a *application) connectWebsites(workers *river.Workers) error {
	guard, err := outsideGuard()
	if err != nil {
		return err
	}
	a.websites = site.New(site.Config{
		DB: a.worker, Jobs: a.jobs, Articles: a.curation, Web: website.New(website.Config{About: a.config.PublicURL}, guard), Inspect: inspectPassage,
	})
	site.AddWorkers(workers, a.websites)
	return nil
}
