// Package onboarding is the live record of a tenant's onboarding: project,
// stages, milestones, tasks, documents, signatures, verification, integrations,
// environments, training, meetings, people.
//
// Load reads the record of one tenant; what follows from it (overdue, forecast,
// health, progress, blockers, whose turn) is derived here, once, in pure
// functions. Package status answers questions from a Record; View is the
// roadmap page. Texts that are not for customers are not in a Record at all.
package onboarding
