package hubspot

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/usherdesk/usher/triage/desk"
)

var (
	errNotFound = errors.New("hubspot: not found")
	errConflict = errors.New("hubspot: exists already")
)

// safeRefused is shown when HubSpot finds a value of ours wrong.
const safeRefused = "HubSpot refused the data. Look at the ticket's pipeline, stages and required properties."

// apiError is HubSpot's error body; every field may be missing.
type apiError struct {
	Status        string `json:"status"`
	Message       string `json:"message"`
	CorrelationID string `json:"correlationId"`
	Category      string `json:"category"`
	SubCategory   any    `json:"subCategory"`
	ErrorType     string `json:"errorType"`
	PolicyName    string `json:"policyName"`
}

func (e apiError) cause(status int) error {
	return fmt.Errorf("HTTP %d %s%s (correlation %s)", status, e.Category, e.ErrorType, e.CorrelationID)
}

// failure puts an error answer into the desk's words. Status decides, never text.
func (c *Client) failure(status int, header http.Header, raw []byte) error {
	var body apiError
	_ = json.Unmarshal(raw, &body) // HTML and empty bodies leave it empty
	if status == http.StatusTooManyRequests {
		return &desk.TemporaryError{After: c.pause(header, body), Safe: "HubSpot limits how often we may call it; waiting.", Err: body.cause(status)}
	}
	return body.classify(status)
}

func (e apiError) classify(status int) error {
	cause := e.cause(status)
	switch {
	case status == http.StatusUnauthorized:
		return &desk.PermanentError{Safe: "HubSpot refuses the token. Check USHER_HUBSPOT_TOKEN or USHER_HUBSPOT_REFRESH_TOKEN.", Err: cause}
	case status == http.StatusForbidden:
		return &desk.PermanentError{Safe: "The HubSpot app lacks a scope: it needs tickets, crm.objects.contacts and companies (read, write), crm.schemas and owners.", Err: cause}
	case status == http.StatusNotFound:
		return &desk.PermanentError{Safe: "The HubSpot record does not exist any more.", Err: errors.Join(errNotFound, cause)}
	case status == http.StatusConflict || e.Category == "CONFLICT":
		return &desk.PermanentError{Safe: safeRefused, Err: errors.Join(errConflict, cause)}
	case status == http.StatusLocked, status == http.StatusRequestTimeout, status >= 500:
		return &desk.TemporaryError{Safe: "HubSpot had an error of its own.", Err: cause}
	case status == http.StatusMultiStatus && e.Category != "VALIDATION_ERROR":
		return &desk.TemporaryError{Safe: "HubSpot could not write the record.", Err: cause}
	}
	return &desk.PermanentError{Safe: safeRefused, Err: cause}
}

// pause is how long HubSpot wants us to wait.
func (c *Client) pause(header http.Header, body apiError) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header.Get("Retry-After")); err == nil && at.After(c.Now()) {
		return at.Sub(c.Now())
	}
	switch body.PolicyName {
	case "DAILY":
		now := c.Now().In(c.TimeZone)
		midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, c.TimeZone)
		return midnight.Sub(now)
	case "SECONDLY":
		return time.Second
	}
	return 10 * time.Second // TEN_SECONDLY_ROLLING, and what is not known
}
