package email

import (
	"net/textproto"
	"regexp"
	"strings"
)

// Machine says whether a mail was sent by a machine, and how that is known: an
// auto-responder, a bounce, a mailing list, or ourselves. That such mail came is
// kept, its text is not; a report about a mail of ours is taken in (ParseBounce),
// the rest is answered by nobody, least of all by a machine (RFC 3834).
func Machine(h textproto.MIMEHeader, from string) (reason string, machine bool) {
	first := func(key string) string {
		return strings.ToLower(strings.TrimSpace(h.Get(key)))
	}
	switch auto := first("Auto-Submitted"); {
	case auto != "" && auto != "no" && !strings.HasPrefix(auto, "no;") && !strings.HasPrefix(auto, "no "):
		return "auto-submitted", true
	case h.Get(ownHeader) != "":
		return "our own mail", true
	}
	if _, present := h["Return-Path"]; present && strings.Trim(first("Return-Path"), "<> ") == "" {
		return "bounce", true
	}
	switch {
	case strings.HasPrefix(first("Content-Type"), "multipart/report"):
		return "delivery report", true
	case first("Precedence") == "bulk" || first("Precedence") == "junk" || first("Precedence") == "list" || first("Precedence") == "auto_reply":
		return "bulk mail", true
	case first("X-Autoreply") != "" && first("X-Autoreply") != "no", first("X-Autorespond") != "", first("X-Autoresponder") != "", first("X-Auto-Reply") != "":
		return "auto-reply", true
	case first("List-Id") != "" || first("List-Unsubscribe") != "" && first("List-Post") != "":
		return "mailing list", true
	case first("X-Loop") != "", first("X-Failed-Recipients") != "":
		return "bounce", true
	case machineSender.MatchString(from):
		return "machine's address", true
	case awaySubject.MatchString(h.Get("Subject")):
		return "out-of-office note", true
	}
	return "", false
}

var (
	machineSender = regexp.MustCompile(`(?i)^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounce[s]?([+-].*)?|auto-?reply|listserv|majordomo)(\+.*)?@`)
	awaySubject   = regexp.MustCompile(`(?i)^\s*(re:\s*)?(out of office|automatic reply|auto(matische)?\s*(reply|antwort|response)|abwesenheit|réponse automatique|respuesta automática|resposta automática|undeliver(ed|able)|delivery status notification|mail delivery failed|returned mail)`)
)

// ownHeader marks every mail we send.
const ownHeader = "X-Usher-Message"

// verified reports whether the receiving server vouches for the sender's domain:
// DMARC passed, or DKIM passed for that domain. Only verdicts of our own server
// count; a sender can write such a header, too.
func verified(h textproto.MIMEHeader, from, server string) bool {
	if server == "" {
		return false
	}
	_, domain, _ := strings.Cut(strings.ToLower(from), "@")
	for _, value := range h["Authentication-Results"] {
		value = strings.ToLower(strings.Join(strings.Fields(value), " "))
		id, results, ok := strings.Cut(value, ";")
		if !ok || strings.Fields(id + " ")[0] != strings.ToLower(server) {
			continue
		}
		for _, result := range strings.Split(results, ";") {
			result = strings.TrimSpace(result)
			if strings.HasPrefix(result, "dmarc=pass") && covers(result, "header.from=", domain) {
				return true
			}
			if strings.HasPrefix(result, "dkim=pass") && (covers(result, "header.d=", domain) || covers(result, "header.i=@", domain)) {
				return true
			}
		}
		return false // the topmost verdict of our server is the one it wrote
	}
	return false
}

// covers reports whether a result names the domain or one above it.
func covers(result, key, domain string) bool {
	_, rest, ok := strings.Cut(result, key)
	if !ok || domain == "" {
		return false
	}
	named := strings.Trim(strings.FieldsFunc(rest+" ", func(r rune) bool { return r == ' ' || r == ';' })[0], `"`)
	return named == domain || strings.Contains(named, ".") && strings.HasSuffix(domain, "."+named)
}
