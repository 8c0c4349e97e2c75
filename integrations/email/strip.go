package email

import (
	"regexp"
	"strings"
)

// Reply mails repeat what was said before. Everything from the first line that
// introduces a quotation on is dropped, then quoted lines, then the signature.
// Where nothing would be left, the whole text stays: better twice than never.

var (
	// "On Mon, 23 Nov 2026 at 10:00, Bo <bo@usher.test> wrote:" in several tongues.
	wrote = regexp.MustCompile(`(?i)^\s*>?\s*(on|am|le|el|em|il|op)\b.{4,200}\b(wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef)\b.{0,80}:\s*$`)
	// The mail's name between "On … <" and "wrote:" may stand on two lines.
	wroteStart = regexp.MustCompile(`(?i)^\s*(on|am|le|el|em|il|op)\s.{4,200}$`)
	wroteEnd   = regexp.MustCompile(`(?i)(wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef).{0,80}:\s*$`)
	divider    = regexp.MustCompile(`(?i)^\s*(-{2,}\s*)?(original message|ursprüngliche nachricht|message d'origine|mensaje original|mensagem original|forwarded message|weitergeleitete nachricht)(\s*-{2,})?\s*$|^_{20,}\s*$`)
	outlook    = regexp.MustCompile(`(?i)^\s*\*?(from|von|de|da|van)\*?\s*:\s*\S.*$`)
	outlook2   = regexp.MustCompile(`(?i)^\s*\*?(sent|gesendet|envoyé|enviado|inviato|verzonden|date|datum|fecha|data)\*?\s*:\s*\S.*$`)
	marker     = regexp.MustCompile(`(?i)^\s*-{2,}\s*(reply above this line|bitte oberhalb dieser zeile antworten)`)
	sentFrom   = regexp.MustCompile(`(?i)^\s*(sent from my|von meinem .* gesendet|envoyé de mon|enviado desde mi|enviado do meu|get outlook for|gesendet mit)\b.{0,80}$`)
)

// Strip is what a person wrote in a reply, without quotations and signature.
func Strip(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		if introduces(lines, i, line) {
			lines = lines[:i]
			break
		}
	}
	var kept []string
	for _, line := range lines {
		if line == "-- " || strings.TrimRight(line, " ") == "--" {
			break
		}
		if sentFrom.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), ">") {
			continue
		}
		kept = append(kept, strings.TrimRight(line, " \t"))
	}
	out := strings.TrimSpace(blanks.ReplaceAllString(strings.Join(kept, "\n"), "\n\n"))
	if out == "" {
		return strings.TrimSpace(text)
	}
	return out
}

func introduces(lines []string, i int, line string) bool {
	if len(line) > 1000 {
		return false
	}
	next := ""
	if i+1 < len(lines) {
		next = lines[i+1]
	}
	return wrote.MatchString(line) || divider.MatchString(line) || marker.MatchString(line) ||
		wroteStart.MatchString(line) && len(next) < 300 && wroteEnd.MatchString(next) ||
		outlook.MatchString(line) && len(next) < 1000 && outlook2.MatchString(next)
}
