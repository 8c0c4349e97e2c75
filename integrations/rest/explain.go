package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/usherdesk/usher/integrations/egress"
	"github.com/usherdesk/usher/portal/onboarding/source"
)

// StatusError says with which HTTP status the API refused.
type StatusError struct{ Code int }

func (e *StatusError) Error() string { return fmt.Sprintf("%v: status %d", ErrBadAnswer, e.Code) }
func (e *StatusError) Unwrap() error { return ErrBadAnswer }

// Explain says to whoever sets a source or an action up why a call failed, and what to do.
func Explain(err error) string {
	var dns *net.DNSError
	var status *StatusError
	var record *tls.RecordHeaderError
	var network net.Error
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, source.ErrAbsent):
		return "The system was reached, but has no such record. Check the record's id and the path."
	case errors.Is(err, egress.ErrForbidden):
		return "The address leads to a place that may not be reached from here: only public addresses on the ports 80 and 443. For a system inside your own network the operator names the network in USHER_SOURCE_NETWORKS."
	case errors.As(err, &dns):
		return "There is no such host: " + dns.Name + ". Check the base address."
	case errors.As(err, &status):
		return explainStatus(status.Code)
	case errors.As(err, &unknown), errors.As(err, &wrongName), errors.As(err, &invalid):
		return "The system's certificate cannot be trusted: it is unknown, expired or for another host."
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "The system does not speak TLS there. Check whether the address begins with http or https, and the port."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout(), strings.Contains(err.Error(), "took longer than"):
		return "The system did not answer in time."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens at that address and port."
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "The connection broke off before there was an answer."
	case errors.Is(err, ErrBadConfig):
		return after(err, ErrBadConfig)
	case errors.Is(err, ErrBadAnswer):
		return "The system answered, but not usably: " + after(err, ErrBadAnswer) + "."
	}
	var call *url.Error
	if errors.As(err, &call) {
		err = call.Err // without the address, which may hold what is asked for
	}
	return "The call failed: " + err.Error()
}

// after is what an error says beside its sentinel.
func after(err, sentinel error) string {
	_, text, _ := strings.Cut(err.Error(), sentinel.Error()+": ")
	return text
}

func explainStatus(code int) string {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fmt.Sprintf("The system refuses us (status %d). Check the kind of sign-in and the secret.", code)
	case code == http.StatusTooManyRequests:
		return "The system says that it is asked too often (status 429). Wait a moment, and lower how many calls may run at once."
	case code >= 300 && code < 400:
		return fmt.Sprintf("The system sends us elsewhere (status %d), which is not followed. Store the address it leads to.", code)
	case code >= 500:
		return fmt.Sprintf("The system itself failed (status %d). Try again later.", code)
	}
	return fmt.Sprintf("The system answered with status %d. Check the path.", code)
}
