package api

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/usherdesk/usher/triage/desk"
)

// GetAccuracy counts how often people agreed with the classification.
func (s *Server) GetAccuracy(ctx context.Context, r GetAccuracyRequestObject) (GetAccuracyResponseObject, error) {
	days := value(r.Params.Days)
	if days < 1 || days > 365 {
		days = 90
	}
	var a desk.Accuracy
	err := s.Worker.WithSystem(ctx, "a curator looks at accuracy", func(tx pgx.Tx) (err error) {
		a, err = desk.AccuracySince(ctx, tx, time.Now().AddDate(0, 0, -days))
		return err
	})
	if err != nil {
		return nil, err
	}
	out := Accuracy{Reviewed: a.Reviewed, Right: a.Right, Ece: float32(a.ECE)}
	for _, i := range a.Intents {
		out.Intents = append(out.Intents, struct {
			Intent   string `json:"intent"`
			Reviewed int    `json:"reviewed"`
			Right    int    `json:"right"`
		}{i.Intent, i.Reviewed, i.Right})
	}
	for _, b := range a.Bins {
		out.Bins = append(out.Bins, struct {
			Confidence float32 `json:"confidence"`
			From       float32 `json:"from"`
			Reviewed   int     `json:"reviewed"`
			Right      int     `json:"right"`
		}{float32(b.Confidence), float32(b.From), b.Reviewed, b.Right})
	}
	for _, c := range a.Confused {
		out.Confused = append(out.Confused, struct {
			Became string `json:"became"`
			Count  int    `json:"count"`
			Was    string `json:"was"`
		}{c.To, c.N, c.From})
	}
	for _, w := range a.Weeks {
		out.Weeks = append(out.Weeks, struct {
			Reviewed int                `json:"reviewed"`
			Right    int                `json:"right"`
			Week     openapi_types.Date `json:"week"`
		}{w.Reviewed, w.Right, openapi_types.Date{Time: w.Week}})
	}
	out.Intents, out.Bins, out.Confused, out.Weeks = list(out.Intents), list(out.Bins), list(out.Confused), list(out.Weeks)
	return GetAccuracy200JSONResponse(out), nil
}
