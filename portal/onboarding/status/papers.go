package status

import (
	"strconv"
	"time"

	"github.com/usherdesk/usher/knowledge/lexicon"
	"github.com/usherdesk/usher/portal/onboarding"
)

func (d *draft) documentThings(keep func(onboarding.Document) bool) []thing {
	var things []thing
	for i, doc := range d.record.Documents {
		if keep == nil || keep(doc) {
			things = append(things, thing{doc.Title, doc.Aliases, i})
		}
	}
	return things
}

func documentLink(doc onboarding.Document) string { return "/documents#document-" + doc.ID.String() }

// uploadedLast are the documents by their latest upload, newest first, at most n.
func (d *draft) uploadedLast() (last *onboarding.Document) {
	for i := range d.record.Documents {
		doc := &d.record.Documents[i]
		if v := doc.Latest(); v != nil && (last == nil || v.UploadedAt.After(last.Latest().UploadedAt)) {
			last = doc
		}
	}
	return last
}

// document finds the one a question is about: by name, else the one uploaded
// last. It asks where several fit.
func (d *draft) document(fallback *onboarding.Document) (onboarding.Document, bool) {
	things := d.documentThings(nil)
	hits := d.named(things)
	switch {
	case len(hits) == 1:
		return d.record.Documents[hits[0]], true
	case len(hits) > 1:
		d.clarify(things, hits)
		return onboarding.Document{}, false
	case d.signedInstead():
		return onboarding.Document{}, false
	case fallback != nil && d.generic():
		return *fallback, true
	case fallback != nil:
		d.noSuchDocument()
	}
	return onboarding.Document{}, false
}

// signedInstead answers where the paper asked about is none to upload, but one
// that is signed: people do not tell them apart.
func (d *draft) signedInstead() bool {
	things := d.envelopeThings()
	hits := find(d.q.Text, d.language, things)
	if len(hits) != 1 {
		return false
	}
	d.out.Link = "/documents#signatures"
	e := d.record.Envelopes[hits[0]]
	e.Signers = nil // who signs is asked of signatures, after a code
	d.envelope(e, d.record.WaitsForSignature(d.record.Envelopes[hits[0]]))
	return true
}

func (d *draft) envelopeThings() []thing {
	things := make([]thing, len(d.record.Envelopes))
	for i, e := range d.record.Envelopes {
		things[i] = thing{e.Title, e.Aliases, i}
	}
	return things
}

// generic reports whether the question speaks of a document without naming it.
func (d *draft) generic() bool {
	for _, word := range stems(d.q.Text, d.language) {
		for _, name := range genericNames {
			if word == lexicon.Stem(name, d.language) {
				return true
			}
		}
	}
	return false
}

var genericNames = []string{
	"document", "documents", "file", "files", "form", "paperwork", "upload", "uploaded", "papers", "dokument", "dokumente", "datei", "unterlagen",
	"fichier", "documento", "documentos", "archivo", "ficheiro", "arquivo", "formulario",
}

// noSuchDocument lists what is there where the question names something that is not.
func (d *draft) noSuchDocument() {
	d.say("document.no_such")
	for _, doc := range d.record.Documents {
		d.item("document.there", "title", doc.Title, "state", d.fill("document.word."+doc.State))
		d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
	}
}

