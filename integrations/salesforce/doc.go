// Package salesforce keeps one Case per ticket of ours, found by an External Id
// field, with comments, and reads back what people change there.
//
// Changes come back by polling SystemModstamp with an overlap: it needs no
// public address, no streaming channel and no extra licence, and misses nothing
// after an outage; a change arrives within the interval. The state is then taken
// from a reading, so seeing a change twice does no harm.
package salesforce
