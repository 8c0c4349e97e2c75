// Package attachment keeps the files people send with messages, both ways.
//
//	upload ─▶ quarantine (bounded, typed by content, hashed) ─▶ scan: clean │ infected │ error
//	   │ the uploader's own: seen and dropped by nobody else        no scanner: not_scanned
//	   ▼
//	message carries it (Take, then Bind, in the message's transaction)
//	   ▼
//	handed out to who may read the message, and only as Allowed says
//
// A file is never read by the assistant and never sent to a model: a person
// looks at it. Package blob keeps the bytes; intake and desk attach files to
// messages and check who may read those.
package attachment
