package api

import (
	"maps"
	"slices"
)

// Declared are the operations whose access is declared.
func Declared() []string { return slices.Sorted(maps.Keys(operations)) }

// Home is where somebody goes after signing in.
var Home = home
