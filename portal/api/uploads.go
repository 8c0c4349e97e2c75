package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage"
	inspect "github.com/usherdesk/usher/triage/guard"
)

// UploadArticle makes a draft of a file.
func (s *Server) UploadArticle(ctx context.Context, r UploadArticleRequestObject) (UploadArticleResponseObject, error) {
	release, err := s.transfers.take(actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	defer release()
	sp := space(r.Params.Tenant)
	level := knowledge.Level(value(r.Params.Audience))
	if level == "" {
		level = knowledge.Customer
		if sp.IsShared() {
			level = knowledge.Public
		}
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, importer.MaxUpload+1))
	if err != nil {
		return nil, unreadable(err)
	}
	item, err := importer.File(r.Params.FileName, data, level)
	if err != nil {
		return nil, problem.New(http.StatusUnprocessableEntity, "unreadable_file", fmt.Sprintf("This file %s.", triage.Line(err.Error(), 300)))
	}
	if item.Locale == "" {
		item.Locale = value(r.Params.Locale)
	}
	origin := knowledge.Origin{Name: importer.UploadSource, Kind: "files"}
	id, outcome, err := s.Curation.Upload(ctx, sp, origin, item, value(r.Params.Overwrite), actor(ctx).ID)
	if err != nil {
		return nil, err
	}
	if outcome == knowledge.Edited {
		return nil, problem.New(http.StatusConflict, "edited_by_hand", "The article made of this file was edited by hand since. Upload it once more to replace the edit with a new draft, or give the file another name.")
	}
	err = s.Worker.WithSystem(ctx, "a curator uploads an article", func(tx pgx.Tx) error {
		return triage.AuditOperator(ctx, tx, actor(ctx), "article.upload", id.String(), map[string]any{"file": triage.Line(item.ExternalID, 200), "outcome": outcome, "space": sp.String()})
	})
	if err != nil {
		return nil, err
	}
	article, err := s.adminArticle(ctx, sp, id)
	if err != nil {
		return nil, err
	}
	return UploadArticle200JSONResponse{Article: article, Outcome: UploadedArticleOutcome(outcome), Signals: list(inspect.InspectPassage(item.Content.Title + "\n" + item.Content.Body).Signals)}, nil
}

// unreadable is a body that broke off or is too long.
func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return problem.New(http.StatusUnprocessableEntity, "unreadable_file", fmt.Sprintf("This file is larger than %d MB.", importer.MaxUpload>>20))
	}
	return fmt.Errorf("read upload: %w", err)
}
