// Package lifecycle takes a customer from a signed contract to live and out
// again.
//
//	signed contract ─▶ provisioning ─▶ active ─▶ live ─▶ offboarding ─▶ erased
//	                                     │ ▲       │ ▲        ▲
//	                                     ▼ │       ▼ │        │
//	                                   suspended ───────────────
//
// Provision makes the workspace in one transaction: tenant, invited people,
// project from a template, SLA targets, CRM reference. However often and in
// whatever order the news of a contract arrives, there is one workspace, and none
// for a contract cancelled before it was signed. GoLive is a checked transition.
//
// Templates are data: versions are added, published ones never change. Everything
// runs on the worker's role, in the caller's transaction.
package lifecycle