func (d *draft) received() {
	d.out.Link = "/documents"
	doc, ok := d.document(d.uploadedLast())
	if !ok {
		if d.out.Clarify == "" && len(d.lines) == 0 {
			d.say("document.nothing")
			d.project("documents_received", "0")
		}
		return
	}
	d.out.Link = documentLink(doc)
	v := doc.Latest()
	if v == nil {
		d.say("document.not_received", "title", doc.Title)
		d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
		if doc.Due != nil {
			d.say("document.due", "date", d.date(*doc.Due))
			d.restsOnDay("document", doc.ID, doc.Title, "due", doc.Due, time.Time{})
		}
		d.documentTurn(doc)
		return
	}
	d.say("document.received", "title", doc.Title, "file", v.FileName, "at", d.moment(v.UploadedAt), "version", strconv.Itoa(v.Number))
	d.restsOn("document_version", v.ID, doc.Title, "uploaded_at", &v.UploadedAt, time.Time{})
	d.rests("document_version", v.ID, doc.Title, "version_no", strconv.Itoa(v.Number), time.Time{})
	switch v.ScanState {
	case "pending":
		d.say("document.scan_pending")
	case "not_scanned":
		d.say("document.scan_none")
	case "infected", "error":
		d.say("document.scan_failed")
		d.turn("provider")
		d.out.Escalate = "An upload did not pass the malware check: " + doc.Title + "."
		return
	}
	d.documentState(doc, *v)
}

// documentState says where a received document stands.
func (d *draft) documentState(doc onboarding.Document, v onboarding.Version) {
	d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
	d.documentTurn(doc)
	switch doc.State {
	case "received":
		d.say("document.state.received")
	case "in_review":
		d.say("document.state.in_review", "date", d.on(v.UploadedAt))
		d.restsOn("document_version", v.ID, doc.Title, "uploaded_at", &v.UploadedAt, time.Time{})
		d.reviewTarget(doc)
	case "accepted":
		if v.ReviewedAt != nil {
			d.say("document.state.accepted_on", "date", d.on(*v.ReviewedAt))
			d.restsOn("document_version", v.ID, doc.Title, "reviewed_at", v.ReviewedAt, time.Time{})
		} else {
			d.say("document.state.accepted")
		}
	case "rejected":
		d.rejection(doc, v)
	case "expired":
		d.say("document.state.expired")
	case "waived":
		d.say("document.state.waived")
	case "requested":
		d.say("document.state.requested")
	}
}

// documentTurn is whose move a document is.
func (d *draft) documentTurn(doc onboarding.Document) {
	switch {
	case doc.Wanted():
		d.turn("customer")
	case doc.State == "received" || doc.State == "in_review":
		d.turn("provider")
	}
}

// reviewTarget says by when a review is to be finished, or that it is late.
func (d *draft) reviewTarget(doc onboarding.Document) {
	if doc.ReviewTarget == nil {
		return
	}
	d.restsOnDay("document", doc.ID, doc.Title, "review_target", doc.ReviewTarget, time.Time{})
	if !doc.ReviewTarget.Before(d.today) {
		d.say("document.target", "date", d.date(*doc.ReviewTarget))
		return
	}
	d.say("document.target_passed", "date", d.date(*doc.ReviewTarget))
	d.escalate("The review of a document is past its target date and the customer asks for it: " + doc.Title + ".")
}

func (d *draft) reviewed() {
	d.out.Link = "/documents"
	var reviewing *onboarding.Document
	for i := range d.record.Documents {
		if d.record.Documents[i].State == "in_review" {
			reviewing = &d.record.Documents[i]
			break
		}
	}
	if reviewing == nil {
		reviewing = d.uploadedLast()
	}
	doc, ok := d.document(reviewing)
	if !ok {
		if d.out.Clarify == "" && len(d.lines) == 0 {
			d.say("document.nothing")
			d.project("documents_received", "0")
		}
		return
	}
	d.out.Link = documentLink(doc)
	v := doc.Latest()
	if v == nil {
		d.say("document.not_received", "title", doc.Title)
		d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
		d.documentTurn(doc)
		return
	}
	d.rests("document_version", v.ID, doc.Title, "version_no", strconv.Itoa(v.Number), time.Time{})
	d.say("document.about", "title", doc.Title, "version", strconv.Itoa(v.Number))
	d.documentState(doc, *v)
}

