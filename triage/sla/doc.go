// Package sla measures promised times: how long until a first reply, a next
// reply and a resolution, in the tenant's business hours.
//
// A clock is a row, never a timer: jobs look at it at its warning and due times,
// and a sweep finds those whose job was lost. So a killed worker changes nothing
// but the minute at which a breach is noticed, and a breach fires once.
//
//	running ──pause──▶ paused ──resume──▶ running ──stop──▶ stopped (met, breached, cancelled)
//
// The desk says how a ticket stands (Facts); Sync makes the clocks follow.
package sla
