package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/portal/onboarding/export"
	"github.com/usherdesk/usher/triage/topic"
)

func weeksOf(n *int) int {
	if weeks := value(n); weeks >= 2 && weeks <= 12 {
		return weeks
	}
	return 8
}

// GetTopics lists what customers ask about.
func (s *Server) GetTopics(ctx context.Context, r GetTopicsRequestObject) (GetTopicsResponseObject, error) {
	if err := s.Topics.Soon(ctx); err != nil {
		return nil, err
	}
	starts, trends, err := s.Topics.Trends(ctx, r.Params.TenantID, weeksOf(r.Params.Weeks), time.Now())
	if err != nil {
		return nil, err
	}
	out := TopicList{Weeks: starts, Topics: make([]Topic, len(trends))}
	for i, t := range trends {
		out.Topics[i] = Topic{
			ID: t.ID, Name: t.Name, Intent: t.Intent, Since: t.Since, Weeks: t.Weeks, Count: t.Count, Alone: t.Alone, Again: t.Again,
			Tenants: t.Tenants, Change: t.Change(), Examples: list(t.Examples), GapID: t.Gap,
		}
		if t.Article != nil {
			out.Topics[i].Article = &struct {
				ID    uuid.UUID `json:"id"`
				Title string    `json:"title"`
			}{t.Article.ID, t.Article.Title}
		}
	}
	return GetTopics200JSONResponse(out), nil
}

// DownloadTopics writes topics as a table.
func (s *Server) DownloadTopics(ctx context.Context, r DownloadTopicsRequestObject) (DownloadTopicsResponseObject, error) {
	starts, trends, err := s.Topics.Trends(ctx, r.Params.TenantID, weeksOf(r.Params.Weeks), time.Now())
	if err != nil {
		return nil, err
	}
	return topicTable{s, ctx, starts, trends}, nil
}

type topicTable struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the strict interface hands the writer over without one
	starts []time.Time
	trends []topic.Trend
}

// VisitDownloadTopicsResponse implements DownloadTopicsResponseObject. Customers'
// words are not in it: it leaves the house.
func (t topicTable) VisitDownloadTopicsResponse(w http.ResponseWriter) error {
	name := "topics-" + time.Now().UTC().Format(time.DateOnly) + ".csv"
	return t.server.download(t.ctx, w, "text/csv; charset=utf-8; header=present", name, func(out io.Writer) error {
		table := csv.NewWriter(out)
		head := []string{"topic", "intent"}
		for _, start := range t.starts {
			head = append(head, "week of "+start.UTC().Format(time.DateOnly))
		}
		_ = table.Write(append(head, "questions", "answered without a person", "asked again", "organisations", "change")) // Flush tells
		for _, x := range t.trends {
			row := []string{export.Cell(x.Name), export.Cell(x.Intent)}
			for _, n := range append(append([]int{}, x.Weeks...), x.Count, x.Alone, x.Again, x.Tenants, x.Change()) {
				row = append(row, strconv.Itoa(n))
			}
			_ = table.Write(row)
		}
		table.Flush()
		return table.Error()
	})
}