func (d *draft) missing() {
	d.out.Link = "/documents"
	var open []onboarding.Document
	for _, doc := range d.record.Documents {
		if doc.Wanted() {
			open = append(open, doc)
		}
	}
	if len(open) == 0 {
		d.say("document.complete")
		d.project("documents_missing", "0")
		return
	}
	d.say("document.missing", "documents", d.plural("documents", len(open)))
	d.count("documents_missing", len(open))
	for _, doc := range open {
		d.line(d.dated("document.missing_item", doc.Due, "title", doc.Title, "state", d.fill("document.word."+doc.State), "link", documentLink(doc)))
		d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
		d.restsOnDay("document", doc.ID, doc.Title, "due", doc.Due, time.Time{})
	}
	d.turn("customer")
}

func (d *draft) rejected() {
	d.out.Link = "/documents"
	var last *onboarding.Document
	for i := range d.record.Documents {
		if doc := &d.record.Documents[i]; doc.State == "rejected" && doc.Latest() != nil {
			last = doc
		}
	}
	doc, ok := d.document(last)
	if !ok {
		if d.out.Clarify == "" && len(d.lines) == 0 {
			d.say("document.none_rejected")
			d.project("documents_rejected", "0")
		}
		return
	}
	d.out.Link = documentLink(doc)
	v := doc.Latest()
	if doc.State != "rejected" || v == nil {
		d.say("document.not_rejected", "title", doc.Title, "state", d.fill("document.word."+doc.State))
		d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
		d.documentTurn(doc)
		return
	}
	d.say("document.about", "title", doc.Title, "version", strconv.Itoa(v.Number))
	d.rests("document_version", v.ID, doc.Title, "version_no", strconv.Itoa(v.Number), time.Time{})
	d.rejection(doc, *v)
}

func (d *draft) rejection(doc onboarding.Document, v onboarding.Version) {
	d.rests("document_version", v.ID, doc.Title, "review_state", v.ReviewState, time.Time{})
	for _, code := range v.RejectCodes {
		if onboarding.RestrictedReasons[code] {
			d.say("document.rejected_restricted")
			d.out.Turn = "provider"
			d.escalate("A document was rejected for a reason customers are not told; please talk to them: " + doc.Title + ".")
			return
		}
	}
	if v.Message == "" {
		d.say("document.rejected_no_reason")
		d.escalate("A document was rejected without a message for the customer: " + doc.Title + ".")
	} else {
		d.say("document.rejected_reason", "reason", v.Message)
	}
	if doc.Due != nil {
		d.say("document.resend_by", "date", d.date(*doc.Due))
		d.restsOnDay("document", doc.ID, doc.Title, "due", doc.Due, time.Time{})
	}
	d.turn("customer")
	d.again(doc)
}

// again offers a person where the same document was rejected before.
func (d *draft) again(doc onboarding.Document) {
	rejections := 0
	for _, v := range doc.Versions {
		if v.ReviewState == "rejected" {
			rejections++
		}
	}
	if rejections > 1 {
		d.say("document.rejected_again")
		d.escalate("A document was rejected for the " + ordinal(rejections) + " time; please help the customer: " + doc.Title + ".")
	}
}

func ordinal(n int) string {
	if n == 2 {
		return "second"
	}
	return strconv.Itoa(n) + "th"
}

