// Package api serves the HTTP contract in ../openapi.yaml.
//
// api.gen.go is generated from the contract; handlers implement its strict
// interface, are thin, and return errors, which package problem turns into
// responses. Who may call an operation is declared in access.go; an operation
// that is not declared there is refused, and a test finds it.
package api
