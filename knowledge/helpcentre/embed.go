// Package helpcentre is the demo operator's help centre: Usher's own
// documentation for customers, agents, curators and operators, and one article
// of each demo tenant's own. Front matter names audience, slug and tenant.
package helpcentre

import "embed"

// Files holds the articles as Markdown with YAML front matter. Articles below
// tenants/<slug>/ belong to that tenant alone.
//
//go:embed customers agents curators operators tenants
var Files embed.FS