func (d *draft) latestVersion() {
	d.out.Link = "/documents"
	things := d.documentThings(func(doc onboarding.Document) bool { return doc.Final })
	if len(things) == 0 {
		d.say("agreement.none")
		d.project("agreements", "0")
		d.escalate("The customer asks for the executed agreement; there is none in their documents.")
		return
	}
	hits := d.named(things)
	if len(hits) == 0 && len(things) == 1 {
		hits = []int{things[0].index}
	}
	if len(hits) == 0 {
		for _, t := range things {
			hits = append(hits, t.index)
		}
	}
	if len(hits) > 1 {
		d.clarify(things, hits)
		return
	}
	doc := d.record.Documents[hits[0]]
	v := doc.Latest()
	if v == nil || v.ReviewState != "accepted" {
		d.say("agreement.unsigned", "title", doc.Title)
		d.rests("document", doc.ID, doc.Title, "state", doc.State, time.Time{})
		d.turn("provider")
		d.escalate("The customer asks for the executed version of a document that has none: " + doc.Title + ".")
		return
	}
	date := d.on(v.UploadedAt)
	if v.EffectiveOn != nil {
		date = d.date(*v.EffectiveOn)
		d.restsOnDay("document_version", v.ID, doc.Title, "effective_on", v.EffectiveOn, time.Time{})
	} else {
		d.restsOn("document_version", v.ID, doc.Title, "uploaded_at", &v.UploadedAt, time.Time{})
	}
	d.out.Link = documentLink(doc)
	d.say("agreement.latest", "title", doc.Title, "version", strconv.Itoa(v.Number), "date", date, "link", documentLink(doc))
	d.rests("document_version", v.ID, doc.Title, "version_no", strconv.Itoa(v.Number), time.Time{})
}

func (d *draft) signatures() {
	d.out.Link = "/documents#signatures"
	if len(d.record.Envelopes) == 0 {
		d.say("signature.none")
		d.project("envelopes", "0")
		return
	}
	things := d.envelopeThings()
	hits := d.named(things)
	if len(hits) == 0 {
		for i, e := range d.record.Envelopes {
			if e.State != "completed" || len(d.record.Envelopes) == 1 {
				hits = append(hits, i)
			}
		}
	}
	if len(hits) == 0 {
		hits = []int{0}
	}
	if len(hits) > 1 {
		d.clarify(things, hits)
		return
	}
	e := d.record.Envelopes[hits[0]]
	d.envelope(e, d.record.WaitsForSignature(e))
}

// envelope says where a request for signatures stands; theirs: the customer's
// turn to sign.
func (d *draft) envelope(e onboarding.Envelope, theirs bool) {
	d.rests("envelope", e.ID, e.Title, "state", e.State, e.ObservedAt)
	state := e.State
	if state == "delivered" {
		state = "sent" // opened by all; still waiting
	}
	d.say("signature.state."+state, "title", e.Title)
	if e.State == "completed" {
		if e.CompletedAt != nil {
			d.say("signature.completed", "date", d.on(*e.CompletedAt))
			d.restsOn("envelope", e.ID, e.Title, "completed_at", e.CompletedAt, e.ObservedAt)
		}
		return
	}
	var signed, waiting []string
	next := ""
	for _, s := range e.Signers {
		switch s.State {
		case "signed":
			signed = append(signed, s.Name)
		default:
			waiting = append(waiting, s.Name)
			if next == "" {
				next = s.Name
			}
		}
		d.rests("signer", e.ID, s.Name, "state", s.State, e.ObservedAt)
		if s.State == "bounced" || s.State == "declined" {
			d.say("signature.signer."+s.State, "name", s.Name)
		}
		if s.State == "bounced" {
			d.escalate("A signature request could not be delivered to a signer; the address needs to be corrected: " + e.Title + ".")
		}
	}
	if len(signed) > 0 {
		d.say("signature.signed", "names", d.join(signed))
	}
	if len(waiting) > 0 && (e.State == "sent" || e.State == "delivered") {
		d.say("signature.waiting", "names", d.join(waiting), "next", next)
	}
	if e.ExpiresOn != nil && (e.State == "sent" || e.State == "delivered") {
		d.say("signature.expires", "date", d.date(*e.ExpiresOn))
		d.restsOnDay("envelope", e.ID, e.Title, "expires_on", e.ExpiresOn, e.ObservedAt)
	}
	d.turn("provider")
	if theirs {
		d.turn("customer")
	}
	if e.State == "declined" || e.State == "voided" {
		d.out.Escalate = "A signature request was declined or withdrawn: " + e.Title + "."
	}
}
