package answer_test

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/knowledge/helpcentre"
	"github.com/usherdesk/usher/knowledge/importer"
	"github.com/usherdesk/usher/knowledge/knowledgetest"
	"github.com/usherdesk/usher/knowledge/search"
	"github.com/usherdesk/usher/triage/answer"
	"github.com/usherdesk/usher/triage/assistant"
)

//go:embed testdata/helpcentre.jsonl
var questions []byte

// What customers could ask of the shipped help centre, half of it answered
// there, half not though it sounds as if. Nothing was fitted to these questions.
func TestTheHelpCentreIsAnsweredFromAndNotBeyond(t *testing.T) {
	t.Parallel()
	b := knowledgetest.New(t)
	tenant := b.Tenant(t, "acme")
	folder := t.TempDir()
	for _, part := range []string{"customers", "agents", "curators", "operators"} {
		entries, err := helpcentre.Files.ReadDir(part)
		require.NoError(t, err)
		require.NoError(t, os.Mkdir(filepath.Join(folder, part), 0o755))
		for _, e := range entries {
			body, err := helpcentre.Files.ReadFile(part + "/" + e.Name())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, part, e.Name()), body, 0o600))
		}
	}
	_, err := importer.Import(t.Context(), importer.Options{
		Service: b.Service, Path: folder, Source: "help-centre", Space: knowledge.Shared, By: b.Curator,
	})
	require.NoError(t, err)
	_, err = b.Indexer.Stale(t.Context(), knowledge.Shared)
	require.NoError(t, err)
	_, err = b.Models.Retrain(t.Context())
	require.NoError(t, err)

	from := assistant.FromKnowledge{Search: b.Searcher}
	var answerable, answered, cited, right, unanswerable, wrongly int
	lines := bufio.NewScanner(bytes.NewReader(questions))
	for lines.Scan() {
		var q struct {
			Text, Answerability string
			Relevant            []string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &q))
		found, err := from.Find(t.Context(), search.Query{
			Text: q.Text, Limit: 8, Viewer: knowledge.Viewer{TenantID: tenant, Roles: []string{"member"}, Locale: "en"},
		}, "en")
		require.NoError(t, err)
		sent := found.Verdict.Outcome == answer.Send
		if q.Answerability == "unanswerable" {
			unanswerable++
			if sent {
				wrongly++
				t.Logf("answered %.2f: %s", found.Verdict.Answerability, q.Text)
			}
			continue
		}
		answerable++
		if !sent {
			t.Logf("refused %.2f: %s", found.Verdict.Answerability, q.Text)
			continue
		}
		answered++
		slugs := map[uuid.UUID]string{}
		for _, p := range found.Result.Passages {
			slugs[p.ArticleID] = p.Slug
		}
		for _, p := range found.Draft.Cited(found.Request.Passages) {
			cited++
			if slices.Contains(q.Relevant, slugs[p.ArticleID]) {
				right++
			} else {
				t.Logf("cites %s: %s", slugs[p.ArticleID], q.Text)
			}
		}
	}
	t.Logf("answered %d of %d, %d of %d citations right, answered %d of %d that have no answer", answered, answerable, right, cited, wrongly, unanswerable)
	require.GreaterOrEqual(t, answerable, 60)
	require.GreaterOrEqual(t, unanswerable, 60)
	require.GreaterOrEqual(t, float64(answered), 0.7*float64(answerable))
	require.GreaterOrEqual(t, float64(right), 0.9*float64(cited))
	// Above the gate's own aim of one in ten: the floor holds what is reached, see DECISIONS.
	require.LessOrEqual(t, float64(wrongly), 0.15*float64(unanswerable))
}
