// Package schedule computes when a project's open work ends, by working days and
// finish-to-start dependencies. It is pure: days and tasks in, days out, so that
// every surface that names a forecast names the same one.
package schedule
