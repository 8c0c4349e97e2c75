package salesforce

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/usherdesk/usher/triage/desk"
)

var errDuplicate = errors.New("salesforce: duplicate value")

// limitPause is how long a used-up limit stops us; Salesforce names no time.
const limitPause = 2 * time.Minute

// failure puts an error answer into the desk's words.
func failure(status int, raw []byte) error {
	var list []struct {
		Code   string   `json:"errorCode"`
		Fields []string `json:"fields"`
	}
	_ = json.Unmarshal(raw, &list) // some errors are pages
	code, fields := "", ""
	if len(list) > 0 {
		code, fields = list[0].Code, strings.Join(list[0].Fields, ", ")
	}
	cause := fmt.Errorf("HTTP %d %s %s", status, code, fields)
	switch code {
	case "REQUEST_LIMIT_EXCEEDED":
		return &desk.TemporaryError{After: limitPause, Safe: "Salesforce's request limit is used up; waiting.", Err: cause}
	case "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "QUERY_TIMEOUT":
		return &desk.TemporaryError{Safe: "Salesforce could not do it just now.", Err: cause}
	case "DUPLICATE_VALUE":
		return &desk.TemporaryError{Safe: "Salesforce was writing the same Case.", Err: errors.Join(errDuplicate, cause)}
	case "NOT_FOUND", "ENTITY_IS_DELETED":
		return &desk.PermanentError{Safe: "The Salesforce record or field does not exist.", Err: cause}
	case "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY":
		return &desk.PermanentError{Safe: "The Salesforce user may not write Cases. Give the run-as user access.", Err: cause}
	}
	switch {
	case status == http.StatusMultipleChoices:
		return &desk.PermanentError{Safe: "Several Salesforce Cases carry this ticket's id: the External Id field must be Unique.", Err: cause}
	case status == http.StatusUnauthorized:
		return &desk.PermanentError{Safe: "Salesforce refuses the session. Check the connected app.", Err: cause}
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return &desk.TemporaryError{Safe: "Salesforce had an error of its own.", Err: cause}
	}
	if code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" {
		return &desk.PermanentError{Safe: "Salesforce's Case has no such value of " + cmp.Or(fields, "a picklist") + ". Check USHER_SALESFORCE_STATUSES and USHER_SALESFORCE_PRIORITIES; usher doctor names the values.", Err: cause}
	}
	safe := "Salesforce refused the data"
	if code != "" {
		safe += " (" + code + ")"
	}
	if fields != "" {
		safe += ": look at " + fields
	}
	return &desk.PermanentError{Safe: safe + ".", Err: cause}
}
