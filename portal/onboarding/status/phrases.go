package status

import "strings"

// spoken is the language answered in.
func spoken(language string) string {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	if _, ok := phrases[language]; ok {
		return language
	}
	return "en"
}

func speak(language string) map[string]string { return phrases[spoken(language)] }

// phrases are the answers' sentences by language. {name} is filled from a field.
var phrases = map[string]map[string]string{"en": english}

var english = map[string]string{
	"and": "and", "nobody": "nobody yet", "no_date": "no date yet", "moment": "{date}, {time} ({zone})",
	"clarify":     "Which one do you mean?",
	"tasks.one":   "one open task",
	"tasks.other": "{n} open tasks", "documents.one": "one document", "documents.other": "{n} documents", "items.one": "one item", "items.other": "{n} items",
	"workdays.one": "one working day", "workdays.other": "{n} working days", "days.one": "one day", "days.other": "{n} days",
	"side.customer": "your side", "side.provider": "our side", "side.third_party": "a third party",
	"turn.customer": "It's your turn.", "turn.provider": "It's our turn.", "turn.third_party": "We are waiting for a third party.",

	"project.on_hold": "Your onboarding is on hold at the moment.", "project.live_since": "You have been live since {date}.", "project.live": "You are live.",
	"project.stage": "You are in the stage **{stage}**.", "project.progress": "{percent} % of the tasks are done.",
	"health.on_track": "Everything is on track.", "health.at_risk": "The plan is at risk.", "health.off_track": "The project is off track.", "health.live": "You are live.",
	"milestone.next":  "The next milestone is **{name}**, due {date}.",
	"golive.forecast": "Go-live is currently forecast for **{date}**.", "golive.unknown": "There is no forecast for go-live at the moment.",
	"golive.planned": "The planned date is {date}.", "golive.driver": "What decides the date is “{task}” on {who}.",
	"golive.unknown_task": "Nobody has said yet how long “{task}” will take.",
	"actions.none":        "Nothing is waiting for you right now.", "actions.intro": "There is work for you, {tasks}:",
	"actions.item": "[{task}]({link}), due {date}, {who}", "actions.item_overdue": "[{task}]({link}), **overdue** since {date}, {who}",
	"blockers.none": "Nothing is blocked and nothing is overdue.", "blockers.item": "**{task}** is blocked. {reason} The next move is on {who}.",
	"blockers.overdue": "“{task}” is overdue since {date}, on {who}.", "blockers.no_reason": "The reason has not been written down yet.", "blockers.needs": "It waits for “{task}”.",
	"owner.none": "No onboarding manager is named for your project at the moment.", "owner.is": "Your onboarding manager is **{name}**. You can reach them at {contact}.",
	"owner.away": "They are away until {date}; {name} stands in.", "owner.away_alone": "They are away until {date}.", "owner.champion": "The lead on your side is {name}.",
	"track.late": "The forecast is {days} later than planned.", "track.early": "The forecast is {days} earlier than planned.", "track.exact": "The forecast equals the plan.",
	"track.dates": "Forecast: {forecast}; plan: {planned}.", "track.overdue": "Overdue tasks: {yours} on your side, {ours} on ours.",
	"progress.percent": "**{percent} %** is complete: {done} of {total} tasks are done.", "progress.milestones": "{done} of {total} milestones are reached.", "progress.left": "Still to come: {names}.",
	"milestone.none": "Your project has no milestones yet.", "milestone.intro": "These are your milestones:", "milestone.item": "{name}: {state}, due {date}",
	"milestone.is": "**{name}** is {state}.", "milestone.completed": "It was reached on {date}.", "milestone.due": "It is due {date}.", "milestone.open": "What remains is {tasks}:",
	"milestone.task":           "{task}: {state}, on {who}",
	"milestone.state.upcoming": "still to come", "milestone.state.in_progress": "in progress", "milestone.state.at_risk": "at risk", "milestone.state.done": "done", "milestone.state.missed": "missed", "milestone.state.waived": "waived",
	"task.state.not_ready": "not ready to start", "task.state.ready": "ready to start", "task.state.in_progress": "in progress", "task.state.blocked": "blocked", "task.state.in_review": "in review",

	"document.no_such": "I find no document with that name among yours. These are on your list:", "document.there": "{title}: {state}",
	"document.nothing": "We have not received a document from you yet.", "document.not_received": "No, “{title}” has not arrived yet.", "document.due": "It is due {date}.",
	"document.received": "Yes, we have received “{title}” (version {version}, {file}), uploaded {at}.", "document.scan_pending": "It is still being checked for malware.",
	"document.scan_failed": "It did not pass our file check.", "document.about": "About “{title}” (version {version}):",
	"document.state.received": "The review has not started yet; you need to do nothing.", "document.state.in_review": "It has been in review since {date}.", "document.target": "We aim to finish by {date}.",
	"document.state.accepted": "It is accepted.", "document.state.accepted_on": "It was accepted on {date}.", "document.state.expired": "It has expired; please send a new one.",
	"document.state.waived": "It is not needed any more.", "document.state.requested": "We have asked for a new version.",
	"document.complete": "Your document checklist is complete; nothing is missing.", "document.missing": "We still need {documents}:", "document.missing_item": "[{title}]({link}): {state}, due {date}",
	"document.word.requested": "not sent yet", "document.word.received": "received", "document.word.in_review": "in review", "document.word.accepted": "accepted", "document.word.rejected": "needs a new version", "document.word.expired": "expired", "document.word.waived": "not needed",
	"document.none_rejected": "None of your documents is rejected.", "document.not_rejected": "“{title}” is not rejected; it is {state}.",
	"document.rejected_reason": "It was rejected. {reason}", "document.rejected_no_reason": "It was rejected; no reason has been written down for you yet.", "document.rejected_restricted": "We need to look at this one with you.",
	"document.resend_by": "Please send a new version by {date}.",
	"agreement.none":     "There is no executed agreement in your documents yet.", "agreement.unsigned": "“{title}” has no completed version yet.", "agreement.latest": "The current version of “{title}” is version {version} of {date}: [open it]({link}).",
	"signature.none": "Nothing is out for signature at the moment.", "signature.state.created": "“{title}” is being prepared and has not been sent for signature.", "signature.state.sent": "“{title}” is out for signature.",
	"signature.state.completed": "“{title}” is signed by all.", "signature.state.declined": "“{title}” was declined.", "signature.state.voided": "“{title}” was withdrawn or has expired.", "signature.state.correct": "“{title}” is being corrected; signing is paused.",
	"signature.completed": "It was completed on {date}.", "signature.signed": "Signed: {names}.", "signature.waiting": "Still to sign: {names}. The next is {next}.", "signature.expires": "It expires on {date}.",
	"signature.signer.bounced": "The e-mail to {name} could not be delivered.", "signature.signer.declined": "{name} declined to sign.",

	"verification.none": "No verification is under way for you.", "verification.is": "Your {kind} is **{state}**.", "verification.completed": "It was completed on {date}.", "verification.submitted": "It has been with the provider since {date}; you need to do nothing.",
	"verification.outstanding": "What is outstanding: {items}.", "verification.kind.kyc": "identity verification", "verification.kind.kyb": "business verification", "verification.kind.aml": "compliance check", "verification.kind.bank": "bank account check",
	"verification.state.needs_information": "waiting for information from you", "verification.state.in_review": "in review", "verification.state.verified": "verified", "verification.state.we_will_contact_you": "with our team; we will contact you",
	"requirements.none": "Nothing is outstanding for your verification.", "requirements.intro": "For your verification we still need:", "requirements.item": "{label} ({bucket})", "requirements.item_by": "{label} ({bucket}, by {date})",
	"requirements.past_due": "overdue", "requirements.currently_due": "due now", "requirements.eventually_due": "due later", "requirements.where": "Please enter it in the portal, not in this chat.",
	"eta.running": "Your {kind} has been in review for {days}.", "eta.typical": "It typically takes {from} to {to} business days; that is experience, not a promise.", "eta.waiting": "Your {kind} is waiting for information from you, so the review has not started.",

	"integration.none": "No integration is set up for you yet.", "integration.is": "**{name}** ({environment}): {state}; {flow}", "integration.never": "no successful run yet", "integration.success": "last successful run {at}",
	"integration.auth.not_connected": "not connected", "integration.auth.connecting": "being connected", "integration.auth.connected": "connected", "integration.auth.relink_needed": "needs to be reconnected", "integration.auth.revoked": "access was revoked",
	"integration.relink": "Please sign in to {name} again to reconnect it; until then the data is as old as the last successful run.", "integration.ticket": "Ticket #{number} is open for this: {state}.",
	"sync.is": "**{name}** ({environment}): {flow}.", "sync.counts": "{done} of {total} records are loaded.", "sync.rejected": "{n} were rejected.", "sync.next": "Next run: {at}.", "sync.failing": "{name} is failing at the moment.",
	"error.is": "Yes, we see a problem with **{name}** ({environment}).", "error.none": "Our record shows no failing integration at the moment.",
	"environment.sandbox": "sandbox", "environment.production": "production", "environment.none": "No environment has been requested for you yet.", "environment.is": "Your {kind} environment is **{state}**.",
	"environment.state.requested": "requested", "environment.state.provisioning": "being set up", "environment.state.ready": "ready", "environment.state.failed": "not working; setting it up failed", "environment.state.revoked": "revoked",
	"environment.blocked": "It waits for: {names}.", "environment.keys_issued": "Its keys were issued on {date}.", "environment.keys_pending": "Its keys have not been issued yet.", "environment.where": "Admins find keys in the portal; they are never shown in this chat.",
	"invite.not_admin": "Only the administrators of your organisation can see who has access. Please ask one of them; they can also send an invitation again.", "invite.unknown": "I find nobody with that name among the people with access or an invitation. An administrator can invite them.",
	"invite.intro": "These people have access or an invitation:", "invite.bounced": "The invitation to {name} could not be delivered; the address may be wrong.", "invite.expired": "The invitation to {name} expired on {date}. An administrator can send it again.",
	"invite.invited": "{name} was invited on {date}; the invitation works until {expires}.", "invite.active_seen": "{name} has access and last signed in on {date}.", "invite.active": "{name} has access but has not signed in yet.",
	"training.none_own": "You have no courses assigned.", "training.none": "No courses are assigned to your team.", "training.own": "You have finished {done} of {total} courses.", "training.team": "Your team has finished {done} of {total} courses.",
	"training.item": "{course}: {state}", "training.progress": ", {percent} % done, due {date}", "training.certificate": ", certificate issued {date}",
	"training.state.assigned": "not started", "training.state.started": "started", "training.state.completed": "completed", "training.state.passed": "passed", "training.state.failed": "not passed", "training.state.waived": "waived", "training.state.expired": "expired",
	"ticket.none": "You have no tickets.", "ticket.unknown": "I find no ticket #{number} that you can see.", "ticket.all_solved": "You have no open tickets. The latest, #{number} “{subject}”, is solved.", "ticket.several": "You have {n} open tickets:",
	"ticket.item": "#{number} “{subject}”: {state}, last change {date}", "ticket.is": "Ticket #{number} “{subject}” is **{state}**.", "ticket.assignee": "{name} is on it.", "ticket.last": "The last message was on {at}.", "ticket.waits": "We are waiting for your answer.",
	"ticket.next": "You can expect the next reply by {at}.", "ticket.late": "Our reply is later than promised; I'm sorry.",
	"ticket.state.received": "received", "ticket.state.working_on_it": "being worked on", "ticket.state.waiting_for_you": "waiting for you", "ticket.state.solved": "solved",
	"meeting.none": "No meeting is booked at the moment.", "meeting.is": "The next one is **{title}** on {at}.", "meeting.who": "Taking part: {names}.", "meeting.join": "The join link is on the onboarding page.",
}
