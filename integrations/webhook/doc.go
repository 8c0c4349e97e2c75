// Package webhook tells a tenant's own systems when its tickets change: signed
// as Standard Webhooks describe, retried for days, stopped where an address is
// gone for good, and never sent to an address inside our own network.
//
// An event carries only what the tenant's customers may see.
package webhook
