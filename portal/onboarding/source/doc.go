// Package source keeps what outside systems last said about a tenant, so that no
// customer's question ever calls one.
//
// A Source reads one record from an outside system. Reader turns readings into
// Snapshots: a fresh one is returned as it is; an old one is returned at once,
// with its age, while one call refreshes it; only the very first reading of a
// record is waited for, and not for long. However many people ask on however
// many nodes, a record is read at most once per window, and a source that is
// slow, failing or limiting is spared:
//
//	          Get                     refresh (one per record, by a lease in the database)
//	fresh ────────────▶ value            │
//	stale ────────────▶ value + age ─────┤ budget per source → circuit → Fetch, time-limited
//	absent ───────────▶ ErrAbsent        │   ok      → fresh until max age
//	nothing yet ──────▶ waits a little ──┘   absent  → remembered for NegativeAge
//	                    or ErrUnavailable    error   → old value kept, next try backs off
//
// Webhooks call Put with what they carry or Invalidate when they only say that
// something changed. A reading never replaces a newer one.
package source
