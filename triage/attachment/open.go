package attachment

import (
	"context"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding/blob"
	"github.com/usherdesk/usher/triage"
)

// Allowed says whether somebody who may read the message may have its file, too:
//
//	clean        everybody
//	infected     nobody; the bytes are gone
//	pending      nobody yet, but whoever sent it
//	not_scanned, error   whoever sent it; staff who confirm; customers only where
//	             the operator lets unscanned files through
func (s *Service) Allowed(f File, by triage.Actor, confirmed bool) error {
	kind, id := of(by)
	own := id != nil && f.UploaderID != nil && *f.UploaderID == *id && f.UploaderKind == kind
	switch {
	case f.State == blob.Infected || f.key == "":
		return ErrInfected
	case f.State == blob.Clean || own:
		return nil
	case f.State == blob.Pending:
		return blob.ErrHeld
	case by.Staff() && confirmed, !by.Staff() && s.config.Unscanned && f.State == blob.NotScanned:
		return nil
	case by.Staff():
		return ErrUnconfirmed
	}
	return blob.ErrHeld
}

// Open hands a file out to somebody who may read its message. A member of staff
// who opens an unchecked one is kept in the audit.
func (s *Service) Open(ctx context.Context, f File, by triage.Actor, confirmed bool) (blob.Content, error) {
	if err := s.Allowed(f, by, confirmed); err != nil {
		return blob.Content{}, err
	}
	if by.Staff() && f.State != blob.Clean {
		err := s.db.WithTenant(ctx, f.TenantID, func(tx pgx.Tx) error {
			return triage.Audit(ctx, tx, f.TenantID, by, "attachment.opened_unscanned", f.ID.String(), map[string]any{"state": f.State})
		})
		if err != nil {
			return blob.Content{}, wrap("open attachment", err)
		}
	}
	content, err := blob.HandOut(ctx, s.blobs, f.key, blob.Content{FileName: f.Name, ContentType: f.ContentType, Size: f.Size})
	return content, wrap("open attachment", err)
}

// previewBytes is how much of a text file is shown in place.
const previewBytes = 4 << 10

// Preview is the beginning of a checked plain text, for people to look at; ""
// for every other file. Nothing else is ever read out of a file.
func (s *Service) Preview(ctx context.Context, f File) (string, error) {
	if f.State != blob.Clean || !strings.HasPrefix(f.ContentType, "text/") && f.ContentType != "application/json" || f.key == "" {
		return "", nil
	}
	body, err := s.blobs.Open(ctx, f.key)
	if err != nil {
		return "", wrap("preview attachment", err)
	}
	defer body.Close()
	head, err := io.ReadAll(io.LimitReader(body, previewBytes))
	if err != nil {
		return "", wrap("preview attachment", err)
	}
	for cut := 0; cut < utf8.UTFMax && len(head) > 0 && !utf8.Valid(head); cut++ {
		head = head[:len(head)-1]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(head), "�"), "\x00", ""), nil
}

// Read gives a file's bytes to what carries them further, an outgoing mail.
func (s *Service) Read(ctx context.Context, f File) (io.ReadCloser, error) {
	body, err := s.blobs.Open(ctx, f.key)
	return body, wrap("read attachment", err)
}
