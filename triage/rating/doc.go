// Package rating asks customers how a matter was settled, once, and counts what
// they say.
//
//	Settled   stores a resolution and its job, in the transaction that settles
//	Ask       asks about it, or says why not: reopened, asked lately, off, night
//	Give      takes the score and the comment; changeable and to be withdrawn for OpenFor
//	Summarize adds up: by who settled it, team, topic, tenant and week
//
// The question appears in the conversation; who writes by e-mail gets a mail too,
// with signed links. A link only opens a page: what follows links by itself rates
// nothing. A matter counts once, however often it was settled or merged.
package rating
