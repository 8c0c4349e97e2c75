// Package document takes customers' uploads in and keeps their versions.
//
//	upload ─▶ quarantine (bytes stored, hashed, typed by content, bounded)
//	            │ scan: clean │ infected │ error;  no scanner: not_scanned, held
//	            ▼
//	         version N+1 ─▶ review: accepted │ rejected (codes, customer's text, internal text)
//
// A version never changes after it was submitted. Nothing is handed out that is
// not scanned clean and visible to who asks; what they may not see is not found.
// Package blob keeps the bytes. Without a scanner every upload is honestly "not
// scanned" and held for staff.
package document
