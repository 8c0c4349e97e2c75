// Package desk is people's work on tickets: hand-over from the assistant,
// agents' actions, and the deliveries that keep Slack and the CRM in step.
//
// A hand-over and every action write the ticket, its event and the deliveries
// they cause in one transaction; River jobs then carry each delivery out. A
// delivery's row is its idempotency key: whatever is retried, there is one CRM
// record and one Slack root per ticket, and no customer message is sent twice.
package desk
