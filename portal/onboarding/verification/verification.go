// Package verification turns the words of identity and business verification
// providers into the four states a customer is told. It is pure.
//
// A mapping never says more than the provider decided: "completed" is no pass,
// and an answer counts only when the review is over. Whatever holds a review up
// inside (a queue, a hit, a report, a lawyer) is the one state in_review, so that
// nothing a customer sees tells an ordinary review from a restricted one.
// Telling them apart would be tipping off.
package verification

import "strings"

// State is what a customer is told.
type State string

// The states.
const (
	NeedsInformation State = "needs_information"
	InReview         State = "in_review"
	Verified         State = "verified"
	WeWillContactYou State = "we_will_contact_you"
)

// Outcome is what a provider's words mean.
type Outcome struct {
	Customer State
	Internal string // for staff: the provider's own words, normalised
	// Known is false when the provider used a word this table does not have. The
	// customer is then in review and staff are to look: an unknown word is never
	// a pass and never blames the customer.
	Known bool
}

func known(s State, words ...string) Outcome {
	return Outcome{Customer: s, Internal: join(words), Known: true}
}

func unknown(words ...string) Outcome {
	return Outcome{Customer: InReview, Internal: join(words)}
}

func join(words []string) string {
	var said []string
	for _, w := range words {
		if w = strings.TrimSpace(w); w != "" {
			said = append(said, w)
		}
	}
	return strings.Join(said, "/")
}

// Sumsub maps reviewStatus with reviewAnswer and reviewRejectType, which count
// only once the review is completed.
func Sumsub(status, answer, rejectType string) Outcome {
	switch status {
	case "init":
		return known(NeedsInformation, status)
	case "pending", "prechecked", "queued", "onHold":
		return known(InReview, status)
	case "completed":
	default:
		return unknown(status, answer, rejectType)
	}
	switch {
	case answer == "GREEN":
		return known(Verified, status, answer)
	case answer == "RED" && rejectType == "RETRY":
		return known(NeedsInformation, status, answer, rejectType)
	case answer == "RED" && rejectType == "FINAL":
		return known(WeWillContactYou, status, answer, rejectType)
	}
	return unknown(status, answer, rejectType)
}

// Persona maps the status of an inquiry.
func Persona(status string) Outcome {
	switch status {
	case "created", "pending", "expired", "failed":
		return known(NeedsInformation, status)
	case "completed", "needs_review":
		return known(InReview, status)
	case "approved":
		return known(Verified, status)
	case "declined":
		return known(WeWillContactYou, status)
	}
	return unknown(status)
}

// StripeIdentity maps the status of a verification session and the code of its
// last error, if any.
func StripeIdentity(status, lastError string) Outcome {
	switch status {
	case "requires_input":
		// These errors are verdicts, not requests: sending again does not help.
		if lastError == "consent_declined" || lastError == "under_supported_age" || lastError == "country_not_supported" {
			return known(WeWillContactYou, status, lastError)
		}
		return known(NeedsInformation, status, lastError)
	case "processing":
		return known(InReview, status)
	case "verified":
		return known(Verified, status)
	case "canceled":
		return known(NeedsInformation, status)
	case "redacted":
		// Personal data was removed on purpose; the result recorded before stays true.
		return unknown(status)
	}
	return unknown(status, lastError)
}

// StripeRequirements is what a connected account still owes, in Stripe's buckets.
type StripeRequirements struct {
	PastDue, CurrentlyDue, EventuallyDue, PendingVerification []string
	DisabledReason                                            string
}

// StripeAccount maps an account's requirements. What is due now or late comes
// first; only an account that owes nothing and waits for nothing is verified.
func StripeAccount(r StripeRequirements) Outcome {
	reason := r.DisabledReason
	switch {
	case strings.HasPrefix(reason, "rejected."), reason == "listed", reason == "platform_paused":
		return known(WeWillContactYou, reason)
	case len(r.PastDue) > 0:
		return known(NeedsInformation, "past_due", reason)
	case len(r.CurrentlyDue) > 0:
		return known(NeedsInformation, "currently_due", reason)
	case len(r.PendingVerification) > 0, reason == "under_review", reason == "requirements.pending_verification":
		return known(InReview, "pending_verification", reason)
	case reason == "":
		return known(Verified, "complete")
	}
	return unknown(reason)
}

// Onfido maps the status of a workflow run or the result of a check: completed
// alone is no pass.
func Onfido(status, result string) Outcome {
	switch status {
	case "approved":
		return known(Verified, status)
	case "declined":
		return known(WeWillContactYou, status)
	case "review", "processing", "in_progress", "paused":
		return known(InReview, status)
	case "awaiting_input", "awaiting_applicant", "abandoned":
		return known(NeedsInformation, status)
	case "error":
		return known(InReview, status) // ours to repair; the customer can do nothing
	case "complete", "completed":
		switch result {
		case "clear":
			return known(Verified, status, result)
		case "consider":
			return known(InReview, status, result) // people decide
		}
	}
	return unknown(status, result)
}
