package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/integrations/website"
	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/site"
	"github.com/usherdesk/usher/portal/api"
)

func TestACuratorTakesAWebsiteIn(t *testing.T) {
	t.Parallel()
	var text atomic.Value
	text.Store("Five days.")
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<html lang=en><body><main><h1>Help</h1><p><a href="/refunds">Refunds</a></p></main></body></html>`)
		case "/refunds":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<html lang=en><body><main><h1>Refunds</h1><p>%s</p></main></body></html>`, text.Load())
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(host.Close)
	var sites *site.Service
	b := setup(t, func(c *api.Config) {
		sites = site.New(site.Config{
			DB: c.Worker, Articles: c.Curation, Pause: time.Millisecond,
			Web: website.New(website.Config{}, egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		})
		c.Websites = sites
	})
	path := "/v1/admin/sources"
	call := func(method, path, body string, status int, out any) {
		t.Helper()
		kind := ""
		if body != "" {
			kind = "application/json"
		}
		response, got := b.do(t, method, path, cleo, body, kind)
		require.Equal(t, status, response.StatusCode, got)
		if out != nil {
			require.NoError(t, json.Unmarshal([]byte(got), out))
		}
	}
	var added api.KnowledgeSource
	tenant := "?tenant=" + b.acme.String()
	call(http.MethodPost, path+tenant, `{"url":"`+host.URL+`","cadence":"weekly","publish":true}`, http.StatusCreated, &added)
	require.Equal(t, "website", added.Kind)
	require.Equal(t, api.WebsiteCadence("weekly"), *added.Website.Cadence)
	require.InDelta(t, 7*24*time.Hour, time.Until(*added.NextSyncAt), float64(time.Minute))
	call(http.MethodPost, path+tenant, `{"url":"`+host.URL+`/#again"}`, http.StatusConflict, nil)
	call(http.MethodPost, path, `{"url":"not an address"}`, http.StatusBadRequest, nil)
	one := path + "/" + added.ID.String()
	call(http.MethodPost, one, `{"act":"sync"}`, http.StatusNotFound, nil) // in the shared space there is no such source

	again, err := sites.Work(t.Context(), knowledge.Of(b.acme), added.ID)
	require.NoError(t, err)
	require.Zero(t, again)
	var listed struct{ Sources []api.KnowledgeSource }
	call(http.MethodGet, path+tenant, "", http.StatusOK, &listed)
	require.Len(t, listed.Sources, 1)
	require.Equal(t, 2, listed.Sources[0].Added)
	require.NotNil(t, listed.Sources[0].LastSyncAt)
	require.Equal(t, map[string]int{"ok": 2}, listed.Sources[0].Status.Pages)
	require.False(t, listed.Sources[0].Status.Running)

	var pages struct {
		Pages []api.WebsitePage
		More  bool
	}
	call(http.MethodGet, one+"/pages"+tenant+"&state=ok&after="+url.QueryEscape(host.URL+"/"), "", http.StatusOK, &pages)
	require.Len(t, pages.Pages, 1)
	require.Equal(t, api.WebsitePageArticleState("published"), *pages.Pages[0].ArticleState)
	article := pages.Pages[0].ArticleID.String()
	call(http.MethodPut, "/v1/admin/articles/"+article+tenant, `{"title":"Refunds","body":"Seven, by hand.","audience":{"level":"customer"}}`, http.StatusOK, nil)
	text.Store("Six days.")
	_, err = sites.Work(t.Context(), knowledge.Of(b.acme), added.ID)
	require.NoError(t, err)
	call(http.MethodGet, one+"/pages"+tenant+"&state=conflict", "", http.StatusOK, &pages)
	require.Len(t, pages.Pages, 1)
	settle := fmt.Sprintf(`{"url":%q,"choice":"page"}`, pages.Pages[0].URL)
	call(http.MethodPost, one+"/pages"+tenant, settle, http.StatusNoContent, nil)
	call(http.MethodPost, one+"/pages"+tenant, settle, http.StatusConflict, nil)
	var got api.AdminArticle
	call(http.MethodGet, "/v1/admin/articles/"+article+tenant, "", http.StatusOK, &got)
	require.Equal(t, "Six days.", *got.Body)

	call(http.MethodPost, one+tenant, `{"act":"pause"}`, http.StatusOK, &added)
	require.True(t, added.Status.Paused)
	call(http.MethodPost, one+tenant, `{"act":"sync"}`, http.StatusConflict, nil)
	call(http.MethodPost, one+tenant, `{"act":"resume"}`, http.StatusOK, &added)
	call(http.MethodPut, one+tenant, `{"url":"`+host.URL+`","include":["/refunds"],"cadence":"hourly"}`, http.StatusOK, &added)
	require.Equal(t, []string{"/refunds"}, *added.Website.Include)
	call(http.MethodPut, one+tenant, `{"url":"`+host.URL+`","include":["refunds"]}`, http.StatusBadRequest, nil)
	var removed struct{ Retired int }
	call(http.MethodDelete, one+tenant, "", http.StatusOK, &removed)
	require.Equal(t, 2, removed.Retired)
	call(http.MethodDelete, one+tenant, "", http.StatusNotFound, nil)
	call(http.MethodGet, one+"/pages"+tenant, "", http.StatusNotFound, nil)
	call(http.MethodGet, "/v1/admin/articles/"+article+tenant, "", http.StatusOK, &got)
	require.Equal(t, api.AdminArticleState("retired"), got.State)

	var audited []string
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select action from operator_audit_events where object = $1 order by id`, added.ID.String())
		if err != nil {
			return err
		}
		audited, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	require.Equal(t, []string{"source.add", "source.settle", "source.pause", "source.resume", "source.change", "source.remove"}, audited)
	call(http.MethodDelete, path+"/"+uuid.NewString(), "", http.StatusNotFound, nil)
}
