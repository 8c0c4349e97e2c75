// Package portal holds the HTTP contract every surface is a client of.
package portal

import (
	_ "embed"
	"fmt"

	"github.com/goccy/go-yaml"
)

//go:embed openapi.yaml
var spec []byte

// SpecJSON is the contract as JSON, as /openapi.json serves it.
func SpecJSON() ([]byte, error) {
	body, err := yaml.YAMLToJSON(spec)
	if err != nil {
		return nil, fmt.Errorf("read the API contract: %w", err)
	}
	return body, nil
}
