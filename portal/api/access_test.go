package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every operation of the generated interface declares who may call it, and
// nothing else is declared.
func TestEveryOperationDeclaresItsAccess(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "api.gen.go", nil, 0)
	require.NoError(t, err)
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "StrictServerInterface" {
			return true
		}
		for _, method := range spec.Type.(*ast.InterfaceType).Methods.List {
			found[method.Names[0].Name] = true
		}
		return false
	})
	require.GreaterOrEqual(t, len(found), 40)
	for operation := range found {
		require.Contains(t, operations, operation)
	}
	require.Len(t, operations, len(found))
}
