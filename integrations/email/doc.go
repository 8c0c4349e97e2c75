// Package email takes customers' mail in, by IMAP or a provider's webhook, and
// sends what is said in their conversation back, by SMTP.
//
// A mail is stored before anything is done with it, and worked on in a job. What
// a machine sent is recognised before anything acts. Who wrote is decided by the
// receiving server's verdict (Authentication-Results) and by a signed address
// that only the recipient has; a sender who is not verified sees no tenant's
// data and opens no conversation in anybody's name.
//
// Every mail we send has a Message-ID derived from the message it carries, so a
// repeated try is the same mail, and says that a machine sent it where one did.
package email
