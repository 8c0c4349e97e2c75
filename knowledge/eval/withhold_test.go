package eval_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge/eval"
)

func TestNearTakesOverlappingCutsAlong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "corpus.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"a","title":"A","text":"Open the settings page and choose the team tab. Then invite your colleagues by their e-mail address."}
{"id":"a2","title":"","text":"Then invite your colleagues by their e-mail address. The invitation is valid for seven days and works once."}
{"id":"b","title":"B","text":"Invoices are under billing. Each of them is a document that you can download and keep for your records."}
`), 0o600))
	near, err := eval.Near(path, []string{"a"})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"a": true, "a2": true}, near)
	none, err := eval.Near(path, []string{"elsewhere"})
	require.NoError(t, err)
	require.Empty(t, none)
}
