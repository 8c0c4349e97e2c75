package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/usherdesk/usher"

// layer is one row of the import table: which folders it covers and what its
// code may never import. The first row that covers a package counts. Folders
// and import paths match themselves and everything below them.
type layer struct {
	name    string
	folders []string
	deny    []string
}

var (
	edges   = []string{"portal/api", "portal/identity", "portal/problem", "portal/stream", "portal/web"}
	http    = []string{"github.com/gin-gonic/gin", "github.com/oapi-codegen"}
	vendors = []string{"github.com/sashabaranov/go-openai", "github.com/slack-go/slack", "github.com/coreos/go-oidc", "github.com/go-jose/go-jose", "golang.org/x/oauth2", "github.com/crewjam/saml"}

	layers = []layer{
		{"wiring", []string{"cmd"}, nil},
		{"tools", []string{"deploy"}, []string{"knowledge", "triage", "portal", "integrations", "cmd"}},
		{"schema", []string{"migrations"}, join([]string{"knowledge", "triage", "portal", "integrations", "cmd"}, http, vendors)},
		{"knowledge", []string{"knowledge"}, join([]string{"triage", "portal", "integrations", "cmd"}, http, vendors)},
		{"onboarding", []string{"portal/onboarding"}, join([]string{"triage", "integrations", "cmd"}, edges, http, vendors)},
		{"triage", []string{"triage"}, join([]string{"integrations", "cmd"}, edges, http, vendors)},
		{"edges", []string{"portal"}, join([]string{"integrations", "cmd"}, vendors)},
		{"integrations", []string{"integrations"}, []string{"portal/api", "portal/web", "cmd"}},
	}

	// Integrations may not import one another. These are no integrations: what
	// several of them need, with nothing of any outside system in it.
	sharedByIntegrations = []string{"integrations/contracttest", "integrations/egress", "integrations/webhook/signature"}

	// A vendor's SDK is for its own adapter and that one's fake.
	sdks = map[string]string{
		"github.com/sashabaranov/go-openai": "integrations/openai",
		"github.com/slack-go/slack":         "integrations/slack",
		"github.com/coreos/go-oidc":         "integrations/oidc",
		"github.com/go-jose/go-jose":        "integrations/oidc",
		"github.com/crewjam/saml":           "integrations/saml",
	}
)

// TestImports keeps the layers: a package imports lower ones only. Test files
// may import anything; what they share lives in packages named …test or …fake,
// which nothing else may import.
func TestImports(t *testing.T) {
	t.Parallel()
	imports := productImports(t)
	covered := map[string]int{}
	var wrong []string
	for _, folder := range slices.Sorted(maps.Keys(imports)) {
		row := slices.IndexFunc(layers, func(l layer) bool { return within(folder, l.folders) })
		require.NotEqual(t, -1, row, "%s belongs to no layer: name it in the table above", folder)
		covered[layers[row].name]++
		for _, imported := range imports[folder] {
			if why := forbidden(folder, layers[row], imported); why != "" {
				wrong = append(wrong, folder+" imports "+imported+": "+why)
			}
		}
	}
	require.Empty(t, wrong)
	for _, name := range []string{"wiring", "schema", "knowledge", "triage", "edges", "integrations"} {
		require.Positive(t, covered[name], "no package found in layer %s: is the test looking at the right folder?", name)
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		folder, imported string
		forbidden        bool
	}{
		"knowledge may not import triage":                 {"knowledge/search", "triage", true},
		"triage may import knowledge":                     {"triage/answer", "knowledge/search", false},
		"triage may import onboarding":                    {"triage/status", "portal/onboarding", false},
		"onboarding may not import triage":                {"portal/onboarding", "triage", true},
		"a domain package may not know gin":               {"triage", "github.com/gin-gonic/gin", true},
		"a domain package may not know a vendor's SDK":    {"knowledge/embed", "github.com/sashabaranov/go-openai", true},
		"an edge may not import an integration":           {"portal/api", "integrations/slack", true},
		"an edge may import a domain package":             {"portal/api", "triage/desk", false},
		"an integration may not import another":           {"integrations/slack", "integrations/hubspot", true},
		"an integration may import its own packages":      {"integrations/slack/slackfake", "integrations/slack", false},
		"an integration may use what several share":       {"integrations/slack", "integrations/webhook/signature", false},
		"an integration may not use another's SDK":        {"integrations/hubspot", "github.com/slack-go/slack", true},
		"an integration uses its own SDK":                 {"integrations/slack", "github.com/slack-go/slack/socketmode", false},
		"an integration may not import the API":           {"integrations/slack", "portal/api", true},
		"the product may not import test code":            {"triage", "migrations/dbtest", true},
		"the product may not import fakes":                {"cmd/usher", "integrations/slack/slackfake", true},
		"test code may import test code":                  {"knowledge/knowledgetest", "migrations/dbtest", false},
		"the schema may not import what stands on it":     {"migrations/localpg", "knowledge", true},
		"a name that only begins like another is another": {"triage", "github.com/gin-gonic/ginger", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := slices.IndexFunc(layers, func(l layer) bool { return within(test.folder, l.folders) })
			require.Equal(t, test.forbidden, forbidden(test.folder, layers[row], test.imported) != "")
		})
	}
}

// forbidden says why a package in a layer may not import another; paths inside
// the module are relative to it. It returns "" when it may.
func forbidden(folder string, row layer, imported string) string {
	if within(imported, row.deny) {
		return "a package of layer " + row.name + " may not"
	}
	if forTests(imported) && !forTests(folder) {
		return "that is for tests"
	}
	if system := integration(folder); system != "" && within(imported, []string{"integrations"}) &&
		system != integration(imported) && !within(imported, sharedByIntegrations) {
		return "integrations do not know one another"
	}
	for sdk, owner := range sdks {
		if within(imported, []string{sdk}) && !within(folder, []string{owner, "cmd"}) {
			return "that SDK is for " + owner
		}
	}
	return ""
}

// integration is the outside system a folder adapts: "slack".
func integration(folder string) string {
	parts := strings.Split(folder, "/")
	if parts[0] != "integrations" || len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// forTests reports whether a package is shared by tests only.
func forTests(imported string) bool {
	if strings.Contains(imported, ".") {
		return within(imported, []string{"github.com/stretchr/testify"})
	}
	name := path.Base(imported)
	return strings.HasSuffix(name, "test") || strings.HasSuffix(name, "fake")
}

func within(folder string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return folder == root || strings.HasPrefix(folder, root+"/") })
}

func join(lists ...[]string) []string { return slices.Concat(lists...) }

// productImports lists what the code outside test files imports, by folder,
// standard library left out, paths inside the module relative to it.
func productImports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	require.FileExists(t, filepath.Join(root, "go.mod"))
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin" || name == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		imports[folder] = slices.Clip(imports[folder]) // there, even when it imports nothing
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if inside, ok := strings.CutPrefix(imported, module+"/"); ok {
				imports[folder] = append(imports[folder], inside)
			} else if strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
				imports[folder] = append(imports[folder], imported)
			}
		}
		return nil
	})
	require.NoError(t, err)
	return imports
}
