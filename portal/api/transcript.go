package api

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/triage"
)

// transcriptWords are a transcript's own words, by language.
var transcriptWords = map[string]struct{ conversation, times, assistant, team, notice, stopped, removed string }{
	"en": {"Conversation", "Times in %s.", "Assistant (AI)", "support team", "Notice", "(stopped)", "(removed)"},
	"de": {"Unterhaltung", "Zeiten in %s.", "Assistent (KI)", "Support-Team", "Hinweis", "(angehalten)", "(entfernt)"},
	"fr": {"Conversation", "Heures : %s.", "Assistant (IA)", "équipe d'assistance", "Avis", "(arrêté)", "(supprimé)"},
	"es": {"Conversación", "Horas en %s.", "Asistente (IA)", "equipo de soporte", "Aviso", "(detenido)", "(eliminado)"},
	"pt": {"Conversa", "Horas em %s.", "Assistente (IA)", "equipa de suporte", "Aviso", "(parado)", "(removido)"},
}

// DownloadTranscript writes a conversation as text. Who may read the
// conversation may take it along; nobody else can name an address for it.
func (s *Server) DownloadTranscript(ctx context.Context, r DownloadTranscriptRequestObject) (DownloadTranscriptResponseObject, error) {
	return transcript{s, ctx, r.ID}, nil
}

type transcript struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the strict interface hands the writer over without one
	id     uuid.UUID
}

// VisitDownloadTranscriptResponse implements DownloadTranscriptResponseObject.
func (r transcript) VisitDownloadTranscriptResponse(w http.ResponseWriter) error {
	who := actor(r.ctx)
	words, ok := transcriptWords[languageOf(who.Locale)]
	if !ok {
		words = transcriptWords["en"]
	}
	zone, err := time.LoadLocation(cmp.Or(who.TimeZone, "UTC"))
	if err != nil {
		zone = time.UTC
	}
	speaker := func(m triage.Message) string {
		switch m.AuthorKind {
		case triage.AuthorCustomer:
			return cmp.Or(m.AuthorName, who.Name)
		case triage.AuthorAssistant:
			return words.assistant
		case triage.AuthorAgent:
			if m.AuthorName != "" {
				return m.AuthorName + " (" + words.team + ")"
			}
			return words.team
		}
		return words.notice
	}
	name := fmt.Sprintf("conversation-%s.txt", time.Now().UTC().Format(time.DateOnly))
	return r.server.download(r.ctx, w, "text/plain; charset=utf-8", name, func(out io.Writer) error {
		begin := func(c triage.Conversation) error {
			_, err := fmt.Fprintf(out, "%s: %s\n"+words.times+"\n", words.conversation, triage.Line(cmp.Or(c.Subject, c.ID.String()), 300), zone)
			return err
		}
		return r.server.Intake.EachMessage(r.ctx, who, r.id, begin, func(m triage.Message) error {
			body := m.Body
			switch m.State {
			case triage.MessageDeleted:
				body = words.removed
			case triage.MessageStopped:
				body += " " + words.stopped
			case triage.MessageStreaming:
				return nil // not said yet
			}
			for _, f := range m.Attachments {
				body += "\n[" + f.Name + "]"
			}
			_, err := fmt.Fprintf(out, "\n%s · %s\n%s\n", m.CreatedAt.In(zone).Format("2006-01-02 15:04 MST"), speaker(m), strings.TrimSpace(body))
			return err
		})
	})
}
