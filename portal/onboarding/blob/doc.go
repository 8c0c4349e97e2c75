// Package blob takes strangers' bytes in: bounded, hashed, typed by their
// content, scanned, and never lost sight of. document and triage/attachment
// stand on it; what a file is for and who may have it is theirs to say.
//
//	Begin (the key is written down) ─▶ Take (bytes) ─▶ Keep (their row exists)
//	       └── a process that dies on the way leaves a loose key; Sweep deletes its bytes
//
// Bytes lie in a Store: a folder here, S3 in integrations/s3. A Scanner is a
// port; integrations/clamd is one.
package blob
