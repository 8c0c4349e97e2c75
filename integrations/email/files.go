package email

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/wneessen/go-mail"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/attachment"
)

// enclosed is how many bytes of files a mail carries at most: servers refuse
// mail of more than some 20 MB, and a third is added on the way.
const enclosed = 10 << 20

// carry puts the files of a reply into its mail. What is too large for a mail,
// or held back, is named with the place where it is.
func (s *Service) carry(ctx context.Context, tx pgx.Tx, m triage.Message, out outgoing) (outgoing, error) {
	var left []string
	size := int64(0)
	for _, shown := range m.Attachments {
		f, err := attachment.ByID(ctx, tx, m.TenantID, shown.ID)
		if err != nil && !errors.Is(err, attachment.ErrNotFound) {
			return outgoing{}, fmt.Errorf("read attachment: %w", err)
		}
		if err != nil || s.Files.Allowed(f, triage.Actor{Kind: triage.ActorCustomer}, false) != nil || size+f.Size > enclosed {
			left = append(left, shown.Name)
			continue
		}
		size += f.Size
		out.files = append(out.files, f)
	}
	if len(left) == 0 {
		return out, nil
	}
	words, ok := elsewhere[m.Language]
	if !ok {
		words = elsewhere["en"]
	}
	out.text += "\n\n" + words + " " + strings.Join(left, ", ")
	if s.PublicURL != "" {
		out.text += "\n" + s.PublicURL + "/c/" + m.ConversationID.String()
	}
	return out, nil
}

// elsewhere says, by language, that files are not in the mail.
var elsewhere = map[string]string{
	"en": "These files are not in this mail. Look for them in your conversation:",
	"de": "Diese Dateien sind nicht in dieser Mail. Sie finden sie in Ihrer Unterhaltung:",
	"fr": "Ces fichiers ne sont pas joints à ce courriel. Vous les trouverez dans votre conversation :",
	"es": "Estos archivos no van en este correo. Los encontrará en su conversación:",
	"pt": "Estes ficheiros não seguem neste e-mail. Encontra-os na sua conversa:",
}

// enclose reads a file into a mail.
func (s *Service) enclose(ctx context.Context, m *mail.Msg, f attachment.File) error {
	body, err := s.Files.Read(ctx, f)
	if err != nil {
		return err
	}
	defer body.Close()
	kind, _, _ := strings.Cut(f.ContentType, ";")
	return m.AttachReader(f.Name, body, mail.WithFileContentType(mail.ContentType(kind)))
}
