package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/clamd"
	"github.com/usherdesk/usher/integrations/s3"
	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/portal/onboarding/document"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/triage/attachment"
)

// documentsConfig says where customers' files lie and who looks for malware.
type documentsConfig struct {
	S3        s3.Config
	Clamd     string
	Unscanned bool // customers get files of messages that nothing looked at
}

func documentSettings() documentsConfig {
	return documentsConfig{
		S3: s3.Config{
			Endpoint: setting("USHER_S3_ENDPOINT"), Region: setting("USHER_S3_REGION"), Bucket: setting("USHER_S3_BUCKET"),
			AccessKey: setting("USHER_S3_ACCESS_KEY"), SecretKey: setting("USHER_S3_SECRET_KEY"),
		},
		Clamd: setting("USHER_CLAMD_ADDR"), Unscanned: setting("USHER_UNSCANNED_FILES") == "deliver",
	}
}

// documents takes files in for customers and shows them to staff: those that are
// asked for, and those that messages carry.
type documents struct {
	customers   *document.Service
	staff       *document.Service
	sent        *attachment.Service // of customers' messages
	attachments *attachment.Service // of everybody's
	close       func() error
}

// connectDocuments opens the store of files. A process that neither serves nor
// works needs none.
func (a *application) connectDocuments(workers *river.Workers) (documents, error) {
	d := documents{close: func() error { return nil }}
	c := a.config.Documents
	if a.config.Dir == "" && c.S3.Bucket == "" || !a.config.has("api") && !a.config.has("worker") {
		return d, nil
	}
	var blobs blob.Store
	if c.S3.Bucket != "" {
		store, err := s3.New(c.S3)
		if err != nil {
			return d, fmt.Errorf("USHER_S3_…: %w", err)
		}
		blobs = store
	} else {
		folder, err := blob.OpenFolder(filepath.Join(a.config.Dir, "documents"))
		if err != nil {
			return d, err
		}
		blobs, d.close = folder, folder.Close
	}
	var scanner blob.Scanner
	if c.Clamd != "" {
		scanner = &clamd.Client{Address: c.Clamd}
	}
	d.customers = document.New(a.app, blobs, scanner, a.jobs, document.Config{})
	d.staff = document.New(a.worker, blobs, scanner, a.jobs, document.Config{})
	document.AddWorkers(workers, d.staff)
	config := attachment.Config{Unscanned: c.Unscanned, Tell: a.desk.Noted, Checked: a.desk.FileChecked}
	d.sent = attachment.New(a.app, blobs, scanner, a.jobs, a.wake, config)
	d.attachments = attachment.New(a.worker, blobs, scanner, a.jobs, a.wake, config)
	attachment.AddWorkers(workers, d.attachments)
	return d, nil
}

// reviewer implements api.Reviewer: the rules tell the customer.
type reviewer struct {
	db    *tenantdb.DB
	rules *rule.Engine
}

func (r reviewer) Review(ctx context.Context, tenant uuid.UUID, review document.Review) error {
	return r.db.WithSystem(ctx, "staff decide about a document", func(tx pgx.Tx) error {
		return document.Decide(ctx, tx, r.rules, tenant, review)
	})
}

// filesOf is nil where there is no store of files, not an interface of nothing.
func filesOf(s *attachment.Service) slack.Files {
	if s == nil {
		return nil
	}
	return s
}

// fileBytes reads files for the desk, which is made before what keeps them.
type fileBytes struct{ a *application }

// Read implements desk.Bytes.
func (f fileBytes) Read(ctx context.Context, file attachment.File) (io.ReadCloser, error) {
	return f.a.documents.attachments.Read(ctx, file)
}
