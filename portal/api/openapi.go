package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/usherdesk/usher/portal/problem"
	"github.com/usherdesk/usher/triage/action/openapi"
)

// ReadOpenAPI fills actions and sources in from another system's description.
func (s *Server) ReadOpenAPI(_ context.Context, r ReadOpenAPIRequestObject) (ReadOpenAPIResponseObject, error) {
	doc, err := openapi.Read([]byte(r.Body.Document))
	if errors.Is(err, openapi.ErrBadDocument) {
		return nil, problem.New(http.StatusBadRequest, "bad_document", "This is "+strings.TrimSuffix(err.Error(), ".")+".")
	}
	if err != nil {
		return nil, err
	}
	out := ReadOpenAPI200JSONResponse{Title: doc.Title}
	for _, o := range doc.Operations {
		one := struct {
			Action *string        `json:"action,omitempty"`
			Method string         `json:"method"`
			Notes  []string       `json:"notes"`
			Path   string         `json:"path"`
			Source *OfferedSource `json:"source,omitempty"`
			Title  string         `json:"title"`
		}{Method: o.Method, Path: o.Path, Title: o.Title, Notes: list(o.Notes)}
		if o.Action != nil {
			body, err := o.Action.YAML()
			if err != nil {
				return nil, err
			}
			one.Action = &body
		}
		if d := o.Source; d != nil {
			one.Source = &OfferedSource{
				Name: d.Name, BaseURL: d.BaseURL, Path: d.Path, AuthKind: OfferedSourceAuthKind(cmp.Or(d.AuthKind, "none")), AuthName: some(d.AuthName), Fields: d.Fields,
			}
		}
		out.Operations = append(out.Operations, one)
	}
	out.Operations = list(out.Operations)
	return out, nil
}
